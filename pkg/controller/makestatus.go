package controller

import (
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// statusRoom is the room for the reports of one status at a time: those of thousands of nodes take megabytes.
type statusRoom struct {
	mu          sync.Mutex
	attachments []plan.AttachmentReport
}

// keptRoom is for how many reports room is kept.
const keptRoom = 8192

// use calls what makes something of reports, all of which are copied, and gets the slice back with what was added.
func (r *statusRoom) use(make func(room []plan.AttachmentReport) []plan.AttachmentReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	used := make(r.attachments[:0])
	clear(used)
	if r.attachments = used; cap(used) > keptRoom {
		r.attachments = nil
	}
}

// madeStatus is a status, and what it was made of.
type madeStatus struct {
	stored, status v1alpha1.NodeENIStatus
	// releases is how many interfaces are on their way out.
	releases int
	at       time.Time
	// again is when to look again although nothing changed.
	again time.Time
}

// makeStatus says how every wanted and every leaving interface of the NodeENI stands.
func (c *Controller) makeStatus(n *v1alpha1.NodeENI) (made madeStatus, err error) {
	unplaced, err := c.planInstances(n)
	if err != nil {
		return made, err
	}
	stored := *n // not what it points to, which nobody changes
	stored.Status = c.written.latest(n)
	input := plan.StatusInput{NodeENI: &stored, Now: time.Now(), MissingPermissions: c.preflight.missingPermissions()}
	input.Contested, made.again = c.contestedObject(n, c.metadata(n), input.Now)
	if subnet, ok := c.inventory.Subnet(n.Spec.SubnetID); ok {
		input.Subnet = &subnet
	}
	c.statusRoom.use(func(room []plan.AttachmentReport) []plan.AttachmentReport {
		input.Attachments, input.Releases = c.told.collect(n.UID, room)
		input.Attachments = append(input.Attachments, unplaced...)
		c.tally(n.UID, input.Attachments, input.Releases)
		made.status = plan.Status(input)
		return input.Attachments
	})
	made.stored, made.releases, made.at = stored.Status, len(input.Releases), input.Now
	return made, nil
}

// planInstances has those instances planned for the NodeENI's status of which something may have changed. It returns how
// the interfaces stand that it wants on Nodes which name no instance.
func (c *Controller) planInstances(n *v1alpha1.NodeENI) (unplaced []plan.AttachmentReport, err error) {
	instances := c.inventory.InstancesOfNodeENI(string(n.UID))
	var nodes []*corev1.Node
	if n.DeletionTimestamp.IsZero() { // else no Node is to have any more than is there
		nodes = c.selectedNodes(n)
	}
	for _, node := range nodes {
		if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
			instances[id] = true
			continue
		}
		unplaced = append(unplaced, plan.UnplacedReports(node, []*v1alpha1.NodeENI{n})...)
	}
	for _, id := range c.told.stale(n, instances) {
		planned := c.told.begin()
		snapshot, err := c.gather(id)
		if err != nil {
			return nil, err
		}
		c.tellNews(planned, snapshot, plan.Instance(snapshot), n.UID)
	}
	return unplaced, nil
}

// sameStatus is equality.Semantic.DeepEqual, which takes long for hundreds of attachments.
func sameStatus(a, b *v1alpha1.NodeENIStatus) bool {
	if !slices.EqualFunc(a.Attachments, b.Attachments, sameEntry) {
		return false
	}
	restA, restB := *a, *b
	restA.Attachments, restB.Attachments = nil, nil
	return equality.Semantic.DeepEqual(restA, restB)
}

func sameEntry(a, b v1alpha1.Attachment) bool {
	cardA, cardB := a.NetworkCardIndex, b.NetworkCardIndex
	if (cardA == nil) != (cardB == nil) || (cardA != nil && *cardA != *cardB) || !a.LastTransitionTime.Equal(&b.LastTransitionTime) {
		return false
	}
	b.NetworkCardIndex, b.LastTransitionTime = cardA, a.LastTransitionTime
	return a == b
}
