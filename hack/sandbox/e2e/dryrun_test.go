package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// With --cleanup-dry-run nothing is taken away: it is logged and reported, and the deleted NodeENI stays until a
// controller without the flag has done it.
func TestCleanupDryRun(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	dry := l.startController("--cleanup-dry-run", "--ec2-resync-period=5s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.delete("a")
	l.eventually("held for the dry run", func(ctx context.Context) error {
		object, err := l.get(ctx, "a")
		if err != nil {
			t.Fatalf("the NodeENI must stay: %v", err)
		}
		if !slices.Contains(object.Finalizers, v1alpha1.Finalizer) {
			t.Fatalf("finalizers %v", object.Finalizers)
		}
		if len(object.Status.Releasing) != len(nodes) {
			return errors.New("not all interfaces are being released")
		}
		return condition(object, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCleanupDryRun)
	})
	l.atRest()
	if left := l.stillOwned(); left != len(nodes) {
		t.Errorf("%d interfaces are left, want %d", left, len(nodes))
	}
	if calls := mutating(l.calls()); calls["DetachNetworkInterface"]+calls["DeleteNetworkInterface"] > 0 {
		t.Errorf("a dry run made calls: %v", calls)
	}
	if got := strings.Count(dry.Log(), "Not released: dry run"); got != len(nodes) {
		t.Errorf("%d interfaces were logged, want each once, %d", got, len(nodes))
	}

	l.must(dry.Stop(l.ctx, 15*time.Second))
	l.startController()
	l.gone("a")
	l.must(l.inEC2(l.ctx, nil))
}
