package plan

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

var update = flag.Bool("update", false, "write testdata anew")

const messagesFile = "testdata/messages.txt"

// saying is one message, as it is told in a situation.
type saying struct{ situation, reason, message string }

// TestMessages holds every message that people are told with a reason against testdata/messages.txt, where they can be read
// one below the other. That none is missing, and that each says what to do, is for the controller's test of the same name.
func TestMessages(t *testing.T) {
	said := slices.Concat(ofInstances(), ofConditions(), ofNodes(), ofAnnotations())
	slices.SortStableFunc(said, func(a, b saying) int { return cmp.Compare(a.reason, b.reason) })
	var text strings.Builder
	for _, one := range said {
		fmt.Fprintf(&text, "%s (%s)\n\t%s\n", one.reason, one.situation, one.message)
	}
	if *update {
		if err := os.WriteFile(filepath.FromSlash(messagesFile), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(filepath.FromSlash(messagesFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(golden), text.String()); diff != "" {
		t.Errorf("other messages than %s has, which go test ./pkg/plan -run TestMessages -update writes anew (-file +said):\n%s", messagesFile, diff)
	}
}

// ofInstances are the messages of attachments and releases.
func ofInstances() (said []saying) {
	a := nodeENI("a")
	older := nodeENI("older", func(n *v1alpha1.NodeENI) { n.CreationTimestamp = metav1.NewTime(now.Add(-2 * time.Hour)) })
	mine := func(changes ...func(*eni.ObservedInterface)) func(*Snapshot) {
		return having(interfaceOf(a, "eni-1", changes...))
	}
	stuck := func(status eni.AttachmentStatus, age time.Duration) func(*Snapshot) {
		return mine(attachment(status), since(age))
	}
	halted := func(s *Snapshot) {
		s.Halt = &Halt{Exodus: Exodus{Threshold: 0.5, Attached: 40, Pending: 30}, Lease: types.NamespacedName{Namespace: "ns", Name: "ours"}}
	}
	adopted := func(value string, changes ...func(*eni.Interface)) Snapshot {
		return world(with(nodeENI("a", adopting(value))), foreign(foreignID, 1), described(changes...))
	}
	for _, one := range []struct {
		situation string
		world     Snapshot
	}{
		{"an invalid spec", world(with(nodeENI("a", inSubnet("vpc-1"))))},
		{"unknown to EC2", world(with(a), func(s *Snapshot) { s.Instance.NotFound = true })},
		{"shutting down", world(with(a), instanceState(eni.InstanceShuttingDown))},
		{"no such subnet", world(with(a), func(s *Snapshot) { s.Subnets[subnetA] = eni.ObservedSubnet{NotFound: true, ObservedAt: now} })},
		{"another zone", world(with(a), func(s *Snapshot) { s.Instance.Zone = "us-east-1b" })},
		{"the VPC CNI's interface", world(with(a), foreign("eni-cni", 1))},
		{"a full card", world(with(a), foreign("eni-cni", 2), foreign("eni-cni2", 3), foreign("eni-cni3", 4))},
		{"an older NodeENI", world(with(a, older))},
		{"another Node of the instance", world(with(a), func(s *Snapshot) { s.Duplicates = []*corev1.Node{node("b")} })},
		{"attaching thrice", world(with(a), gaveUp(3), stuck(eni.Attaching, time.Second))},
		{"attaching for ever", world(with(a), stuck(eni.Attaching, 15*time.Minute))},
		{"detaching", world(with(a), stuck(eni.Detaching, 11*time.Minute))},
		{"detaching, force allowed", world(with(nodeENI("a", force(inAnHour()))), stuck(eni.Detaching, 11*time.Minute))},
		{"detaching, force allowed once", world(with(nodeENI("a", force("2026-03-01T11:00:00Z"))), stuck(eni.Detaching, 11*time.Minute))},
		{"detaching, nobody's", world(nodeGone, stuck(eni.Detaching, 11*time.Minute), ownerless(time.Hour, 0))},
		{"to be detached in a dry run", world(with(nodeENI("a", beingDeleted)), dry, mine(attached))},
		{"to be deleted in a dry run", world(with(nodeENI("a", beingDeleted)), dry, mine())},
		{"labels gone", world(with(a), halted, mine(attached), func(s *Snapshot) { s.Node = node("a", unlabelled) })},
		{"nobody's", world(halted, mine(attached), ownerless(time.Hour, 0))},
		{"owner's tag gone", world(with(a), mine(attached, lost))},
		{"tags of the place gone", world(with(a), mine(attached, without(eni.TagInstanceID, eni.TagSlot)))},
		{"description", world(with(a), mine(attached, func(i *eni.ObservedInterface) { i.Description = "theirs" }), fought(FieldDescription, quoted(wantedDescription(a)), time.Hour, time.Hour))},
		{"attachment", world(with(a), mine(), fought(FieldAttachment, AttachmentOf(SlotOf(a)), time.Hour, time.Hour))},
		{"existence", world(with(a), fought(FieldExistence, ExistenceOf(subnetA), time.Hour, time.Hour))},
		{"adoption not allowed", world(with(nodeENI("a", adopting(foreignID))), foreign(foreignID, 1), described(), func(s *Snapshot) { s.AllowAdoption = false })},
		{"adoption of what is not shown", world(with(nodeENI("a", adopting(foreignID))), foreign(foreignID, 1), func(s *Snapshot) {
			s.Foreign = map[string]eni.ObservedForeign{foreignID: {Interface: eni.Interface{ID: foreignID}, NotFound: true}}
		})},
		{"adoption by another tag", adopted("tag:team=core")},
		{"adoption from an AWS service", adopted(foreignID, func(i *eni.Interface) { i.RequesterManaged = true })},
		{"adoption from the VPC CNI", adopted(foreignID, func(i *eni.Interface) { i.Tags = map[string]string{eni.TagCNIInstance: instanceA} })},
		{"adoption from another controller", adopted(foreignID, func(i *eni.Interface) { i.Tags = map[string]string{eni.TagClusterName: "another"} })},
		{"adoption of what is elsewhere", adopted(foreignID, func(i *eni.Interface) { i.Attachment.Slot.Index = 3 })},
		{"adoption from another subnet", adopted(foreignID, func(i *eni.Interface) { i.SubnetID = subnetB })},
	} {
		said = append(said, of(one.situation, Instance(one.world))...)
	}
	_, notNamed := ClaimRefusal(a, &eni.Interface{ID: foreignID}, instanceA)
	said = append(said, saying{"adoption of what is not named any more", v1alpha1.ReasonAdoptionRefused, notNamed})
	for _, providerID := range []string{"", "gce://p/z/i"} {
		n := node("b", func(n *corev1.Node) { n.Spec.ProviderID = providerID })
		said = append(said, of(fmt.Sprintf("provider ID %q", providerID), Result{Attachments: UnplacedReports(n, []*v1alpha1.NodeENI{a})})...)
	}
	return said
}

// of are the messages of a plan that are told with a reason for which somebody waits, or should look.
func of(situation string, result Result) (said []saying) {
	for _, report := range result.Attachments {
		if a := report.Attachment; a.Reason != "" {
			said = append(said, saying{situation, a.Reason, a.Message})
		}
	}
	for _, report := range result.Releases {
		if report.Held {
			said = append(said, saying{situation, report.Release.Reason, report.Release.Message})
		}
	}
	return said
}

// ofConditions are those of the conditions, but for the ones that repeat what is told of attachments and releases.
func ofConditions() (said []saying) {
	full := reportOn("a", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull)
	full.Attachment.Message = SubnetFullMessage(subnetA, 0)
	some := &eni.ObservedSubnet{Subnet: eni.Subnet{ID: subnetA, FreeAddresses: 3}}
	ok, creating := reportOn("ok", v1alpha1.AttachmentAttached, ""), reportOn("creating", v1alpha1.AttachmentCreating, "")
	held := releaseOf("eni-1", v1alpha1.ReasonDetachStuck)
	for _, one := range []struct {
		situation string
		in        StatusInput
	}{
		{"no Node", StatusInput{NodeENI: nodeENI("a")}},
		{"all attached", StatusInput{NodeENI: nodeENI("a"), Attachments: []AttachmentReport{ok}}},
		{"pending", StatusInput{NodeENI: nodeENI("a"), Attachments: []AttachmentReport{ok, creating}}},
		{"releasing", StatusInput{NodeENI: nodeENI("a"), Attachments: []AttachmentReport{ok}, Releases: []ReleaseReport{releaseOf("eni-1", "")}}},
		{"deleted", StatusInput{NodeENI: nodeENI("a", beingDeleted), Releases: []ReleaseReport{releaseOf("eni-1", "")}}},
		{"deleted, nothing left", StatusInput{NodeENI: nodeENI("a", beingDeleted)}},
		{"invalid", StatusInput{NodeENI: nodeENI("a", inSubnet("vpc-1"))}},
		{"full", StatusInput{NodeENI: nodeENI("a"), Attachments: slices.Repeat([]AttachmentReport{full}, 12)}},
		{"nearly full", StatusInput{NodeENI: nodeENI("a"), Subnet: some, Attachments: slices.Repeat([]AttachmentReport{full}, 12)}},
		{"full, and one held", StatusInput{NodeENI: nodeENI("a"), Attachments: []AttachmentReport{full}, Releases: []ReleaseReport{held, held}}},
	} {
		one.in.Now = now
		for _, c := range Status(one.in).Conditions {
			said = append(said, saying{one.situation + ", " + c.Type, c.Reason, c.Message})
		}
	}
	unread := Unread(StatusInput{NodeENI: nodeENI("a"), Now: now, MissingPermissions: "IAM denies …; compare …"})
	for _, c := range unread.Conditions {
		said = append(said, saying{"EC2 may not be read, " + c.Type, c.Reason, c.Message})
	}
	n := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(false) })
	notices, _ := Notices(n, &v1alpha1.NodeENIStatus{}, &v1alpha1.NodeENIStatus{ObservedGeneration: 1}, History{})
	for _, notice := range notices {
		said = append(said, saying{"event", notice.Reason, notice.Message})
	}
	return append(said, saying{"event for the rest", NoticeNodeBlocked, fmt.Sprintf(messageOmittedNodeNotices, 480)})
}

// ofNodes are those of the condition on a Node.
func ofNodes() (said []saying) {
	attached, blocked := reportOn("a", v1alpha1.AttachmentAttached, ""), reportOn("a", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull)
	bearing := node("a", func(n *corev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{Type: v1alpha1.NodeConditionENIsReady}}
	})
	for _, one := range []struct {
		situation string
		wanted    []AttachmentReport
		attached  int
	}{{"none wanted", nil, 0}, {"all attached", []AttachmentReport{attached}, 1}, {"one blocked", []AttachmentReport{attached, blocked}, 1}} {
		c := conditionFor(bearing, one.wanted, one.attached)
		said = append(said, saying{one.situation + ", on the Node", c.Reason, c.Message})
	}
	return said
}

