package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// The kind is deleted while the controller runs and EC2 detaches nothing. Somebody loses patience, forces the finalizers
// off, and installs everything again. The interfaces are still there, and they are adopted: none is replaced.
func TestTheKindIsForcedAwayAndInstalledAgain(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
		defer cancel()
		l.must(l.cluster.Install(ctx)) // the next test expects it
	})
	controller := l.startController()
	apply := func() {
		l.create(nodeENI("a", sandbox.SubnetA, 1))
		l.create(nodeENI("b", sandbox.SubnetB, 2))
	}
	want := slices.Concat(onAll(nodes, "a", sandbox.SubnetA, 1), onAll(nodes, "b", sandbox.SubnetB, 2))
	apply()
	l.converge(want...)
	before := l.ids()

	l.must(l.sim.AddFault(l.ctx, ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "InternalError"}))
	l.kubectl("delete", kind, "--wait=false")
	l.eventually("refused by EC2", func(ctx context.Context) error {
		calls, err := l.sim.Calls(ctx)
		if err == nil && calls["DetachNetworkInterface"]["InternalError"] == 0 {
			err = errors.New("no detach was refused")
		}
		return err
	})
	l.forceOff("a", "b")
	l.kubectl("wait", kind, "--for=delete", "--timeout=45s")
	l.must(l.sim.RemoveFaults(l.ctx))
	l.must(l.cluster.Install(l.ctx))
	apply()
	l.converge(want...)
	if diff := gocmp.Diff(before, l.ids()); diff != "" {
		t.Errorf("interfaces were replaced (-before +after):\n%s", diff)
	}
	l.neverTaken(len(want))
	select {
	case <-controller.Ended():
		t.Error("the controller has ended on the way")
	default:
	}
	l.delete("a", "b")
	l.gone("a", "b")
	l.must(l.inEC2(l.ctx, nil))
}

// ids are the interfaces of ours.
func (l *lab) ids() []string {
	l.Helper()
	world, err := l.sim.World(l.ctx)
	l.must(err)
	set := map[string]bool{}
	for _, iface := range l.owned(world) {
		set[iface.ID] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// forceOff takes the finalizers off NodeENIs that are being deleted.
func (l *lab) forceOff(names ...string) {
	l.Helper()
	for _, name := range names {
		object, err := l.get(l.ctx, name)
		l.must(err)
		if object.DeletionTimestamp == nil || !slices.Contains(object.Finalizers, v1alpha1.Finalizer) {
			l.Fatalf("%s is not held: %+v", name, object.ObjectMeta)
		}
		_, err = l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(l.ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		l.must(err)
	}
}

// neverTaken demands that so many interfaces were made so far, and that nothing was taken away.
func (l *lab) neverTaken(interfaces int) {
	l.Helper()
	calls, err := l.sim.CallLog(l.ctx)
	l.must(err)
	made, taken := 0, []string{}
	for _, call := range calls {
		switch {
		case !call.Acted || call.Parameters["DryRun"] == "true":
		case call.Action == "CreateNetworkInterface":
			made++
		case call.Action == "DetachNetworkInterface" || call.Action == "DeleteNetworkInterface":
			taken = append(taken, fmt.Sprint(call.Action, " ", call.Parameters))
		}
	}
	if made != interfaces || len(taken) > 0 {
		l.Errorf("%d interfaces were made, want %d; taken away: %q", made, interfaces, taken)
	}
}
