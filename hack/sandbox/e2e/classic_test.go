package e2e

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestBasicExample(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	l.startController()
	l.kubectl("apply", "-f", example("basic.yaml"))
	l.converge(on(nodes[0], "nodeeni-subnet-a", sandbox.SubnetA, 1))

	iface := l.the()
	object, err := l.get(l.ctx, "nodeeni-subnet-a")
	l.must(err)
	want := map[string]string{
		ownership.TagClusterID:   l.id,
		ownership.TagClusterName: sandbox.ClusterName,
		ownership.TagNodeENIUID:  string(object.UID),
		ownership.TagNodeENIName: "nodeeni-subnet-a",
		ownership.TagNodeName:    "node1",
		ownership.TagInstanceID:  nodes[0].InstanceID,
		ownership.TagSlot:        "0-1",
		ownership.TagName:        "nodeeni-subnet-a/node1",
		ownership.TagNoManage:    "true",
	}
	if diff := gocmp.Diff(want, iface.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if iface.Description != "ENI for subnet A" || len(iface.SecurityGroups) != 1 || iface.SecurityGroups[0] != sandbox.Workers {
		t.Errorf("description %q, groups %v", iface.Description, iface.SecurityGroups)
	}
}

// Each matching node gets both interfaces.
func TestMultipleNodeENIs(t *testing.T) {
	nodes := append(machines(2), sandbox.Machines(3)[2]) // the third has no label
	l := newLab(t, nodes...)
	l.startController()
	l.kubectl("apply", "-f", example("multiple-nodeenis.yaml"))
	l.converge(append(onAll(nodes[:2], "nodeeni-subnet-a", sandbox.SubnetA, 1),
		onAll(nodes[:2], "nodeeni-subnet-b", sandbox.SubnetB, 2)...)...)

	l.kubectl("label", "node", "node3", "ng=multi-eni")
	l.converge(append(onAll(nodes, "nodeeni-subnet-a", sandbox.SubnetA, 1),
		onAll(nodes, "nodeeni-subnet-b", sandbox.SubnetB, 2)...)...)

	l.kubectl("delete", "-f", example("multiple-nodeenis.yaml")) // waits until they are gone
	l.must(l.inEC2(l.ctx, nil))
}

// The node's label decides between the subnets.
func TestSubnetByNodeLabel(t *testing.T) {
	nodes := sandbox.Machines(3)
	l := newLab(t, nodes...)
	l.startController()
	l.kubectl("apply", "-f", example("subnet-by-node-label.yaml"))
	l.kubectl("label", "node", "node1", "ng=multi-eni", "subnet=a")
	l.kubectl("label", "node", "node2", "ng=multi-eni", "subnet=b")
	l.kubectl("label", "node", "node3", "ng=multi-eni")
	l.converge(on(nodes[0], "nodeeni-subnet-a", sandbox.SubnetA, 1), on(nodes[1], "nodeeni-subnet-b", sandbox.SubnetB, 1))

	l.kubectl("label", "node", "node1", "subnet=b", "--overwrite")
	l.converge(on(nodes[0], "nodeeni-subnet-b", sandbox.SubnetB, 1), on(nodes[1], "nodeeni-subnet-b", sandbox.SubnetB, 1))
}

func TestKubectlShowsExplainsAndWaits(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	l.startController()
	l.kubectl("apply", "-f", example("basic.yaml"))
	l.kubectl("wait", "--for=condition=Ready", "--timeout=30s", "nodeeni/nodeeni-subnet-a")

	for _, kind := range []string{"nodeeni", "nodeenis", "neni", "aws"} {
		fields := rows(l.kubectl("get", kind))
		if diff := gocmp.Diff([]string{"NAME", "SUBNET", "INDEX", "NODES", "ATTACHED", "READY", "AGE"}, fields[0]); diff != "" {
			t.Errorf("columns of kubectl get %s (-want +got):\n%s", kind, diff)
		}
		want := []string{"nodeeni-subnet-a", sandbox.SubnetA, "1", "1", "1", "True"}
		if diff := gocmp.Diff(want, fields[1][:len(want)]); diff != "" {
			t.Errorf("row of kubectl get %s (-want +got):\n%s", kind, diff)
		}
	}
	wide := rows(l.kubectl("get", "nodeeni", "-o", "wide"))
	if diff := gocmp.Diff([]string{"NAME", "SUBNET", "INDEX", "NODES", "ATTACHED", "READY", "AGE", "PENDING", "BLOCKED", "RELEASING", "ZONE", "REASON"}, wide[0]); diff != "" {
		t.Errorf("columns of kubectl get -o wide (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"0", "0", "0", sandbox.Zone, "AllAttached"}, wide[1][len(wide[1])-5:]); diff != "" {
		t.Errorf("row of kubectl get -o wide (-want +got):\n%s", diff)
	}
	explained := l.kubectl("explain", "nodeeni.spec.deviceIndex")
	for _, want := range []string{"deviceIndex <integer>", "device index at which the interface is attached"} {
		if !strings.Contains(strings.Join(strings.Fields(explained), " "), want) {
			t.Errorf("kubectl explain does not say %q:\n%s", want, explained)
		}
	}
}

// rows are the fields of a table's lines.
func rows(table string) [][]string {
	var list [][]string
	for line := range strings.Lines(table) {
		list = append(list, strings.Fields(line))
	}
	return list
}
