package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func reportOn(nodeName string, state v1alpha1.AttachmentState, reason string) AttachmentReport {
	return AttachmentReport{
		NodeENI: "uid-a", NodeENIName: "a", Settled: state == v1alpha1.AttachmentAttached && reason == "",
		Attachment: v1alpha1.Attachment{NodeName: nodeName, DeviceIndex: 1, State: state, Reason: reason, Message: strings.TrimSpace("see " + reason)},
	}
}

func releaseOf(id, heldFor string) ReleaseReport {
	return ReleaseReport{NodeENI: "uid-a", Held: heldFor != "", Release: v1alpha1.Release{ENIID: id, State: v1alpha1.ReleaseDetaching, Reason: heldFor, Message: "see " + heldFor}}
}

// summary writes conditions as prose.
func summary(conditions []metav1.Condition) []string {
	var list []string
	for _, c := range conditions {
		list = append(list, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
	}
	return list
}

// What is not permitted is told beside how the NodeENI stands, and only then.
func TestMissingPermissionsAreACondition(t *testing.T) {
	in := StatusInput{NodeENI: nodeENI("a"), Now: now, Attachments: []AttachmentReport{reportOn("ok", v1alpha1.AttachmentAttached, "")}, MissingPermissions: "IAM denies all"}
	got := Status(in)
	want := []string{"Ready=True AllAttached", "Reconciling=False Stable", "Stalled=False NotStalled", "PermissionsMissing=True PermissionDenied"}
	if diff := cmp.Diff(want, summary(got.Conditions)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := got.Conditions[3]; c.Message != in.MissingPermissions || c.ObservedGeneration != in.NodeENI.Generation || !c.LastTransitionTime.Time.Equal(now) {
		t.Errorf("%+v", c)
	}
	in.NodeENI.Status, in.Now = got, now.Add(time.Hour)
	if diff := cmp.Diff(got, Status(in)); diff != "" {
		t.Errorf("an hour later: %s", diff)
	}
	in.MissingPermissions = ""
	if diff := cmp.Diff(want[:3], summary(Status(in).Conditions)); diff != "" {
		t.Errorf("when nothing is missing (-want +got):\n%s", diff)
	}
}

func TestConditions(t *testing.T) {
	ok := reportOn("ok", v1alpha1.AttachmentAttached, "")
	creating := reportOn("creating", v1alpha1.AttachmentCreating, "")
	full := reportOn("full", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull)
	full2 := reportOn("full2", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull)
	taken := reportOn("taken", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSlotTaken)
	unsettled := reportOn("unsettled", v1alpha1.AttachmentAttached, v1alpha1.ReasonSecurityGroupNotFound)
	for _, test := range []struct {
		name        string
		n           *v1alpha1.NodeENI
		attachments []AttachmentReport
		releases    []ReleaseReport
		want        []string
		message     string
	}{
		{name: "no node", want: []string{"Ready=True NoMatchingNodes", "Reconciling=False Stable", "Stalled=False NotStalled"}},
		{name: "all attached", attachments: []AttachmentReport{ok}, want: []string{"Ready=True AllAttached", "Reconciling=False Stable", "Stalled=False NotStalled"}, message: "attached on 1 node"},
		{name: "pending", attachments: []AttachmentReport{ok, creating}, want: []string{"Ready=False Progressing", "Reconciling=True Progressing", "Stalled=False NotStalled"}, message: "attached on 1 of 2 nodes, 1 pending"},
		{name: "blocked", attachments: []AttachmentReport{ok, full, full2, taken}, want: []string{"Ready=False SubnetFull", "Reconciling=False SubnetFull", "Stalled=True SubnetFull"}, message: "2 nodes wait, SubnetFull: see SubnetFull; 1 node waits, SlotTaken: see SlotTaken"},
		{name: "blocked beside pending", attachments: []AttachmentReport{creating, taken}, want: []string{"Ready=False Progressing", "Reconciling=True Progressing", "Stalled=False NotStalled"}, message: "1 blocked: 1 node waits, SlotTaken"},
		{name: "attached without a wanted setting", attachments: []AttachmentReport{unsettled}, want: []string{"Ready=False SecurityGroupNotFound", "Reconciling=False SecurityGroupNotFound", "Stalled=True SecurityGroupNotFound"}},
		{name: "releasing", attachments: []AttachmentReport{ok}, releases: []ReleaseReport{releaseOf("eni-1", "")}, want: []string{"Ready=True AllAttached", "Reconciling=True Releasing", "Stalled=False NotStalled"}, message: "1 interface to release"},
		{name: "release held", attachments: []AttachmentReport{ok}, releases: []ReleaseReport{releaseOf("eni-1", v1alpha1.ReasonDetachStuck)}, want: []string{"Ready=True AllAttached", "Reconciling=False DetachStuck", "Stalled=True DetachStuck"}},
		{name: "release held beside one that goes on", releases: []ReleaseReport{releaseOf("eni-1", v1alpha1.ReasonDetachStuck), releaseOf("eni-2", "")}, want: []string{"Ready=True NoMatchingNodes", "Reconciling=True Releasing", "Stalled=False NotStalled"}},
		{name: "being deleted", n: nodeENI("a", beingDeleted), releases: []ReleaseReport{releaseOf("eni-1", ""), releaseOf("eni-2", "")}, want: []string{"Ready=False Terminating", "Reconciling=True Terminating", "Stalled=False NotStalled"}, message: "being deleted; 2 interfaces to release"},
		{name: "being deleted, nothing left to see", n: nodeENI("a", beingDeleted), want: []string{"Ready=False Terminating", "Reconciling=True Terminating", "Stalled=False NotStalled"}},
		{name: "being deleted, held", n: nodeENI("a", beingDeleted), releases: []ReleaseReport{releaseOf("eni-1", v1alpha1.ReasonDetachStuck)}, want: []string{"Ready=False DetachStuck", "Reconciling=False DetachStuck", "Stalled=True DetachStuck"}},
		{
			name: "invalid spec", n: nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "vpc-1" }), attachments: []AttachmentReport{ok},
			want: []string{"Ready=False InvalidSpec", "Reconciling=False InvalidSpec", "Stalled=True InvalidSpec"}, message: "spec.subnetID",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := test.n
			if n == nil {
				n = nodeENI("a")
			}
			got := Status(StatusInput{NodeENI: n, Now: now, Attachments: test.attachments, Releases: test.releases})
			if diff := cmp.Diff(test.want, summary(got.Conditions)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var messages []string
			for _, c := range got.Conditions {
				messages = append(messages, c.Message)
				if c.ObservedGeneration != n.Generation {
					t.Errorf("%s observes generation %d", c.Type, c.ObservedGeneration)
				}
			}
			if !strings.Contains(strings.Join(messages, "\n"), test.message) {
				t.Errorf("no message has %q: %q", test.message, messages)
			}
		})
	}
}

