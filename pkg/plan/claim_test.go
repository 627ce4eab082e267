package plan

import (
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

func TestOnlyWhatHoldsTheSlotIsClaimed(t *testing.T) {
	at := func(index int32) func(*Snapshot) { return foreign(foreignID, index) }
	for _, test := range []struct {
		name    string
		world   Snapshot
		claims  bool
		reports string
	}{
		{name: "by ID", world: world(with(nodeENI("a", adopting(foreignID))), at(1)), claims: true, reports: "Attaching"},
		{name: "by tag, which nobody knows yet", world: world(with(nodeENI("a", adopting("tag:team=telco"))), at(1)), claims: true, reports: "Attaching"},
		{name: "another ID", world: world(with(nodeENI("a", adopting("eni-0bbbbbbbbbbbbbbb2"))), at(1)), reports: v1alpha1.ReasonDeviceIndexInUse},
		{name: "a malformed order", world: world(with(nodeENI("a", adopting("all"))), at(1)), reports: v1alpha1.ReasonDeviceIndexInUse},
		{name: "no order", world: world(with(nodeENI("a")), at(1)), reports: v1alpha1.ReasonDeviceIndexInUse},
		{name: "another index", world: world(with(nodeENI("a", adopting(foreignID))), at(2)), reports: "Creating"},
		{name: "no finalizer yet", world: world(with(nodeENI("a", adopting(foreignID), func(n *v1alpha1.NodeENI) { n.Finalizers = nil })), at(1)), reports: "Attaching"},
		{name: "an instance that dies", world: world(with(nodeENI("a", adopting(foreignID))), at(1), func(s *Snapshot) {
			s.Instance.State = eni.InstanceShuttingDown
		}), reports: v1alpha1.ReasonInstanceNotRunning},
		{name: "refused a moment ago", world: world(with(nodeENI("a", adopting(foreignID))), at(1), func(s *Snapshot) {
			key := SlotKey{NodeENI: "uid-a", Instance: instanceA, Slot: eni.Slot{Index: 1}}
			s.ChangeSetbacks = map[SlotKey]map[ActionKind]Setback{key: {Claim: {Reason: v1alpha1.ReasonAdoptionRefused, Message: "why", Until: now.Add(1)}}}
		}), reports: v1alpha1.ReasonAdoptionRefused},
	} {
		result := Instance(test.world)
		claims := len(result.Attach) == 1 && result.Attach[0].Kind == Claim && result.Attach[0].InterfaceID == foreignID
		if claims != test.claims {
			t.Errorf("%s: actions %+v, want a claim: %v", test.name, result.Attach, test.claims)
		}
		if claims && result.Attach[0].Tags[eni.TagNodeENIUID] != "uid-a" {
			t.Errorf("%s: tags %v", test.name, result.Attach[0].Tags)
		}
		if got := result.Attachments[0].Attachment; got.Reason != test.reports && string(got.State) != test.reports {
			t.Errorf("%s: reported %s %s, want %s", test.name, got.State, got.Reason, test.reports)
		}
	}
}

func TestWhatIsSomebodysIsNotClaimed(t *testing.T) {
	fits := func(changes ...func(*eni.Interface)) *eni.Interface {
		iface := &eni.Interface{
			ID: foreignID, SubnetID: subnetA, Tags: map[string]string{"team": "telco"},
			Attachment: &eni.Attachment{InstanceID: instanceA, Slot: eni.Slot{Index: 1}, Status: eni.Attached},
		}
		for _, change := range changes {
			change(iface)
		}
		return iface
	}
	for _, test := range []struct {
		name  string
		order string
		iface *eni.Interface
		want  string
	}{
		{name: "fits, by ID", order: foreignID, iface: fits()},
		{name: "fits, by tag", order: "tag:team=telco", iface: fits()},
		{name: "another tag", order: "tag:team=core", iface: fits(), want: "does not bear the tag team=core"},
		{name: "one of two tags", order: "tag:team=telco,tag:env=prod", iface: fits(), want: "env=prod"},
		{name: "another ID", order: "eni-0bbbbbbbbbbbbbbb2", iface: fits(), want: "does not name it"},
		{name: "an AWS service's", order: foreignID, iface: fits(func(i *eni.Interface) { i.RequesterManaged = true }), want: "AWS service"},
		{name: "the VPC CNI's", order: foreignID, iface: fits(func(i *eni.Interface) { i.Tags[eni.TagCNIInstance] = instanceA }), want: "VPC CNI"},
		{name: "another cluster's", order: foreignID, iface: fits(func(i *eni.Interface) { i.Tags[eni.TagClusterID] = "else" }), want: eni.TagClusterID},
		{name: "another index", order: foreignID, iface: fits(func(i *eni.Interface) { i.Attachment.Slot.Index = 2 }), want: "device index 1"},
		{name: "another instance", order: foreignID, iface: fits(func(i *eni.Interface) { i.Attachment.InstanceID = "i-b" }), want: instanceA},
		{name: "leaving", order: foreignID, iface: fits(func(i *eni.Interface) { i.Attachment.Status = eni.Detaching }), want: "not attached"},
		{name: "gone from there", order: foreignID, iface: fits(func(i *eni.Interface) { i.Attachment = nil }), want: "not attached"},
		{name: "another subnet", order: foreignID, iface: fits(func(i *eni.Interface) { i.SubnetID = subnetB }), want: "spec.subnetID is " + subnetA},
	} {
		got := ClaimRefusal(nodeENI("a", adopting(test.order)), test.iface, instanceA)
		if (got != "") != (test.want != "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
