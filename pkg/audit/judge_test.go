package audit

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	subnetA   = "subnet-0aaaaaaaaaaaaaaa1"
	group1    = "sg-0aaaaaaaaaaaaaaa1"
	group2    = "sg-0aaaaaaaaaaaaaaa2"
	instance1 = "i-0aaaaaaaaaaaaaaa1"
	iface1    = "eni-0aaaaaaaaaaaaaaa1"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// found is an interface of NodeENI "a" on node1, attached where it is wanted.
func found(change ...func(*eni.FoundInterface)) eni.FoundInterface {
	owner := eni.Owner{ClusterID: "c1", ClusterName: "prod", NodeENIUID: "uid-a", NodeENIName: "a", NodeName: "node1", InstanceID: instance1, Slot: eni.Slot{Index: 1}}
	f := eni.FoundInterface{Type: "interface", Interface: eni.Interface{
		ID: iface1, SubnetID: subnetA, VPCID: "vpc-1", SecurityGroupIDs: []string{group1}, Tags: owner.Tags(),
		Attachment: &eni.Attachment{ID: "eni-attach-1", InstanceID: instance1, Slot: eni.Slot{Index: 1}, Status: eni.Attached},
	}}
	for _, c := range change {
		c(&f)
	}
	return f
}

// foreign is an interface with the given tags, attached at an index of its own.
func foreign(tags map[string]string, change ...func(*eni.FoundInterface)) eni.FoundInterface {
	return found(append([]func(*eni.FoundInterface){func(f *eni.FoundInterface) {
		f.Tags = tags
		f.Attachment.Slot.Index = 2
	}}, change...)...)
}

func available(f *eni.FoundInterface) { f.Attachment = nil }

func managed(kind, description string) func(*eni.FoundInterface) {
	return func(f *eni.FoundInterface) {
		f.Tags, f.RequesterManaged, f.Requester, f.Type, f.Description = nil, true, "amazon-elb", kind, description
	}
}

func without(tag string) func(*eni.FoundInterface) {
	return func(f *eni.FoundInterface) {
		f.Tags = maps.Clone(f.Tags)
		delete(f.Tags, tag)
	}
}

// asked is what the cluster says: NodeENI "a" wants an interface on node1, and a controller leads.
func asked(change ...func(*Facts)) Facts {
	f := Facts{
		Subject:  Subject{SecurityGroup, group1},
		Identity: plan.Cluster{ID: "c1", Name: "prod"},
		Cluster: &Cluster{
			Now: now, Namespace: "multi-eni-system", Controller: ControllerLeads,
			Nodes: []*corev1.Node{{
				ObjectMeta: metav1.ObjectMeta{Name: "node1", Labels: map[string]string{"ng": "x"}},
				Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instance1},
			}},
			NodeENIs: []*v1alpha1.NodeENI{{
				ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "uid-a"},
				Spec:       v1alpha1.NodeENISpec{NodeSelector: map[string]string{"ng": "x"}, SubnetID: subnetA, SecurityGroupIDs: []string{group1}, DeviceIndex: 1},
			}},
			Instances: []eni.Instance{{ID: instance1, State: eni.InstanceRunning}},
		},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func (f Facts) the() *v1alpha1.NodeENI { return f.Cluster.NodeENIs[0] }

func tagsOnly(f *Facts) { f.Cluster = nil }
func about(kind SubjectKind, id string) func(*Facts) {
	return func(f *Facts) { f.Subject = Subject{kind, id} }
}

func nodeENIs(change func(*v1alpha1.NodeENI)) func(*Facts) { return func(f *Facts) { change(f.the()) } }

func identity(id, name string) func(*Facts) {
	return func(f *Facts) { f.Identity = plan.Cluster{ID: id, Name: name} }
}
func noNodeENI(f *Facts) { f.Cluster.NodeENIs = nil }
func controller(state ControllerState) func(*Facts) {
	return func(f *Facts) { f.Cluster.Controller = state }
}
func all(changes ...func(*Facts)) (list []func(*Facts)) { return changes }
func deleting(n *v1alpha1.NodeENI)                      { n.DeletionTimestamp = &metav1.Time{Time: now} }

func groups(ids ...string) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = ids }
}
func detach() string   { return "aws ec2 detach-network-interface --attachment-id eni-attach-1" }
func deletion() string { return "aws ec2 delete-network-interface --network-interface-id " + iface1 }

