package controller

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// onlyOurs is the ID of the one interface that bears a tag of ours.
func (l *lab) onlyOurs() string {
	l.Helper()
	var found []string
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.Tags[eni.TagNoManage] != "" {
			found = append(found, i.ID)
		}
	}
	if len(found) != 1 {
		l.Fatalf("interfaces of ours: %q, want one", found)
	}
	return found[0]
}

func (l *lab) untag(id, key string) {
	l.Helper()
	_, err := l.somebody().DeleteTags(l.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String(key)}}})
	l.must(err)
}

func (l *lab) tag(id, key, value string) {
	l.Helper()
	_, err := l.somebody().CreateTags(l.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}}})
	l.must(err)
}

// detachByHand detaches as somebody does who is not the controller.
func (l *lab) detachByHand(id string) {
	l.Helper()
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.ID == id {
			_, err := l.somebody().DetachNetworkInterface(l.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: &i.Attachment.ID})
			l.must(err)
		}
	}
}

func TestLostTagsAreReportedAndHoldTheFinalizer(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.untag(id, eni.TagClusterID)
		l.pass(20 * time.Minute)
		mutating := l.mutatingCalls()
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonTagsLost)
		stalled := meta.FindStatusCondition(l.nodeENI("a").Status.Conditions, v1alpha1.ConditionStalled)
		if !strings.Contains(stalled.Message, id) || !strings.Contains(stalled.Message, eni.TagClusterID+"=cluster-1") {
			t.Errorf("the message does not say what to do: %s", stalled.Message)
		}
		l.delete("a")
		l.pass(2 * time.Hour)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonTagsLost)
		l.wantCondition("a", v1alpha1.ConditionReconciling, "False "+v1alpha1.ReasonTagsLost)
		if len(l.nodeENI("a").Finalizers) == 0 {
			t.Error("the finalizer is gone although the interface exists")
		}
		if got := l.mutatingCalls() - mutating; got != 0 {
			t.Errorf("%d mutating calls on an interface that is not ours", got)
		}
		l.tag(id, eni.TagClusterID, "cluster-1")
		l.pass(10 * time.Minute)
		l.wantOurs()
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

// The tags are EC2's, and anybody may edit them. What still is ours by cluster and owner stays where it is attached, and
// the damage that matters is told until somebody has repaired it.
func TestEditedTagsDestroyNothing(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		// told says that the tag is one of those that say where the interface is to be.
		told bool
	}{
		{"no instance", eni.TagInstanceID, "", true},
		{"another instance", eni.TagInstanceID, "i-0123456789abcdef0", true},
		{"no instance at all", eni.TagInstanceID, "nonsense", true},
		{"no slot", eni.TagSlot, "", true},
		{"another slot", eni.TagSlot, "0-7", true},
		{"no name", eni.TagNodeENIName, "", false},
		{"another name", eni.TagNodeENIName, "somebody", false},
		{"no node", eni.TagNodeName, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				id, mutating := l.onlyOurs(), l.mutatingCalls()
				before := l.sim.Snapshot().Interfaces[slices.IndexFunc(l.sim.Snapshot().Interfaces, func(i ec2sim.InterfaceNow) bool { return i.ID == id })].Tags[test.key]
				if test.value == "" {
					l.untag(id, test.key)
				} else {
					l.tag(id, test.key, test.value)
				}
				l.pass(30 * time.Minute)
				l.wantDamage(id, test.key, before, test.told)
				l.stop()
				l.start()
				l.pass(10 * time.Minute)
				l.wantDamage(id, test.key, before, test.told)
				l.tag(id, test.key, before)
				l.pass(10 * time.Minute)
				l.wantDamage(id, test.key, before, false)
				if got := l.mutatingCalls() - mutating; got != 1+1 { // those of somebody
					t.Errorf("%d mutating calls beside somebody's", got-2)
				}
				l.delete("a")
				l.pass(5 * time.Minute)
				l.wantOurs()
				if len(l.nodeENI("a").Finalizers) > 0 {
					t.Error("the finalizer is still there")
				}
			})
		})
	}
}

