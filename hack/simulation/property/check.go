package property

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Check returns every way in which the property does not hold, in no more than one line each.
func Check(nodeENIs []v1alpha1.NodeENI, nodes []corev1.Node, world World) []Violation {
	return judge(nodeENIs, nodes, world).violations
}

// Holds returns the interfaces that are held on purpose, as status reports them.
func Holds(nodeENIs []v1alpha1.NodeENI, nodes []corev1.Node, world World) []Hold {
	return judge(nodeENIs, nodes, world).holds
}

// judgement is one look at everything.
type judgement struct {
	World
	nodeENIs   []v1alpha1.NodeENI
	nodes      []corev1.Node
	byUID      map[string]*v1alpha1.NodeENI
	instances  map[string]*ec2sim.InstanceNow
	subnets    map[string]*ec2sim.SubnetNow
	claims     []*claim
	used       map[string]bool
	holds      []Hold
	violations []Violation
}

func judge(nodeENIs []v1alpha1.NodeENI, nodes []corev1.Node, world World) *judgement {
	j := &judgement{
		World: world, nodeENIs: nodeENIs, nodes: nodes, byUID: map[string]*v1alpha1.NodeENI{},
		instances: map[string]*ec2sim.InstanceNow{}, subnets: map[string]*ec2sim.SubnetNow{}, used: map[string]bool{},
	}
	for i := range nodeENIs {
		j.byUID[string(nodeENIs[i].UID)] = &nodeENIs[i]
	}
	for i := range world.Instances {
		j.instances[world.Instances[i].ID] = &world.Instances[i]
	}
	for i := range world.Subnets {
		j.subnets[world.Subnets[i].ID] = &world.Subnets[i]
	}
	j.claim()
	for _, c := range j.claims {
		j.fill(c)
	}
	for _, c := range j.claims {
		j.weigh(c)
	}
	for _, c := range j.claims {
		j.wanted(c)
	}
	j.unwanted()
	for i := range nodeENIs {
		j.status(&nodeENIs[i])
	}
	if world.OnNodes.Any() {
		for i := range nodes {
			j.onNode(&nodes[i])
		}
	}
	return j
}

func (j *judgement) violated(clause int, format string, args ...any) {
	j.violations = append(j.violations, Violation{clause, fmt.Sprintf(format, args...)})
}

// claim finds out what is wanted.
func (j *judgement) claim() {
	for i := range j.nodeENIs {
		n := &j.nodeENIs[i]
		if n.DeletionTimestamp != nil || invalid(n) {
			continue
		}
		for k := range j.nodes {
			if node := &j.nodes[k]; selects(n, node) {
				j.claims = append(j.claims, &claim{n: n, node: node, id: instanceOf(node), against: map[string]bool{}})
			}
		}
	}
	for _, c := range j.claims {
		c.instance = j.instances[c.id]
	}
}

var subnetID, groupID = regexp.MustCompile("^subnet-[0-9a-f]{8,17}$"), regexp.MustCompile("^sg-[0-9a-f]{8,17}$")

// invalid reports whether a spec is one that the CRD would refuse, as far as a world has such ones. Nothing is
// created or released for it until it is corrected.
func invalid(n *v1alpha1.NodeENI) bool {
	return len(n.Spec.NodeSelector) == 0 || n.Spec.DeviceIndex < 1 || n.Spec.DeviceIndex > 99 || !subnetID.MatchString(n.Spec.SubnetID) ||
		len(n.Spec.SecurityGroupIDs) == 0 || slices.ContainsFunc(n.Spec.SecurityGroupIDs, func(id string) bool { return !groupID.MatchString(id) })
}

// frozen reports whether an interface stays as it is, since the spec of its NodeENI, or of the one that has the name of
// its former one and selects its Node, says nothing.
func (j *judgement) frozen(e *ec2sim.InterfaceNow) bool {
	n := j.byUID[e.Tags[eni.TagNodeENIUID]]
	for i := range j.nodeENIs {
		if heir := &j.nodeENIs[i]; n == nil && heir.Name == e.Tags[eni.TagNodeENIName] && j.selectsHomeOf(heir, e) {
			n = heir
		}
	}
	return n != nil && n.DeletionTimestamp == nil && invalid(n)
}

// selectsHomeOf reports whether a NodeENI selects the Node on which an interface is, or for which it was made.
func (j *judgement) selectsHomeOf(n *v1alpha1.NodeENI, e *ec2sim.InterfaceNow) bool {
	home := e.Tags[eni.TagInstanceID]
	if e.Attachment != nil {
		home = e.Attachment.Instance
	}
	return slices.ContainsFunc(j.nodes, func(node corev1.Node) bool { return instanceOf(&node) == home && selects(n, &node) })
}

func selects(n *v1alpha1.NodeENI, node *corev1.Node) bool {
	for key, value := range n.Spec.NodeSelector {
		if got, ok := node.Labels[key]; !ok || got != value {
			return false
		}
	}
	return len(n.Spec.NodeSelector) > 0
}

