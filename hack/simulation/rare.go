package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// This file is about what goes wrong only when several things come together, which single acts and faults, drawn each
// for itself, would bring together in one of thousands of seeds.

// rareShare is in how many of the seeds each of them happens.
const rareShare = 0.2

var rareActs = []act{
	{name: "create a NodeENI and delete it within seconds", do: (*actor).createInVain},
	{name: "delete the Node of an instance that takes its time to end", do: (*actor).endSlowly},
}

var rareFaults = []faultKind{
	{name: "the leader is killed while a NodeENI is deleted, and EC2 shows its successor nothing at first", begin: (*fault).lieToSuccessor},
	{name: "creates take effect when their NodeENI is being deleted", begin: (*fault).delayInVain},
	{name: "all Nodes lose their labels one after the other, and the leader is killed meanwhile", begin: (*fault).loseLabelsAndLeader},
}

// rare are the steps that a seed has beside those that it draws.
func (s Seed) rare() (steps []step) {
	number := 1000 // far from the others'
	for _, a := range rareActs {
		number++
		if r := s.of("rare", number); chance(r, rareShare) {
			steps = append(steps, s.act(number, r, a))
		}
	}
	for _, f := range rareFaults {
		number++
		if r := s.of("rare", number); chance(r, rareShare) {
			steps = append(steps, s.fault(number, r, f))
		}
	}
	return steps
}

// newVain is a NodeENI whose interfaces nothing stands in the way of.
func (r *run) newVain(dice *rand.Rand, number int) *v1alpha1.NodeENI {
	n := r.world.newNodeENI(dice, fmt.Sprintf("vain-%d", number))
	zone := dice.IntN(len(r.world.zones))
	n.Spec.SubnetID, n.Spec.NodeSelector = r.world.subnets[3*zone+1].ID, map[string]string{"zone": r.world.zones[zone]}
	n.Spec.DeviceIndex = 9 // which nobody has
	return n
}

// awaitInterface waits for a while until an interface of a NodeENI has been made.
func (r *run) awaitInterface(name string) {
	for range 100 {
		if slices.ContainsFunc(r.sim.Snapshot().Interfaces, func(e ec2sim.InterfaceNow) bool { return e.Tags[eni.TagNodeENIName] == name }) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// createInVain deletes a NodeENI while its first interfaces are being made, and perhaps not yet to be seen.
func (a *actor) createInVain() string {
	n := a.newVain(a.Rand, a.number)
	if _, err := a.client().Create(context.Background(), n, metav1.CreateOptions{}); err != nil {
		return a.said(err, "%s", n.Name)
	}
	d := between(a.Rand, 200*time.Millisecond, 6*time.Second)
	if chance(a.Rand, 0.5) { // as soon as one has been made, which EC2 may not show to all of itself yet
		d = between(a.Rand, time.Millisecond, 200*time.Millisecond)
		a.awaitInterface(n.Name)
	}
	time.Sleep(d)
	return a.said(a.client().Delete(context.Background(), n.Name, metav1.DeleteOptions{}), "%s after %v", n.Name, d)
}

// endSlowly terminates an instance, and has its Node deleted only after a while: where the instance still shuts down by
// then, nothing is to be taken from it.
func (a *actor) endSlowly() string {
	e, ok := a.someAttached()
	if !ok {
		return ""
	}
	for _, node := range a.nodes() {
		if lastPart(node.Spec.ProviderID) != e.Attachment.Instance {
			continue
		}
		d := between(a.Rand, 100*time.Second, 4*time.Minute)
		time.AfterFunc(d, func() {
			err := a.user.Kube().CoreV1().Nodes().Delete(context.Background(), node.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &node.UID}})
			a.trace.add(a.prefix+"ACT", "%d: node %s is deleted: %v", a.number, node.Name, err)
		})
		return fmt.Sprintf("%s of %s after %v: %s", e.Attachment.Instance, node.Name, d, a.control("POST", "instances/"+e.Attachment.Instance+"/terminate", nil))
	}
	return ""
}

// lieTime is for how long a new leader is shown nothing: for its first list and one a horizon later, not for those by
// which it may believe that something is gone, which begin no sooner than one and two horizons after it did.
const lieTime = 15 * time.Second

// omitFor has the lists of the cluster's interfaces be empty for a while.
func (f *fault) omitFor(d time.Duration) {
	added, err := f.sim.AddFault(ec2sim.Fault{Effect: "omit", Action: "DescribeNetworkInterfaces", Resource: f.cluster})
	if err != nil {
		f.watch.violated(0, "adding a fault: %v", err)
	}
	time.AfterFunc(d, func() { f.sim.RemoveFaults(added.ID) })
}

// lieToSuccessor kills the leader at once when a NodeENI is deleted, so that its interfaces are all there, and has EC2
// show the next one nothing at first.
func (f *fault) lieToSuccessor() string {
	f.later = true // its deed is counted with the omissions
	a := &actor{run: f.run, Rand: f.Rand, number: f.number}
	e, ok := a.someAttached()
	if !ok {
		return "nothing is attached"
	}
	name := ""
	for _, n := range f.nodeENIs() {
		if string(n.UID) == f.watch.ownerOf(e.ID) && n.DeletionTimestamp == nil {
			name = n.Name
		}
	}
	if name == "" {
		return e.ID + " is on its way out"
	}
	if err := a.client().Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
		return fmt.Sprintf("%s: %v", name, err)
	}
	for _, r := range f.replicas {
		r.crash()
	}
	f.watch.whenLed(func() {
		f.omitFor(lieTime)
	})
	return name
}

// loseLabelsAndLeader takes the labels from all Nodes, slowly enough for most of the interfaces to go unless somebody
// counts them, and kills the leaders in the middle of it, so that the next one has to know what went before.
func (f *fault) loseLabelsAndLeader() string {
	a := &actor{run: f.run, Rand: f.Rand, number: f.number}
	nodes, pause, deaths := f.nodes(), between(f.Rand, time.Second, 12*time.Second), 1+f.IntN(2)
	go func() {
		for i, node := range nodes {
			for _, key := range []string{"ng", "tier", "zone"} {
				_ = a.label(node.Name, key, "") // it may be gone
			}
			time.Sleep(pause)
			if left := len(nodes) - i - 1; left < deaths {
				time.Sleep(between(f.Rand, time.Second, 40*time.Second))
				for _, r := range f.replicas {
					r.crash()
				}
			}
		}
	}()
	return fmt.Sprintf("%d Nodes, one each %v, %d deaths", len(nodes), pause, deaths)
}
