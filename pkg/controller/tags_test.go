package controller

import (
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

// The tags are EC2's, and anybody may edit them. What still is ours by cluster and owner is put right.
func TestEditedTagsLeaveNothingBehind(t *testing.T) {
	for _, test := range []struct {
		name, key, value string
		// replaced says that the interface is not that of its slot any more.
		replaced bool
	}{
		{"no instance", eni.TagInstanceID, "", true},
		{"another instance", eni.TagInstanceID, "i-0123456789abcdef0", true},
		{"no instance at all", eni.TagInstanceID, "nonsense", true},
		{"no slot", eni.TagSlot, "", true},
		{"no name", eni.TagNodeENIName, "", false},
		{"another name", eni.TagNodeENIName, "somebody", false},
		{"no node", eni.TagNodeName, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				id := l.onlyOurs()
				if test.value == "" {
					l.untag(id, test.key)
				} else {
					l.tag(id, test.key, test.value)
				}
				l.pass(30 * time.Minute)
				if now := l.onlyOurs(); (now != id) != test.replaced {
					t.Errorf("the interface is %s, was %s; replaced: want %v", now, id, test.replaced)
				}
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
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
	l.kube.PrependReactor("get", "nodes", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.(clienttesting.GetAction).GetName() != node.Name {
			return false, nil, nil
		}
		return true, node.DeepCopy(), nil
	})
	l.kube.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
		if informersFirst {
			informersFirst = false
			return false, nil, nil
		}
		return true, &corev1.NodeList{Items: []corev1.Node{*node.DeepCopy()}}, nil
	})
}
