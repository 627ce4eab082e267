package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// settleTime is longer than the longest retry, an hour.
	settleTime = 75 * time.Minute
	// helpTime is how long what was held may take once it is helped: it is seen with the next list of everything, of which
	// an interface that nobody owns takes two more, ten minutes from one to the next, and a minute until it is looked at.
	helpTime = 40 * time.Minute
	// quietTime is for how long nothing must happen then.
	quietTime = time.Hour
)

// run is one run of one seed, in a bubble of virtual time.
type run struct {
	seed   Seed
	world  *world
	sim    *ec2sim.Simulator
	server *strictapi.Server
	user   *strictapi.Client
	trace  *trace
	watch  *watcher
	ledger *ledger
	tally  *tally
	// cluster is the identity of the cluster that the replicas work for; prefix comes before their names.
	cluster, prefix string
	replicas        []*replica
	log             func(name string) klog.Logger
	// gone are the Nodes that were deleted while their instances live, cni the interfaces of the VPC CNI.
	gone map[string]*corev1.Node
	cni  []string
	// delayed are the calls to EC2 that take effect when nobody waits for their answer any more.
	delayed delayed
	// neighbour is another cluster in the same account; nil where there is none. host is the one that this is the
	// neighbour of.
	neighbour, host *run
}

func (r *run) logger(name string) klog.Logger {
	if r.log == nil {
		return discard
	}
	return r.log(name)
}

// Result is what came of a run.
type Result struct {
	Violations []property.Violation
	Trace      *trace
	Coverage   Coverage
	// Played is the seed with the steps that came in addition.
	Played Seed
	// Acts and Faults are how many took effect.
	Acts, Faults int
}

// Run runs a seed. It must be called in a bubble of virtual time, and all that it started has ended when it returns.
func Run(seed Seed, log func(string) klog.Logger) (Result, error) {
	r := newRun(seed, newWorld(seed.dice), log)
	if err := r.begin(ec2sim.Options{}); err != nil {
		return Result{}, err
	}
	r.play()
	r.heal()
	r.judge()
	r.end()
	var found []property.Violation
	for _, c := range r.clusters() {
		found = append(found, c.watch.found...)
	}
	acts, faults := r.effects()
	played := r.seed
	played.whole = false // what came in addition is among its steps
	return Result{found, r.trace, r.coverage(), played, acts, faults}, nil
}

func newRun(seed Seed, world *world, log func(string) klog.Logger) *run {
	r := &run{
		seed: seed, world: world, trace: &trace{began: time.Now()}, server: strictapi.New(uint64(seed.dice)), log: log,
		gone: map[string]*corev1.Node{}, cluster: clusterID, tally: &tally{},
	}
	r.watch = newWatch(r)
	if world.neighbour != nil {
		r.settle(world.neighbour)
	}
	return r
}

// begin makes everything that the world begins with, and starts the replicas.
func (r *run) begin(options ec2sim.Options) (err error) {
	if r.sim, err = ec2sim.New(r.world.ec2, options); err != nil {
		return err
	}
	r.ledger = newLedger(r.sim.Snapshot())
	for _, c := range r.clusters() {
		c.sim, c.ledger = r.sim, r.ledger
		if err := c.inhabit(); err != nil {
			return err
		}
	}
	return nil
}

// inhabit makes the objects of one cluster, and starts its replicas.
func (r *run) inhabit() error {
	r.server.OnWrite(r.watch.wrote)
	r.server.OnWrite(r.watch.truth.wrote)
	r.user = r.server.NewClient("user")
	if err := r.populate(); err != nil {
		return err
	}
	for _, name := range []string{"replica-0", "replica-1"}[:r.world.replicas] {
		r.replicas = append(r.replicas, &replica{name: r.prefix + name, run: r})
	}
	for _, p := range r.replicas {
		p.start()
		time.Sleep(time.Second)
	}
	return nil
}

// end stops the replicas, and looks what they have left.
func (r *run) end() {
	for _, c := range r.clusters() {
		for _, p := range c.replicas {
			p.stop()
		}
	}
	time.Sleep(restartPause + 5*time.Minute)
	r.leaks()
}

