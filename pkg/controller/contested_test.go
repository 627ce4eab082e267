package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubetypes "k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// rival changes an interface of ours as soon as it is as we want it. It reports whether it did.
type rival func(l *lab, i ec2sim.InterfaceNow) bool

func setsGroups(l *lab, i ec2sim.InterfaceNow) bool {
	if slices.Equal(i.SecurityGroups, []string{groupB}) {
		return false
	}
	_, err := l.somebody().ModifyNetworkInterfaceAttribute(l.Context(), &ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &i.ID, Groups: []string{groupB}})
	l.must(err)
	return true
}

func setsDescription(l *lab, i ec2sim.InterfaceNow) bool {
	if i.Description == "theirs" {
		return false
	}
	_, err := l.somebody().ModifyNetworkInterfaceAttribute(l.Context(), &ec2.ModifyNetworkInterfaceAttributeInput{
		NetworkInterfaceId: &i.ID, Description: &types.AttributeValue{Value: aws.String("theirs")},
	})
	l.must(err)
	return true
}

func setsFlag(l *lab, i ec2sim.InterfaceNow) bool {
	if i.Attachment == nil || !i.Attachment.DeleteOnTermination {
		return false
	}
	_, err := l.somebody().ModifyNetworkInterfaceAttribute(l.Context(), &ec2.ModifyNetworkInterfaceAttributeInput{
		NetworkInterfaceId: &i.ID, Attachment: &types.NetworkInterfaceAttachmentChanges{AttachmentId: &i.Attachment.ID, DeleteOnTermination: aws.Bool(false)},
	})
	l.must(err)
	return true
}

func setsTag(l *lab, i ec2sim.InterfaceNow) bool {
	if i.Tags["team"] == "theirs" {
		return false
	}
	l.tag(i.ID, "team", "theirs")
	return true
}

// alternates changes one tag, then another: neither fight hides the other.
func alternates(l *lab, i ec2sim.InterfaceNow) bool {
	switch {
	case i.Tags["team"] != "theirs" && i.Tags[eni.TagName] == "a/node-00":
		l.tag(i.ID, "team", "theirs")
	case i.Tags["team"] == "theirs" && i.Tags[eni.TagName] == "a/node-00":
		l.tag(i.ID, eni.TagName, "theirs")
	default:
		return false
	}
	return true
}

func removesTag(l *lab, i ec2sim.InterfaceNow) bool {
	if _, there := i.Tags[eni.TagNoManage]; !there {
		return false
	}
	l.untag(i.ID, eni.TagNoManage)
	return true
}

func detaches(l *lab, i ec2sim.InterfaceNow) bool {
	if i.Attachment == nil || i.Attachment.Status != "attached" {
		return false
	}
	_, err := l.somebody().DetachNetworkInterface(l.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: &i.Attachment.ID})
	l.must(err)
	return true
}

// destroys detaches first.
func destroys(l *lab, i ec2sim.InterfaceNow) bool {
	if i.Attachment != nil {
		detaches(l, i)
		return false // counted below, when it is gone
	}
	_, err := l.somebody().DeleteNetworkInterface(l.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &i.ID})
	return err == nil // else it is in use again
}

// rage lets the rival look every few seconds for a time. It returns how often it found its work undone.
func (l *lab) rage(d, every time.Duration, r rival) (rounds int) {
	l.Helper()
	for range int(d / every) {
		l.pass(every)
		for _, i := range l.sim.Snapshot().Interfaces {
			if i.Tags[eni.TagNodeENIUID] == "uid-a" && r(l, i) {
				rounds++
			}
		}
	}
	return rounds
}

// maxRoundsPerHour is how often we may put right the same in an hour in which something else undoes it at once.
const maxRoundsPerHour = 12