// wantDamage wants the interface where it was, and its attachment to tell how the tag is repaired, or not.
func (l *lab) wantDamage(id, key, value string, told bool) {
	l.Helper()
	if now := l.onlyOurs(); now != id {
		l.Errorf("the interface is %s, was %s", now, id)
	}
	l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	a := l.nodeENI("a").Status.Attachments[0]
	if is := a.Reason == v1alpha1.ReasonTagsDamaged; is != told {
		l.Errorf("the attachment is %s %s: %s; damage told: want %v", a.State, a.Reason, a.Message, told)
	}
	if cure := "aws ec2 create-tags --resources " + id + " --tags Key=" + key + ",Value=" + value; told && !strings.Contains(a.Message, cure) {
		l.Errorf("the message lacks %q: %s", cure, a.Message)
	}
}

// A tool that governs tags takes one from all of them at once. Nothing comes of it, but that it is told.
func TestATagTakenFromAllInterfacesDestroysNone(t *testing.T) {
	for _, key := range []string{eni.TagInstanceID, eni.TagSlot, eni.TagNodeENIName, eni.TagNodeName, eni.TagClusterName, eni.TagNodeENIUID, eni.TagClusterID} {
		t.Run(key, func(t *testing.T) {
			inFleet(t, func(l *lab) {
				ids := l.ids()
				for _, id := range ids {
					l.untag(id, key)
				}
				l.pass(time.Hour)
				if got := l.calls("DetachNetworkInterface") + l.calls("DeleteNetworkInterface"); got > 0 {
					t.Errorf("%d calls that take interfaces away", got)
				}
				if got := l.calls("CreateNetworkInterface"); got != fleet {
					t.Errorf("%d interfaces were made, want %d", got, fleet)
				}
			})
		})
	}
}

// Interfaces without the tags that say where they are do not pass the guard when their Nodes lose their labels.
func TestDamagedTagsDoNotPassTheGuard(t *testing.T) {
	for _, key := range []string{eni.TagInstanceID, eni.TagSlot} {
		inFleet(t, func(l *lab) {
			for _, id := range l.ids() {
				l.untag(id, key)
			}
			l.pass(10 * time.Minute)
			l.labelAll("")
			l.pass(time.Hour)
			l.wantAttached(fleet)
			l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
		})
	}
}

// What takes a tag again and again gets no other interface to take it from, and is no fight over the interface.
func TestATagTakenAgainAndAgainIsNoFight(t *testing.T) {
	for _, key := range []string{eni.TagInstanceID, eni.TagSlot} {
		inLab(t, 1, nil, func(l *lab) {
			l.ask("a", 1)
			l.pass(time.Minute)
			id := l.onlyOurs()
			for range 40 {
				l.untag(id, key)
				l.pass(15 * time.Minute)
			}
			if now, created := l.onlyOurs(), l.calls("CreateNetworkInterface"); now != id || created != 1 {
				t.Errorf("the interface is %s, was %s; %d were made", now, id, created)
			}
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			if a := l.nodeENI("a").Status.Attachments[0]; a.Reason != v1alpha1.ReasonTagsDamaged {
				t.Errorf("the attachment is %s %s: %s", a.State, a.Reason, a.Message)
			}
		})
	}
}

// An interface that is attached nowhere and says of no place is replaced, each time it comes to that: by our own delete,
// which is no fight of somebody else's.
func TestWhatWeDeleteOurselvesIsNoFight(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		for range 8 {
			id := l.onlyOurs()
			l.untag(id, eni.TagSlot)
			l.pass(6 * time.Minute)
			l.detachByHand(id)
			l.pass(6 * time.Minute)
			if l.onlyOurs() == id {
				t.Fatal("the interface was not replaced: the story is another one now")
			}
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		}
		if deletes := l.calls("DeleteNetworkInterface"); deletes != 8 {
			t.Errorf("%d deletes, want 8", deletes)
		}
	})
}