func TestStatusCountsAndLists(t *testing.T) {
	got := Status(StatusInput{
		NodeENI: nodeENI("a"), Now: now,
		Subnet: &eni.ObservedSubnet{Subnet: eni.Subnet{Zone: "us-east-1a"}},
		Attachments: []AttachmentReport{
			reportOn("d", v1alpha1.AttachmentAttached, ""), reportOn("c", v1alpha1.AttachmentAttaching, ""),
			reportOn("b", v1alpha1.AttachmentCreating, ""), reportOn("e", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSlotTaken), reportOn("a", v1alpha1.AttachmentAttached, ""),
		},
		Releases: []ReleaseReport{releaseOf("eni-1", ""), releaseOf("eni-2", v1alpha1.ReasonDetachStuck)},
	})
	counts := []int32{*got.MatchingNodes, *got.AttachedNodes, *got.PendingNodes, *got.BlockedNodes, *got.ReleasingInterfaces}
	if diff := cmp.Diff([]int32{5, 2, 2, 1, 2}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	var order []string
	for _, a := range got.Attachments {
		order = append(order, a.NodeName)
	}
	for _, r := range got.Releasing {
		order = append(order, r.ENIID)
	}
	if diff := cmp.Diff([]string{"e", "b", "c", "a", "d", "eni-2", "eni-1"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if got.AvailabilityZone != "us-east-1a" || got.ObservedGeneration != 1 {
		t.Errorf("zone %q, observed generation %d", got.AvailabilityZone, got.ObservedGeneration)
	}
}

func TestStatusHoldsNoMoreThanItMay(t *testing.T) {
	in := StatusInput{NodeENI: nodeENI("a"), Now: now}
	for i := range 5000 {
		in.Attachments = append(in.Attachments, reportOn(fmt.Sprintf("node-%04d", i), v1alpha1.AttachmentAttached, ""))
		in.Releases = append(in.Releases, releaseOf(fmt.Sprintf("eni-%04d", i), ""))
	}
	in.Attachments[4999] = reportOn("node-4999", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull)
	got := Status(in)
	if len(got.Attachments) != 500 || got.AttachmentsOmitted != 4500 || len(got.Releasing) != 500 || got.ReleasingOmitted != 4500 {
		t.Errorf("%d attachments and %d omitted, %d releasing and %d omitted", len(got.Attachments), got.AttachmentsOmitted, len(got.Releasing), got.ReleasingOmitted)
	}
	if *got.MatchingNodes != 5000 || *got.AttachedNodes != 4999 || got.Attachments[0].NodeName != "node-4999" {
		t.Errorf("%d match, %d attached, first is %s", *got.MatchingNodes, *got.AttachedNodes, got.Attachments[0].NodeName)
	}
}

func TestStatusIsItsOwnFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		for _, n := range s.NodeENIs {
			result := Instance(s)
			in := StatusInput{NodeENI: n.DeepCopy(), Now: now}
			for _, r := range result.Attachments {
				if r.NodeENI == n.UID {
					in.Attachments = append(in.Attachments, r)
				}
			}
			for _, r := range result.Releases {
				if r.NodeENI == n.UID {
					in.Releases = append(in.Releases, r)
				}
			}
			first := Status(in)
			if sum := *first.AttachedNodes + *first.PendingNodes + *first.BlockedNodes; sum != *first.MatchingNodes {
				t.Fatalf("attached, pending and blocked are %d, matching %d", sum, *first.MatchingNodes)
			}
			in.NodeENI.Status, in.Now = first, now.Add(time.Hour)
			in.Attachments = rapid.Permutation(in.Attachments).Draw(t, "order")
			if diff := cmp.Diff(first, Status(in)); diff != "" {
				t.Fatalf("an hour later, with nothing changed (-first +later):\n%s", diff)
			}
		}
	})
}