func TestAFightIsNoWriteWar(t *testing.T) {
	const settings, attachment = v1alpha1.ReasonSettingsContested, v1alpha1.ReasonAttachmentContested
	for _, test := range []struct {
		name    string
		rival   rival
		fields  int
		reason  string
		message []string
	}{
		{"security groups", setsGroups, 1, settings, []string{"security groups", "found " + groupB, "want " + groupA, "ModifyNetworkInterfaceAttribute"}},
		{"description", setsDescription, 1, settings, []string{"description", `found "theirs"`, `want "ours"`, "CloudTrail"}},
		{"delete-on-termination", setsFlag, 1, settings, []string{"delete-on-termination", "found false", "want true"}},
		{"tag changed", setsTag, 1, settings, []string{"tag team", `found "theirs"`, `want "ours"`, "CreateTags or DeleteTags"}},
		{"two tags in turn", alternates, 2, settings, []string{"tag team", "tag Name"}},
		{"tag removed", removesTag, 1, settings, []string{"tag " + eni.TagNoManage, "found none"}},
		{"detached", detaches, 1, attachment, []string{"keeps detaching", "DetachNetworkInterface"}},
		{"deleted", destroys, 1, attachment, []string{"keeps deleting", "DeleteNetworkInterface"}},
	} {
		for _, every := range []time.Duration{time.Second, 20 * time.Second} {
			t.Run(test.name, func(t *testing.T) {
				inLab(t, 1, nil, func(l *lab) {
					l.ask("a", 1, func(n *v1alpha1.NodeENI) {
						n.Spec.Description, n.Spec.Tags = new("ours"), map[string]string{"team": "ours"}
					})
					l.pass(time.Minute)
					l.told("")
					first := l.rage(time.Hour, every, test.rival)
					if first < 4 || first > test.fields*maxRoundsPerHour {
						t.Errorf("%d rounds in the first hour, want some, at most %d", first, test.fields*maxRoundsPerHour)
					}
					l.wantCondition("a", v1alpha1.ConditionStalled, "True "+test.reason)
					stalled := meta.FindStatusCondition(l.nodeENI("a").Status.Conditions, v1alpha1.ConditionStalled)
					for _, part := range test.message {
						if !strings.Contains(stalled.Message, part) {
							t.Errorf("the message lacks %q: %s", part, stalled.Message)
						}
					}
					if got := l.tellsOf(plan.NoticeStalled); len(got) != 1 || !strings.Contains(got[0], test.reason) {
						t.Errorf("events: %q, want one", got)
					}
					writes := l.writes()
					if later := l.rage(6*time.Hour, every, test.rival); later > test.fields*8 {
						t.Errorf("%d rounds in six more hours, want about one an hour", later)
					}
					if got := l.writes() - writes; got > 80 {
						t.Errorf("%d writes of the status in six more hours", got)
					}
					// The fight ends when the other stops.
					l.pass(time.Hour + 15*time.Minute)
					l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
					l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
					mutating := l.mutatingCalls()
					l.pass(3 * time.Hour)
					if got := l.mutatingCalls() - mutating; got > 0 {
						t.Errorf("%d mutating calls after the fight", got)
					}
				})
			})
		}
	}
}

// An adoption that something undoes is no more repeated for ever than any other change.
func TestAFightOverTheOwner(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.vanish("a")
		l.restore("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		rounds := 0
		for range 4 * 60 {
			if l.owners()[id] == "uid-again-a" {
				l.tag(id, eni.TagNodeENIUID, "uid-a")
				rounds++
			}
			l.pass(time.Minute)
		}
		if rounds < 3 || rounds > maxRoundsPerHour {
			t.Errorf("%d adoptions in four hours, want some, at most %d", rounds, maxRoundsPerHour)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSettingsContested)
		if got, want := l.stalledMessage("a"), eni.TagNodeENIUID; !strings.Contains(got, want) {
			t.Errorf("the message lacks %q: %s", want, got)
		}
		l.wantOurs("node-00 1 attached")
		l.wantCalls("DetachNetworkInterface", 0)
		l.pass(2*time.Hour + 15*time.Minute)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		if got := l.owners()[id]; got != "uid-again-a" {
			t.Errorf("the interface is of %s after the fight", got)
		}
	})
}

func TestEditsOfTheSpecAreNoFight(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		for i := range 40 {
			groups := []string{groupA, groupB}[i%2]
			l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groups} })
			l.pass(10 * time.Second)
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		}
		for i := range 16 { // taken away and given again, by us
			value := []string{`"other"`, `"multi"`}[i%2]
			l.patchNode(0, `{"metadata":{"labels":{"ng":`+value+`}}}`)
			l.pass(30 * time.Second)
		}
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		if got := l.told("Contested"); got > 0 {
			t.Errorf("%d events of a fight that is none", got)
		}
	})
}

