package cloud

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// TestMeanings spells out what the table must say of the codes that a decision hangs on.
func TestMeanings(t *testing.T) {
	everything := slices.Concat(changing, describing)
	for _, row := range []struct {
		codes   string // separated by blanks
		actions []string
		status  int // 400 when 0
		kind    eni.Kind
		then    eni.Disposition
		unknown bool
	}{
		{codes: throttleCodes, actions: everything, status: 503, kind: eni.KindThrottled, then: eni.Wait},
		{codes: "SomeRateProxy", actions: everything, status: 429, kind: eni.KindThrottled, then: eni.Wait, unknown: true},
		{codes: "UnauthorizedOperation AccessDenied OptInRequired Blocked PendingVerification", actions: changing, kind: eni.KindDenied, then: eni.Blocked},
		{codes: "UnauthorizedOperation", actions: describing, kind: eni.KindDenied, then: eni.Retry},
		{codes: "SomethingForbidden", actions: changing, status: 403, kind: eni.KindDenied, then: eni.Blocked, unknown: true},
		{codes: "RequestExpired ExpiredToken SignatureDoesNotMatch", actions: changing, kind: eni.KindCredentials, then: eni.Blocked},
		{codes: "AuthFailure", actions: []string{createNetworkInterface}, status: 401, kind: eni.KindCredentials, then: eni.Blocked},
		{codes: "AuthFailure", actions: onInterface, status: 401, kind: eni.KindNoAccess, then: eni.Blocked},
		{codes: "AuthFailure", actions: describing, status: 401, kind: eni.KindCredentials, then: eni.Retry},
		{codes: "SomethingUnauthenticated", actions: changing, status: 401, kind: eni.KindCredentials, then: eni.Blocked, unknown: true},
		{codes: "InternalError Unavailable RequestTimeout", actions: everything, status: 500, kind: eni.KindUnknownOutcome, then: eni.Retry},
		{codes: "NeverHeardOf", actions: everything, status: 502, kind: eni.KindUnknownOutcome, then: eni.Retry, unknown: true},
		{codes: "NeverHeardOf", actions: everything, status: 302, kind: eni.KindUnknownOutcome, then: eni.Retry, unknown: true},
		{codes: "NeverHeardOf AttachmentLimitExceeded", actions: []string{createNetworkInterface, deleteTags}, kind: eni.KindUnclear, then: eni.Retry, unknown: true},

		{codes: "InvalidNetworkInterfaceID.NotFound InvalidNetworkInterfaceId.NotFound InvalidNetworkInterface.NotFound", actions: releasing, kind: eni.KindNotFound, then: eni.Done},
		{codes: "InvalidNetworkInterfaceID.NotFound InvalidID", actions: []string{attachNetworkInterface, createTags, deleteTags, modifyInterfaceAttribute}, kind: eni.KindNotFound, then: eni.Retry},
		{codes: "InvalidAttachmentID.NotFound InvalidAttachmentId.NotFound", actions: []string{detachNetworkInterface}, kind: eni.KindNotFound, then: eni.Done},
		{codes: "InvalidSubnetID.NotFound InvalidSubnetId.NotFound", actions: []string{createNetworkInterface}, kind: eni.KindSubnetNotFound, then: eni.Blocked},
		{codes: "InvalidGroup.NotFound InvalidGroupId.NotFound InvalidSecurityGroupID.NotFound InvalidParameterCombination", actions: groupsGiven, kind: eni.KindGroupNotFound, then: eni.Blocked},
		{codes: "InvalidParameterCombination", actions: []string{attachNetworkInterface}, kind: eni.KindZoneMismatch, then: eni.Blocked},
		{codes: "InvalidParameterValue", actions: changing, kind: eni.KindUnclear, then: eni.Retry},
		{codes: "InvalidParameterValue InvalidNextToken InvalidPaginationToken", actions: describing, kind: eni.KindInvalid, then: eni.Retry},
		{codes: "InvalidNetworkInterface.InUse", actions: []string{attachNetworkInterface, deleteNetworkInterface}, kind: eni.KindInterfaceInUse, then: eni.Retry},
		{codes: "IncorrectState", actions: []string{attachNetworkInterface}, kind: eni.KindInstanceState, then: eni.Blocked},
		{codes: "IncorrectState", actions: []string{deleteNetworkInterface, modifyInterfaceAttribute}, kind: eni.KindInterfaceInUse, then: eni.Retry},
		{codes: "IdempotentParameterMismatch InvalidClientToken", actions: []string{createNetworkInterface}, kind: eni.KindTokenMismatch, then: eni.Retry},
		{codes: "ConcurrentTagAccess", actions: []string{createTags, deleteTags}, kind: eni.KindThrottled, then: eni.Retry},
		{codes: "DryRunOperation", actions: changing, status: 412, kind: eni.KindInvalid, then: eni.Blocked},
	} {
		for _, action := range row.actions {
			for _, code := range strings.Fields(row.codes) {
				kind, then, known := meaningOf(action, code, cmp.Or(row.status, 400))
				if kind != row.kind || then != row.then || known == row.unknown {
					t.Errorf("%s answers %s: %q, %q, known %v; want %q, %q, %v", action, code, kind, then, known, row.kind, row.then, !row.unknown)
				}
			}
		}
	}
}