// ofAnnotations are those of the event about annotations that can not be followed.
func ofAnnotations() (said []saying) {
	for _, one := range []struct{ situation, key, value string }{
		{"no time to allow releases until", v1alpha1.AnnotationAllowReleaseUntil, "yes"},
		{"no time to allow force until", v1alpha1.AnnotationForceDetachUntil, "yes"},
		{"force for ever", v1alpha1.AnnotationForceDetachUntil, "2126-03-01T11:00:00Z"},
		{"no order", v1alpha1.AnnotationAdopt, "all"},
		{"a mixed order", v1alpha1.AnnotationAdopt, foreignID + ",tag:team=telco"},
	} {
		n := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Annotations = map[string]string{one.key: one.value} })
		for _, complaint := range AnnotationComplaints(n, now) {
			said = append(said, saying{one.situation, "InvalidAnnotation", complaint})
		}
	}
	return said
}

// TestFreeAddressesAreToldButNotWrittenFor: a status that says the same but for how many addresses are free, where some
// are, is the stored one. Whether there are any is told, and so is everything else, with the count as it is then.
func TestFreeAddressesAreToldButNotWrittenFor(t *testing.T) {
	full := func(name string) AttachmentReport {
		report := reportOn(name, v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull)
		report.Attachment.Message = SubnetFullMessage(subnetA, 0)
		return report
	}
	n := nodeENI("a")
	status := func(free int32, reports ...AttachmentReport) string {
		subnet := &eni.ObservedSubnet{Subnet: eni.Subnet{ID: subnetA, FreeAddresses: free}}
		n.Status = Status(StatusInput{NodeENI: n, Now: now, Subnet: subnet, Attachments: reports})
		return n.Status.Conditions[2].Message
	}
	const cure = "; free some of its addresses, or use a larger subnet"
	for _, step := range []struct {
		free    int32
		reports []AttachmentReport
		want    string
	}{
		{3, []AttachmentReport{full("x"), full("y")}, "2 nodes wait, SubnetFull: subnet " + subnetA + " has 3 free addresses" + cure},
		{1, []AttachmentReport{full("x"), full("y")}, "2 nodes wait, SubnetFull: subnet " + subnetA + " has 3 free addresses" + cure},
		{0, []AttachmentReport{full("x"), full("y")}, "2 nodes wait, SubnetFull: subnet " + subnetA + " has no free address" + cure},
		{5, []AttachmentReport{full("x"), full("y")}, "2 nodes wait, SubnetFull: subnet " + subnetA + " has 5 free addresses" + cure},
		{1, []AttachmentReport{full("x")}, "1 node waits, SubnetFull: subnet " + subnetA + " has 1 free address" + cure},
	} {
		if got := status(step.free, step.reports...); got != step.want {
			t.Errorf("with %d free addresses and %d nodes: %q, want %q", step.free, len(step.reports), got, step.want)
		}
	}
}
