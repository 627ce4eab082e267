package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// most is how many calls a replica at rest may make, its lease left out of it: a refresh reads three kinds of things,
// and watches begin anew now and then.
const most = 20

// restTime is how long nothing may happen once all is as it should be: two refreshes, in short one.
func restTime() time.Duration {
	if *all {
		return 2*resync + 2*time.Second
	}
	return resync + 2*time.Second
}

// ours is a world without what is not a cluster's.
func ours(world ec2sim.Snapshot, id string) ec2sim.Snapshot {
	return only(world, func(iface ec2sim.InterfaceNow) bool { return iface.Tags[ownership.TagClusterID] == id })
}

func only(world ec2sim.Snapshot, keep func(ec2sim.InterfaceNow) bool) ec2sim.Snapshot {
	world.Interfaces = slices.DeleteFunc(slices.Clone(world.Interfaces), func(iface ec2sim.InterfaceNow) bool { return !keep(iface) })
	return world
}

// holds is the property as far as one look shows it, by the function that judges the simulation, too.
func (l *lab) holds(ctx context.Context) error {
	// The world is read first: what a status says may be newer, but not older.
	world, err := l.sim.World(ctx)
	if err != nil {
		return err
	}
	nodeENIs, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	nodes, err := l.cluster.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for _, violation := range property.Check(nodeENIs.Items, nodes.Items, property.World{
		Snapshot: world, ClusterIDs: []string{l.id}, Limits: map[string]int{sandbox.InstanceType: 4},
	}) {
		errs = append(errs, errors.New(violation.String()))
	}
	errs = append(errs, blocked(nodeENIs.Items)...)
	return errors.Join(append(errs, strangeTags(nodeENIs.Items, ours(world, l.id).Interfaces)...)...)
}

// blocked finds attachments that are blocked, for whatever reason: nothing in these worlds gives one.
func blocked(nodeENIs []v1alpha1.NodeENI) []error {
	var errs []error
	for _, object := range nodeENIs {
		for _, attachment := range object.Status.Attachments {
			if attachment.State == v1alpha1.AttachmentBlocked {
				errs = append(errs, fmt.Errorf("%s is blocked on %s: %s %s", object.Name, attachment.NodeName, attachment.Reason, attachment.Message))
			}
		}
	}
	return errs
}

// strangeTags finds what a NodeENI once named and does not name any more. That interfaces are without it is true of
// these worlds only, where nobody else tags them.
func strangeTags(nodeENIs []v1alpha1.NodeENI, interfaces []ec2sim.InterfaceNow) []error {
	var errs []error
	for _, iface := range interfaces {
		for _, object := range nodeENIs {
			for key := range iface.Tags {
				_, named := object.Spec.Tags[key]
				own := strings.HasPrefix(key, ownership.TagPrefix) || key == ownership.TagName || key == ownership.TagNoManage
				if iface.Tags[ownership.TagNodeENIUID] == string(object.UID) && !named && !own {
					errs = append(errs, fmt.Errorf("%s of %s bears the tag %s", iface.ID, object.Name, key))
				}
			}
		}
	}
	return errs
}

// untouched demands that what is not ours is as it was: others' interfaces and the security groups, and that no
// finalizer went too early.
func (l *lab) untouched() {
	l.Helper()
	world, err := l.sim.World(l.ctx)
	l.must(err)
	others := only(world, func(iface ec2sim.InterfaceNow) bool { return iface.Tags[ownership.TagClusterID] != l.id })
	if diff := gocmp.Diff(l.foreign.Interfaces, others.Interfaces); diff != "" {
		l.Errorf("interfaces that are not ours (-before +after):\n%s", diff)
	}
	if diff := gocmp.Diff(l.foreign.Groups, others.Groups); diff != "" {
		l.Errorf("security groups (-before +after):\n%s", diff)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, early := range l.tooEarly {
		l.Errorf("a finalizer went too early: %s", early)
	}
}

// settled waits for the property, and for nothing to happen any more.
func (l *lab) settled(what string) {
	l.Helper()
	l.eventually(what, l.holds)
	l.atRest()
	l.must(l.holds(l.ctx))
	l.untouched()
}

// atRest waits for a while in which no replica changes anything. That it has looked at EC2 in this while, few times,
// is part of it.
func (l *lab) atRest() {
	l.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	quietSince := began
	var last []call
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(context.Context) (bool, error) {
		now := time.Now()
		for _, c := range l.calls(quietSince) {
			if c.changes() || c.begins() { // a process that was killed late is no sooner at rest than it has begun
				quietSince, last = c.began.Add(1), append(last, c)
			}
		}
		return now.Sub(quietSince) >= restTime(), nil
	})
	if err != nil {
		l.Fatalf("all is as it should be, but still something is changed: %v", last[max(0, len(last)-10):])
	}
	looks, others := 0, map[string]int{}
	for _, c := range l.calls(quietSince) {
		switch {
		case c.lease():
		case c.ec2():
			looks++
			fallthrough
		default:
			others[c.kind]++
		}
	}
	total := 0
	for _, n := range others {
		total += n
	}
	if looks == 0 || total > most*len(l.replicas) {
		l.Errorf("in %s at rest EC2 was looked at %d times, and %d calls were made in all: %v", restTime(), looks, total, others)
	}
	l.Logf("at rest after %s, calls since: %v", quietSince.Sub(began).Round(10*time.Millisecond), others)
}

// calls lists the calls of all replicas since a time.
func (l *lab) calls(since time.Time) []call {
	var list []call
	for _, r := range l.replicas {
		list = append(list, r.since(since)...)
	}
	slices.SortStableFunc(list, func(a, b call) int { return a.began.Compare(b.began) })
	return list
}

// goroutines is how many a replica has.
func (r *replica) goroutines(ctx context.Context) (int, error) {
	_, metrics, err := r.process().Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(metrics) {
		if value, found := strings.CutPrefix(line, "go_goroutines "); found {
			return strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return 0, errors.New("the metrics do not count goroutines")
}

// noMoreGoroutines waits until a replica has at most as many as there were, beside a few for the connection that
// asks.
func (l *lab) noMoreGoroutines(r *replica, before int) {
	l.Helper()
	const asking = 3
	l.eventually("back to the goroutines of before", func(ctx context.Context) error {
		now, err := r.goroutines(ctx)
		if err == nil && now > before+asking {
			err = fmt.Errorf("%d goroutines, %d before", now, before)
		}
		return err
	})
}
