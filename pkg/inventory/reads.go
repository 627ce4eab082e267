package inventory

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"k8s.io/klog/v2"
)

// list makes a complete list, narrowed to the NodeENIs unless uids is nil, and merges it.
func (i *Inventory) list(ctx context.Context, uids []string) error {
	what := ReadList
	var scope map[string]bool
	if uids != nil {
		what, scope = ReadNarrowedList, setOf(uids)
	}
	began := time.Now()
	list, err := i.reader.ListInterfaces(ctx, i.options.ClusterIDs, uids)
	i.count(what, err)
	if err != nil {
		return fmt.Errorf("listing the interfaces of cluster %v: %w", i.options.ClusterIDs, err)
	}
	i.apply(func(now time.Time) *changes {
		if scope == nil {
			i.stats.Listed = began
		}
		if scope == nil && !i.synced {
			i.synced = true
			close(i.listed)
		}
		return i.store.applyList(read{began, now}, list, scope)
	})
	klog.FromContext(ctx).V(4).Info("Listed interfaces", "count", len(list), "nodeENIs", len(scope), "duration", time.Since(began))
	return nil
}

func (i *Inventory) askedInterfaces(ctx context.Context, ids []string) error {
	return i.describeInterfaces(ctx, ReadInterfaces, ids, true)
}

// describeInterfaces reads and merges interfaces by ID. asked says that somebody waits for the answer even if
// nothing has changed.
func (i *Inventory) describeInterfaces(ctx context.Context, what string, ids []string, asked bool) error {
	began := time.Now()
	found, err := i.reader.DescribeInterfaces(ctx, ids)
	i.count(what, err)
	if err != nil {
		return fmt.Errorf("describing %d interfaces: %w", len(ids), err)
	}
	i.apply(func(now time.Time) *changes {
		c := i.store.applyByID(read{began, now}, ids, found)
		for _, id := range ids {
			if r, ok := i.store.records[id]; ok && asked {
				c.show(r)
			}
		}
		return c
	})
	return nil
}

func (i *Inventory) askedInstances(ctx context.Context, ids []string) error {
	return i.describeInstances(ctx, ids, true)
}

func (i *Inventory) describeInstances(ctx context.Context, ids []string, asked bool) error {
	began := time.Now()
	found, err := i.reader.DescribeInstances(ctx, ids)
	i.count(ReadInstances, err)
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

func (i *Inventory) askedSubnets(ctx context.Context, ids []string) error {
	return i.describeSubnets(ctx, ids, true)
}

func (i *Inventory) describeSubnets(ctx context.Context, ids []string, asked bool) error {
	began := time.Now()
	found, err := i.reader.DescribeSubnets(ctx, ids)
	i.count(ReadSubnets, err)
	if err != nil {
		return fmt.Errorf("describing %d subnets: %w", len(ids), err)
	}
	i.apply(func(time.Time) *changes {
		i.subnets = maps.Clone(i.subnets)
		tell := i.subnets.apply(began, ids, found)
		if asked {
			tell = ids
		}
		return &changes{subnets: setOf(tell)}
	})
	return nil
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// chunks yields what one read may name at a time.
func chunks(set map[string]bool) iter.Seq[[]string] { return slices.Chunk(sorted(set), maxBatch) }