func TestTransitionTimesMoveWithTheState(t *testing.T) {
	n := nodeENI("a")
	n.Status = Status(StatusInput{NodeENI: n, Now: now, Attachments: []AttachmentReport{reportOn("x", v1alpha1.AttachmentCreating, ""), reportOn("y", v1alpha1.AttachmentCreating, "")}})
	later := now.Add(time.Minute)
	got := Status(StatusInput{NodeENI: n, Now: later, Attachments: []AttachmentReport{reportOn("x", v1alpha1.AttachmentCreating, ""), reportOn("y", v1alpha1.AttachmentAttaching, "")}})
	times := map[string]time.Time{}
	for _, a := range got.Attachments {
		times[a.NodeName] = a.LastTransitionTime.Time
	}
	if !times["x"].Equal(now) || !times["y"].Equal(later) {
		t.Errorf("x at %v, y at %v; want %v and %v", times["x"], times["y"], now, later)
	}
	if c := got.Conditions[0]; !c.LastTransitionTime.Time.Equal(now) {
		t.Errorf("Ready's transition moved to %v although its status did not change", c.LastTransitionTime)
	}
}

func TestConditionMessagesStayWithinWhatTheAPITakes(t *testing.T) {
	report := reportOn("x", v1alpha1.AttachmentBlocked, v1alpha1.ReasonAttachFailed)
	report.Attachment.Message = strings.Repeat("ä", maxMessage)
	for _, c := range Status(StatusInput{NodeENI: nodeENI("a"), Now: now, Attachments: []AttachmentReport{report}}).Conditions {
		if len(c.Message) > maxMessage || !utf8.ValidString(c.Message) {
			t.Errorf("%s has a message of %d bytes, valid: %v", c.Type, len(c.Message), utf8.ValidString(c.Message))
		}
	}
}

