package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// exodus counts, over all instances, the interfaces that go because their NodeENI, their Node or its labels
// vanished, and halts cleanup when these are too many at once.
type exodus struct {
	threshold float64
	lease     types.NamespacedName

	mu sync.Mutex
	// going are the interfaces that would go or went.
	going map[string]goingInterface
	halt  *plan.Halt
}

// goingInterface is one that would go from an instance, or went at some time.
type goingInterface struct {
	instanceID string
	released   time.Time
}

// update takes in which interfaces would go from one instance now. attached counts all that are attached. When
// cleanup is halted or goes on by that, it returns true and all instances that this concerns.
func (e *exodus) update(instanceID string, vanished []string, attached int, now time.Time) (concerned []string, turned bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.observe(instanceID, vanished, now)
	return e.judge(attached)
}

// observe keeps the list of those that go.
func (e *exodus) observe(instanceID string, vanished []string, now time.Time) {
	maps.DeleteFunc(e.going, func(id string, g goingInterface) bool {
		if g.released.IsZero() {
			return g.instanceID == instanceID && !slices.Contains(vanished, id)
		}
		return now.Sub(g.released) >= plan.ExodusWindow
	})
	for _, id := range vanished {
		if e.going == nil {
			e.going = map[string]goingInterface{}
		}
		e.going[id] = goingInterface{instanceID: instanceID}
	}
}

// judge halts cleanup or lets it go on.
func (e *exodus) judge(attached int) (concerned []string, turned bool) {
	now := plan.Exodus{Threshold: e.threshold, Attached: attached}
	for _, g := range e.going {
		if g.released.IsZero() {
			now.Pending++
		} else {
			now.Released++
		}
	}
	if now.Halts() == (e.halt != nil) {
		return nil, false
	}
	if e.halt = nil; now.Halts() {
		e.halt = &plan.Halt{Exodus: now, Lease: e.lease}
	}
	instances := map[string]bool{}
	for _, g := range e.going {
		instances[g.instanceID] = true
	}
	return slices.Sorted(maps.Keys(instances)), true
}

// detached notes that an interface which would go is on its way.
func (e *exodus) detached(id string, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g, ok := e.going[id]; ok {
		g.released = now
		e.going[id] = g
	}
}

// halted returns how cleanup was halted; nil when it was not.
func (e *exodus) halted() *plan.Halt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.halt
}

// approve takes in what the Lease says. It reports whether that is news.
func (e *exodus) approve(until time.Time) (news bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.halt == nil || e.halt.ApprovedUntil.Equal(until) {
		return false
	}
	// Others hold the present one.
	approved := *e.halt
	approved.ApprovedUntil = until
	e.halt = &approved
	return true
}

// countExodus takes in what a plan says about interfaces that would go. It reports whether the plan must be made
// again, because cleanup was halted or goes on by that.
func (c *Controller) countExodus(ctx context.Context, instanceID string, result plan.Result, now time.Time) (turned bool) {
	concerned, turned := c.exodus.update(instanceID, result.Vanished, c.inventory.Attached(), now)
	if !turned {
		return false
	}
	logger := klog.FromContext(ctx)
	if halt := c.exodus.halted(); halt != nil {
		cleanupHalts.Inc()
		logger.Info("Cleanup halted: too many interfaces would go at once", "pending", halt.Pending, "released", halt.Released,
			"attached", halt.Attached, "threshold", halt.Threshold)
	} else {
		logger.Info("Cleanup goes on: few enough interfaces would go")
	}
	for _, id := range concerned {
		c.enqueueInstance(id)
	}
	return true
}

// primeExodus counts what would go before anything does: after a restart, what has vanished meanwhile must not
// go one by one as if each were the first.
func (c *Controller) primeExodus(ctx context.Context) error {
	for _, id := range c.inventory.InstanceKeys() {
		snapshot, err := c.gather(id)
		if err != nil {
			return err
		}
		c.countExodus(ctx, id, plan.Instance(snapshot), snapshot.Now)
	}
	return nil
}

// askLease reads, when the plan holds interfaces that no NodeENI can approve, whether our Lease does. It reports
// whether the plan must be made again.
func (c *Controller) askLease(ctx context.Context, snapshot plan.Snapshot, result plan.Result) (news bool, err error) {
	unowned := slices.ContainsFunc(result.Releases, func(r plan.ReleaseReport) bool {
		return r.Release.Reason == v1alpha1.ReasonCleanupHalted && !slices.ContainsFunc(snapshot.NodeENIs, func(n *v1alpha1.NodeENI) bool { return n.UID == r.NodeENI })
	})
	if !unowned {
		return false, nil
	}
	lease, found, err := c.live.leases.read(ctx, c.exodus.lease.Name)
	if err != nil {
		return false, fmt.Errorf("looking whether the release of interfaces is approved: %w", err)
	}
	if !found {
		return false, nil
	}
	return c.exodus.approve(plan.ApprovedUntil(lease.Annotations)), nil
}

// formerSelectors remembers the node selectors that NodeENIs had: a Node that one of these still matches was taken
// out by an edit, which is an order, and not by the loss of its labels.
type formerSelectors struct {
	mu    sync.Mutex
	byUID map[types.UID][]map[string]string
}

// maxFormerSelectors is how many edits of one selector are remembered.
const maxFormerSelectors = 8

func (f *formerSelectors) edited(uid types.UID, from map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byUID == nil {
		f.byUID = map[types.UID][]map[string]string{}
	}
	// A new slice: snapshots hold the present one.
	list := append(slices.Clone(f.byUID[uid]), from)
	f.byUID[uid] = list[max(0, len(list)-maxFormerSelectors):]
}

func (f *formerSelectors) of(nodeENIs []*v1alpha1.NodeENI) map[types.UID][]map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found map[types.UID][]map[string]string
	for _, n := range nodeENIs {
		if list := f.byUID[n.UID]; list != nil {
			if found == nil {
				found = map[types.UID][]map[string]string{}
			}
			found[n.UID] = list
		}
	}
	return found
}

func (f *formerSelectors) forget(uid types.UID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byUID, uid)
}
