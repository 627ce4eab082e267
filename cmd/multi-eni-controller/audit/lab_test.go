package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim/ec2client"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	enifake "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/fake"
)

const (
	subnet    = "subnet-0aaaaaaaaaaaaaaa1"
	emptyNet  = "subnet-0aaaaaaaaaaaaaaa2"
	group     = "sg-0aaaaaaaaaaaaaaa1"
	freeGroup = "sg-0aaaaaaaaaaaaaaa2"
	instance  = "i-0aaaaaaaaaaaaaaa1"
)

// owned are the tags of an interface of NodeENI "a" on node1.
func owned(clusterID, uid string) map[string]string {
	return eni.Owner{ClusterID: clusterID, ClusterName: "prod", NodeENIUID: uid, NodeENIName: "a", NodeName: "node1", InstanceID: instance, Slot: eni.Slot{Index: 1}}.Tags()
}

// world has one interface of everybody in one security group.
func world() ec2sim.World {
	at := ec2sim.Exactly(0)
	attached := func(index int) *ec2sim.Attachment { return &ec2sim.Attachment{Instance: instance, DeviceIndex: index} }
	iface := func(digit, description string, tags map[string]string, at *ec2sim.Attachment) ec2sim.Interface {
		return ec2sim.Interface{ID: "eni-0aaaaaaaaaaaaaaa" + digit, Subnet: subnet, SecurityGroups: []string{group}, Description: description, Tags: tags, Attachment: at}
	}
	balancer := iface("6", "ELB app/web/50dc6c495c0c9188", nil, nil)
	balancer.Requester = "amazon-elb"
	return ec2sim.World{
		Subnets:        []ec2sim.Subnet{{ID: subnet, VPC: "vpc-0aaaaaaaaaaaaaaa1", Zone: "us-east-1a", CIDR: "10.0.0.0/24"}, {ID: emptyNet, VPC: "vpc-0aaaaaaaaaaaaaaa1", Zone: "us-east-1a", CIDR: "10.0.1.0/24"}},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: group, VPC: "vpc-0aaaaaaaaaaaaaaa1", Name: "one"}, {ID: freeGroup, VPC: "vpc-0aaaaaaaaaaaaaaa1", Name: "two"}},
		Instances:      []ec2sim.Instance{{ID: instance, Type: "m5.2xlarge", Subnet: subnet, SecurityGroups: []string{freeGroup}}},
		Interfaces: []ec2sim.Interface{
			iface("1", "", owned("c1", "uid-a"), attached(1)),
			iface("2", "", owned("c1", "uid-gone"), nil),
			iface("3", "", owned("c2", "uid-a"), nil),
			iface("4", "ENI created by nodeeni-controller for node node1", map[string]string{"kubernetes.io/cluster/managed-by": "nodeeni-controller", "NodeENI": "old", "Node": "node1", "SubnetID": subnet}, nil),
			iface("5", "aws-K8S-"+instance, map[string]string{"node.k8s.amazonaws.com/instance_id": instance}, attached(2)),
			balancer,
			iface("7", "", nil, nil),
		},
		Latency: ec2sim.Latency{Call: at, Attach: at, Detach: at},
	}
}

// lab is an audit with a simulated EC2 and, unless it has none, a cluster.
type lab struct {
	*testing.T
	sim  *ec2sim.Simulator
	core *kubefake.Clientset
	enis *enifake.Clientset
	none bool
}

func newLab(t *testing.T) *lab {
	t.Helper()
	sim, err := ec2sim.New(world(), ec2sim.Options{Clock: ec2sim.NewVirtualClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "multi-eni-system", Name: leaseName, Annotations: map[string]string{eni.TagClusterID: "c1", eni.TagClusterName: "prod"}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: new("x"), LeaseDurationSeconds: new(int32(15)), RenewTime: &metav1.MicroTime{Time: time.Now()}},
	}
	return &lab{
		T: t, sim: sim,
		core: kubefake.NewClientset(lease,
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceSystem, UID: "uid-of-kube-system"}},
			&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1", Labels: map[string]string{"ng": "x"}}, Spec: corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instance}}),
		enis: enifake.NewSimpleClientset(&v1alpha1.NodeENI{
			ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "uid-a"},
			Spec:       v1alpha1.NodeENISpec{NodeSelector: map[string]string{"ng": "x"}, SubnetID: subnet, SecurityGroupIDs: []string{group}, DeviceIndex: 1},
		}),
	}
}

// run runs the command.
func (l *lab) run(args ...string) (code int, stdout, stderr string) {
	l.Helper()
	s := sources{
		ec2: func(context.Context) (ec2, error) {
			return cloud.NewFromConfig(ec2client.Config(l.sim.Transport()), cloud.Options{}), nil
		},
		kube: func(string) (*kube, error) {
			if l.none {
				return nil, nil
			}
			return &kube{l.core, l.enis}, nil
		},
		backoff: wait.Backoff{Duration: time.Nanosecond, Steps: 3},
	}
	var out, errs bytes.Buffer
	code = s.main(l.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// whose runs the command for JSON, and gives the owner of each interface by its last digit.
func (l *lab) whose(wantCode int, args ...string) (map[string]audit.Whose, audit.Report) {
	l.Helper()
	code, stdout, stderr := l.run(append(args, "-o", "json")...)
	if code != wantCode || stderr != "" {
		l.Fatalf("exit code %d, want %d; stderr %q", code, wantCode, stderr)
	}
	var report audit.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		l.Fatal(err)
	}
	whose := map[string]audit.Whose{}
	for _, f := range report.Interfaces {
		whose[f.InterfaceID[len(f.InterfaceID)-1:]] = f.Whose
	}
	return whose, report
}

// deleteInterface does so behind EC2's back.
func (l *lab) deleteInterface(id string) {
	l.Helper()
	request, err := http.NewRequestWithContext(l.Context(), http.MethodPost, "http://ec2/_sim/interfaces/"+id+"/delete", http.NoBody)
	l.must(err)
	response, err := l.sim.Transport().RoundTrip(request)
	l.must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		l.Fatal(response.Status)
	}
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func fault(f ec2sim.Fault) func(*lab) {
	return func(l *lab) {
		_, err := l.sim.AddFault(f)
		l.must(err)
	}
}
