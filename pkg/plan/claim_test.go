package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const foreignID = "eni-0aaaaaaaaaaaaaaa1"

func adopting(value string) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) { n.Annotations = map[string]string{v1alpha1.AnnotationAdopt: value} }
}

func TestTheAdoptionOrderIsReadStrictly(t *testing.T) {
	for _, test := range []struct {
		value     string
		want      AdoptionOrder
		complaint string
	}{
		{value: foreignID, want: AdoptionOrder{IDs: []string{foreignID}}},
		{value: foreignID + ", eni-0aaaaaaa", want: AdoptionOrder{IDs: []string{foreignID, "eni-0aaaaaaa"}}},
		{value: "tag:team=telco", want: AdoptionOrder{Tags: map[string]string{"team": "telco"}}},
		{value: "tag:team=telco,tag:kubernetes.io/role=a=b", want: AdoptionOrder{Tags: map[string]string{"team": "telco", "kubernetes.io/role": "a=b"}}},
		{value: "tag:empty=", want: AdoptionOrder{Tags: map[string]string{"empty": ""}}},
		{value: "", complaint: `""`},
		{value: "all", complaint: `"all"`},
		{value: "tag:team", complaint: `"tag:team"`},
		{value: "tag:=x", complaint: `"tag:=x"`},
		{value: foreignID + ",", complaint: `""`},
		{value: "eni-0AAAAAAAAAAAAAAA1", complaint: "eni-0AAA"},
		{value: foreignID + ",tag:team=telco", complaint: "one or the other"},
	} {
		n := nodeENI("a", adopting(test.value))
		order, ok, complaint := AdoptionOrderOf(n.Annotations)
		if ok == (test.complaint != "") || !strings.Contains(complaint, test.complaint) {
			t.Errorf("%q: followed %v, complaint %q, want %q", test.value, ok, complaint, test.complaint)
		}
		if diff := cmp.Diff(test.want, order); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.value, diff)
		}
		if complained := len(AnnotationComplaints(n, now)) > 0; complained != (test.complaint != "") {
			t.Errorf("%q: AnnotationComplaints tells of it: %v", test.value, complained)
		}
	}
	if _, ok, complaint := AdoptionOrderOf(nil); ok || complaint != "" {
		t.Errorf("without the annotation there is an order or a complaint: %v, %q", ok, complaint)
	}
}

// fitting is an interface of somebody else at index 1 of the instance, as EC2 describes it.
func fitting(changes ...func(*eni.Interface)) eni.Interface {
	iface := eni.Interface{
		ID: foreignID, SubnetID: subnetA, Tags: map[string]string{"team": "telco"},
		Attachment: &eni.Attachment{InstanceID: instanceA, Slot: eni.Slot{Index: 1}, Status: eni.Attached},
	}
	for _, change := range changes {
		change(&iface)
	}
	return iface
}

// described has the interface described, and adoption allowed.
func described(changes ...func(*eni.Interface)) func(*Snapshot) {
	return func(s *Snapshot) {
		s.AllowAdoption = true
		s.Foreign = map[string]eni.ObservedForeign{foreignID: {Interface: fitting(changes...), ObservedAt: now}}
	}
}