// An interface that somebody moved to another Node that wants one stays there, and the one that it was made for gets
// another.
func TestAnInterfaceMovedToWhereItIsWantedStays(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.patchNode(1, `{"metadata":{"labels":{"ng":null}}}`)
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.stop()
		l.detachByHand(id)
		l.pass(time.Minute)
		_, err := l.somebody().AttachNetworkInterface(l.Context(), &ec2.AttachNetworkInterfaceInput{
			NetworkInterfaceId: &id, InstanceId: aws.String(instanceID(1)), DeviceIndex: aws.Int32(1),
		})
		l.must(err)
		l.patchNode(1, `{"metadata":{"labels":{"ng":"multi"}}}`)
		l.pass(time.Minute)
		l.start()
		l.pass(10 * time.Minute)
		l.wantAttached(2)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		for _, i := range l.sim.Snapshot().Interfaces {
			if i.ID == id && (i.Attachment == nil || i.Attachment.Instance != instanceID(1)) {
				t.Errorf("%s was taken from where it was: %+v", id, i.Attachment)
			}
		}
		if detaches := l.calls("DetachNetworkInterface"); detaches != 1 {
			t.Errorf("%d detaches, want that of somebody alone", detaches)
		}
	})
}

// A process that never saw the interface with all its tags knows it by those that are left, before it lets a NodeENI go.
func TestWhatIsLeftOfTheTagsHoldsTheFinalizerOfARestartedController(t *testing.T) {
	for _, test := range []struct {
		name  string
		strip []string
		// known says that it is told before the NodeENI is deleted, too.
		known bool
	}{
		{"no cluster", []string{eni.TagClusterID}, false},
		{"no cluster, nothing else but the UID", []string{eni.TagClusterID, eni.TagNodeENIName, eni.TagNodeName, eni.TagInstanceID, eni.TagSlot, eni.TagClusterName}, false},
		{"no UID", []string{eni.TagNodeENIUID}, true},
		{"no UID, nothing else but cluster, name and node", []string{eni.TagNodeENIUID, eni.TagInstanceID, eni.TagSlot, eni.TagClusterName}, true},
		{"no UID, nothing else but cluster, name and instance", []string{eni.TagNodeENIUID, eni.TagNodeName, eni.TagSlot, eni.TagClusterName}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				n := l.ask("a", 1)
				l.pass(time.Minute)
				id := l.onlyOurs()
				l.stop()
				for _, key := range test.strip {
					l.untag(id, key)
				}
				l.start()
				l.pass(10 * time.Minute)
				if test.known {
					l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonTagsLost)
				}
				mutating := l.mutatingCalls()
				l.delete("a")
				l.pass(2 * time.Hour)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonTagsLost)
				cure := eni.TagClusterID + "=cluster-1 and " + eni.TagNodeENIUID + "=" + string(n.UID)
				if got := l.stalledMessage("a"); !strings.Contains(got, id) || !strings.Contains(got, cure) {
					t.Errorf("the message does not name %s and %s: %s", id, cure, got)
				}
				if got := l.mutatingCalls() - mutating; got != 0 || len(l.nodeENI("a").Finalizers) == 0 {
					t.Errorf("%d calls on what bears not all our tags; finalizers %q", got, l.nodeENI("a").Finalizers)
				}
				l.tag(id, eni.TagClusterID, "cluster-1")
				l.tag(id, eni.TagNodeENIUID, string(n.UID))
				l.pass(20 * time.Minute)
				l.wantOurs()
				if len(l.nodeENI("a").Finalizers) > 0 {
					t.Error("the finalizer is still there")
				}
			})
		})
	}
}

