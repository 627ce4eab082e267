package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

func TestTopologyShowsSlotsAndWants(t *testing.T) {
	inLab(t, 2, func(w *ec2sim.World) {
		w.Interfaces = append(w.Interfaces, ec2sim.Interface{
			Subnet: subnetB, Description: "aws-K8S-" + instanceID(1), Attachment: &ec2sim.Attachment{Instance: instanceID(1), DeviceIndex: 1},
		})
	}, func(l *lab) {
		l.ask("a", 1)
		l.ask("b", 2, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		_, err := l.kube.CoreV1().Nodes().Create(l.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-99", Labels: map[string]string{"ng": "multi"}}}, metav1.CreateOptions{})
		l.must(err)
		l.pass(time.Minute)
		calls := l.mutatingCalls() + l.calls("DescribeInstances") + l.calls("DescribeNetworkInterfaces")
		got, err := l.controller.Topology()
		l.must(err)
		if now := l.mutatingCalls() + l.calls("DescribeInstances") + l.calls("DescribeNetworkInterfaces"); now != calls {
			t.Errorf("%d calls were made for it", now-calls)
		}
		slot := func(slot, nodeENI, subnet string) TopologySlot {
			return TopologySlot{Slot: slot, NodeENI: nodeENI, Ours: true, Status: "attached", SubnetID: subnet}
		}
		others := func(slot, description string) TopologySlot {
			return TopologySlot{Slot: slot, Description: description, Status: "attached"}
		}
		wanted := func(node, nodeENI, slot, state, reason string) TopologyWanted {
			return TopologyWanted{NodeENI: nodeENI, Node: node, Slot: slot, State: state, Reason: reason}
		}
		node := func(i int, slots []TopologySlot, wanted ...TopologyWanted) TopologyNode {
			return TopologyNode{
				Node: nodeName(i), InstanceID: instanceID(i), Type: "m5.xlarge", State: "running", Zone: "us-east-1a", MaxInterfaces: map[int32]int32{0: 4},
				Slots: slots, Wanted: wanted,
			}
		}
		want := Topology{Leading: true, Nodes: []TopologyNode{
			node(0, []TopologySlot{others("0-0", ""), slot("0-1", "a", subnetA), slot("0-2", "b", subnetB)},
				wanted(nodeName(0), "a", "0-1", "Attached", ""), wanted(nodeName(0), "b", "0-2", "Attached", "")),
			node(1, []TopologySlot{others("0-0", ""), others("0-1", "aws-K8S-"+instanceID(1)), slot("0-2", "b", subnetB)},
				wanted(nodeName(1), "a", "0-1", "Blocked", v1alpha1.ReasonDeviceIndexInUse), wanted(nodeName(1), "b", "0-2", "Attached", "")),
			{Node: "node-99", Wanted: []TopologyWanted{wanted("node-99", "a", "0-1", "Blocked", v1alpha1.ReasonNoAWSProviderID), wanted("node-99", "b", "0-2", "Blocked", v1alpha1.ReasonNoAWSProviderID)}},
		}}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Topology{}, "Time"), cmpopts.IgnoreFields(TopologyNode{}, "DescribedAt"),
			cmpopts.IgnoreFields(TopologySlot{}, "ENIID", "PrivateIP"), cmpopts.IgnoreUnexported(TopologySlot{}),
			cmpopts.IgnoreFields(TopologyWanted{}, "ENIID", "Message"), cmpopts.SortSlices(func(a, b TopologyWanted) bool { return a.NodeENI < b.NodeENI })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, node := range got.Nodes {
			for _, slot := range node.Slots {
				if slot.ENIID == "" || slot.Ours && slot.PrivateIP == "" {
					t.Errorf("%s: %+v", node.Node, slot)
				}
			}
		}

		l.delete("b")
		l.pass(2 * time.Second)
		got, err = l.controller.Topology()
		l.must(err)
		for _, node := range got.Nodes[:2] {
			if len(node.Releasing) != 1 || node.Releasing[0].Reason != v1alpha1.ReasonNodeENIDeleted || node.Releasing[0].Held {
				t.Errorf("while b is released from %s: %+v", node.Node, node.Releasing)
			}
		}
	})
}

func TestTopologyOfAReplicaThatWaits(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.stop()
		got, err := l.controller.Topology()
		if err != nil || got.Leading || len(got.Nodes) > 0 {
			t.Errorf("%+v, %v", got, err)
		}
		l.start()
		l.pass(time.Second) // one that is stopped before it works has no informers to add handlers to
	})
}
