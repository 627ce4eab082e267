package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

func TestNotices(t *testing.T) {
	off := false
	status := func(releases []ReleaseReport, attachments ...AttachmentReport) *v1alpha1.NodeENIStatus {
		s := Status(StatusInput{NodeENI: nodeENI("a"), Now: now, Attachments: attachments, Releases: releases})
		return &s
	}
	with := func(id string, r AttachmentReport) AttachmentReport {
		r.Attachment.ENIID = id
		return r
	}
	nothing := &v1alpha1.NodeENIStatus{}
	ok, creating := reportOn("x", v1alpha1.AttachmentAttached, ""), reportOn("x", v1alpha1.AttachmentCreating, "")
	blocked := reportOn("x", v1alpha1.AttachmentBlocked, v1alpha1.ReasonSlotTaken)
	lacking := reportOn("x", v1alpha1.AttachmentAttached, v1alpha1.ReasonSecurityGroupNotFound)
	for _, test := range []struct {
		name          string
		n             *v1alpha1.NodeENI
		before, after *v1alpha1.NodeENIStatus
		want          []string
	}{
		{"nothing new", nodeENI("a"), status(nil, ok), status(nil, ok), nil},
		{"first status", nodeENI("a"), nothing, status(nil, creating), nil},
		{"attached, in sum", nodeENI("a"), nothing, status(nil, ok, reportOn("y", v1alpha1.AttachmentAttached, "")), []string{"Normal Attached on : attached on 2 nodes, 2 of 2 in all"}},
		{"released, in sum", nodeENI("a"), status([]ReleaseReport{releaseOf("eni-1", ""), releaseOf("eni-2", "")}), status(nil), []string{"Normal Released on : released 2 interfaces"}},
		{"blocked", nodeENI("a"), status(nil, creating), status(nil, blocked), []string{"Warning Stalled on : SlotTaken: 1 node waits, SlotTaken: see SlotTaken", "Warning ENIBlocked on x: NodeENI a: SlotTaken: see SlotTaken"}},
		{"still blocked", nodeENI("a"), status(nil, blocked), status(nil, blocked), nil},
		{"released once, though the other is wanted again", nodeENI("a"), status([]ReleaseReport{releaseOf("eni-1", ""), releaseOf("eni-2", "")}), status(nil, with("eni-2", creating)), []string{"Normal Released on : released 1 interface"}},
		{"released and released anew", nodeENI("a"), status([]ReleaseReport{releaseOf("eni-1", "")}), status([]ReleaseReport{releaseOf("eni-2", "")}), []string{"Normal Released on : released 1 interface"}},
		{"attached, but lacking a setting", nodeENI("a"), status(nil, ok), status(nil, lacking), []string{"Warning Stalled on : SecurityGroupNotFound: 1 node waits, SecurityGroupNotFound: see SecurityGroupNotFound", "Warning ENIBlocked on x: NodeENI a: SecurityGroupNotFound: see SecurityGroupNotFound"}},
		{"healed", nodeENI("a"), status(nil, blocked), status(nil, with("eni-1", ok)), []string{"Normal Attached on : attached on 1 node, 1 of 1 in all", "Normal ENIHealed on x: NodeENI a: eni-1 is attached at device index 1, no longer SlotTaken"}},
		{"replaced", nodeENI("a"), status(nil, with("eni-1", ok)), status(nil, with("eni-2", ok)), []string{"Normal ENIReplaced on x: NodeENI a: eni-2 takes the place of eni-1 at device index 1"}},
		{"left on termination", nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = &off }), nothing, status(nil), []string{"Warning LeftOnTermination on : " + messageLeftOnTermination}},
	} {
		var got []string
		notices, _ := Notices(test.n, test.before, test.after, HistoryOf(test.before))
		for _, notice := range notices {
			got = append(got, fmt.Sprintf("%s %s on %s: %s", notice.Type, notice.Reason, notice.NodeName, notice.Message))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestNoticesSpanTheWayFromOneRestToTheNext(t *testing.T) {
	on := func(state v1alpha1.AttachmentState, id, reason string) v1alpha1.NodeENIStatus {
		r := reportOn("x", state, reason)
		r.Attachment.ENIID = id
		return Status(StatusInput{NodeENI: nodeENI("a"), Now: now, Attachments: []AttachmentReport{r}})
	}
	creating, attaching := on(v1alpha1.AttachmentCreating, "", ""), on(v1alpha1.AttachmentAttaching, "eni-2", "")
	first, second := on(v1alpha1.AttachmentAttached, "eni-1", ""), on(v1alpha1.AttachmentAttached, "eni-2", "")
	blocked := on(v1alpha1.AttachmentBlocked, "", v1alpha1.ReasonDeviceIndexInUse)
	full := on(v1alpha1.AttachmentBlocked, "", v1alpha1.ReasonSubnetFull)
	lacking := on(v1alpha1.AttachmentAttached, "eni-2", v1alpha1.ReasonSecurityGroupNotFound)
	for _, test := range []struct {
		name string
		way  []v1alpha1.NodeENIStatus
		want []string
	}{
		{"for the first time", []v1alpha1.NodeENIStatus{{}, creating, attaching, second}, nil},
		{"healed", []v1alpha1.NodeENIStatus{blocked, creating, attaching, second}, []string{"ENIHealed"}},
		{"replaced", []v1alpha1.NodeENIStatus{first, creating, attaching, second}, []string{"ENIReplaced"}},
		{"attached again", []v1alpha1.NodeENIStatus{second, attaching, second}, []string{"ENIHealed"}},
		{"tried again in vain", []v1alpha1.NodeENIStatus{{}, full, creating, full, creating, full}, []string{"ENIBlocked"}},
		{"blocked for one reason, then another", []v1alpha1.NodeENIStatus{{}, full, creating, blocked}, []string{"ENIBlocked", "ENIBlocked"}},
		{"lacking a setting for a while", []v1alpha1.NodeENIStatus{second, lacking, lacking, second}, []string{"ENIBlocked", "ENIHealed"}},
		{"blocked, healed, blocked", []v1alpha1.NodeENIStatus{second, blocked, creating, second, blocked}, []string{"ENIBlocked", "ENIHealed", "ENIBlocked"}},
	} {
		var got []string
		history := HistoryOf(&test.way[0])
		for i := range test.way[1:] {
			var notices []Notice
			notices, history = Notices(nodeENI("a"), &test.way[i], &test.way[i+1], history)
			for _, notice := range notices {
				if notice.NodeName == "x" {
					got = append(got, notice.Reason)
				}
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// manyOn are the reports of 300 nodes.
func manyOn(state v1alpha1.AttachmentState, reason string) StatusInput {
	in := StatusInput{NodeENI: nodeENI("a"), Now: now}
	for i := range 300 {
		in.Attachments = append(in.Attachments, reportOn(fmt.Sprint("node-", i), state, reason))
	}
	return in
}

func TestManyNodesAreNotToldOneByOne(t *testing.T) {
	blocked := Status(manyOn(v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull))
	attached := Status(manyOn(v1alpha1.AttachmentAttached, ""))
	for _, test := range []struct {
		name          string
		before, after *v1alpha1.NodeENIStatus
		want          map[string]int
		last          string
	}{
		{"blocked", &v1alpha1.NodeENIStatus{}, &blocked, map[string]int{NoticeStalled: 1, NoticeNodeBlocked: maxNodeNotices + 1}, "280 more nodes are blocked, see status.attachments"},
		{"healed", &blocked, &attached, map[string]int{NoticeAttached: 1, NoticeNodeHealed: maxNodeNotices}, "no longer SubnetFull"},
	} {
		got, last := map[string]int{}, ""
		notices, _ := Notices(nodeENI("a"), test.before, test.after, HistoryOf(test.before))
		for _, notice := range notices {
			got[notice.Reason]++
			last = notice.Message
		}
		if diff := cmp.Diff(test.want, got); diff != "" || !strings.HasSuffix(last, test.last) {
			t.Errorf("%s, last %q (-want +got):\n%s", test.name, last, diff)
		}
	}
}

// Lists that are cut say nothing about who is gone; the counts do.
func TestReleasesOfManyAreCounted(t *testing.T) {
	leaving := func(count int) *v1alpha1.NodeENIStatus {
		in := StatusInput{NodeENI: nodeENI("a"), Now: now}
		for i := range count {
			in.Releases = append(in.Releases, releaseOf(fmt.Sprintf("eni-%04d", i), ""))
		}
		s := Status(in)
		return &s
	}
	got, _ := Notices(nodeENI("a"), leaving(700), leaving(650), History{})
	want := []Notice{{Type: "Normal", Reason: NoticeReleased, Message: "released 50 interfaces"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheChoiceToLeaveInterfacesIsToldOnce(t *testing.T) {
	choose := func(keep bool, generation int64) *v1alpha1.NodeENI {
		return nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination, n.Generation = &keep, generation })
	}
	var got []int64
	before, history := v1alpha1.NodeENIStatus{}, History{}
	for _, n := range []*v1alpha1.NodeENI{choose(false, 1), choose(false, 2), choose(true, 3), choose(false, 4), choose(false, 4)} {
		after := Status(StatusInput{NodeENI: n, Now: now})
		var notices []Notice
		notices, history = Notices(n, &before, &after, history)
		for _, notice := range notices {
			if notice.Reason == NoticeLeftOnTermination {
				got = append(got, n.Generation)
			}
		}
		before = after
	}
	if diff := cmp.Diff([]int64{1, 4}, got); diff != "" {
		t.Errorf("generations at which it is told (-want +got):\n%s", diff)
	}
}
