package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	// going are the interfaces that would go or went, byInstance their IDs; count is what they come to, and departures
	// are those that went, in that order.
	going      map[string]goingInterface
	byInstance map[string]map[string]struct{}
	count      plan.Exodus
	departures []departure
	// inherited are how many went under the leader before, as far as we know, inheritedAt is when we began to lead.
	inherited   int
	inheritedAt time.Time
	// leaving are those that count for which a detach is being made.
	leaving map[string]struct{}
	halt    *plan.Halt
	// told is when the present halt was told on the Lease last.
	told time.Time
}

// goingInterface is one that would go from an instance, or went at some time.
type goingInterface struct {
	instanceID string
	released   time.Time
	// there is true while one that went is attached all the same.
	there bool
}

// departure is one that went at some time, and may have gone again since.
type departure struct {
	id string
	at time.Time
}

// update takes in which interfaces would go from one instance now. attached counts all that are attached. When
// cleanup is halted or goes on by that, it returns true and all instances that this concerns.
func (e *exodus) update(instanceID string, result plan.Result, attached int, now time.Time) (concerned []string, turned bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forget(instanceID, result, now)
	e.add(instanceID, result.Vanished)
	return e.judge(attached)
}

// prime is update for a process that has just started: those of which nobody knows yet whether they would go are
// counted until that is known, so that they do not go one by one, as if each were the first.
func (e *exodus) prime(instanceID string, result plan.Result, attached int) (turned bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.add(instanceID, result.Vanished)
	e.add(instanceID, result.Undecided)
	_, turned = e.judge(attached)
	return turned
}

// forget drops those of an instance that are wanted again or gone for another reason, and those that went long ago.
// While cleanup is halted, those that went before count on: it does not go on by waiting.
func (e *exodus) forget(instanceID string, result plan.Result, now time.Time) {
	e.forgetOld(now)
	for id := range e.byInstance[instanceID] {
		g := e.going[id]
		if g.released.IsZero() && !slices.Contains(result.Vanished, id) && !slices.Contains(result.Undecided, id) {
			e.drop(id)
			continue
		}
		g.there = false
		e.put(id, g)
	}
}

func (e *exodus) forgetOld(now time.Time) {
	for e.halt == nil && len(e.departures) > 0 && now.Sub(e.departures[0].at) >= plan.ExodusWindow {
		first := e.departures[0]
		e.departures = e.departures[1:]
		if g, ok := e.going[first.id]; ok && g.released.Equal(first.at) {
			e.drop(first.id)
		}
	}
	if e.halt == nil && now.Sub(e.inheritedAt) >= plan.ExodusWindow {
		e.inherited = 0
	}
}

// expire drops those that went long ago.
func (e *exodus) expire(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.forgetOld(now)
}

// inherit takes in how many went under the leader before.
func (e *exodus) inherit(count int, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inherited, e.inheritedAt = count, now
}

func (e *exodus) add(instanceID string, ids []string) {
	for _, id := range ids {
		e.put(id, goingInterface{instanceID: instanceID, released: e.going[id].released, there: true})
	}
}

func (e *exodus) put(id string, g goingInterface) {
	e.drop(id)
	if e.going == nil {
		e.going, e.byInstance = map[string]goingInterface{}, map[string]map[string]struct{}{}
	}
	if e.byInstance[g.instanceID] == nil {
		e.byInstance[g.instanceID] = map[string]struct{}{}
	}
	e.going[id], e.byInstance[g.instanceID][id] = g, struct{}{}
	e.tally(g, 1)
}

func (e *exodus) drop(id string) {
	g, ok := e.going[id]
	if !ok {
		return
	}
	delete(e.going, id)
	if delete(e.byInstance[g.instanceID], id); len(e.byInstance[g.instanceID]) == 0 {
		delete(e.byInstance, g.instanceID)
	}
	e.tally(g, -1)
}

// tally adds one to the count, or takes it away.
func (e *exodus) tally(g goingInterface, one int) {
	switch {
	case g.released.IsZero():
		e.count.Pending += one
	case g.there:
		e.count.Released += one
		e.count.Attached -= one
	default:
		e.count.Released += one
	}
}

// judge halts cleanup or lets it go on.
func (e *exodus) judge(attached int) (concerned []string, turned bool) {
	now := e.count
	now.Threshold, now.Attached, now.Released = e.threshold, now.Attached+attached, now.Released+e.inherited
	halts := now.Halts() && now.Pending > 0
	if halts == (e.halt != nil) {
		return nil, false
	}
	if e.halt, e.told = nil, (time.Time{}); halts {
		e.halt = &plan.Halt{Exodus: now, Lease: e.lease}
	}
	return slices.Sorted(maps.Keys(e.byInstance)), true
}

