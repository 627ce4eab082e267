package inventory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// foreignWait is how long a live read of somebody else's interface is waited for.
const foreignWait = 10 * time.Second

// foreignStore holds interfaces that are not ours and that somebody thinks of adopting, as last described: all of them
// are read together each resync period, and such as are asked for in between.
type foreignStore struct {
	found map[string]eni.ObservedForeign
	// wanted are the IDs by the instance for which they are looked at.
	wanted map[string][]string
	// answered is closed, and made anew, with each read.
	answered chan struct{}
}

func newForeignStore() *foreignStore {
	return &foreignStore{found: map[string]eni.ObservedForeign{}, wanted: map[string][]string{}, answered: make(chan struct{})}
}

// want replaces what is wanted for an instance, and returns what of it has not been read.
func (s *foreignStore) want(instanceID string, ids []string) (unread []string) {
	if len(ids) == 0 {
		delete(s.wanted, instanceID)
		return nil
	}
	s.wanted[instanceID] = slices.Clone(ids)
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, known := s.found[id]
		return known
	})
}

// all are the IDs that are wanted.
func (s *foreignStore) all() map[string]bool {
	ids := map[string]bool{}
	for _, of := range s.wanted {
		for _, id := range of {
			ids[id] = true
		}
	}
	return ids
}

// apply takes a describe of the asked IDs into account and returns the instances for which they are wanted.
func (s *foreignStore) apply(began time.Time, asked []string, found []eni.Interface) *changes {
	read := make(map[string]eni.ObservedForeign, len(asked))
	for _, id := range asked {
		read[id] = eni.ObservedForeign{Interface: eni.Interface{ID: id}, ObservedAt: began, NotFound: true}
	}
	for _, iface := range found {
		read[iface.ID] = eni.ObservedForeign{Interface: iface, ObservedAt: began}
	}
	for id, now := range read {
		if before, known := s.found[id]; !known || !began.Before(before.ObservedAt) {
			s.found[id] = now
		}
	}
	close(s.answered)
	s.answered = make(chan struct{})
	c := &changes{}
	for instanceID, ids := range s.wanted {
		if slices.ContainsFunc(ids, func(id string) bool { _, is := read[id]; return is }) {
			include(&c.instances, instanceID)
		}
	}
	return c
}

// WantForeign says which interfaces that are not ours are looked at for an instance: they are kept described until it
// says otherwise. Changed tells when there is an answer.
func (i *Inventory) WantForeign(instanceID string, ids []string) {
	i.mu.Lock()
	unread := i.foreign.want(instanceID, ids)
	i.mu.Unlock()
	i.refreshForeign.add(unread...)
}

// RereadForeign has what is wanted for the instances read anew.
func (i *Inventory) RereadForeign(instanceIDs ...string) {
	i.mu.Lock()
	var ids []string
	for _, instanceID := range instanceIDs {
		ids = append(ids, i.foreign.wanted[instanceID]...)
	}
	i.mu.Unlock()
	i.refreshForeign.add(ids...)
}

// ForeignOf returns what was read of the interfaces that are wanted for the instance, by ID.
func (i *Inventory) ForeignOf(instanceID string) map[string]eni.ObservedForeign {
	i.mu.Lock()
	defer i.mu.Unlock()
	var known map[string]eni.ObservedForeign
	for _, id := range i.foreign.wanted[instanceID] {
		if found, read := i.foreign.found[id]; read {
			if known == nil {
				known = map[string]eni.ObservedForeign{}
			}
			known[id] = found
		}
	}
	return known
}

// ReadForeign returns an interface as EC2 shows it now, by a read that it shares with all who ask at the time.
func (i *Inventory) ReadForeign(ctx context.Context, id string) (eni.ObservedForeign, error) {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, foreignWait)
	defer cancel()
	i.refreshForeign.add(id)
	for {
		i.mu.Lock()
		found, read := i.foreign.found[id]
		answered := i.foreign.answered
		i.mu.Unlock()
		if read && !found.ObservedAt.Before(asked) {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return eni.ObservedForeign{}, fmt.Errorf("waiting for EC2 to show interface %s: %w", id, ctx.Err())
		case <-answered:
		}
	}
}

func (i *Inventory) resyncForeign(ctx context.Context) error {
	i.mu.Lock()
	wanted := i.foreign.all()
	i.mu.Unlock()
	for chunk := range chunks(wanted) {
		if err := i.describeForeign(ctx, chunk); err != nil {
			return err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	wanted = i.foreign.all()
	maps.DeleteFunc(i.foreign.found, func(id string, _ eni.ObservedForeign) bool { return !wanted[id] })
	return nil
}

func (i *Inventory) describeForeign(ctx context.Context, ids []string) error {
	began := time.Now()
	found, err := i.reader.DescribeInterfaces(ctx, ids)
	i.count(ReadForeign, err)
	if err != nil {
		return fmt.Errorf("describing %d interfaces that are not ours: %w", len(ids), err)
	}
	i.apply(func(time.Time) *changes { return i.foreign.apply(began, ids, found) })
	return nil
}
