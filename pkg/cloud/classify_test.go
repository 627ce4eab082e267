package cloud

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// TestFailures sends calls on the wire and looks at what becomes of failures there.
func TestFailures(t *testing.T) {
	cut := errors.New("connection reset by peer")
	for _, row := range []struct {
		name   string
		answer answer
		want   eni.Error
	}{
		{"EC2 refuses", refusal(400, "InvalidNetworkInterfaceID.NotFound", "no such"), eni.Error{
			Kind: eni.KindNotFound, Disposition: eni.Done, Code: "InvalidNetworkInterfaceID.NotFound", Message: "no such", RequestID: "req-bad",
		}},
		{"EC2 throttles", refusal(503, "RequestLimitExceeded", "slow"), eni.Error{
			Kind: eni.KindThrottled, Disposition: eni.Wait, Code: "RequestLimitExceeded", Message: "slow", RequestID: "req-bad",
		}},
		{"EC2 fails", refusal(500, "InternalError", "oops"), eni.Error{
			Kind: eni.KindUnknownOutcome, Disposition: eni.Retry, Code: "InternalError", Message: "oops", RequestID: "req-bad",
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
