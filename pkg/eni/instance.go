package eni

// InstanceState is the life-cycle state of an instance.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
type InstanceState string

// The states of an instance.
const (
	InstancePending      InstanceState = "pending"
	InstanceRunning      InstanceState = "running"
	InstanceStopping     InstanceState = "stopping"
	InstanceStopped      InstanceState = "stopped"
	InstanceShuttingDown InstanceState = "shutting-down"
	InstanceTerminated   InstanceState = "terminated"
)

// Dying reports whether the instance will never come back: EC2 itself detaches and deletes then.
func (s InstanceState) Dying() bool { return s == InstanceShuttingDown || s == InstanceTerminated }

// InstanceInterface is an interface of anybody's on an instance, as DescribeInstances nests it. It
// carries no tags there, so ownership needs the interface store.
type InstanceInterface struct {
	ID          string
	Description string
	OwnerID     string
	Slot        Slot
	Status      AttachmentStatus
}

// Instance is an instance with every slot in use.
type Instance struct {
	ID       string
	Type     string
	Zone     string
	VPCID    string
	SubnetID string
	State    InstanceState
	// PrivateIP and PrivateDNSName are those of the primary interface; empty when EC2 does not say.
	PrivateIP, PrivateDNSName string
	// Interfaces is everything attached, attaching or detaching, ours and anybody's.
	Interfaces []InstanceInterface
	// MaxInterfaces is how many interfaces the instance type takes, by network card; the primary
	// interface counts. Empty when EC2 does not say.
	// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInfo.html
	MaxInterfaces map[int32]int32
}