// Whatever is quoted in the messages of its entries, the whole fits into one object of etcd's.
func TestAStatusOfLongMessagesFitsIntoAnObject(t *testing.T) {
	in := StatusInput{NodeENI: nodeENI("a"), Now: now}
	long := strings.Repeat("ä", 4096)
	for i := range 2 * maxEntries {
		report := reportOn(fmt.Sprintf("%0200d", i), v1alpha1.AttachmentBlocked, v1alpha1.ReasonInvalidSpec)
		report.Attachment.Message = long
		in.Attachments = append(in.Attachments, report)
		in.Releases = append(in.Releases, ReleaseReport{Release: v1alpha1.Release{ENIID: fmt.Sprintf("eni-%017x", i), Message: long}})
	}
	status := Status(in)
	data, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	if limit := 3 << 19; len(data) > limit {
		t.Errorf("a status of %d bytes, more than etcd takes", len(data))
	}
	if got := status.Attachments[0].Message; !utf8.ValidString(got) || len(got) < shortMessage/2 {
		t.Errorf("a message of %d bytes is left, valid: %v", len(got), utf8.ValidString(got))
	}
}

func TestAComplaintQuotesNoNovel(t *testing.T) {
	novel := strings.Repeat("ä", 100_000)
	n := nodeENI("a")
	n.Annotations = map[string]string{
		v1alpha1.AnnotationAllowReleaseUntil: novel, v1alpha1.AnnotationForceDetachUntil: novel, v1alpha1.AnnotationAdopt: novel,
	}
	complaints := AnnotationComplaints(n, now)
	if len(complaints) != 3 {
		t.Fatalf("%d complaints, want 3", len(complaints))
	}
	for _, complaint := range complaints {
		if len(complaint) > 1024 || !strings.HasPrefix(complaint, "annotation "+v1alpha1.GroupName) {
			t.Errorf("a complaint of %d bytes", len(complaint))
		}
	}
}

// A subnet that is not there has no zone to tell.
func TestZoneOfAnUnknownSubnet(t *testing.T) {
	for name, subnet := range map[string]*eni.ObservedSubnet{"not described": nil, "not found": {NotFound: true, Subnet: eni.Subnet{Zone: "us-east-1a"}}} {
		if got := Status(StatusInput{NodeENI: nodeENI("a"), Now: now, Subnet: subnet}).AvailabilityZone; got != "" {
			t.Errorf("%s: zone %q", name, got)
		}
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	const text = "näher kömmt EC2 der Sache nicht. "
	for entries, limit := range map[int]int{1: longMessage, few: longMessage, few + 1: shortMessage, maxEntries + 1: shortMessage} {
		in := StatusInput{NodeENI: nodeENI("a"), Now: now}
		for i := range entries {
			report := reportOn(fmt.Sprintf("node-%03d", i), v1alpha1.AttachmentBlocked, v1alpha1.ReasonAttachFailed)
			report.Attachment.Message = strings.Repeat(text, 100)
			in.Attachments = append(in.Attachments, report)
			in.Releases = append(in.Releases, ReleaseReport{Held: true, Release: v1alpha1.Release{
				ENIID: fmt.Sprintf("eni-%03d", i), Reason: v1alpha1.ReasonReleaseFailed, Message: strings.Repeat(text, 100),
			}})
		}
		status := Status(in)
		for _, got := range []string{status.Attachments[0].Message, status.Releasing[0].Message} {
			if len(got) > limit || len(got) < limit-4 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
				t.Errorf("of %d entries the first says %d bytes, want %d: %s", entries, len(got), limit, got)
			}
		}
		if ready := status.Conditions[0].Message; !strings.Contains(ready, strings.Repeat(text, 100)) {
			t.Errorf("the condition does not have the whole text: %s", ready)
		}
	}
	if short := cutEntry("short", 1000); short != "short" {
		t.Errorf("a short message became %q", short)
	}
}
