package audit

import (
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8stesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
)

// Who may not read the Lease still learns whose the interfaces are, and is told what he does not know.
func TestLeaseForbidden(t *testing.T) {
	l := newLab(t)
	l.core.PrependReactor("get", "leases", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, leaseName, nil)
	})
	_, report := l.whose(exitFindings, "--security-group="+group, "--cluster-id=c1")
	if first := report.Interfaces[0]; first.Whose != audit.OursLeaked || !strings.Contains(first.Why, "whether a controller runs that deletes it can not be told") {
		t.Errorf("%+v", first)
	}
}

func TestStateOfALease(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	renewed := func(ago time.Duration, holder string) *coordinationv1.Lease {
		return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: new(int32(15)), RenewTime: &metav1.MicroTime{Time: now.Add(-ago)}}}
	}
	for name, test := range map[string]struct {
		lease *coordinationv1.Lease
		want  audit.ControllerState
	}{
		"held":     {renewed(15*time.Second, "x"), audit.ControllerLeads},
		"expired":  {renewed(16*time.Second, "x"), audit.ControllerAway},
		"given up": {renewed(0, ""), audit.ControllerAway},
		"new":      {&coordinationv1.Lease{}, audit.ControllerAway},
	} {
		if got := stateOf(test.lease, now); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