// instanceOf is the instance that the Node names; empty when it names none.
func instanceOf(node *corev1.Node) string {
	parts := strings.Split(node.Spec.ProviderID, "/")
	last := parts[len(parts)-1]
	if !strings.HasPrefix(last, "i-") || (len(parts) > 1 && parts[0] != "aws:") {
		return ""
	}
	return last
}

// fill finds the interface that a claim has.
func (j *judgement) fill(c *claim) {
	for i := range j.Interfaces {
		e := &j.Interfaces[i]
		if !j.ours(e) || e.Tags[eni.TagNodeENIUID] != string(c.n.UID) || !at(e, c.id, c.n.Spec.DeviceIndex) || e.Attachment.Status != "attached" || e.Subnet != c.n.Spec.SubnetID {
			continue
		}
		if dead(c.instance) || !j.newest(c) {
			continue
		}
		c.has = e
		j.used[e.ID] = true
	}
}

// damaged reports whether the tags of the interface that a claim has say another place, or none.
func (c *claim) damaged() bool {
	return c.has.Tags[eni.TagInstanceID] != c.id || c.has.Tags[eni.TagSlot] != fmt.Sprintf("0-%d", c.n.Spec.DeviceIndex)
}

func at(e *ec2sim.InterfaceNow, instance string, index int32) bool {
	return e.Attachment != nil && e.Attachment.Instance == instance && e.Attachment.CardIndex == 0 && e.Attachment.DeviceIndex == int(index)
}

func (j *judgement) ours(e *ec2sim.InterfaceNow) bool {
	return slices.Contains(j.ClusterIDs, e.Tags[eni.TagClusterID]) && e.Tags[eni.TagNodeENIUID] != ""
}

func dead(i *ec2sim.InstanceNow) bool {
	return i == nil || i.State == "terminated" || i.State == "shutting-down"
}

// newest reports whether the claim's Node is the one that counts of those that name its instance.
func (j *judgement) newest(c *claim) bool {
	for i := range j.nodes {
		other := &j.nodes[i]
		if other.Name != c.node.Name && instanceOf(other) == c.id &&
			cmp.Or(other.CreationTimestamp.Compare(c.node.CreationTimestamp.Time), cmp.Compare(c.node.Name, other.Name)) > 0 {
			return false
		}
	}
	return true
}

// weigh finds out what the world has against a claim: all that is true, since which of several reasons is told first is
// nobody's concern.
func (j *judgement) weigh(c *claim) {
	switch {
	case c.id == "":
		c.against[v1alpha1.ReasonNoAWSProviderID] = true
		return
	case !j.newest(c):
		c.against[v1alpha1.ReasonDuplicateInstance] = true
		return
	}
	j.weighPlace(c)
	j.weighRight(c)
	if dead(c.instance) {
		c.against[v1alpha1.ReasonInstanceNotFound] = true
		c.against[v1alpha1.ReasonInstanceNotRunning] = true
		return
	}
	c.excused = c.instance.State == "pending" || c.instance.State == "stopping"
	j.weighSlot(c)
	j.weighRoom(c)
}

// weighPlace is about the subnet and the security groups.
func (j *judgement) weighPlace(c *claim) {
	subnet := j.subnets[c.n.Spec.SubnetID]
	if subnet == nil {
		c.against[v1alpha1.ReasonSubnetNotFound] = true
	}
	if subnet != nil && c.instance != nil && subnet.Zone != c.instance.Zone {
		c.against[v1alpha1.ReasonSubnetInOtherZone] = true
	}
	if subnet != nil && subnet.FreeAddresses == 0 {
		c.against[v1alpha1.ReasonSubnetFull] = true
	}
	if !j.groupsExist(c) {
		c.against[v1alpha1.ReasonSecurityGroupNotFound] = true
	}
	if j.Quota > 0 && len(j.Interfaces) >= j.Quota {
		c.against[v1alpha1.ReasonInterfaceQuotaReached] = true
	}
}

func (j *judgement) groupsExist(c *claim) bool { return j.missingGroup(c) == "" }

func (j *judgement) groupExists(c *claim, id string) bool {
	subnet := j.subnets[c.n.Spec.SubnetID]
	return slices.ContainsFunc(j.Groups, func(g ec2sim.SecurityGroup) bool {
		return g.ID == id && (subnet == nil || g.VPC == subnet.VPC)
	})
}

// weighSlot is about who else has, or has a better right to, the slot.
func (j *judgement) weighSlot(c *claim) {
	if c.spoilt() {
		c.against[v1alpha1.ReasonAttachFailed] = true
	}
	for i := range j.Interfaces {
		e := &j.Interfaces[i]
		if !at(e, c.id, c.n.Spec.DeviceIndex) || (c.has != nil && e.ID == c.has.ID) {
			continue
		}
		_, stripped := j.Stripped[e.ID]
		switch {
		case stripped:
			c.against[v1alpha1.ReasonTagsLost] = true
			unknown := j.Restarted[e.ID] && j.namesake(e) == nil
			c.against[v1alpha1.ReasonDeviceIndexInUse] = c.against[v1alpha1.ReasonDeviceIndexInUse] || unknown
		case !j.ours(e):
			c.against[v1alpha1.ReasonDeviceIndexInUse] = true
		case j.used[e.ID], j.frozen(e), j.comes(e, c):
			c.against[v1alpha1.ReasonSlotTaken] = true
		default:
			j.weighStuck(c, e)
		}
	}
	maps.DeleteFunc(c.against, func(_ string, is bool) bool { return !is })
}

