package inventory

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// instanceStore holds instances as last described. There are no own writes to merge: of two reads the one that
// began later counts.
type instanceStore map[string]eni.ObservedInstance

// apply takes a describe of the asked IDs into account and returns the IDs of those that look different.
func (s instanceStore) apply(began time.Time, asked []string, found []eni.Instance) (changed []string) {
	byID := make(map[string]*eni.Instance, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	for _, id := range asked {
		old, known := s[id]
		if known && began.Before(old.ObservedAt) {
			continue
		}
		read := old
		read.ID, read.ObservedAt, read.NotFound = id, began, true
		if instance := byID[id]; instance != nil {
			read.Instance, read.NotFound = *instance, false
			read.Interfaces = inOrder(instance.Interfaces)
		}
		if !known || old.State != read.State {
			read.StateSince = began
		}
		if read.NotFound && !old.NotFound {
			read.NotFoundSince = began
		}
		s[id] = read
		if !known || !sameInstance(&old, &read) {
			changed = append(changed, id)
		}
	}
	return changed
}

// forget drops those not named of which nothing was heard since the given time.
func (s instanceStore) forget(named map[string]bool, since time.Time) {
	maps.DeleteFunc(s, func(id string, instance eni.ObservedInstance) bool {
		return !named[id] && instance.ObservedAt.Before(since)
	})
}

// inOrder returns a copy in the order of slot and ID, so that two answers can be compared.
func inOrder(interfaces []eni.InstanceInterface) []eni.InstanceInterface {
	sorted := slices.Clone(interfaces)
	slices.SortFunc(sorted, func(a, b eni.InstanceInterface) int {
		return cmp.Or(cmp.Compare(a.Slot.Card, b.Slot.Card), cmp.Compare(a.Slot.Index, b.Slot.Index), cmp.Compare(a.ID, b.ID))
	})
	return sorted
}

func sameInstance(a, b *eni.ObservedInstance) bool {
	return a.NotFound == b.NotFound && a.State == b.State && a.Type == b.Type && a.Zone == b.Zone && a.VPCID == b.VPCID &&
		a.SubnetID == b.SubnetID && slices.Equal(a.Interfaces, b.Interfaces) && maps.Equal(a.MaxInterfaces, b.MaxInterfaces)
}

// subnetStore holds subnets as last described.
type subnetStore map[string]eni.ObservedSubnet

// apply takes a describe of the asked IDs into account and returns the IDs of those that look different. How
// many addresses are free makes no difference, because it changes all the time, unless it is whether any is.
func (s subnetStore) apply(began time.Time, asked []string, found []eni.Subnet) (changed []string) {
	byID := make(map[string]*eni.Subnet, len(found))
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	for _, id := range asked {
		old, known := s[id]
		if known && began.Before(old.ObservedAt) {
			continue
		}
		read := old
		read.ID, read.ObservedAt, read.NotFound = id, began, true
		if subnet := byID[id]; subnet != nil {
			read.Subnet, read.NotFound = *subnet, false
		}
		s[id] = read
		if !known || !sameSubnet(&old, &read) {
			changed = append(changed, id)
		}
	}
	return changed
}

// forget drops those not named of which nothing was heard since the given time.
func (s subnetStore) forget(named map[string]bool, since time.Time) {
	maps.DeleteFunc(s, func(id string, subnet eni.ObservedSubnet) bool {
		return !named[id] && subnet.ObservedAt.Before(since)
	})
}

func sameSubnet(a, b *eni.ObservedSubnet) bool {
	return a.NotFound == b.NotFound && a.VPCID == b.VPCID && a.Zone == b.Zone && a.CIDR == b.CIDR &&
		(a.FreeAddresses > 0) == (b.FreeAddresses > 0)
}