// An interface of a cluster that is a copy of ours bears the same UID, and another cluster's identity: it holds nothing.
func TestTheInterfaceOfACopyHoldsNoFinalizer(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		n := l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.stop()
		l.tag(id, eni.TagClusterID, "the copy")
		l.start()
		l.pass(time.Minute)
		l.delete(n.Name)
		l.pass(10 * time.Minute)
		if len(l.nodeENI("a").Finalizers) > 0 || l.onlyOurs() != id {
			t.Error("the finalizer is still there, or the interface is not")
		}
	})
}

// To let NodeENIs go takes few reads, however many there are.
func TestTheFinalizersOfManyShareTheirLists(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		const many = 40
		for i := range many {
			l.ask("a"+strconv.Itoa(i), 1, func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"ng": "none"} })
		}
		l.pass(20 * time.Minute)
		lists := l.calls("DescribeNetworkInterfaces")
		for i := range many {
			l.delete("a" + strconv.Itoa(i))
		}
		l.pass(time.Minute)
		for i := range many {
			if len(l.nodeENI("a"+strconv.Itoa(i)).Finalizers) > 0 {
				t.Fatal("a finalizer is still there")
			}
		}
		if got := l.calls("DescribeNetworkInterfaces") - lists; got > 5 {
			t.Errorf("%d describes for %d NodeENIs without interfaces", got, many)
		}
	})
}

func TestAnOrphanWithoutANameIsSwept(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		n := l.ask("a", 1)
		l.pass(time.Minute)
		l.untag(l.onlyOurs(), eni.TagNodeENIName)
		l.must(l.client.Tracker().Delete(v1alpha1.SchemeGroupVersion.WithResource("nodeenis"), "", n.Name))
		l.pass(20 * time.Minute)
		l.wantOurs()
	})
}

func TestAnOwnerMistypedIsDoubtedToo(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.untag(id, eni.TagNodeENIUID)
		l.pass(time.Hour)
		l.tag(id, eni.TagNodeENIUID, "uid-typo")
		l.pass(orphanGrace)
		if got := l.calls("DetachNetworkInterface"); got > 0 {
			t.Errorf("detached within %v of the mistake", orphanGrace)
		}
	})
}

// A cache that has lost its Nodes is not believed for an interface whose tags no longer say, or say wrongly, which
// Node to ask for.
func TestTheNodeIsAskedForWhateverTheTagsSay(t *testing.T) {
	for _, test := range []struct {
		name    string
		edit    func(l *lab, id string)
		restart bool
	}{
		{"no node", func(l *lab, id string) { l.untag(id, eni.TagNodeName) }, false},
		{"another node", func(l *lab, id string) { l.tag(id, eni.TagNodeName, "somebody") }, false},
		{"no node, restarted", func(l *lab, id string) { l.untag(id, eni.TagNodeName) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				test.edit(l, l.onlyOurs())
				l.pass(10 * time.Minute)
				node, err := l.kube.CoreV1().Nodes().Get(l.Context(), nodeName(0), metav1.GetOptions{})
				l.must(err)
				// From here on the cache has no Node, and the API server has.
				if test.restart {
					l.stop()
				}
				l.answerLive(node, test.restart)
				l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), node.Name, metav1.DeleteOptions{}))
				if test.restart {
					l.start()
				}
				l.pass(10 * time.Minute)
				l.wantAttached(1)
			})
		})
	}
}

// answerLive has the API server know the Node when it is asked, though no watch tells of it, nor the first list where
// that is the informer's.
func (l *lab) answerLive(node *corev1.Node, informersFirst bool) {
	l.still()
	l.kube.PrependReactor("get", "nodes", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.(clienttesting.GetAction).GetName() != node.Name {
			return false, nil, nil
		}
		return true, node.DeepCopy(), nil
	})
	l.still()
	l.kube.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		if informersFirst {
			informersFirst = false
			return false, nil, nil
		}
		return true, &corev1.NodeList{Items: []corev1.Node{*node.DeepCopy()}}, nil
	})
}
