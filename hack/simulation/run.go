package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

const (
	// settleTime is longer than the longest retry, an hour.
	settleTime = 75 * time.Minute
	// quietTime is for how long nothing must happen then.
	quietTime = time.Hour
)

// run is one run of one seed, in a bubble of virtual time.
type run struct {
	seed     Seed
	world    *world
	sim      *ec2sim.Simulator
	server   *server
	user     *client
	trace    *trace
	watch    *watcher
	replicas []*replica
	log      func(name string) logr.Logger
}

func (r *run) logger(name string) logr.Logger {
	if r.log == nil {
		return discard
	}
	return r.log(name)
}

// Result is what came of a run.
type Result struct {
	Violations []property.Violation
	Trace      *trace
}

// Run runs a seed. It must be called in a bubble of virtual time, and all that it started has ended when it returns.
func Run(seed Seed, log func(string) logr.Logger) (Result, error) {
	r := &run{seed: seed, world: newWorld(seed.dice), trace: &trace{began: time.Now()}, server: newServer(), log: log}
	r.watch = newWatch(r)
	var err error
	if r.sim, err = ec2sim.New(r.world.ec2, ec2sim.Options{}); err != nil {
		return Result{}, err
	}
	r.server.onWrite = r.watch.wrote
	r.user = r.server.NewClient("user")
	if err := r.populate(); err != nil {
		return Result{}, err
	}
	for _, name := range []string{"replica-0", "replica-1"}[:r.world.replicas] {
		r.replicas = append(r.replicas, &replica{name: name, run: r})
	}
	for _, p := range r.replicas {
		p.start()
	}
	r.play()
	r.judge()
	for _, p := range r.replicas {
		p.stop()
	}
	time.Sleep(restartPause + 5*time.Minute)
	r.leaks()
	return Result{r.watch.found, r.trace}, nil
}

// populate makes the objects that a world begins with.
func (r *run) populate() error {
	ctx := context.Background()
	for _, node := range r.world.nodes {
		if _, err := r.user.Kube().CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for _, n := range r.world.nodeENIs {
		if _, err := r.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Create(ctx, n, metav1.CreateOptions{}); err != nil {
			return err
		}
		time.Sleep(time.Second) // so that each is older than the next
	}
	return nil
}

// judge lets time pass, looks at everything, helps where help is asked for, looks again, and then wants quiet.
func (r *run) judge() {
	time.Sleep(settleTime)
	r.check("settled")
	if len(r.watch.found) > 0 {
		return
	}
	r.quiet()
}

func (r *run) check(when string) {
	for _, v := range property.Check(r.nodeENIs(), r.nodes(), r.truth()) {
		r.watch.violated(v.Clause, "%s: %s", when, v.Message)
	}
}

// truth is EC2 as it is.
func (r *run) truth() property.World {
	s := r.sim.Snapshot()
	r.watch.lost(s)
	return property.World{
		Snapshot: s, ClusterIDs: []string{clusterID}, Limits: limits, Stripped: r.watch.stripped, Restarted: r.watch.forgotten,
		Quota: r.world.ec2.Quotas.InterfacesPerRegion,
	}
}

func (r *run) nodeENIs() []v1alpha1.NodeENI {
	list, err := r.user.NodeENIs().NetworkingV1alpha1().NodeENIs().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		r.watch.violated(0, "listing NodeENIs: %v", err)
		return nil
	}
	return list.Items
}

func (r *run) nodes() []corev1.Node {
	list, err := r.user.Kube().CoreV1().Nodes().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		r.watch.violated(0, "listing Nodes: %v", err)
		return nil
	}
	return list.Items
}

// play plays the seed's acts and faults, in order of time.
func (r *run) play() {
	steps := slices.Clone(r.seed.steps)
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		time.Sleep(s.at - time.Since(r.trace.began))
		s.do(r)
	}
	time.Sleep(actTime - time.Since(r.trace.began))
}