// spoilt reports whether EC2 attaches nothing at the claim's slot until its instance has stopped, since a detach by force.
func (c *claim) spoilt() bool {
	return c.instance != nil && slices.Contains(c.instance.Spoilt, ec2sim.SlotNow{DeviceIndex: int(c.n.Spec.DeviceIndex)})
}

// comes reports whether EC2 is attaching an interface at the claim's slot that another NodeENI wants there: it has the
// slot, although nobody may know for how long.
func (j *judgement) comes(e *ec2sim.InterfaceNow, c *claim) bool {
	return e.Attachment.Status == "attaching" && slices.ContainsFunc(j.claims, func(other *claim) bool {
		return other.n != c.n && e.Tags[eni.TagNodeENIUID] == string(other.n.UID) && at(e, other.id, other.n.Spec.DeviceIndex) && j.newest(other)
	})
}

// weighStuck is about an interface of ours that cannot leave a place which the claim needs: its slot, the last one of
// the instance, or that of its own predecessor, which is released first.
func (j *judgement) weighStuck(c *claim, e *ec2sim.InterfaceNow) {
	switch e.Attachment.Status {
	case "attaching":
		c.against[v1alpha1.ReasonAttachStuck] = true
	case "detaching":
		c.against[v1alpha1.ReasonDetachStuck] = true
	default:
		if reason := j.reported(e); reason != "" {
			c.against[reason] = true
		}
		if j.haltedOrphan(e) {
			c.against[v1alpha1.ReasonCleanupHalted] = true
		}
	}
}

// haltedOrphan reports whether an interface is one of those without a NodeENI that the controller has told that it
// holds.
func (j *judgement) haltedOrphan(e *ec2sim.InterfaceNow) bool {
	return j.byUID[e.Tags[eni.TagNodeENIUID]] == nil && j.HaltedOrphans && e.Attachment != nil
}

// weighRight is about who has a better right to the slot.
func (j *judgement) weighRight(c *claim) {
	for _, other := range j.claims {
		if other != c && other.id == c.id && other.n.Spec.DeviceIndex == c.n.Spec.DeviceIndex && other.n != c.n && older(other.n, c.n) {
			c.against[v1alpha1.ReasonSlotTaken] = true
		}
	}
}

func older(a, b *v1alpha1.NodeENI) bool {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.UID, b.UID)) < 0
}

// weighRoom is about how many interfaces the instance takes, and about the claim's own predecessors.
func (j *judgement) weighRoom(c *claim) {
	limit, known := j.Limits[c.instance.Type]
	full := known && len(c.instance.Interfaces) >= limit
	if full {
		c.against[v1alpha1.ReasonInterfaceLimitReached] = true
	}
	for i := range j.Interfaces {
		e := &j.Interfaces[i]
		if j.used[e.ID] || !j.ours(e) || e.Attachment == nil || e.Attachment.Instance != c.id {
			continue
		}
		if full || e.Tags[eni.TagNodeENIUID] == string(c.n.UID) {
			j.weighStuck(c, e)
		}
	}
}

// wanted is clause 1.
func (j *judgement) wanted(c *claim) {
	if c.excused {
		return
	}
	if c.has == nil {
		if len(c.against) == 0 {
			j.violated(1, "%s has no interface, and nothing stands against it", c)
		}
		return
	}
	if diff := j.settings(c); diff != "" {
		j.violated(1, "%s has %s, whose %s", c, c.has.ID, diff)
	}
}

// settings compares what an interface has with what is wanted.
func (j *judgement) settings(c *claim) string {
	var diffs []string
	differ := func(what string, got, want any) {
		diffs = append(diffs, fmt.Sprintf("%s is %v, want %v", what, got, want))
	}
	if got, want := sorted(c.has.SecurityGroups), sorted(c.n.Spec.SecurityGroupIDs); !slices.Equal(got, want) && j.groupsExist(c) {
		differ("security groups", got, want)
	}
	if want := deref(c.n.Spec.Description); c.has.Description != want {
		differ("description", fmt.Sprintf("%q", c.has.Description), fmt.Sprintf("%q", want))
	}
	if want := c.n.Spec.DeleteOnTermination == nil || *c.n.Spec.DeleteOnTermination; c.has.Attachment.DeleteOnTermination != want {
		differ("deleteOnTermination", c.has.Attachment.DeleteOnTermination, want)
	}
	for _, key := range slices.Sorted(maps.Keys(c.n.Spec.Tags)) {
		if c.has.Tags[key] != c.n.Spec.Tags[key] {
			differ("tag "+key, c.has.Tags[key], c.n.Spec.Tags[key])
		}
	}
	if c.has.Tags[eni.TagNoManage] != "true" {
		differ("tag "+eni.TagNoManage, c.has.Tags[eni.TagNoManage], "true")
	}
	return strings.Join(diffs, "; ")
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
