package inventory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

const (
	// pollInterval is how often the poll reads, pollWorth how much one call reads, and pollMost how much a poll does:
	// so that however much is in flux, it costs at most five calls each second, all but the last of them full.
	pollInterval = time.Second
	pollWorth    = 200
	pollMost     = 1000
	// When more than few are in flux at each poll, for long, the quotas of the actions are what is waited for, and who
	// knows earlier gains nothing: the poll then reads after a thirtieth of that time, at least every slowestPoll.
	few         = 5
	busyShare   = 30
	slowestPoll = 8 * time.Second
	// listInterval keeps narrowed lists apart, so that more who wait for one share it.
	listInterval = time.Second
)

// Run reads EC2 until ctx ends. When it returns, every goroutine that it started has ended. It is to be called
// when this process has become responsible, and once.
func (i *Inventory) Run(ctx context.Context) {
	i.mu.Lock()
	i.store.absence.start = time.Now()
	i.logger = klog.FromContext(ctx)
	i.mu.Unlock()
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { i.periodically(ctx, ReadList, i.resyncInterfaces) })
	group.Go(func() { i.whenListed(ctx, ReadInstances, i.resyncInstances) })
	group.Go(func() { i.whenListed(ctx, ReadSubnets, i.resyncSubnets) })
	group.Go(func() { i.whenListed(ctx, ReadForeign, i.resyncForeign) })
	group.Go(func() { i.pollLoop(ctx) })
	group.Go(func() { i.narrowedListLoop(ctx) })
	group.Go(func() { i.refreshInstances.run(ctx, "refreshed instances", i.askedInstances) })
	group.Go(func() { i.refreshInterfaces.run(ctx, "refreshed interfaces", i.askedInterfaces) })
	group.Go(func() { i.refreshSubnets.run(ctx, "refreshed subnets", i.askedSubnets) })
	group.Go(func() { i.refreshForeign.run(ctx, "interfaces that are not ours", i.describeForeign) })
}

// periodically does something each resync period, and again after a while when it failed.
func (i *Inventory) periodically(ctx context.Context, what string, do func(context.Context) error) {
	backOff := backOff{what: what}
	for ctx.Err() == nil {
		if backOff.settle(ctx, do(ctx)) {
			sleep(ctx, i.options.Resync)
		}
	}
}

// whenListed is periodically, from the first complete list on: which instances matter is not known before.
func (i *Inventory) whenListed(ctx context.Context, what string, do func(context.Context) error) {
	select {
	case <-ctx.Done():
	case <-i.listed:
		i.periodically(ctx, what, do)
	}
}

// resyncInterfaces makes the epoch's list, and reads those by ID that no list shows any more.
func (i *Inventory) resyncInterfaces(ctx context.Context) error {
	if err := i.list(ctx, nil); err != nil {
		return err
	}
	i.mu.Lock()
	lost := i.store.allTagsLost()
	i.mu.Unlock()
	for chunk := range slices.Chunk(lost, maxBatch) {
		if err := i.describeInterfaces(ctx, ReadInterfaces, chunk, false); err != nil {
			return err
		}
	}
	return nil
}

// resyncInstances describes the instances that Nodes or our interfaces name, and forgets the others.
func (i *Inventory) resyncInstances(ctx context.Context) error {
	began := time.Now()
	named := setOf(append(i.options.Instances(), i.InstanceKeys()...))
	delete(named, "")
	for chunk := range chunks(named) {
		if err := i.describeInstances(ctx, chunk, false); err != nil {
			return err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.instances.forget(named, began)
	return nil
}

func (i *Inventory) resyncSubnets(ctx context.Context) error {
	began := time.Now()
	named := setOf(append(i.options.Subnets(), i.interfaceSubnets()...))
	for chunk := range chunks(named) {
		if err := i.describeSubnets(ctx, chunk, false); err != nil {
			return err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.subnets = maps.Clone(i.subnets)
	i.subnets.forget(named, began)
	return nil
}

// pollLoop reads by ID what is in flux, and nothing when nothing is.
func (i *Inventory) pollLoop(ctx context.Context) {
	backOff := backOff{what: "interfaces in flux"}
	var pace pollPace
	for ctx.Err() == nil {
		i.mu.Lock()
		next, ok := i.store.nextPoll()
		i.mu.Unlock()
		if !ok || time.Until(next) > 0 {
			pace.idle(ok, time.Until(next))
			await(ctx, next, i.pollWake)
			continue
		}
		sleep(ctx, pace.pause(time.Now()))
		if ctx.Err() != nil {
			return
		}
		i.mu.Lock()
		ids := i.store.poll(time.Now(), pollWorth, pollMost)
		i.mu.Unlock()
		pace.polled(len(ids), time.Now())
		if len(ids) > 0 {
			backOff.settle(ctx, i.describeInterfaces(ctx, ReadPoll, ids, false))
		}
	}
}

// pollPace is how fast the poll goes.
type pollPace struct {
	// busy is since when many have been in flux at each poll; full says that the last poll has left some out.
	busy time.Time
	full bool
}

// idle is told that nothing is to be polled for a while, or at all.
func (p *pollPace) idle(later bool, until time.Duration) {
	if !later || until > slowestPoll {
		p.busy = time.Time{}
	}
}

func (p *pollPace) polled(count int, now time.Time) {
	p.full = count >= pollWorth
	switch {
	case count <= few:
		p.busy = time.Time{}
	case p.busy.IsZero():
		p.busy = now
	}
}

// pause is how long to wait before the next poll.
func (p *pollPace) pause(now time.Time) time.Duration {
	if p.busy.IsZero() || p.full {
		return pollInterval
	}
	return min(max(now.Sub(p.busy)/busyShare, pollInterval), slowestPoll)
}

// narrowedListLoop makes the lists that AbsentFor waits for, once in a while one of everything, and those that it takes to know interfaces gone.
func (i *Inventory) narrowedListLoop(ctx context.Context) {
	backOff := backOff{what: ReadNarrowedList}
	var last time.Time
	for ctx.Err() == nil {
		uids, whole, next := i.dueLists()
		if len(uids) == 0 && !whole {
			await(ctx, next, i.listWake)
			continue
		}
		sleep(ctx, max(batchIdle, time.Until(last.Add(listInterval))))
		if ctx.Err() != nil {
			return
		}
		last = time.Now()
		switch uids, whole, _ = i.dueLists(); {
		case len(uids) > 0:
			backOff.settle(ctx, i.list(ctx, uids[:min(len(uids), maxScope)]))
		case whole:
			backOff.settle(ctx, i.list(ctx, nil))
		}
	}
}

// dueLists returns the NodeENIs for which a narrowed list is due, whether one of everything is, and when the next one is;
// zero for never.
func (i *Inventory) dueLists() (uids []string, whole bool, next time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	uids, whole, next = i.store.absence.due(time.Now())
	wanted := i.store.unlistedUIDs()
	for _, uid := range uids {
		include(&wanted, uid)
	}
	return sorted(wanted), whole, next
}
