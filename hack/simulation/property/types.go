package property

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// World is EC2 as it is, not as describes show it, and what the checker knows beside.
type World struct {
	ec2sim.Snapshot
	// ClusterIDs are the values of the cluster tag that make an interface ours.
	ClusterIDs []string
	// Limits is how many interfaces an instance type takes.
	Limits map[string]int
	// Quota is how many interfaces the account may have; 0 for any number.
	Quota int
	// Stripped are interfaces of ours whose ownership tags somebody has taken away, with the UID of their NodeENI.
	Stripped map[string]string
	// Restarted says that no process lives that has seen the Stripped with their tags: nobody can tell of them but by what
	// is left of these.
	Restarted map[string]bool
	// Forced are the UIDs of the NodeENIs that a user had go at once, whatever there was of them.
	Forced map[string]bool
	// HaltedOrphans says that the controller has told, on its Lease, that it holds interfaces whose NodeENIs are gone.
	HaltedOrphans bool
	// StuckOrphans are interfaces whose NodeENIs are gone and of which it has told there that EC2 does not end to
	// detach them.
	StuckOrphans map[string]bool
	// OnNodes is what Nodes are to show.
	OnNodes OnNodes
}

// Tells reports whether what is left of the tags of an interface tells that it is the NodeENI's to a process that has
// never seen the others: the NodeENI's name with our cluster and the node that it was made for, or its UID with no cluster.
func Tells(tags map[string]string, clusterIDs []string, name, uid string) bool {
	switch cluster := tags[eni.TagClusterID]; {
	case cluster == "":
		return tags[eni.TagNodeENIUID] == uid
	case tags[eni.TagNodeENIUID] == "":
		return slices.Contains(clusterIDs, cluster) && tags[eni.TagNodeENIName] == name && tags[eni.TagNodeName]+tags[eni.TagInstanceID] != ""
	}
	return false
}

// Violation is one way in which the property does not hold.
type Violation struct {
	Clause  int
	Message string
}

// String is for people.
func (v Violation) String() string { return fmt.Sprintf("clause %d: %s", v.Clause, v.Message) }

// Hold is an interface that is kept on purpose until a person helps.
type Hold struct {
	InterfaceID string
	// NodeENI is the name of its owner; empty where that is gone, and the Lease tells of it.
	NodeENI string
	// Reason is the one that status gives.
	Reason string
}

// claim is one wanted interface.
type claim struct {
	n        *v1alpha1.NodeENI
	node     *corev1.Node
	instance *ec2sim.InstanceNow
	// id is the instance that the Node names, whether it exists or not.
	id string
	// against are the reasons that stand against it, by the world.
	against map[string]bool
	// has is its interface, attached at its slot.
	has *ec2sim.InterfaceNow
	// excused says that no statement is made: something is on its way that is not the controller's to hurry.
	excused bool
}

func (c *claim) String() string {
	return fmt.Sprintf("NodeENI %s on node %s (%s), device index %d", c.n.Name, c.node.Name, c.id, c.n.Spec.DeviceIndex)
}

func (c *claim) reasons() []string { return slices.Sorted(maps.Keys(c.against)) }
