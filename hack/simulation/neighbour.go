package simulation

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
)

// This file is about a second cluster that lives in the same account: with the same name and another identity, with
// Nodes and NodeENIs of the same names and UIDs, in the same subnets, as a cluster is that was copied and then told
// apart. Its controller is as alive as ours, the same happens to it, and the property must hold for it as well. What
// either of them does to an interface that it has not made is a violation at once (moment.go).

const (
	neighbourID = "cluster-3"
	// neighbourShare is in how many of the seeds there is one, neighbourDoes how much of what happens concerns it.
	neighbourShare, neighbourDoes = 1.0 / 8, 1.0 / 3
	// neighbourInstances is from which number on the instances of its Nodes are named.
	neighbourInstances = 0x100
)

// newNeighbour is what the other cluster begins with. Its instances are put into the world's EC2.
func newNeighbour(d dice, w *world) *world {
	other := &world{renewDeadline: leaseDuration * 2 / 3, zones: w.zones, subnets: w.subnets, groups: w.groups, resync: w.resync, replicas: 1, instances: neighbourInstances}
	d ^= neighbourInstances // the same names, not the same draws
	other.onNodes = drawOnNodes(d)
	for i := range 4 {
		other.addNode(d, i)
	}
	for i := range 2 {
		other.nodeENIs = append(other.nodeENIs, other.newNodeENI(d.of("nodeeni", i), w.nodeENIs[i].Name))
	}
	w.ec2.Instances = append(w.ec2.Instances, other.ec2.Instances...)
	return other
}

// settle has the other cluster live in the account of the first.
func (r *run) settle(world *world) {
	world.ec2.Quotas = r.world.ec2.Quotas
	r.neighbour = &run{
		seed: r.seed, world: world, trace: r.trace, server: strictapi.New(uint64(r.seed.dice)), log: r.log, prefix: "other-",
		gone: map[string]*corev1.Node{}, cluster: neighbourID, tally: r.tally, host: r,
	}
	r.neighbour.watch = newWatch(r.neighbour)
}

// clusters are all that there are, whichever is asked.
func (r *run) clusters() []*run {
	switch {
	case r.host != nil:
		return r.host.clusters()
	case r.neighbour == nil:
		return []*run{r}
	}
	return []*run{r, r.neighbour}
}

// some is the cluster that something concerns.
func (r *run) some(draw *rand.Rand) *run {
	if r.neighbour == nil || !chance(draw, neighbourDoes) {
		return r
	}
	r.tally.add("something happens to the other cluster")
	return r.neighbour
}
