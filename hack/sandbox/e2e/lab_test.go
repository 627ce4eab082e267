package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

const (
	testTimeout = 3 * time.Minute
	// patience is how long anything that must happen may take.
	patience     = 45 * time.Second
	cleanTimeout = 30 * time.Second
	pollEvery    = 100 * time.Millisecond
)

// quick is an EC2 that keeps nobody waiting.
var quick = sandbox.Latency(300*time.Millisecond, 300*time.Millisecond, 5*time.Millisecond, 500*time.Millisecond)

// lab is what one test has for itself.
type lab struct {
	*testing.T
	ctx        context.Context
	cluster    *sandbox.Cluster
	sim        *sandbox.Simulator
	id         string // of the cluster, in EC2
	dir        string
	kubeconfig string
	replicas   []*sandbox.Controller
}

// newLab waits for a control plane, starts a simulator with the machines' instances, and makes their Nodes.
func newLab(t *testing.T, machines ...sandbox.Machine) *lab {
	t.Helper()
	return newLabIn(t, sandbox.NewWorld(machines, quick), machines...)
}

// newLabIn does so in a world that the test has made.
func newLabIn(t *testing.T, world ec2sim.World, machines ...sandbox.Machine) *lab {
	t.Helper()
	t.Parallel()
	cluster := shared.Take()
	t.Cleanup(func() { shared.Give(cluster) })
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	l := &lab{T: t, ctx: ctx, cluster: cluster, dir: t.TempDir(), id: strings.ReplaceAll(t.Name(), "/", ".")}
	t.Cleanup(l.clean)
	var err error
	if l.sim, err = sandbox.StartSimulator(ctx, shared.repo, shared.binaries, world, l.dir); err != nil {
		t.Fatal(err)
	}
	if l.kubeconfig, err = l.cluster.ControllerKubeconfig(ctx); err != nil {
		t.Fatal(err)
	}
	for _, machine := range machines {
		if err := l.cluster.AddNode(ctx, machine); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// startController starts one more replica. Its election is quick to notice that a leader is gone.
func (l *lab) startController(args ...string) *sandbox.Controller {
	l.Helper()
	return l.startControllerOf(l.id, args...)
}

// startControllerOf starts one for a cluster ID, which may be none.
func (l *lab) startControllerOf(clusterID string, args ...string) *sandbox.Controller {
	l.Helper()
	return l.startControllerIn(nil, clusterID, args...)
}

// startControllerIn starts one with more in its environment.
func (l *lab) startControllerIn(env []string, clusterID string, args ...string) *sandbox.Controller {
	l.Helper()
	controller, err := sandbox.StartController(shared.binaries, sandbox.ControllerOptions{
		Name:       "controller-" + string(rune('a'+len(l.replicas))),
		Kubeconfig: l.kubeconfig,
		EC2:        l.sim.URL,
		ClusterID:  clusterID,
		Env:        env,
		Args: append([]string{
			"--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms",
		}, args...),
	}, l.dir)
	if err != nil {
		l.Fatal(err)
	}
	l.replicas = append(l.replicas, controller)
	return controller
}

// eventually waits until the check finds nothing wrong.
func (l *lab) eventually(what string, check func(context.Context) error) {
	l.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	last := errors.New("never checked")
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(context.Context) (bool, error) {
		last = check(l.ctx) // not cut off by the deadline: what was really seen is worth more
		return last == nil, nil
	})
	if err != nil {
		l.Fatalf("after %s still not %s: %v", time.Since(started).Round(time.Second), what, last)
	}
	l.Logf("%s after %s", what, time.Since(started).Round(10*time.Millisecond))
}

// must fails the test at once.
func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// clean ends what the test started and removes what it made. After a failure it tells the story first.
func (l *lab) clean() {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
	defer cancel()
	l.nothingDenied(ctx)
	if l.Failed() {
		l.report(ctx)
	}
	for _, controller := range l.replicas {
		if err := controller.Kill(ctx); err != nil {
			l.Error(err)
		}
		l.cleanLog(controller)
	}
	if err := l.cluster.Empty(ctx); err != nil {
		l.Errorf("cleaning up: %v", err)
	}
	if l.sim != nil {
		if err := l.sim.Kill(ctx); err != nil {
			l.Error(err)
		}
	}
}

// cleanLog demands that a controller tells of no bug, and of nothing that the RBAC of the manifests forbids.
func (l *lab) cleanLog(controller *sandbox.Controller) {
	if line := controller.Complaint(); line != "" {
		l.Errorf("%s: %s%s", controller.Name, line, sandbox.Tail(controller.Log()))
	}
}

// nothingDenied demands that the IAM policy of the manifests is enough.
func (l *lab) nothingDenied(ctx context.Context) {
	if l.sim == nil {
		return
	}
	calls, err := l.sim.Calls(ctx)
	if err != nil {
		l.Error(err)
	}
	for action, codes := range calls {
		if denied := codes["UnauthorizedOperation"] + codes["AuthFailure"]; denied > 0 {
			l.Errorf("%s was denied %d times", action, denied)
		}
	}
}

// report prints what helps to understand a failure.
func (l *lab) report(ctx context.Context) {
	if objects, err := l.cluster.Kubectl.Run(ctx, "get", "nodeeni", "-o", "yaml"); err == nil {
		l.Logf("NodeENIs:\n%s", objects)
	}
	if events, err := l.cluster.Kubectl.Run(ctx, "get", "events", "-A"); err == nil {
		l.Logf("events:\n%s", events)
	}
	if l.sim != nil {
		if world, err := l.sim.World(ctx); err == nil {
			l.Logf("interfaces in EC2:\n%s", describe(world.Interfaces))
		}
		if calls, err := l.sim.Calls(ctx); err == nil {
			l.Logf("calls: %v", calls)
		}
	}
	for _, process := range l.replicas {
		l.Logf("%s:\n%s", process.Name, sandbox.Tail(process.Log()))
	}
}