// Each case is one interface: whose it is, a word of why it stays, and the next command to the letter.
func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		found eni.FoundInterface
		facts []func(*Facts)
		whose Whose
		why   string
		next  string
	}{
		"wanted with this group alone": {found(), nil, OursWanted, "NodeENI a wants it on Node node1, with this security group alone", "kubectl edit nodeeni a"},
		"wanted with two groups": {
			found(), all(nodeENIs(groups(group1, group2))), OursWanted, "wants it on Node node1, with this security group",
			`kubectl patch nodeeni a --type=merge -p '{"spec":{"securityGroupIDs":["` + group2 + `"]}}'`,
		},
		"wanted with another group": {found(), all(nodeENIs(groups(group2))), OursWanted, "without this security group", "kubectl describe nodeeni a"},
		"wanted in a subnet":        {found(), all(about(Subnet, subnetA)), OursWanted, "NodeENI a wants it", "kubectl delete nodeeni a"},
		"wanted in a cluster":       {found(), all(about(ClusterName, "prod")), OursWanted, "NodeENI a wants it", ""},
		"wanted by an heir":         {found(), all(nodeENIs(func(n *v1alpha1.NodeENI) { n.UID = "uid-b" })), OursWanted, "NodeENI a wants it", "kubectl describe nodeeni a"},
		"spec invalid":              {found(), all(nodeENIs(func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "" })), OursWanted, "has a spec that is invalid", "kubectl describe nodeeni a"},
		"NodeENI being deleted":     {found(), all(nodeENIs(deleting)), OursReleasing, "its NodeENI is being deleted", "kubectl describe nodeeni a"},
		"NodeENI reports":           {found(), all(nodeENIs(deleting), nodeENIs(reports)), OursReleasing, "NodeENI a reports DetachStuck: not for an hour", "kubectl describe nodeeni a"},
		"Node not selected":         {found(), all(nodeENIs(func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"ng": "y"} })), OursReleasing, "does not select its Node", "kubectl describe nodeeni a"},
		"Node gone":                 {found(), all(func(f *Facts) { f.Cluster.Nodes = nil }), OursReleasing, "its Node exists no more", "kubectl describe nodeeni a"},
		"instance gone":             {found(), all(func(f *Facts) { f.Cluster.Instances = nil }), OursReleasing, "unknown to EC2", "kubectl describe nodeeni a"},
		"subnet changed":            {found(), all(nodeENIs(func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "subnet-0aaaaaaaaaaaaaaa2" })), OursReleasing, "subnetID or deviceIndex", "kubectl describe nodeeni a"},
		"nobody releases":           {found(), all(nodeENIs(deleting), controller(ControllerAway)), OursReleasing, "no controller runs", "kubectl -n multi-eni-system get pods"},
		"leaked, controller leads":  {found(), all(noNodeENI), OursLeaked, "exists no more; the controller deletes it", "kubectl -n multi-eni-system logs -l app.kubernetes.io/name=aws-multi-eni-controller --tail=-1 --prefix | grep " + iface1},
		"leaked, nobody there":      {found(), all(noNodeENI, controller(ControllerAway)), OursLeaked, "no controller runs", detach()},
		"leaked, who knows":         {found(available), all(noNodeENI, controller(ControllerUnknown)), OursLeaked, "can not be told", deletion()},
		"by an earlier ID":          {found(), all(func(f *Facts) { f.Identity = plan.Cluster{ID: "c2", AlsoOwned: []string{"c1"}} }), OursWanted, "NodeENI a wants it", "kubectl edit nodeeni a"},
		"by tags":                   {found(), all(tagsOnly), Ours, "only the cluster can tell", "multi-eni-controller audit --security-group=" + group1 + " --kubeconfig=KUBECONFIG"},
		"by the name":               {found(), all(tagsOnly, identity("", "prod")), Ours, "made for NodeENI a on Node node1", "multi-eni-controller audit --security-group=" + group1 + " --kubeconfig=KUBECONFIG"},
		"another ID":                {found(), all(identity("c2", "prod")), OtherCluster, "made in cluster prod (ID c1)", "multi-eni-controller audit --cluster-name=prod --kubeconfig=KUBECONFIG"},
		"another name":              {found(), all(tagsOnly, identity("", "test")), OtherCluster, "made in cluster prod (ID c1)", "multi-eni-controller audit --cluster-name=prod --kubeconfig=KUBECONFIG"},
		"nobody said whose":         {found(), all(tagsOnly, identity("", "")), OtherCluster, "nobody said which cluster is ours", "multi-eni-controller audit --cluster-name=prod --kubeconfig=KUBECONFIG"},
		"lost the cluster's ID":     {found(without(eni.TagClusterID)), nil, OursTagsLost, eni.TagClusterID, detach()},
		"lost the owner's UID":      {found(without(eni.TagNodeENIUID), available), all(tagsOnly), OursTagsLost, eni.TagNodeENIUID, deletion()},
		"the community's": {
			foreign(map[string]string{"kubernetes.io/cluster/managed-by": "nodeeni-controller", "NodeENI": "old", "Node": "node9", "node.k8s.amazonaws.com/no_manage": "true"}), nil,
			CommunityController, "made by the community controller for NodeENI old on Node node9", detach(),
		},
		"the VPC CNI's":        {foreign(map[string]string{"node.k8s.amazonaws.com/instance_id": instance1}), nil, VPCCNI, "the VPC CNI holds it for pods on instance " + instance1, "aws ec2 describe-instances --instance-ids " + instance1},
		"left by the VPC CNI":  {foreign(map[string]string{"node.k8s.amazonaws.com/instance_id": instance1}, available), nil, VPCCNI, "left it behind", deletion()},
		"a branch":             {foreign(map[string]string{"eks:eni:owner": "eks-vpc-resource-controller"}, available), nil, VPCCNI, "the VPC resource controller", deletion()},
		"a trunk without host": {foreign(map[string]string{"eks:eni:owner": "eks-vpc-resource-controller"}, func(f *eni.FoundInterface) { f.Attachment.InstanceID = "" }), nil, VPCCNI, "holds it for pods", "aws ec2 describe-network-interfaces --include-managed-resources --network-interface-ids " + iface1},
		"primary":              {foreign(nil, func(f *eni.FoundInterface) { f.Attachment.Slot.Index = 0 }), nil, Instance, "the primary interface of instance " + instance1, "aws ec2 describe-instances --instance-ids " + instance1},
		"unknown":              {foreign(nil), nil, Nobody, "attached to instance " + instance1, "aws ec2 describe-network-interfaces --include-managed-resources --network-interface-ids " + iface1},
		"unknown and free":     {foreign(nil, available), nil, Nobody, "attached to nothing", deletion()},
		"NAT gateway":          {found(managed("natGateway", "Interface for NAT Gateway nat-1")), nil, AWS, "a NAT gateway, and goes with that", "aws ec2 describe-nat-gateways --filter Name=subnet-id,Values=" + subnetA},
		"VPC endpoint":         {found(managed("vpc_endpoint", "VPC Endpoint Interface vpce-1")), nil, AWS, "a VPC endpoint, and goes with that", "aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=vpc-1"},
		"Lambda":               {found(managed("lambda", "AWS Lambda VPC ENI-f")), nil, AWS, "a Lambda function", `aws lambda list-functions --query 'Functions[?VpcConfig.VpcId=='\''vpc-1'\''].FunctionName'`},
		"load balancer":        {found(managed("interface", "ELB app/web/50dc6c495c0c9188")), nil, AWS, "load balancer web, and", "aws elbv2 describe-load-balancers --names web"},
		"network balancer":     {found(managed("network_load_balancer", "ELB net/web/50dc6c495c0c9188")), nil, AWS, "load balancer web, and", "aws elbv2 describe-load-balancers --names web"},
		"classic balancer":     {found(managed("interface", "ELB old-web")), nil, AWS, "load balancer old-web, and", "aws elb describe-load-balancers --load-balancer-names old-web"},
		"control plane":        {found(managed("interface", "Amazon EKS prod")), nil, AWS, "EKS cluster prod, and", "aws eks describe-cluster --name prod"},
		"file system":          {found(managed("interface", "EFS mount target for fs-12ab (fsmt-34cd)")), nil, AWS, "EFS file system fs-12ab", "aws efs describe-mount-targets --file-system-id fs-12ab"},
		"database":             {found(managed("interface", "RDSNetworkInterface")), nil, AWS, "an RDS database", "aws rds describe-db-instances"},
		"some service":         {found(managed("api_gateway_managed", "")), nil, AWS, "AWS manages it (amazon-elb, type api_gateway_managed)", "aws ec2 describe-network-interfaces --include-managed-resources --network-interface-ids " + iface1},
		"operated by EKS":      {foreign(nil, func(f *eni.FoundInterface) { f.Operator = "eks.amazonaws.com" }), nil, AWS, "AWS manages it (eks.amazonaws.com, type interface)", "aws ec2 describe-network-interfaces --include-managed-resources --network-interface-ids " + iface1},
		"a name that is a trap": {
			found(func(f *eni.FoundInterface) { f.Tags = maps.Clone(f.Tags); f.Tags[eni.TagClusterName] = "x; rm -rf '/'" }), all(identity("c2", "")),
			OtherCluster, "made in cluster x;", `multi-eni-controller audit '--cluster-name=x; rm -rf '\''/'\''' --kubeconfig=KUBECONFIG`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			facts := asked(test.facts...)
			facts.Interfaces = []eni.FoundInterface{test.found}
			if facts.Cluster != nil {
				facts.Cluster.Ours = []eni.Interface{test.found.Interface}
			}
			report := Judge(facts)
			got := report.Interfaces[0]
			if got.Whose != test.whose || !strings.Contains(got.Why, test.why) || got.Next != test.next {
				t.Errorf("whose %s\nwhy   %s\nnext  %s\nwant %s, %q and\n      %s", got.Whose, got.Why, got.Next, test.whose, test.why, test.next)
			}
			if wantClean := facts.Subject.Kind == ClusterName; report.Clean != wantClean {
				t.Errorf("clean: %v", report.Clean)
			}
			if wantBy := map[bool]string{true: "cluster", false: "tags"}[facts.Cluster != nil]; report.JudgedBy != wantBy {
				t.Errorf("judged by %s, want %s", report.JudgedBy, wantBy)
			}
		})
	}
}

