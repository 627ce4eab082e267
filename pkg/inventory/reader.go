package inventory

import (
	"context"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Reader is how the inventory reads EC2. Every method makes few calls, however many objects it reads.
type Reader interface {
	// ListInterfaces lists, complete or not at all, the interfaces tagged with one of the cluster IDs;
	// narrowed to those tagged with one of the NodeENI UIDs (at most 200) unless that is nil.
	ListInterfaces(ctx context.Context, clusterIDs, nodeENIUIDs []string) ([]eni.Interface, error)
	// DescribeInterfaces reads interfaces by ID and leaves out those that EC2 does not show.
	DescribeInterfaces(ctx context.Context, ids []string) ([]eni.Interface, error)
	// DescribeInstances reads instances by ID and leaves out those that EC2 does not show.
	DescribeInstances(ctx context.Context, ids []string) ([]eni.Instance, error)
	// DescribeSubnets reads subnets by ID and leaves out those that EC2 does not show.
	DescribeSubnets(ctx context.Context, ids []string) ([]eni.Subnet, error)
}

// Options are what an Inventory is made of.
type Options struct {
	// ClusterIDs are the identities under which interfaces are ours.
	ClusterIDs []string
	// Horizon is how long EC2's reads may lag behind writes; Resync is how often everything is read.
	Horizon time.Duration
	Resync  time.Duration
	// Instances and Subnets are what each resync describes, beside the instances that our interfaces name.
	Instances func() []string
	Subnets   func() []string
	// Changed is called, with no lock held, when what the inventory shows has changed, and when a refresh
	// that somebody asked for is there.
	Changed func(Change)
}

// Change names what may look different now.
type Change struct {
	Instances   []string
	NodeENIUIDs []string
	Subnets     []string
}
