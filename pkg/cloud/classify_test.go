package cloud

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// TestKindOfCode gives every code that EC2 documents, or was seen to answer, its meaning.
func TestKindOfCode(t *testing.T) {
	for _, row := range []struct {
		codes  string // separated by blanks
		action string // any when empty
		text   string
		status int // 400 when 0
		want   eni.Kind
	}{
		{codes: "RequestLimitExceeded Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException EC2ThrottledException BandwidthLimitExceeded SlowDown", status: 503, want: eni.KindThrottled},
		{codes: "RequestLimitExceeded Client.RequestLimitExceeded ConcurrentTagAccess", want: eni.KindThrottled},
		{codes: "SomeRateProxy", status: 429, want: eni.KindThrottled},

		{codes: "InvalidNetworkInterfaceID.NotFound InvalidNetworkInterfaceId.NotFound InvalidNetworkInterface.NotFound InvalidAttachmentID.NotFound InvalidID", want: eni.KindNotFound},
		{codes: "InvalidSubnetID.NotFound InvalidSubnetId.NotFound", want: eni.KindSubnetNotFound},
		{codes: "InvalidGroup.NotFound InvalidGroupId.NotFound InvalidSecurityGroupID.NotFound", want: eni.KindGroupNotFound},
		{codes: "InvalidInstanceID.NotFound", want: eni.KindInstanceNotFound},

		{codes: "InvalidNetworkInterface.InUse", want: eni.KindInterfaceInUse},
		{codes: "AttachmentLimitExceeded", want: eni.KindLimitReached},
		{codes: "NetworkInterfaceLimitExceeded", want: eni.KindQuotaReached},
		{codes: "InsufficientFreeAddressesInSubnet InsufficientCidrBlocks", want: eni.KindSubnetFull},
		{codes: "IncorrectState IncorrectInstanceState", action: attachNetworkInterface, want: eni.KindInstanceState},
		{codes: "IncorrectState", action: detachNetworkInterface, want: eni.KindInstanceState},
		{codes: "IncorrectState InvalidParameterValue InvalidNetworkInterface.InUse", action: deleteNetworkInterface, want: eni.KindInterfaceInUse},
		{codes: "IncorrectState", action: modifyInterfaceAttribute, want: eni.KindInterfaceInUse},

		{codes: "InvalidParameterValue", action: attachNetworkInterface, text: "Instance 'i-1' already has an interface attached at device index '1'.", want: eni.KindSlotTaken},
		{codes: "InvalidParameterCombination", action: attachNetworkInterface, want: eni.KindZoneMismatch},
		{codes: "InvalidParameterValue", action: createNetworkInterface, text: "There aren't sufficient free Ipv4 addresses or prefixes", want: eni.KindSubnetFull},
		{codes: "InvalidParameterValue", action: createNetworkInterface, text: "Value (x) for parameter subnetId is invalid", want: eni.KindInvalid},
		{codes: "InvalidParameterValue", action: modifyInterfaceAttribute, text: "There aren't sufficient free addresses", want: eni.KindInvalid},
		{codes: "InvalidParameterCombination", action: createNetworkInterface, want: eni.KindGroupNotFound},
		{codes: "InvalidParameterCombination", action: modifyInterfaceAttribute, want: eni.KindGroupNotFound},
		{codes: "InvalidParameterValue InvalidParameterCombination", action: detachNetworkInterface, want: eni.KindInvalid},
		{codes: "InvalidParameterValue InvalidParameterCombination", action: describeNetworkInterfaces, want: eni.KindInvalid},

		{codes: "UnauthorizedOperation", status: 403, want: eni.KindDenied},
		{codes: "AccessDenied OptInRequired Blocked PendingVerification", want: eni.KindDenied},
		{codes: "SomethingForbidden", status: 403, want: eni.KindDenied},
		{codes: "AuthFailure MissingAuthenticationToken", status: 401, want: eni.KindCredentials},
		{codes: "AuthFailure RequestExpired MissingAuthenticationToken InvalidClientTokenId SignatureDoesNotMatch ExpiredToken IncompleteSignature", want: eni.KindCredentials},
		{codes: "SomethingUnauthenticated", status: 401, want: eni.KindCredentials},
		{codes: "IdempotentParameterMismatch InvalidClientToken", want: eni.KindTokenMismatch},

		{codes: "OperationNotPermitted SecurityGroupsPerInterfaceLimitExceeded PrivateIpAddressLimitExceeded InvalidIPAddress.InUse Resource.AlreadyAssigned TagLimitExceeded InvalidTagKey.Malformed FilterLimitExceeded InvalidMaxResults InvalidNextToken InvalidPaginationToken InvalidFilter", want: eni.KindInvalid},
		{codes: "InvalidNetworkInterfaceId.Malformed InvalidInstanceID.Malformed InvalidSubnetID.Malformed InvalidGroupId.Malformed InvalidSecurityGroupId.Malformed InvalidNetworkInterfaceAttachmentId.Malformed", want: eni.KindInvalid},
		{codes: "DryRunOperation", status: 412, want: eni.KindInvalid},
		{codes: "NeverHeardOf", want: eni.KindInvalid},

		{codes: "InternalError InternalFailure", status: 500, want: eni.KindUnknownOutcome},
		{codes: "ServiceUnavailable Unavailable", status: 503, want: eni.KindUnknownOutcome},
		{codes: "NeverHeardOf", status: 502, want: eni.KindUnknownOutcome},
		{codes: "RequestTimeout RequestTimeoutException", want: eni.KindUnknownOutcome},
		{codes: "NeverHeardOf", status: 302, want: eni.KindUnknownOutcome},
	} {
		actions := []string{row.action}
		if row.action == "" {
			actions = []string{createNetworkInterface, attachNetworkInterface, deleteNetworkInterface, createTags, describeNetworkInterfaces}
		}
		for _, action := range actions {
			for _, code := range strings.Fields(row.codes) {
				if got := kindOfCode(action, code, row.text, cmp.Or(row.status, 400)); got != row.want {
					t.Errorf("%s answers %d %s %q: %q, want %q", action, row.status, code, row.text, got, row.want)
				}
			}
		}
	}
}

