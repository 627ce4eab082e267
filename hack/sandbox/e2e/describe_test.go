package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// reportsOfMany are the reports about a NodeENI on many Nodes, of which the last is blocked.
func reportsOfMany(n *v1alpha1.NodeENI, count int) (reports []plan.AttachmentReport) {
	for i := range count {
		a := v1alpha1.Attachment{
			NodeName: fmt.Sprintf("node-%04d", i), NetworkCardIndex: new(int32), DeviceIndex: n.Spec.DeviceIndex, State: v1alpha1.AttachmentAttached,
			InstanceID: fmt.Sprintf("i-%017x", i), ENIID: fmt.Sprintf("eni-%017x", i), AttachmentID: fmt.Sprintf("eni-attach-%017x", i),
			SubnetID: n.Spec.SubnetID, SubnetCIDR: "10.0.0.0/16", AvailabilityZone: "us-east-1a",
			PrivateIP: fmt.Sprintf("10.0.%d.%d", i/250, 4+i%250), MACAddress: fmt.Sprintf("02:00:00:00:%02x:%02x", i/256, i%256),
		}
		if i == count-1 {
			a = v1alpha1.Attachment{
				NodeName: a.NodeName, NetworkCardIndex: a.NetworkCardIndex, DeviceIndex: a.DeviceIndex, InstanceID: a.InstanceID, SubnetID: a.SubnetID,
				State: v1alpha1.AttachmentBlocked, Reason: v1alpha1.ReasonSubnetFull, Message: "subnet has no free address; free some",
			}
		}
		reports = append(reports, plan.AttachmentReport{NodeENI: n.UID, NodeENIName: n.Name, Settled: a.Reason == "", Attachment: a})
	}
	return reports
}

// describeMany is what kubectl describes of a NodeENI whose status the controller's own code made of reports about many
// Nodes, with an event about it.
func (l *lab) describeMany(name string, count int) string {
	l.Helper()
	n := l.create(nodeENI(name, sandbox.SubnetA, 1))
	n.Status = plan.Status(plan.StatusInput{
		NodeENI: n, Now: time.Now(), Subnet: &ownership.ObservedSubnet{Subnet: ownership.Subnet{ID: sandbox.SubnetA, Zone: "us-east-1a"}}, Attachments: reportsOfMany(n, count),
		MissingPermissions: "IAM denies ec2:DetachNetworkInterface (statement ManageOwnInterfaces)",
	})
	_, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().UpdateStatus(l.ctx, n, metav1.UpdateOptions{})
	l.must(err)
	_, err = l.cluster.Kube.CoreV1().Events(metav1.NamespaceDefault).Create(l.ctx, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: name + ".1", Namespace: metav1.NamespaceDefault},
		InvolvedObject: corev1.ObjectReference{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "NodeENI", Name: n.Name, UID: n.UID},
		Type:           corev1.EventTypeWarning, Reason: plan.NoticeStalled, Message: "SubnetFull: the subnet is full", Count: 1,
	}, metav1.CreateOptions{})
	l.must(err)
	return l.kubectl("describe", "nodeeni", n.Name)
}

// At 500 nodes and beyond, what kubectl describes stays within bounds: the node that needs attention comes first, the
// documented commands find the conditions, the events are the end, and nothing grows with the number of nodes any more.
func TestDescribeCanBeReadAtManyNodes(t *testing.T) {
	l := newLab(t)
	length := map[int]int{}
	for _, count := range []int{500, 3000} {
		name := fmt.Sprintf("of-%d", count)
		text := l.describeMany(name, count)
		length[count] = strings.Count(text, "\n")
		first := strings.Index(text, fmt.Sprintf("node-%04d", count-1))
		if other := strings.Index(text, "node-0000"); first < 0 || other < first {
			t.Errorf("%d nodes: the blocked one does not come first", count)
		}
		_, events, found := strings.Cut(text, "\nEvents:\n")
		if !found || strings.Count(events, "\n") > 5 || !strings.Contains(events, "SubnetFull: the subnet is full") {
			t.Errorf("%d nodes: the end is not the events: %q", count, events)
		}
		l.findsConditions(name)
	}
	if length[500] > 6700 || length[3000] > length[500]+10 {
		t.Errorf("lines by nodes: %v", length)
	}
	t.Logf("lines by nodes: %v", length)
}

// findsConditions has the README's commands find all conditions, and not much besides.
func (l *lab) findsConditions(name string) {
	l.Helper()
	ran := 0
	for _, line := range append(commandsIn(l.T, "kubectl describe nodeeni nodeeni-subnet-a |", "README.md"), commandsIn(l.T, "kubectl get nodeeni nodeeni-subnet-a -o jsonpath='{range .status.conditions", "README.md")...) {
		ran++
		out, err := l.cluster.RunLine(l.ctx, shared.binaries, l.sim.URL, strings.Replace(line, "nodeeni-subnet-a", name, 1))
		l.must(err)
		for _, condition := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionPermissionsMissing} {
			if !strings.Contains(out, condition) {
				l.Errorf("%s does not find the condition %s:\n%s", line, condition, out)
			}
		}
		if lines := strings.Count(out, "\n"); lines > 30 || !strings.Contains(out, "SubnetFull") || !strings.Contains(out, "ManageOwnInterfaces") {
			l.Errorf("%s prints %d lines:\n%s", line, lines, out)
		}
	}
	if ran != 2 {
		l.Errorf("%d commands are documented", ran)
	}
}