func reports(n *v1alpha1.NodeENI) {
	n.Status.Releasing = []v1alpha1.Release{
		{ENIID: "eni-0aaaaaaaaaaaaaaa9", Reason: v1alpha1.ReasonCleanupHalted, Message: "of another one"},
		{ENIID: iface1, Reason: v1alpha1.ReasonDetachStuck, Message: "not for an hour"},
	}
}

// Surplus is told although only one of the two holds the subject; and of two Nodes of one instance the newer counts.
func TestJudgeKnowsTheNeighbours(t *testing.T) {
	keeper := found(func(f *eni.FoundInterface) { f.ID, f.SecurityGroupIDs = "eni-0aaaaaaaaaaaaaaa0", []string{group2} })
	surplus := found(available)
	facts := asked()
	facts.Interfaces, facts.Cluster.Ours = []eni.FoundInterface{surplus}, []eni.Interface{keeper.Interface, surplus.Interface}
	if got := Judge(facts).Interfaces[0]; got.Whose != OursReleasing || got.Reason != v1alpha1.ReasonSurplus {
		t.Errorf("beside a keeper: %+v", got)
	}
	newer := facts.Cluster.Nodes[0].DeepCopy()
	newer.Name, newer.Labels, newer.CreationTimestamp = "node2", nil, metav1.Time{Time: now}
	facts = asked()
	facts.Interfaces, facts.Cluster.Ours = []eni.FoundInterface{found()}, []eni.Interface{found().Interface}
	facts.Cluster.Nodes = append(facts.Cluster.Nodes, newer)
	if got := Judge(facts).Interfaces[0]; got.Reason != v1alpha1.ReasonNodeNotSelected {
		t.Errorf("on an instance that a newer Node names: %+v", got)
	}
}

