package inventory

import (
	"context"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Reader is how the inventory reads EC2. Every method makes few calls, however many objects it reads: up to
// 1,000 IDs. An ID may come from a tag that somebody edited; a malformed one is left out like one that EC2 does
// not show.
type Reader interface {
	// ListInterfaces lists, complete or not at all, the interfaces tagged with one of the cluster IDs; or, unless
	// nodeENIUIDs is nil, those tagged with one of the NodeENI UIDs (at most 200), whatever cluster they name, if any.
	ListInterfaces(ctx context.Context, clusterIDs, nodeENIUIDs []string) ([]eni.Interface, error)
	// DescribeInterfaces reads interfaces by ID and leaves out those that EC2 does not show.
	DescribeInterfaces(ctx context.Context, ids []string) ([]eni.Interface, error)
	// DescribeInstances reads instances by ID and leaves out those that EC2 does not show.
	DescribeInstances(ctx context.Context, ids []string) ([]eni.Instance, error)
	// DescribeSubnets reads subnets by ID and leaves out those that EC2 does not show.
	DescribeSubnets(ctx context.Context, ids []string) ([]eni.Subnet, error)
}

const (
	defaultHorizon = 10 * time.Second
	defaultResync  = 5 * time.Minute
)

// Options are what an Inventory is made of.
type Options struct {
	// ClusterIDs are the identities under which interfaces are ours.
	ClusterIDs []string
	// Horizon is how long EC2's reads may lag behind writes, 10 s unless set; Resync is how often everything
	// is read, 5 min unless set.
	Horizon time.Duration
	Resync  time.Duration
	// CreateDeadline is how long a create without an answer, of this process or of a predecessor, may still take effect,
	// before the horizon is added; the constant of that name unless set.
	CreateDeadline time.Duration
	// Instances and Subnets are what each resync describes, those that our interfaces name aside.
	// Either may be nil.
	Instances func() []string
	Subnets   func() []string
	// UIDOf is the UID of the NodeENI that has the name now, empty when none has. It is called with the lock held. It may
	// be nil.
	UIDOf func(name string) string
	// Changed is called, from any goroutine and with no lock held, when what the inventory shows has changed,
	// and when a refresh that somebody asked for is there. It may be nil.
	Changed func(Change)
	// Seen is called likewise when something is concluded about an interface: that it is attached, detached, gone or
	// missing, say. It may be nil.
	Seen func(id, what string)
	// Read is called likewise for each read that has ended, with why it failed, if it did. It may be nil.
	Read func(what string, err error)
}

func (o Options) withDefaults() Options {
	if o.Horizon <= 0 {
		o.Horizon = defaultHorizon
	}
	if o.Resync <= 0 {
		o.Resync = defaultResync
	}
	if o.CreateDeadline <= 0 {
		o.CreateDeadline = CreateDeadline
	}
	nothing := func() []string { return nil }
	if o.Instances == nil {
		o.Instances = nothing
	}
	if o.Subnets == nil {
		o.Subnets = nothing
	}
	if o.UIDOf == nil {
		o.UIDOf = func(string) string { return "" }
	}
	if o.Changed == nil {
		o.Changed = func(Change) {}
	}
	if o.Seen == nil {
		o.Seen = func(string, string) {}
	}
	if o.Read == nil {
		o.Read = func(string, error) {}
	}
	return o
}

// Change names what may look different now, each list sorted and without doubles.
type Change struct {
	// Instances are those whose own description or whose interfaces changed; "" stands for interfaces that
	// are neither tagged for nor attached to any.
	Instances   []string
	NodeENIUIDs []string
	Subnets     []string
}