// populate makes the objects that a world begins with.
func (r *run) populate() error {
	ctx := context.Background()
	for i, node := range r.world.nodes {
		begins := r.tainted(r.seed.of("taints of node", i), node)
		if _, err := r.user.Kube().CoreV1().Nodes().Create(ctx, begins, metav1.CreateOptions{}); err != nil {
			return err
		}
		r.register(r.seed.of("registering node", i), begins)
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
	if r.check("settled"); r.failed() {
		return
	}
	// One hold may come to light behind another: a detach that never ends behind tags that were lost.
	for range 3 {
		helped := false
		for _, c := range r.clusters() {
			for _, h := range property.Holds(c.nodeENIs(), c.nodes(), c.truth()) {
				c.help(h)
				helped = true
			}
		}
		if !helped {
			break
		}
		time.Sleep(helpTime)
		if r.check("after help"); r.failed() {
			return
		}
	}
	for _, c := range r.clusters() {
		for _, h := range property.Holds(c.nodeENIs(), c.nodes(), c.truth()) {
			c.watch.violated(2, "after help: %s of NodeENI %s is still held: %s", h.InterfaceID, h.NodeENI, h.Reason)
			return
		}
	}
	if r.quiet(); !r.failed() {
		r.noMore()
	}
}

// failed reports whether the property is violated, for whichever cluster.
func (r *run) failed() bool {
	return slices.ContainsFunc(r.clusters(), func(c *run) bool {
		c.watch.mu.Lock()
		defer c.watch.mu.Unlock()
		return len(c.watch.found) > 0
	})
}

// help does what the reason of a hold asks a person to do.
func (r *run) help(h property.Hold) {
	var did string
	r.tally.add("held: " + h.Reason)
	switch {
	case h.NodeENI == "" && h.Reason == v1alpha1.ReasonCleanupHalted:
		did = r.approveOrphans()
		r.trace.add("CHECK", "%s, whose NodeENI is gone, is held; %s", h.InterfaceID, did)
		return
	}
	switch h.Reason {
	case v1alpha1.ReasonCleanupHalted:
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationAllowReleaseUntil, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		_, err := r.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Patch(context.Background(), h.NodeENI, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		did = fmt.Sprintf("approved: %v", err)
	case v1alpha1.ReasonTagsLost:
		did = "tagged again: "
		for _, c := range r.clusters() { // it may be a copy's that holds it as well
			c.watch.mu.Lock()
			uid, made := c.watch.stripped[h.InterfaceID]
			c.watch.mu.Unlock()
			if made {
				did += r.tag(h.InterfaceID, eni.TagClusterID, c.cluster) + " " + r.tag(h.InterfaceID, eni.TagNodeENIUID, uid)
			}
		}
	default:
		did = "detached by hand: " + r.control("POST", "interfaces/"+h.InterfaceID+"/detach?now=true", nil)
	}
	r.trace.add("CHECK", "%s of NodeENI %s is held: %s; %s", h.InterfaceID, h.NodeENI, h.Reason, did)
}

func (r *run) check(when string) {
	for _, c := range r.clusters() {
		for _, v := range property.Check(c.nodeENIs(), c.nodes(), c.truth()) {
			c.watch.violated(v.Clause, "%s: %s", when, v.Message)
		}
	}
	for _, diff := range r.ledger.differences(r.sim.Snapshot()) {
		r.watch.violated(3, "%s: %s", when, diff)
	}
}

// truth is EC2 as it is.
func (r *run) truth() property.World {
	s := r.sim.Snapshot()
	r.watch.lost(s)
	stuck := r.watch.stuckOrphans(s)
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	return property.World{
		Snapshot: s, ClusterIDs: []string{r.cluster}, Limits: limits, Stripped: maps.Clone(r.watch.stripped), Restarted: maps.Clone(r.watch.forgotten), Forced: maps.Clone(r.watch.forced),
		HaltedOrphans: r.watch.halted, StuckOrphans: stuck, Quota: r.world.ec2.Quotas.InterfacesPerRegion, OnNodes: r.world.onNodes,
	}
}

func (r *run) nodeENIs() []v1alpha1.NodeENI {
	list, err := r.user.NodeENIs().NetworkingV1alpha1().NodeENIs().List(context.Background(), metav1.ListOptions{})
	if apierrors.IsNotFound(err) { // the API server does not know them for a while
		return nil
	}
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

// heal ends all faults: whatever is wrong from here on is the controller's own.
func (r *run) heal() {
	r.trace.add("CHECK", "faults end")
	r.sim.RemoveFaults(0)
	for _, c := range r.clusters() {
		c.server.SetServed("nodeenis", true)
		c.recover()
	}
}

// recover ends what is wrong with the replicas of one cluster.
func (r *run) recover() {
	for _, p := range r.replicas {
		p.setFaults(strictapi.Faults{})
		p.start()
		if life := p.living(); life != nil {
			life.gate.open()
			life.wire.gate.open()
			life.wire.killAt(0, false)
			life.client.KillAt(0, false)
		}
	}
}

// play plays the seed's acts and faults, in order of time.
func (r *run) play() {
	for _, s := range r.seed.steps {
		time.Sleep(s.at - time.Since(r.trace.began))
		s.do(r)
	}
	if r.seed.whole {
		r.fill()
	}
	time.Sleep(actTime - time.Since(r.trace.began))
}