// TestFailures sends calls on the wire and looks at what becomes of failures there.
func TestFailures(t *testing.T) {
	cut := errors.New("connection reset by peer")
	for _, row := range []struct {
		name   string
		answer answer
		want   eni.Error
	}{
		{"EC2 refuses", refusal(400, "InvalidNetworkInterfaceID.NotFound", "no such"), eni.Error{
			Kind: eni.KindNotFound, Code: "InvalidNetworkInterfaceID.NotFound", Message: "no such", RequestID: "req-bad",
		}},
		{"EC2 throttles", refusal(503, "RequestLimitExceeded", "slow"), eni.Error{
			Kind: eni.KindThrottled, Code: "RequestLimitExceeded", Message: "slow", RequestID: "req-bad",
		}},
		{"EC2 fails", refusal(500, "InternalError", "oops"), eni.Error{
			Kind: eni.KindUnknownOutcome, Code: "InternalError", Message: "oops", RequestID: "req-bad",
		}},
		{"no answer", answer{err: cut}, eni.Error{Kind: eni.KindUnknownOutcome}},
		{"no connection", answer{err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, eni.Error{Kind: eni.KindNotSent}},
		{"no name", answer{err: &net.DNSError{Err: "no such host", Name: "ec2"}}, eni.Error{Kind: eni.KindNotSent}},
		{"connection cut while writing", answer{err: &net.OpError{Op: "write", Err: cut}}, eni.Error{Kind: eni.KindUnknownOutcome}},
		{"error page of a proxy", answer{status: 502, body: "<html><body>Bad Gateway</body></html>"}, eni.Error{Kind: eni.KindUnknownOutcome}},
		{"error that is no XML", answer{status: 400, body: "{not xml"}, eni.Error{Kind: eni.KindUnknownOutcome}},
		{"error without a body", answer{status: 503, header: http.Header{"X-Amzn-Requestid": {"req-head"}}}, eni.Error{
			Kind: eni.KindUnknownOutcome, RequestID: "req-head",
		}},
		{"success of somebody else", answer{status: 200, body: "<html><body>Welcome</body></html>"}, eni.Error{Kind: eni.KindUnknownOutcome}},
		{"success without a body", answer{status: 200}, eni.Error{Kind: eni.KindUnknownOutcome}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, s := newScripted(t, always(row.answer))
			err := c.DeleteInterface(t.Context(), ours(), confirmed)
			var got *eni.Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v is no *eni.Error", err)
			}
			want := row.want
			want.Operation, want.Subject, want.Err = deleteNetworkInterface, interface1, got.Err
			if *got != want {
				t.Errorf("got %+v, want %+v", *got, want)
			}
			if !errors.Is(err, want.Kind) {
				t.Errorf("errors.Is(%v, %q) is false", err, want.Kind)
			}
			if n := len(s.requests()); n != 1 {
				t.Errorf("%d requests, want 1: the SDK must not retry", n)
			}
		})
	}
}