// begin notes that a detach is being made. It reports whether that is of an interface whose departure counts.
func (e *exodus) begin(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, counts := e.going[id]; !counts || e.threshold == 0 {
		return false
	}
	if e.leaving == nil {
		e.leaving = map[string]struct{}{}
	}
	e.leaving[id] = struct{}{}
	return true
}

// settled notes that a detach has been made or not.
func (e *exodus) settled(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.leaving, id)
}

// departed is how many went, or may be about to.
func (e *exodus) departed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count.Released + e.inherited + len(e.leaving)
}

// detached notes that an interface which would go is, or may be, on its way. One that a person has let go does not
// count any more.
func (e *exodus) detached(id string, approved bool, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g, ok := e.going[id]
	switch {
	case !ok:
	case approved:
		e.drop(id)
	default:
		g.released = now
		e.put(id, g)
		e.departures = append(e.departures, departure{id, now})
	}
}

// halted returns how cleanup was halted; nil when it was not.
func (e *exodus) halted() *plan.Halt {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.halt
}

// tell reports whether the halt is to be told on the Lease, now or again.
func (e *exodus) tell() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.halt == nil || time.Since(e.told) < remindAfter {
		return false
	}
	e.told = time.Now()
	return true
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
	concerned, turned := c.exodus.update(instanceID, result, c.inventory.Attached(), now)
	if !turned {
		return false
	}
	c.sayTurned(ctx)
	for _, id := range concerned {
		c.enqueueInstance(id)
	}
	return true
}

func (c *Controller) sayTurned(ctx context.Context) {
	logger := klog.FromContext(ctx)
	halt := c.exodus.halted()
	if halt == nil {
		logger.Info("Cleanup goes on: few enough interfaces would go")
		return
	}
	cleanupHalts.Inc()
	logger.Info("Cleanup halted: too many interfaces would go at once", "pending", halt.Pending, "released", halt.Released,
		"attached", halt.Attached, "threshold", halt.Threshold)
}

// primeExodus counts what would go before anything does.
func (c *Controller) primeExodus(ctx context.Context) error {
	for _, id := range c.inventory.InstanceKeys() {
		snapshot, err := c.gather(id)
		if err != nil {
			return err
		}
		if c.exodus.prime(id, plan.Instance(snapshot), c.inventory.Attached()) {
			c.sayTurned(ctx)
		}
	}
	return nil
}

// askLease reads, when the plan holds interfaces that no NodeENI can approve, whether our Lease does. It reports
// whether the plan must be made again.
func (c *Controller) askLease(ctx context.Context, snapshot plan.Snapshot, result plan.Result) (news bool, err error) {
	i := slices.IndexFunc(result.Releases, func(r plan.ReleaseReport) bool {
		return r.Release.Reason == v1alpha1.ReasonCleanupHalted && !owns(snapshot.NodeENIs, r.NodeENI)
	})
	if i < 0 {
		return false, nil
	}
	if news, err = c.readApproval(ctx); err == nil && !news {
		c.tellLease(ctx, result.Releases[i].Release.Message)
	}
	return news, err
}

// tellStuck says on our Lease, for each interface, that EC2 does not end to detach it where no NodeENI has a
// status that could.
func (c *Controller) tellStuck(ctx context.Context, snapshot plan.Snapshot, result plan.Result) {
	for _, r := range result.Releases {
		if r.Release.Reason == v1alpha1.ReasonDetachStuck && !owns(snapshot.NodeENIs, r.NodeENI) &&
			c.complaints.due(types.UID(r.Release.ENIID), r.Release.Reason) {
			c.eventOnLease(ctx, r.Release.Reason, r.Release.Message)
		}
	}
}

// tellLease says on our Lease that interfaces are held: no NodeENI has a status that could.
func (c *Controller) tellLease(ctx context.Context, message string) {
	if c.exodus.tell() {
		c.eventOnLease(ctx, v1alpha1.ReasonCleanupHalted, message)
	}
}

func (c *Controller) eventOnLease(ctx context.Context, reason, message string) {
	lease, found, err := c.live.leases.read(ctx, c.exodus.lease.Name)
	if err != nil || !found {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: c.exodus.lease.Namespace, Name: c.exodus.lease.Name}}
	}
	c.recorder.Event(lease, corev1.EventTypeWarning, reason, message)
}

// readApproval reads what our Lease says about a halted cleanup, and reports whether that is news.
func (c *Controller) readApproval(ctx context.Context) (news bool, err error) {
	lease, found, err := c.live.leases.read(ctx, c.exodus.lease.Name)
	switch {
	case err != nil:
		return false, fmt.Errorf("looking whether the release of interfaces is approved: %w", err)
	case !found:
		return c.exodus.approve(time.Time{}), nil
	}
	return c.exodus.approve(plan.ApprovedUntil(lease.Annotations)), nil
}

func owns(nodeENIs []*v1alpha1.NodeENI, uid types.UID) bool {
	return slices.ContainsFunc(nodeENIs, func(n *v1alpha1.NodeENI) bool { return n.UID == uid })
}