func TestOnlyWhatHoldsTheSlotIsClaimed(t *testing.T) {
	at := func(index int32) func(*Snapshot) { return foreign(foreignID, index) }
	forbidden := func(s *Snapshot) { s.AllowAdoption = false }
	gone := func(s *Snapshot) {
		s.Foreign = map[string]eni.ObservedForeign{foreignID: {Interface: eni.Interface{ID: foreignID}, NotFound: true}}
	}
	for _, test := range []struct {
		name  string
		world Snapshot
		// claims says that it is taken over now, looks that it is to be kept described.
		claims, looks bool
		refused       AdoptionRefusal
		reports       string
	}{
		{name: "by ID", world: world(with(nodeENI("a", adopting(foreignID))), at(1), described()), claims: true, looks: true, reports: "Attaching"},
		{name: "with tags in the spec", world: world(with(nodeENI("a", adopting(foreignID), func(n *v1alpha1.NodeENI) {
			n.Spec.Tags = map[string]string{"team": "core", eni.TagName: "mine"}
			n.Annotations[v1alpha1.AnnotationManagedTagKeys] = `["Name","team"]`
		})), at(1), described()), claims: true, looks: true, reports: "Attaching"},
		{name: "by tag", world: world(with(nodeENI("a", adopting("tag:team=telco"))), at(1), described()), claims: true, looks: true, reports: "Attaching"},
		{name: "not described yet", world: world(with(nodeENI("a", adopting(foreignID))), at(1)), looks: true, reports: "Attaching"},
		{name: "another tag", world: world(with(nodeENI("a", adopting("tag:team=core"))), at(1), described()), looks: true, refused: RefusedOtherTags, reports: v1alpha1.ReasonAdoptionRefused},
		{name: "not allowed", world: world(with(nodeENI("a", adopting(foreignID))), at(1), described(), forbidden), looks: true, refused: RefusedNotAllowed, reports: v1alpha1.ReasonAdoptionRefused},
		{name: "not allowed, and another tag", world: world(with(nodeENI("a", adopting("tag:team=core"))), at(1), described(), forbidden), looks: true, refused: RefusedOtherTags, reports: v1alpha1.ReasonAdoptionRefused},
		{name: "not shown by ID", world: world(with(nodeENI("a", adopting(foreignID))), at(1), described(), gone), looks: true, refused: RefusedNotShown, reports: v1alpha1.ReasonAdoptionRefused},
		{name: "another ID", world: world(with(nodeENI("a", adopting("eni-0bbbbbbbbbbbbbbb2"))), at(1), described()), reports: v1alpha1.ReasonDeviceIndexInUse},
		{name: "a malformed order", world: world(with(nodeENI("a", adopting("all"))), at(1), described()), reports: v1alpha1.ReasonDeviceIndexInUse},
		{name: "no order", world: world(with(nodeENI("a")), at(1), described()), reports: v1alpha1.ReasonDeviceIndexInUse},
		{name: "another index", world: world(with(nodeENI("a", adopting(foreignID))), at(2), described()), reports: "Creating"},
		{name: "no finalizer yet", world: world(with(nodeENI("a", adopting(foreignID), func(n *v1alpha1.NodeENI) { n.Finalizers = nil })), at(1), described()), looks: true, reports: "Attaching"},
		{name: "an instance that dies", world: world(with(nodeENI("a", adopting(foreignID))), at(1), described(), func(s *Snapshot) {
			s.Instance.State = eni.InstanceShuttingDown
		}), reports: v1alpha1.ReasonInstanceNotRunning},
		{name: "denied a moment ago", world: world(with(nodeENI("a", adopting(foreignID))), at(1), described(), func(s *Snapshot) {
			key := SlotKey{NodeENI: "uid-a", Instance: instanceA, Slot: eni.Slot{Index: 1}}
			s.ChangeSetbacks = map[SlotKey]map[ActionKind]Setback{key: {Claim: {Reason: v1alpha1.ReasonPermissionDenied, Message: "why", Until: now.Add(1)}}}
		}), looks: true, reports: v1alpha1.ReasonPermissionDenied},
	} {
		result := Instance(test.world)
		claims := len(result.Attach) == 1 && result.Attach[0].Kind == Claim && result.Attach[0].InterfaceID == foreignID
		if claims != test.claims {
			t.Errorf("%s: actions %+v, want a claim: %v", test.name, result.Attach, test.claims)
		}
		if looks := slices.Equal(result.Foreign, []string{foreignID}); looks != test.looks || (!looks && len(result.Foreign) > 0) {
			t.Errorf("%s: %v are to be described, want %s among it: %v", test.name, result.Foreign, foreignID, test.looks)
		}
		if claims && result.Attach[0].Tags[eni.TagNodeENIUID] != "uid-a" {
			t.Errorf("%s: tags %v", test.name, result.Attach[0].Tags)
		}
		if claims && len(result.Attach[0].Tags) != len(eni.Owner{}.Tags()) {
			t.Errorf("%s: tags %v, want none but the controller's own", test.name, result.Attach[0].Tags)
		}
		got := result.Attachments[0]
		if got.Attachment.Reason != test.reports && string(got.Attachment.State) != test.reports {
			t.Errorf("%s: reported %s %s, want %s", test.name, got.Attachment.State, got.Attachment.Reason, test.reports)
		}
		if got.Refused != test.refused {
			t.Errorf("%s: refused for %q, want %q", test.name, got.Refused, test.refused)
		}
	}
}