// TestNeverEmptyByMistake: what is not EC2's full answer must not read as a list with nothing in it.
func TestNeverEmptyByMistake(t *testing.T) {
	whole := success(describeNetworkInterfaces, `<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId></item></networkInterfaceSet>`).body
	bodies := map[string]string{
		"empty": "", "blank": "  \n", "html": "<html></html>", "other action": success(describeSubnets, "").body, "text": "OK",
	}
	for _, read := range reads {
		for name, body := range bodies {
			if name == "other action" && read.action == describeSubnets {
				continue
			}
			c, _ := newScripted(t, always(answer{status: 200, body: body}))
			if err := read.call(t.Context(), c); eni.KindOf(err) != eni.KindUnknownOutcome || err == nil {
				t.Errorf("%s, body %s: %v, want an unknown outcome", read.action, name, err)
			}
		}
	}
	for end := range len(whole) {
		c, _ := newScripted(t, always(answer{status: 200, body: whole[:end]}))
		if list, err := c.ListInterfaces(t.Context(), []string{cluster}, nil); err == nil {
			t.Fatalf("the answer %q reads as %v", whole[:end], list)
		}
	}
}

func TestLostCredentials(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	for _, row := range []struct {
		name string
		err  error
		code string
	}{
		{"refused by STS", denied, "AccessDenied"},
		{"throttled by STS", &smithy.GenericAPIError{Code: "RequestLimitExceeded"}, "RequestLimitExceeded"},
		{"no source", errors.New("no EC2 IMDS role found"), ""},
		{"STS not reached", &net.OpError{Op: "dial", Err: errors.New("refused")}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &script{reply: always(answer{})}
			cfg := configFor(s)
			cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, row.err
			})
			c := newKnowing(cfg, Options{ClusterIDs: []string{cluster}})
			before := tokensOf(c, deleteNetworkInterface)
			err := c.DeleteInterface(t.Context(), ours(), confirmed)
			var e *eni.Error
			if !errors.As(err, &e) || e.Kind != eni.KindCredentials || e.Code != row.code {
				t.Errorf("got %v, want %q with code %q", err, eni.KindCredentials, row.code)
			}
			if len(s.requests()) != 0 {
				t.Errorf("sent %v", s.requests())
			}
			if after := tokensOf(c, deleteNetworkInterface); after < before {
				t.Errorf("the token was not given back: %v, then %v", before, after)
			}
		})
	}
}

// tokensOf is how many tokens an action's bucket holds.
func tokensOf(c *Client, action string) float64 {
	b := c.limiter.buckets[action]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tokens
}
