package eni

import "errors"

// ProbeCall is a call that EC2 can be asked about: by its action, and by what the call does where that takes other
// permissions.
type ProbeCall string

// The calls that can be asked about.
const (
	ProbeDescribeInterfaces    ProbeCall = "DescribeInterfaces"
	ProbeDescribeInstances     ProbeCall = "DescribeInstances"
	ProbeDescribeInstanceTypes ProbeCall = "DescribeInstanceTypes"
	ProbeDescribeSubnets       ProbeCall = "DescribeSubnets"
	ProbeCreate                ProbeCall = "Create"
	ProbeAttach                ProbeCall = "Attach"
	ProbeSetFlag               ProbeCall = "SetDeleteOnTermination"
	ProbeSetGroups             ProbeCall = "SetSecurityGroups"
	ProbePutTags               ProbeCall = "PutTags"
	ProbeAdopt                 ProbeCall = "Adopt"
	ProbeRemoveTags            ProbeCall = "RemoveTags"
	ProbeDetach                ProbeCall = "Detach"
	ProbeDelete                ProbeCall = "Delete"
)

// Probe is a call that is not to be made: EC2 is asked whether it would be allowed.
type Probe struct {
	Call ProbeCall
	// Create is set for ProbeCreate.
	Create CreateRequest
	// Interface is set for all but ProbeCreate and the describes; for ProbeSetFlag and ProbeDetach it is attached.
	Interface Interface
	// InstanceID and Slot are set for ProbeAttach.
	InstanceID string
	Slot       Slot
}

// ErrCarriedOut is what a probe comes to when EC2, or what stands in its place, has not understood that it was one.
var ErrCarriedOut = errors.New("a dry run was answered as if the call had been made")