func TestAnEditEndsAFight(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.rage(time.Hour, time.Second, setsGroups)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSettingsContested)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupB} })
		l.pass(10 * time.Second)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	})
}

// Corrections that lie far apart are no fight.
func TestNowAndThenIsNoFight(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		for range 10 {
			l.rage(time.Minute, time.Minute, setsGroups)
			l.pass(90 * time.Minute)
		}
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		if got := l.told("Contested"); got > 0 {
			t.Errorf("%d events of a fight that is none", got)
		}
	})
}

// vandalize changes a NodeENI itself, as another controller would, whenever it is as we want it.
func (l *lab) vandalize(d time.Duration, change func(n *v1alpha1.NodeENI) bool, subresource bool) (rounds int) {
	l.Helper()
	nodeENIs := l.client.NetworkingV1alpha1().NodeENIs()
	for range int(d / time.Second) {
		l.pass(time.Second)
		n := l.nodeENI("a")
		if !change(n) {
			continue
		}
		rounds++
		update := nodeENIs.Update
		if subresource {
			update = nodeENIs.UpdateStatus
		}
		_, err := update(l.Context(), n, metav1.UpdateOptions{})
		l.must(err)
	}
	return rounds
}

func TestAFightOverTheNodeENIItself(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(n *v1alpha1.NodeENI) bool
		status bool
	}{
		{"finalizer", func(n *v1alpha1.NodeENI) bool {
			there := len(n.Finalizers) > 0
			n.Finalizers = nil
			return there
		}, false},
		{"annotation", func(n *v1alpha1.NodeENI) bool {
			there := n.Annotations[v1alpha1.AnnotationManagedTagKeys] != ""
			n.Annotations = nil
			return there
		}, false},
		{"status", func(n *v1alpha1.NodeENI) bool {
			there := n.Status.AvailabilityZone != "theirs"
			n.Status.AvailabilityZone = "theirs"
			return there
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1, func(n *v1alpha1.NodeENI) {
					n.Spec.Tags = map[string]string{"team": "ours"}
					n.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: fieldManager}, {Manager: "kubectl-edit"}, {Manager: "gitops", Time: new(metav1.Now())}}
				})
				l.pass(time.Minute)
				l.told("")
				mutating := l.mutatingCalls()
				first := l.vandalize(time.Hour, test.change, test.status)
				if first < 4 || first > maxRoundsPerHour+2 {
					t.Errorf("%d rounds in the first hour, want some, at most about %d", first, maxRoundsPerHour)
				}
				told := l.tellsOf(plan.NoticeStalled)
				if len(told) != 1 || !strings.Contains(told[0], v1alpha1.ReasonObjectContested) || !strings.Contains(told[0], test.name) || !strings.Contains(told[0], "gitops, kubectl-edit") {
					t.Errorf("events: %q, want one that names who writes", told)
				}
				if later := l.vandalize(6*time.Hour, test.change, test.status); later > 10 {
					t.Errorf("%d rounds in six more hours, want about one an hour", later)
				}
				l.pass(time.Hour + 15*time.Minute)
				l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
				n := l.nodeENI("a")
				if len(n.Finalizers) == 0 || n.Annotations[v1alpha1.AnnotationManagedTagKeys] == "" || n.Status.AvailabilityZone != "us-east-1a" {
					t.Errorf("not put right at the end: %+v", n)
				}
				if got := l.mutatingCalls() - mutating; got > 0 {
					t.Errorf("%d mutating calls because of a fight over an object", got)
				}
			})
		})
	}
}

func TestContestsAreForgotten(t *testing.T) {
	var c contests
	now := setbackStart
	for i := range 3000 {
		key := plan.SlotKey{NodeENI: kubetypes.UID(strings.Repeat("x", i+1)), Instance: "i-1"}
		c.corrected(key, now, plan.Correction{Field: plan.FieldDescription, Wanted: "w"})
		now = now.Add(time.Minute)
	}
	if got := c.slots; got > 1100 {
		t.Errorf("%d slots are remembered, of which 60 count", got)
	}
}
