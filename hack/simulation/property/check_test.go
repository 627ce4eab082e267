package property

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// scene is one Node with one interface, as it should be.
type scene struct {
	n     v1alpha1.NodeENI
	node  corev1.Node
	world World
}

func newScene() *scene {
	s := &scene{
		n:    v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "uid-a", Generation: 1}},
		node: corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"ng": "x"}}, Spec: corev1.NodeSpec{ProviderID: "aws:///z/i-1"}},
	}
	s.n.Spec = v1alpha1.NodeENISpec{NodeSelector: map[string]string{"ng": "x"}, SubnetID: "subnet-00000001", SecurityGroupIDs: []string{"sg-00000001"}, DeviceIndex: 1}
	owner := eni.Owner{ClusterID: "c", NodeENIUID: "uid-a", NodeENIName: "a", NodeName: "n", InstanceID: "i-1", Slot: eni.Slot{Index: 1}}
	s.world.ClusterIDs = []string{"c"}
	s.world.Subnets = []ec2sim.SubnetNow{{Subnet: ec2sim.Subnet{ID: "subnet-00000001", VPC: "v", Zone: "z", CIDR: "10.0.0.0/24"}, FreeAddresses: 9}}
	s.world.Groups = []ec2sim.SecurityGroup{{ID: "sg-00000001", VPC: "v"}}
	s.world.Instances = []ec2sim.InstanceNow{{Instance: ec2sim.Instance{ID: "i-1", State: "running"}, Zone: "z"}}
	s.world.Interfaces = []ec2sim.InterfaceNow{{
		ID: "eni-1", Subnet: "subnet-00000001", Zone: "z", SecurityGroups: []string{"sg-00000001"}, Tags: owner.Tags(),
		Attachment: &ec2sim.AttachmentNow{ID: "at-1", Instance: "i-1", DeviceIndex: 1, Status: "attached", DeleteOnTermination: true},
	}}
	condition := func(kind string, is metav1.ConditionStatus) metav1.Condition {
		return metav1.Condition{Type: kind, Status: is, ObservedGeneration: 1}
	}
	s.n.Status = v1alpha1.NodeENIStatus{
		ObservedGeneration: 1, MatchingNodes: new(int32(1)), AttachedNodes: new(int32(1)), PendingNodes: new(int32(0)), BlockedNodes: new(int32(0)), ReleasingInterfaces: new(int32(0)),
		Attachments: []v1alpha1.Attachment{{
			NodeName: "n", DeviceIndex: 1, InstanceID: "i-1", ENIID: "eni-1", AttachmentID: "at-1", SubnetID: "subnet-00000001", SubnetCIDR: "10.0.0.0/24",
			AvailabilityZone: "z", State: v1alpha1.AttachmentAttached,
		}},
		Conditions: []metav1.Condition{condition("Ready", "True"), condition("Reconciling", "False"), condition("Stalled", "False")},
	}
	return s
}

// TestEachClauseIsSeen breaks one thing at a time.
func TestEachClauseIsSeen(t *testing.T) {
	for want, spoil := range map[string]func(*scene){
		"":                    func(*scene) {},
		"has no interface":    func(s *scene) { s.world.Interfaces = nil },
		"security groups is":  func(s *scene) { s.world.Interfaces[0].SecurityGroups = nil },
		"deleteOnTermination": func(s *scene) { s.world.Interfaces[0].Attachment.DeleteOnTermination = false },
		"nobody wants it":     func(s *scene) { s.node.Labels = nil },
		"is being deleted":    func(s *scene) { s.n.DeletionTimestamp = new(metav1.Now()) },
		"observedGeneration":  func(s *scene) { s.n.Generation = 2 },
		"attachmentID is":     func(s *scene) { s.n.Status.Attachments[0].AttachmentID = "at-0" },
		"attachedNodes is":    func(s *scene) { s.n.Status.AttachedNodes = nil },
		"condition Ready is":  func(s *scene) { s.n.Status.Conditions[0].Status = "False" },
		"say another place":   func(s *scene) { delete(s.world.Interfaces[0].Tags, eni.TagSlot) },
		"attached and yet":    func(s *scene) { s.n.Status.Attachments[0].Reason = v1alpha1.ReasonTagsDamaged },
		"which is gone, though": func(s *scene) {
			s.world.Stripped = map[string]string{"eni-1": "uid-b"}
		},
	} {
		s := newScene()
		spoil(s)
		var all []string
		for _, v := range Check([]v1alpha1.NodeENI{s.n}, []corev1.Node{s.node}, s.world) {
			all = append(all, v.String())
		}
		if got := strings.Join(all, "\n"); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("want %q, got:\n%s", want, got)
		}
	}
}

// TestWhoComesHasTheSlot: an older NodeENI does not get the slot at which EC2 is attaching the interface of a younger one,
// however long that takes. That one does not end to be attached, and is not taken.
func TestWhoComesHasTheSlot(t *testing.T) {
	for reason, want := range map[string]string{v1alpha1.ReasonSlotTaken: "", v1alpha1.ReasonAttachStuck: "want Blocked by one of SlotTaken"} {
		s := newScene()
		s.world.Interfaces[0].Attachment.Status = "attaching"
		old := *s.n.DeepCopy()
		old.Name, old.UID = "old", "uid-old"
		s.n.CreationTimestamp = metav1.Unix(60, 0)
		old.Status.Attachments[0] = v1alpha1.Attachment{NodeName: "n", State: v1alpha1.AttachmentBlocked, Reason: reason}
		var about []string
		for _, v := range Check([]v1alpha1.NodeENI{s.n, old}, []corev1.Node{s.node}, s.world) {
			if strings.Contains(v.Message, "NodeENI old") && strings.Contains(v.Message, "node n is Blocked") {
				about = append(about, v.Message)
			}
		}
		if got := strings.Join(about, "; "); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: want %q, got %q", reason, want, got)
		}
	}
}

// TestAHaltedCleanupHoldsWhatIsNotOnItsWay: of what is held, nothing but the hold is to be said.
func TestAHaltedCleanupHoldsWhatIsNotOnItsWay(t *testing.T) {
	for status, held := range map[string]bool{"attached": true, "attaching": true, "detaching": false} {
		s := newScene()
		s.node.Labels = nil
		s.world.Interfaces[0].Attachment.Status = status
		s.n.Status.Releasing = []v1alpha1.Release{{ENIID: "eni-1", Reason: v1alpha1.ReasonCleanupHalted}}
		holds := Holds([]v1alpha1.NodeENI{s.n}, []corev1.Node{s.node}, s.world)
		if got := len(holds) == 1 && holds[0].Reason == v1alpha1.ReasonCleanupHalted; got != held {
			t.Errorf("%s: held %v, want %v", status, got, held)
		}
	}
}
