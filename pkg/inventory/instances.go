package inventory

import (
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// instanceStore holds instances as last described, and subnetStore subnets. They have no own writes to merge:
// the later read counts.
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
		}
		if !known || old.State != read.State || old.NotFound != read.NotFound {
			read.StateSince = began
		}
		s[id] = read
		if !known || !sameInstance(&old, &read) {
			changed = append(changed, id)
		}
	}
	return changed
}

// keep forgets all instances but the given ones.
func (s instanceStore) keep(ids []string) {
	named := make(map[string]bool, len(ids))
	for _, id := range ids {
		named[id] = true
	}
	maps.DeleteFunc(s, func(id string, _ eni.ObservedInstance) bool { return !named[id] })
}

func sameInstance(a, b *eni.ObservedInstance) bool {
	return a.NotFound == b.NotFound && a.State == b.State && a.Type == b.Type && a.Zone == b.Zone && a.VPCID == b.VPCID &&
		a.SubnetID == b.SubnetID && slices.Equal(a.Interfaces, b.Interfaces) && maps.Equal(a.MaxInterfaces, b.MaxInterfaces)
}

type subnetStore map[string]eni.ObservedSubnet

// apply takes a describe of the asked IDs into account and returns the IDs of those that look different. How
// many addresses are free makes no difference: it changes all the time.
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
		if !known || old.NotFound != read.NotFound || old.Zone != read.Zone || old.CIDR != read.CIDR || old.VPCID != read.VPCID {
			changed = append(changed, id)
		}
	}
	return changed
}