// What needs a person comes first, and nothing found is clean.
func TestReportIsOrdered(t *testing.T) {
	named := func(f eni.FoundInterface, id string) eni.FoundInterface { f.ID = id; return f }
	facts := asked()
	leaked := found(func(f *eni.FoundInterface) {
		f.Tags = maps.Clone(f.Tags)
		f.Tags[eni.TagNodeENIUID] = "uid-gone"
		f.Tags[eni.TagNodeENIName] = "gone"
	})
	facts.Interfaces = []eni.FoundInterface{
		named(foreign(nil), "eni-5"), named(found(managed("lambda", "")), "eni-4"), named(foreign(nil), "eni-3"), named(found(), "eni-2"), named(leaked, "eni-1"),
	}
	var got []string
	for _, f := range Judge(facts).Interfaces {
		got = append(got, f.InterfaceID)
	}
	if want := []string{"eni-1", "eni-2", "eni-4", "eni-3", "eni-5"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	facts.Interfaces = nil
	if report := Judge(facts); !report.Clean || report.Interfaces == nil {
		t.Errorf("nothing found: %+v", report)
	}
	for _, whose := range []Whose{OursLeaked, OursReleasing, OursTagsLost, Ours, OursWanted, OtherCluster, CommunityController, VPCCNI, Instance, AWS, Nobody} {
		if !slices.Contains(order, whose) {
			t.Errorf("%s has no place in the order", whose)
		}
	}
}
