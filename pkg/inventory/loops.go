package inventory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// pollInterval is how often one call's worth of what is in flux is read: with more in flux, each is read less
// often, so that the poll costs at most a call each second.
const (
	pollInterval = time.Second
	pollWorth    = 200
)

// Run reads EC2 until ctx ends. When it returns, every goroutine that it started has ended.
func (i *Inventory) Run(ctx context.Context) {
	i.mu.Lock()
	i.absence.began = time.Now()
	i.mu.Unlock()
	var group sync.WaitGroup
	group.Go(func() { i.resyncLoop(ctx) })
	group.Go(func() { i.fluxLoop(ctx) })
	group.Go(func() { i.absenceLoop(ctx) })
	group.Go(func() { i.refreshInstances.run(ctx, "instances", i.readInstances) })
	group.Go(func() { i.refreshInterfaces.run(ctx, "interfaces", i.readInterfaces) })
	group.Go(func() { i.refreshSubnets.run(ctx, "subnets", i.readSubnets) })
	group.Wait()
}

// resyncLoop reads everything each resync period.
func (i *Inventory) resyncLoop(ctx context.Context) {
	var backOff time.Duration
	for ctx.Err() == nil {
		if err := i.resync(ctx); err != nil {
			backOff = nextBackOff(backOff)
			logReadFailure(ctx, "everything", err, backOff)
			sleep(ctx, backOff)
			continue
		}
		backOff = 0
		sleep(ctx, i.options.Resync)
	}
}

func (i *Inventory) resync(ctx context.Context) error {
	if err := i.list(ctx, nil); err != nil {
		return err
	}
	ids := i.namedInstances()
	for chunk := range slices.Chunk(ids, maxBatch) {
		if err := i.describeInstances(ctx, chunk, false); err != nil {
			return err
		}
	}
	i.mu.Lock()
	i.instances.keep(ids)
	i.mu.Unlock()
	if subnets := i.options.Subnets(); len(subnets) > 0 {
		return i.readSubnets(ctx, subnets)
	}
	return nil
}

// namedInstances are the instances that Nodes or our interfaces name.
func (i *Inventory) namedInstances() []string {
	named := append(i.options.Instances(), i.InstanceKeys()...)
	named = slices.DeleteFunc(named, func(id string) bool { return id == "" })
	slices.Sort(named)
	return slices.Compact(named)
}

// list makes a complete list, narrowed to the NodeENIs unless uids is nil, and merges it.
func (i *Inventory) list(ctx context.Context, uids []string) error {
	began := time.Now()
	list, err := i.reader.ListInterfaces(ctx, i.options.ClusterIDs, uids)
	if err != nil {
		return fmt.Errorf("listing the interfaces of cluster %v: %w", i.options.ClusterIDs, err)
	}
	var scope map[string]bool
	if uids != nil {
		scope = setOf(uids)
	}
	shown := map[string]bool{}
	for n := range list {
		shown[list[n].Tags[eni.TagNodeENIUID]] = true
	}
	i.apply(func(now time.Time) *changes {
		c := i.store.applyList(began, now, list, scope)
		for _, uid := range i.absence.applyList(began, shown, scope) {
			mark(&c.uids, uid)
		}
		i.synced = true
		return c
	})
	klog.FromContext(ctx).V(4).Info("Listed interfaces", "count", len(list), "narrowed", uids != nil, "duration", time.Since(began))
	return nil
}

// fluxLoop polls what is in flux, and nothing when nothing is.
func (i *Inventory) fluxLoop(ctx context.Context) {
	for {
		i.mu.Lock()
		flux := i.store.flux()
		i.mu.Unlock()
		if len(flux) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-i.pollFlux:
				continue
			}
		}
		calls := (len(flux) + pollWorth - 1) / pollWorth
		sleep(ctx, time.Duration(calls)*pollInterval)
		if ctx.Err() != nil {
			return
		}
		if err := i.describeInterfaces(ctx, flux, false); err != nil {
			logReadFailure(ctx, "interfaces in flux", err, pollInterval)
		}
	}
}

// absenceLoop makes the lists that AbsentFor waits for.
func (i *Inventory) absenceLoop(ctx context.Context) {
	var backOff time.Duration
	for ctx.Err() == nil {
		i.mu.Lock()
		uids, next := i.absence.due(time.Now())
		i.mu.Unlock()
		if len(uids) == 0 {
			i.awaitAbsence(ctx, next)
			continue
		}
		if err := i.list(ctx, uids); err != nil {
			backOff = nextBackOff(backOff)
			logReadFailure(ctx, "interfaces of deleted NodeENIs", err, backOff)
			sleep(ctx, backOff)
			continue
		}
		backOff = 0
	}
}

// awaitAbsence waits until a list is due, or somebody asks for another.
func (i *Inventory) awaitAbsence(ctx context.Context, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-due:
	case <-i.checkAbsence:
	}
}

func (i *Inventory) readInstances(ctx context.Context, ids []string) error {
	return i.describeInstances(ctx, ids, true)
}

// describeInstances reads and merges instances. asked says that somebody waits for the answer even if
// nothing has changed.
func (i *Inventory) describeInstances(ctx context.Context, ids []string, asked bool) error {
	began := time.Now()
	found, err := i.reader.DescribeInstances(ctx, ids)
	if err != nil {
		return fmt.Errorf("describing %d instances: %w", len(ids), err)
	}
	i.apply(func(time.Time) *changes {
		tell := i.instances.apply(began, ids, found)
		if asked {
			tell = ids
		}
		return &changes{instances: setOf(tell)}
	})
	return nil
}

func (i *Inventory) readInterfaces(ctx context.Context, ids []string) error {
	return i.describeInterfaces(ctx, ids, true)
}

// describeInterfaces reads and merges interfaces by ID.
func (i *Inventory) describeInterfaces(ctx context.Context, ids []string, asked bool) error {
	began := time.Now()
	found, err := i.reader.DescribeInterfaces(ctx, ids)
	if err != nil {
		return fmt.Errorf("describing %d interfaces: %w", len(ids), err)
	}
	i.apply(func(now time.Time) *changes {
		c := i.store.applyByID(began, now, ids, found)
		for _, id := range ids {
			if r, ok := i.store.records[id]; ok && asked {
				c.record(r)
			}
		}
		return c
	})
	return nil
}

func (i *Inventory) readSubnets(ctx context.Context, ids []string) error {
	began := time.Now()
	found, err := i.reader.DescribeSubnets(ctx, ids)
	if err != nil {
		return fmt.Errorf("describing %d subnets: %w", len(ids), err)
	}
	i.apply(func(time.Time) *changes {
		return &changes{subnets: setOf(i.subnets.apply(began, ids, found))}
	})
	return nil
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
