package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
)

// message is that of a condition, or of the one list entry.
func (l *lab) message(name, condition string) string {
	l.Helper()
	if c := meta.FindStatusCondition(l.nodeENI(name).Status.Conditions, condition); c != nil {
		return c.Message
	}
	return ""
}

// A read that is refused from the very start is told on whatever waits for it - the action, EC2's answer, what helps -
// whether or not anybody asks EC2 for permissions, and all goes on when it is allowed.
func TestAReadThatIsRefusedFromTheStartIsTold(t *testing.T) {
	for _, test := range []struct{ action, code, reason, cure string }{
		{"DescribeInstances", "UnauthorizedOperation", v1alpha1.ReasonPermissionDenied, "manifests/iam"},
		{"DescribeInstanceTypes", "UnauthorizedOperation", v1alpha1.ReasonPermissionDenied, "manifests/iam"},
		{"DescribeSubnets", "UnauthorizedOperation", v1alpha1.ReasonPermissionDenied, "manifests/iam"},
		{"DescribeInstances", "AuthFailure", v1alpha1.ReasonCredentialsRejected, "credentials"},
		{"DescribeSubnets", "AuthFailure", v1alpha1.ReasonCredentialsRejected, "credentials"},
	} {
		t.Run(test.action+" "+test.code, func(t *testing.T) {
			inLab(t, 2, nil, func(l *lab) {
				l.settleAndStop()
				l.fault(ec2sim.Fault{Effect: "error", Action: test.action, Code: test.code})
				l.start()
				l.ask("a", 1)
				l.pass(5 * time.Second)
				l.wantCondition("a", v1alpha1.ConditionReady, "False "+test.reason)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+test.reason)
				for _, text := range []string{test.action, test.code, test.cure} {
					if got := l.message("a", v1alpha1.ConditionStalled); !strings.Contains(got, text) {
						t.Errorf("Stalled says %q, want %q in it", got, text)
					}
				}
				l.pass(30 * time.Minute)
				writes := l.writes()
				l.pass(time.Hour)
				if n := l.writes() - writes; n > 0 {
					t.Errorf("%d writes while the same is refused", n)
				}
				l.heal()
				l.pass(5 * time.Minute)
				l.wantAttached(2)
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			})
		})
	}
}

// A release that waits for a description which EC2 refuses says so too.
func TestARefusedReadIsToldOfWhatIsToBeReleased(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(1)
		l.fault(ec2sim.Fault{Effect: "error", Action: "DescribeInstances", Code: "UnauthorizedOperation"})
		l.pass(time.Minute)
		l.delete("a")
		l.pass(10 * time.Second)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonPermissionDenied)
		if got := l.message("a", v1alpha1.ConditionStalled); !strings.Contains(got, "IAM denies DescribeInstances; compare") {
			t.Errorf("Stalled says %q", got)
		}
		l.wantAttached(1)
		l.heal()
		l.finalizerIsHonest("a")
	})
}

// Reads of instances whose types are known do without the action that describes types: that they succeed does not say that
// it is allowed, and that nobody is refused any more does.
func TestAReadThatNeedsLessDisprovesNoRefusal(t *testing.T) {
	denied := func(operation string) error {
		return &eni.Error{Kind: eni.KindDenied, Disposition: eni.Blocked, Operation: operation, Code: "UnauthorizedOperation"}
	}
	start := time.Unix(0, 0)
	for _, test := range []struct {
		operation string
		after     time.Duration
		err       error
		news      bool
	}{
		{"DescribeInstances", time.Second, nil, true},
		{"DescribeInstances", time.Second, errors.New("no answer"), false},
		{"DescribeInstances", time.Second, denied("DescribeInstances"), false},
		{"DescribeInstances", time.Second, denied("DescribeInstanceTypes"), true},
		{"DescribeInstanceTypes", time.Second, nil, false},
		{"DescribeInstanceTypes", refusedFor, nil, true},
	} {
		var r readRefusals
		if r.took(inventory.ReadInstances, nil, start) || !r.took(inventory.ReadInstances, denied(test.operation), start) {
			t.Errorf("%s: news are a success before any refusal, or not the first refusal", test.operation)
		}
		if got := r.took(inventory.ReadInstances, test.err, start.Add(test.after)); got != test.news {
			t.Errorf("%s refused, and %v later %v: news %v, want %v", test.operation, test.after, test.err, got, test.news)
		}
		if got := r.of(inventory.ReadInstances).Reason != ""; got != (test.err != nil || !test.news) {
			t.Errorf("%s refused, and %v later %v: still refused: %v", test.operation, test.after, test.err, got)
		}
	}
}

// Some answers to credentials that have run out say what time it is. That they are refused is told once, whatever the
// time.
func TestARefusalThatTellsTheTimeIsNoNews(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	var r readRefusals
	var told string
	for i := range 5 {
		now := start.Add(time.Duration(i) * time.Minute)
		news := r.took(inventory.ReadInstances, &eni.Error{
			Kind: eni.KindCredentials, Operation: "DescribeInstances", Code: "ExpiredTokenException",
			Message: fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), start.Unix()),
		}, now)
		if news != (i == 0) {
			t.Errorf("refusal %d: news %v", i, news)
		}
		if told == "" {
			told = r.of(inventory.ReadInstances).Message
		}
	}
	if got := r.of(inventory.ReadInstances); got.Reason != v1alpha1.ReasonCredentialsRejected || got.Message != told || !strings.Contains(told, "ExpiredTokenException") {
		t.Errorf("at last %+v is told, want what was told first: %s", got, told)
	}
	if !r.took(inventory.ReadInstances, &eni.Error{Kind: eni.KindDenied, Operation: "DescribeInstances", Code: "UnauthorizedOperation"}, start) {
		t.Error("that IAM denies it is no news after credentials that had run out")
	}
}
