package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// told are the controller's events, as "Kind/name Type Reason", and their messages.
func (l *lab) told(ctx context.Context) (map[string][]string, error) {
	list, err := l.cluster.Kube.CoreV1().Events(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	told := map[string][]string{}
	for _, event := range list.Items {
		if event.InvolvedObject.Kind == "NodeENI" || event.InvolvedObject.Kind == "Node" {
			key := fmt.Sprintf("%s/%s %s %s", event.InvolvedObject.Kind, event.InvolvedObject.Name, event.Type, event.Reason)
			for range max(1, event.Count) {
				told[key] = append(told[key], event.Message)
			}
		}
	}
	return told, nil
}

// tells waits for an event whose message has the words.
func (l *lab) tells(key, words string) {
	l.Helper()
	l.eventually("told: "+key, func(ctx context.Context) error {
		told, err := l.told(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(told[key], func(message string) bool { return strings.Contains(message, words) }) {
			return fmt.Errorf("no such event with %q: %v", words, told)
		}
		return nil
	})
}

func TestEvents(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	foreign, err := l.sim.AddInterface(l.ctx, ec2sim.Interface{
		Subnet: sandbox.SubnetNodes, Attachment: &ec2sim.Attachment{Instance: nodes[1].InstanceID, DeviceIndex: 1},
	})
	l.must(err)
	l.startController("--ec2-resync-period=5s")
	object := nodeENI("a", sandbox.SubnetA, 1)
	object.Spec.DeleteOnTermination = new(false)
	l.create(object)
	l.tells("NodeENI/a Warning "+plan.NoticeLeftOnTermination, "deleteOnTermination")
	l.tells("NodeENI/a Normal "+plan.NoticeAttached, "1 of 2")
	l.tells("NodeENI/a Warning "+plan.NoticeStalled, foreign)
	l.tells("Node/node2 Warning "+plan.NoticeNodeBlocked, foreign)

	l.must(l.sim.Detach(l.ctx, foreign))
	l.tells("Node/node2 Normal "+plan.NoticeNodeHealed, "eni-")
	l.converge(on(nodes[0], "a", sandbox.SubnetA, 1).staying(), on(nodes[1], "a", sandbox.SubnetA, 1).staying())
	told, err := l.told(l.ctx)
	l.must(err)
	for key, messages := range told {
		if strings.HasPrefix(key, "Node/node1 ") || len(messages) > 2 {
			t.Errorf("told too often, or on the wrong object: %s %q", key, messages)
		}
	}

	l.edit("a", map[string]any{"subnetID": sandbox.SubnetB})
	l.tells("Node/node1 Normal "+plan.NoticeNodeReplaced, "eni-")
}

// What is told about a fleet is told in sum, and a status that is written again is not told again.
func TestEventsAreToldInSum(t *testing.T) {
	nodes := machines(10)
	l := newLab(t, nodes...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	want := onAll(nodes, "a", sandbox.SubnetA, 1)
	l.converge(want...)
	l.tells("NodeENI/a "+corev1.EventTypeNormal+" "+plan.NoticeAttached, "10 of 10")
	before, err := l.told(l.ctx)
	l.must(err)
	if len(before) != 1 || len(before["NodeENI/a Normal "+plan.NoticeAttached]) > 5 {
		t.Errorf("want a few events in sum: %v", before)
	}

	_, err = l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(l.ctx, "a", types.MergePatchType, []byte(`{"status":null}`), metav1.PatchOptions{}, "status")
	l.must(err)
	l.converge(want...)
	l.kubectl("label", "node", "node1", "ng-")
	l.tells("NodeENI/a Normal "+plan.NoticeReleased, "released 1 interface") // events come in order: what the wipe gave cause for is there
	after, err := l.told(l.ctx)
	l.must(err)
	if key := "NodeENI/a Normal " + plan.NoticeAttached; len(after[key]) != len(before[key]) {
		t.Errorf("a wiped status was told again: %q, then %q", before[key], after[key])
	}
}

// What happens again is one event that counts, as kubectl describe shows it.
func TestARepeatedEventIsCounted(t *testing.T) {
	l := newLab(t, machines(1)...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetFar, 1))
	for _, state := range []struct {
		selector map[string]any
		status   metav1.ConditionStatus
		reason   string
	}{
		{nil, metav1.ConditionTrue, v1alpha1.ReasonSubnetInOtherZone},
		{map[string]any{"ng": nil, "nobody": "here"}, metav1.ConditionFalse, v1alpha1.ReasonNotStalled},
		{map[string]any{"ng": "multi-eni", "nobody": nil}, metav1.ConditionTrue, v1alpha1.ReasonSubnetInOtherZone},
	} {
		if state.selector != nil {
			l.edit("a", map[string]any{"nodeSelector": state.selector})
		}
		l.eventually("stalled: "+string(state.status), func(ctx context.Context) error {
			object, err := l.get(ctx, "a")
			if err != nil {
				return err
			}
			return condition(object, v1alpha1.ConditionStalled, state.status, state.reason)
		})
	}
	l.eventually("counted", func(ctx context.Context) error {
		list, err := l.cluster.Kube.CoreV1().Events(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range list.Items {
			if event.Reason == plan.NoticeStalled && event.Count == 2 {
				return nil
			}
		}
		return fmt.Errorf("no event has happened twice: %v", list.Items)
	})
}
