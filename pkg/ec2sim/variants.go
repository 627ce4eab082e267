package ec2sim

import "time"

// Variants choose between answers that EC2 has been seen, or may be expected, to give
// for one situation. Where nobody has verified which, the default is the one that hurts
// a careless client most.
type Variants struct {
	// SubnetFull: InsufficientFreeAddressesInSubnet (default); InsufficientCidrBlocks for
	// prefixes; or InvalidParameterValue with a text about free addresses.
	SubnetFull string `yaml:"subnetFull" json:"subnetFull,omitempty"`
	// DeleteInUse: InvalidParameterValue (default) or InvalidNetworkInterface.InUse.
	DeleteInUse string `yaml:"deleteInUse" json:"deleteInUse,omitempty"`
	// AttachInUse: InvalidNetworkInterface.InUse (default) or InvalidParameterValue.
	AttachInUse string `yaml:"attachInUse" json:"attachInUse,omitempty"`
	// AttachWithoutCard: allow (default), or taken: without a card index, on a type with
	// several cards, an index that any card has in use counts as taken.
	AttachWithoutCard string `yaml:"attachWithoutCard" json:"attachWithoutCard,omitempty"`
	// GroupOfOtherVPC: InvalidParameterCombination (default) or InvalidGroup.NotFound.
	GroupOfOtherVPC string `yaml:"groupOfOtherVpc" json:"groupOfOtherVpc,omitempty"`
	// CreateStatus is the status that a create answers with: pending (default) or available.
	CreateStatus string `yaml:"createStatus" json:"createStatus,omitempty"`
	// InterfaceStatus is what an interface shows while it attaches or detaches: in-use
	// (default), or transitional: attaching or detaching.
	InterfaceStatus string `yaml:"interfaceStatus" json:"interfaceStatus,omitempty"`
	// TokenOfDeleted: replay (default) answers with the dead interface, mismatch refuses.
	TokenOfDeleted string `yaml:"tokenOfDeleted" json:"tokenOfDeleted,omitempty"`
	// TokenOfFailed: burnt (default), or free: whether the client token of a create that
	// failed can be used again. A burnt one is answered with IdempotentParameterMismatch.
	TokenOfFailed string `yaml:"tokenOfFailed" json:"tokenOfFailed,omitempty"`
	// ReplayAtQuota: replay (default), or fail: whether a replay still works when the
	// Region's quota of interfaces is used up.
	ReplayAtQuota string `yaml:"replayAtQuota" json:"replayAtQuota,omitempty"`
	// MutatingBuckets: separate (default), or shared: whether all actions that change
	// something draw from one token bucket beside their own.
	MutatingBuckets string `yaml:"mutatingBuckets" json:"mutatingBuckets,omitempty"`
	// MaxResults is the code for one out of bounds: InvalidParameterValue (default) or
	// InvalidMaxResults.
	MaxResults string `yaml:"maxResults" json:"maxResults,omitempty"`
	// ManagedResources: hidden (default), or shown: whether describes list what AWS
	// services run without being asked to.
	ManagedResources string `yaml:"managedResources" json:"managedResources,omitempty"`
	// TokenLife is how long a client token is remembered, 24h where nothing is said.
	TokenLife Distribution `yaml:"tokenLife" json:"tokenLife,omitzero"`
}

// variant is a choice by its key in the world file; the first of its values is the default.
type variant struct {
	key    string
	chosen *string
	values []string
}

func (v *Variants) choices() []variant {
	const badValue, badResults = "InvalidParameterValue", "InvalidMaxResults"
	return []variant{
		{"subnetFull", &v.SubnetFull, []string{"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks", badValue}},
		{"deleteInUse", &v.DeleteInUse, []string{badValue, "InvalidNetworkInterface.InUse"}},
		{"attachInUse", &v.AttachInUse, []string{"InvalidNetworkInterface.InUse", badValue}},
		{"attachWithoutCard", &v.AttachWithoutCard, []string{"allow", "taken"}},
		{"groupOfOtherVpc", &v.GroupOfOtherVPC, []string{"InvalidParameterCombination", groupID.notFound}},
		{"createStatus", &v.CreateStatus, []string{pending, available}},
		{"interfaceStatus", &v.InterfaceStatus, []string{inUse, "transitional"}},
		{"tokenOfDeleted", &v.TokenOfDeleted, []string{"replay", "mismatch"}},
		{"tokenOfFailed", &v.TokenOfFailed, []string{"burnt", "free"}},
		{"replayAtQuota", &v.ReplayAtQuota, []string{"replay", "fail"}},
		{"mutatingBuckets", &v.MutatingBuckets, []string{"separate", "shared"}},
		{"maxResults", &v.MaxResults, []string{badValue, badResults}},
		{"managedResources", &v.ManagedResources, []string{"hidden", "shown"}},
	}
}

func (v Variants) withDefaults() Variants {
	for _, c := range v.choices() {
		*c.chosen = orDefault(*c.chosen, c.values[0])
	}
	v.TokenLife = v.TokenLife.or(Exactly(24 * time.Hour))
	return v
}