func TestWhatIsSomebodysIsNotClaimed(t *testing.T) {
	for _, test := range []struct {
		name    string
		order   string
		iface   eni.Interface
		want    string
		refusal AdoptionRefusal
	}{
		{name: "fits, by ID", order: foreignID, iface: fitting()},
		{name: "fits, by tag", order: "tag:team=telco", iface: fitting()},
		{name: "another tag", order: "tag:team=core", iface: fitting(), want: "does not bear the tag team=core", refusal: RefusedOtherTags},
		{name: "one of two tags", order: "tag:team=telco,tag:env=prod", iface: fitting(), want: "env=prod", refusal: RefusedOtherTags},
		{name: "another ID", order: "eni-0bbbbbbbbbbbbbbb2", iface: fitting(), want: "does not name it", refusal: RefusedNotNamed},
		{name: "an AWS service's", order: foreignID, iface: fitting(func(i *eni.Interface) { i.RequesterManaged = true }), want: "AWS service", refusal: RefusedAWSService},
		{name: "the VPC CNI's", order: foreignID, iface: fitting(func(i *eni.Interface) { i.Tags[eni.TagCNIInstance] = instanceA }), want: "VPC CNI", refusal: RefusedVPCCNI},
		{name: "another cluster's", order: foreignID, iface: fitting(func(i *eni.Interface) { i.Tags[eni.TagClusterID] = "else" }), want: eni.TagClusterID, refusal: RefusedOwned},
		{name: "another index", order: foreignID, iface: fitting(func(i *eni.Interface) { i.Attachment.Slot.Index = 2 }), want: "device index 1", refusal: RefusedNotInPlace},
		{name: "another instance", order: foreignID, iface: fitting(func(i *eni.Interface) { i.Attachment.InstanceID = "i-b" }), want: instanceA, refusal: RefusedNotInPlace},
		{name: "leaving", order: foreignID, iface: fitting(func(i *eni.Interface) { i.Attachment.Status = eni.Detaching }), want: "not attached", refusal: RefusedNotInPlace},
		{name: "gone from there", order: foreignID, iface: fitting(func(i *eni.Interface) { i.Attachment = nil }), want: "not attached", refusal: RefusedNotInPlace},
		{name: "another subnet", order: foreignID, iface: fitting(func(i *eni.Interface) { i.SubnetID = subnetB }), want: "spec.subnetID is " + subnetA, refusal: RefusedOtherSubnet},
	} {
		refusal, got := ClaimRefusal(nodeENI("a", adopting(test.order)), &test.iface, instanceA)
		if (got != "") != (test.want != "") || !strings.Contains(got, test.want) || refusal != test.refusal {
			t.Errorf("%s: %s %q, want %s %q", test.name, refusal, got, test.refusal, test.want)
		}
		if refusal != "" && !slices.Contains(AdoptionRefusals, refusal) {
			t.Errorf("%s: %s is not among all refusals", test.name, refusal)
		}
	}
}