// TestTheTableIsWhole: every row says all that a row says, and where a row differs from what is usual for its kind,
// it is because of its action.
func TestTheTableIsWhole(t *testing.T) {
	for _, row := range ErrorTable() {
		if len(row.Codes) == 0 || row.Kind == "" || row.Then == "" || row.Until == "" || !strings.HasPrefix(row.Source, "https://") {
			t.Errorf("something is missing in %+v", row)
		}
		for _, action := range row.Actions {
			if _, ok := documented[action]; !ok {
				t.Errorf("%v: we do not call %s", row.Codes, action)
			}
		}
		if len(row.Actions) == 0 && row.Then != row.Kind.Disposition() {
			t.Errorf("%v: %s, usual for %q is %s", row.Codes, row.Then, row.Kind, row.Kind.Disposition())
		}
	}
}

// TestUnknownCodesAreCountedAndToldOnce: with few values of the label, whoever answers.
func TestUnknownCodesAreCountedAndToldOnce(t *testing.T) {
	unknownCodes = codeLog{}
	logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.Verbosity(2), ktesting.BufferLogs(true)))
	ctx := klog.NewContext(t.Context(), logger)
	c, _ := newScripted(t, inTurn(
		refusal(400, "Brand.New", "what is it"), refusal(400, "Brand.New", "what is it"), refusal(400, "no code at all!", ""),
		refusal(400, "InvalidNetworkInterface.InUse", "known")))
	unknownErrors.Reset()
	calls.Reset()
	for range 4 {
		_ = c.DeleteInterface(ctx, ours(), confirmed)
	}
	for name, want := range map[string]map[string]float64{
		"multi_eni_ec2_unknown_errors_total": {
			"action=DeleteNetworkInterface code=Brand.New": 2, "action=DeleteNetworkInterface code=Other": 1,
		},
		"multi_eni_ec2_calls_total": {
			"action=DeleteNetworkInterface code=Brand.New": 2, "action=DeleteNetworkInterface code=Other": 1,
			"action=DeleteNetworkInterface code=InvalidNetworkInterface.InUse": 1,
		},
	} {
		if diff := gocmp.Diff(want, gathered(t, name), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	text := logger.GetSink().(ktesting.Underlier).GetBuffer().String()
	if strings.Count(text, "Please report") != 1 || !strings.Contains(text, `code="Brand.New"`) {
		t.Errorf("want one line about the new code in\n%s", text)
	}
	for i := range 2 * maxUnknownCodes {
		labelOf(deleteNetworkInterface, "Made.Up."+strings.Repeat("x", i%60)+string(rune('a'+i%26)))
	}
	if got := len(unknownCodes.seen); got > maxUnknownCodes {
		t.Errorf("%d values of the label, want at most %d", got, maxUnknownCodes)
	}
	unknownCodes = codeLog{}
}
