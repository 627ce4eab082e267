package main

import (
	"context"
	"maps"
	"path/filepath"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

var (
	multi    = map[string]string{"ng": "multi-eni"}
	onlyB    = map[string]string{"ng": "subnet-b-only"}
	machines = sandbox.Machines(3)
)

// third is the NodeENI of the node that is served by subnet B alone.
const third = `apiVersion: networking.k8s.aws/v1alpha1
kind: NodeENI
metadata:
  name: nodeeni-subnet-b-only
spec:
  nodeSelector:
    ng: subnet-b-only
  subnetID: subnet-abcdef1234567890  # Subnet B
  securityGroupIDs:
  - sg-05da196f3314d4af8
  deviceIndex: 1
  description: "ENI for subnet B only"
`

// play shows the two classic set-ups, one after the other.
func play(ctx context.Context, s *stage) error {
	for _, act := range []func(context.Context, *stage) error{multipleNodeENIs, subnetByNodeLabel} {
		if err := act(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func multipleNodeENIs(ctx context.Context, s *stage) error {
	example := filepath.Join(s.repo, "manifests", "examples", "multiple-nodeenis.yaml")
	a1, b1 := want{"node1", 1, "nodeeni-subnet-a", sandbox.SubnetA}, want{"node1", 2, "nodeeni-subnet-b", sandbox.SubnetB}
	a2, b2 := want{"node2", 1, "nodeeni-subnet-a", sandbox.SubnetA}, want{"node2", 2, "nodeeni-subnet-b", sandbox.SubnetB}
	b3 := want{"node3", 1, "nodeeni-subnet-b-only", sandbox.SubnetB}
	return s.steps(ctx,
		step{
			title: "Set-up 1: multiple NodeENIs; node1 and node2 get an interface in both subnets, node3 in subnet B only",
			do: []command{
				s.label("node1", multi), s.label("node2", multi), s.label("node3", onlyB),
				kubectl("apply", "-f", example),
				{args: []string{"apply", "-f", "-"}, input: third},
			},
			want: []want{a1, b1, a2, b2, b3},
		},
		step{
			title: "node2 loses its label: its interfaces are detached and deleted",
			do:    []command{kubectl("label", "node", "node2", "ng-")},
			want:  []want{a1, b1, b3},
		},
		step{
			title: "A NodeENI is deleted: kubectl returns when EC2 has none of its interfaces any more",
			do:    []command{kubectl("delete", "nodeeni", "nodeeni-subnet-b")},
			want:  []want{a1, b3},
		},
		step{
			title: "The rest is deleted: nothing is left",
			do:    []command{kubectl("delete", "nodeeni", "--all", "--wait=false")},
			want:  nil,
		},
	)
}

func subnetByNodeLabel(ctx context.Context, s *stage) error {
	example := filepath.Join(s.repo, "manifests", "examples", "subnet-by-node-label.yaml")
	inA := func(node string) want { return want{node, 1, "nodeeni-subnet-a", sandbox.SubnetA} }
	inB := func(node string) want { return want{node, 1, "nodeeni-subnet-b", sandbox.SubnetB} }
	return s.steps(ctx,
		step{
			title: "Set-up 2: subnet by node label; the label subnet=a or subnet=b decides",
			do:    []command{kubectl("apply", "-f", example), s.label("node1", with(multi, "a")), s.label("node2", with(multi, "b"))},
			// node3 has another label.
			want: []want{inA("node1"), inB("node2")},
		},
		step{
			title: "node1 moves to subnet B: the old interface goes, then the new one comes",
			do:    []command{kubectl("label", "node", "node1", "subnet=b", "--overwrite")},
			want:  []want{inB("node1"), inB("node2")},
		},
		step{
			title: "node2 loses its label",
			do:    []command{kubectl("label", "node", "node2", "subnet-")},
			want:  []want{inB("node1")},
		},
		step{
			title: "Both NodeENIs are deleted: nothing is left",
			do:    []command{kubectl("delete", "-f", example, "--wait=false")},
			want:  nil,
		},
	)
}

// with is labels and the one that decides the subnet.
func with(labels map[string]string, subnet string) map[string]string {
	all := maps.Clone(labels)
	all["subnet"] = subnet
	return all
}
