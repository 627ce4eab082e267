package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// oneByOne makes a controller of which there is something left to kill: it works on one instance after the
// other, in an EC2 that takes its time for every call.
var (
	oneByOne  = []string{"--concurrent-attach-syncs=1", "--concurrent-cleanup-syncs=1"}
	thinking  = sandbox.Latency(300*time.Millisecond, 300*time.Millisecond, 100*time.Millisecond, 500*time.Millisecond)
	killEvery = 5 * time.Millisecond
)

// Killed in the middle of creating, attaching and setting the flag: no duplicate, no leak.
func TestKilledInTheMiddle(t *testing.T) {
	for _, action := range []string{"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute"} {
		t.Run(action, func(t *testing.T) {
			nodes := machines(4)
			l := newLabIn(t, sandbox.NewWorld(nodes, thinking), nodes...)
			first := l.startController(oneByOne...)
			l.create(nodeENI("a", sandbox.SubnetA, 1))
			l.killAfter(first, action, 2, len(nodes))
			l.startController()
			l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
			l.madeOnce(len(nodes))
		})
	}
}

// madeOnce demands that so many interfaces were made and none was taken away: a create that was tried again
// came with its client token, and got the interface that it had made.
func (l *lab) madeOnce(interfaces int) {
	l.Helper()
	calls, err := l.sim.CallLog(l.ctx)
	l.must(err)
	made := map[string]int{} // by client token
	for _, call := range calls {
		switch {
		case call.Parameters["DryRun"] == "true": // it takes nothing away
		case call.Action == "DetachNetworkInterface" || call.Action == "DeleteNetworkInterface":
			l.Errorf("call %d: %s %v, although every interface is wanted", call.Seq, call.Action, call.Parameters)
		case call.Action != "CreateNetworkInterface" || !call.Acted:
		case call.Parameters["ClientToken"] == "":
			l.Errorf("call %d: a create without a client token", call.Seq)
		default:
			made[call.Parameters["ClientToken"]]++
		}
	}
	if len(made) != interfaces {
		l.Errorf("%d interfaces were made, want %d; creates by client token: %v", len(made), interfaces, made)
	}
}

// Killed in the middle of detaching and deleting: no leak.
func TestKilledWhileReleasing(t *testing.T) {
	for _, action := range []string{"DetachNetworkInterface", "DeleteNetworkInterface"} {
		t.Run(action, func(t *testing.T) {
			nodes := machines(4)
			l := newLabIn(t, sandbox.NewWorld(nodes, thinking), nodes...)
			first := l.startController(oneByOne...)
			l.create(nodeENI("a", sandbox.SubnetA, 1))
			l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
			l.delete("a")
			l.killAfter(first, action, 2, len(nodes))
			l.startController()
			l.gone("a")
			l.must(l.inEC2(l.ctx, nil))
		})
	}
}

// killAfter kills the controller as soon as EC2 has answered so many calls of an action, of which more would
// have come.
func (l *lab) killAfter(controller *sandbox.Controller, action string, count, all int) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	l.must(wait.PollUntilContextCancel(ctx, killEvery, true, func(ctx context.Context) (bool, error) {
		calls, err := l.sim.Calls(ctx)
		return mutating(calls)[action] >= count, err
	}))
	l.must(controller.Kill(l.ctx))
	if made := mutating(l.calls())[action]; made >= all {
		l.Fatalf("%d of %d %s were made before the kill: this was not the middle", made, all, action)
	}
}

// Two replicas: one acts, the other waits, and takes over when the first is killed.
func TestTwoReplicas(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	first := l.startController()
	leader := l.leader("")
	second := l.startController()
	l.must(second.WaitHealthy(l.ctx))
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	l.happyPath(len(nodes)) // more, and both replicas would act
	if holder := l.leader(""); holder != leader {
		t.Errorf("the leader changed from %s to %s", leader, holder)
	}

	l.must(first.Kill(l.ctx))
	l.leader(leader)
	l.create(nodeENI("b", sandbox.SubnetB, 2))
	l.converge(append(onAll(nodes, "a", sandbox.SubnetA, 1), onAll(nodes, "b", sandbox.SubnetB, 2)...)...)
	l.happyPath(2 * len(nodes)) // what the first had made was not made or changed again
	if !second.Running() {
		t.Error("the second replica has ended")
	}
}

// leader waits until somebody other than the one named holds the lease.
func (l *lab) leader(other string) string {
	l.Helper()
	var holder string
	l.eventually("led", func(ctx context.Context) error {
		leases, err := l.cluster.Kube.CoordinationV1().Leases(sandbox.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, lease := range leases.Items {
			if identity := lease.Spec.HolderIdentity; identity != nil && *identity != "" && *identity != other {
				holder = *identity
				return nil
			}
		}
		return fmt.Errorf("%d leases, and nobody new holds one", len(leases.Items))
	})
	return holder
}

// SIGTERM: the lease is given up, the exit code is 0, and the next replica needs not wait.
func TestTerminatedGracefully(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	controller := l.startController("--leader-elect-lease-duration=60s", "--leader-elect-renew-deadline=40s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.must(controller.Signal(syscall.SIGTERM))
	ctx, cancel := context.WithTimeout(l.ctx, 15*time.Second)
	defer cancel()
	code, err := controller.Wait(ctx)
	l.must(err)
	if code != 0 {
		t.Errorf("exit code %d\n%s", code, sandbox.Tail(controller.Log()))
	}
	leases, err := l.cluster.Kube.CoordinationV1().Leases(sandbox.Namespace).List(l.ctx, metav1.ListOptions{})
	l.must(err)
	if len(leases.Items) != 1 {
		t.Fatalf("%d leases", len(leases.Items))
	}
	if holder := leases.Items[0].Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is still held by %s", *holder)
	}

	l.startController() // its short lease duration would not help against one that is held for 60 s
	l.create(nodeENI("b", sandbox.SubnetB, 2))
	l.converge(append(onAll(nodes, "a", sandbox.SubnetA, 1), onAll(nodes, "b", sandbox.SubnetB, 2)...)...)
}

// What the Deployment probes, and metrics, are served by the leader and by who waits for the lease.
func TestServesHealthAndMetrics(t *testing.T) {
	l := newLab(t)
	replicas := map[string]*sandbox.Controller{"leader": l.startController()}
	leader := l.leader("")
	replicas["standby"] = l.startController()
	for role, controller := range replicas {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			l.eventually(role+" serves "+path, func(ctx context.Context) error {
				status, body, err := controller.Get(ctx, path)
				if err != nil {
					return err
				}
				if status != http.StatusOK || strings.TrimSpace(body) == "" {
					return fmt.Errorf("status %d, body %q", status, body)
				}
				return nil
			})
		}
	}
	if holder := l.leader(""); holder != leader {
		t.Errorf("the leader changed from %s to %s: who stood by is not known", leader, holder)
	}
}
