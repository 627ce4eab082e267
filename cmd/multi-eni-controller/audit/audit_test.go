package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	gocmp "github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	kubefake "k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	enifake "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/fake"
)

var update = flag.Bool("update", false, "write the golden files anew")

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
			return cloud.NewFromConfig(aws.Config{
				Region:     "us-east-1",
				HTTPClient: &http.Client{Transport: l.sim.Transport()},
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "any", SecretAccessKey: "any"}, nil
				}),
			}, cloud.Options{}), nil
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

func TestAuditOfASecurityGroup(t *testing.T) {
	l := newLab(t)
	got, report := l.whose(exitFindings, "--security-group="+group)
	want := map[string]audit.Whose{
		"1": audit.OursWanted, "2": audit.OursLeaked, "3": audit.OtherCluster, "4": audit.CommunityController,
		"5": audit.VPCCNI, "6": audit.AWS, "7": audit.Nobody,
	}
	if diff := gocmp.Diff(want, got); diff != "" || report.JudgedBy != "cluster" || report.ClusterID != "c1" {
		t.Errorf("by %s, cluster %s (-want +got):\n%s", report.JudgedBy, report.ClusterID, diff)
	}
	for action := range l.sim.Calls() {
		if !strings.HasPrefix(action, "Describe") {
			t.Errorf("it called %s", action)
		}
	}
	for _, a := range slices.Concat(l.core.Actions(), l.enis.Actions()) {
		if a.GetVerb() != "get" && a.GetVerb() != "list" {
			t.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	}
}

func TestAuditWithoutACluster(t *testing.T) {
	l := newLab(t)
	l.none = true
	got, report := l.whose(exitFindings, "--security-group="+group)
	if got["1"] != audit.OtherCluster || report.JudgedBy != "tags" {
		t.Errorf("nobody said whose are ours: %v, by %s", got, report.JudgedBy)
	}
	got, report = l.whose(exitFindings, "--vpc=vpc-0aaaaaaaaaaaaaaa1", "--cluster-id=c1")
	if got["1"] != audit.Ours || got["3"] != audit.OtherCluster || len(report.Interfaces) != 8 { // with the instance's primary one
		t.Errorf("by ID: %v", got)
	}
	if got, _ := l.whose(exitFindings, "--subnet="+subnet, "--cluster-name=prod"); got["1"] != audit.Ours || got["3"] != audit.Ours {
		t.Errorf("by name: %v", got)
	}
	if got, _ := l.whose(exitFindings, "--cluster-name=prod"); len(got) != 3 || got["1"] != audit.Ours {
		t.Errorf("of the cluster: %v", got)
	}
}

// Of a cluster, what is wanted is no finding.
func TestAuditOfACluster(t *testing.T) {
	l := newLab(t)
	got, _ := l.whose(exitFindings, "--cluster-name=prod")
	if diff := gocmp.Diff(map[string]audit.Whose{"1": audit.OursWanted, "2": audit.OursLeaked, "3": audit.OtherCluster}, got); diff != "" {
		t.Error(diff)
	}
	for _, digit := range []string{"2", "3"} {
		l.deleteInterface("eni-0aaaaaaaaaaaaaaa" + digit)
	}
	if code, stdout, _ := l.run("--cluster-name=prod"); code != exitClean || !strings.Contains(stdout, "Every interface of cluster prod in us-east-1 is wanted: 1.") {
		t.Errorf("only what is wanted: exit code %d, %s", code, stdout)
	}
	if code, stdout, _ := l.run("--cluster-name=none"); code != exitClean || !strings.Contains(stdout, "Nothing is left of cluster none in us-east-1") {
		t.Errorf("nothing: exit code %d, %s", code, stdout)
	}
}

// After an uninstall there is no Lease and no CustomResourceDefinition: what is left nobody wants.
func TestAuditAfterAnUninstall(t *testing.T) {
	l := newLab(t)
	l.must(l.core.CoordinationV1().Leases("multi-eni-system").Delete(t.Context(), leaseName, metav1.DeleteOptions{}))
	l.enis.PrependReactor("list", "nodeenis", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupName, Resource: "nodeenis"}, "")
	})
	got, report := l.whose(exitFindings, "--cluster-name=prod", "--cluster-id=c1")
	if diff := gocmp.Diff(map[string]audit.Whose{"1": audit.OursLeaked, "2": audit.OursLeaked, "3": audit.OtherCluster}, got); diff != "" {
		t.Error(diff)
	}
	if next := report.Interfaces[0].Next; !strings.HasPrefix(next, "aws ec2 detach-network-interface --attachment-id eni-attach-") {
		t.Errorf("nobody else will remove it, and the next command is %q", next)
	}
	if _, report := l.whose(exitFindings, "--cluster-name=prod"); report.ClusterID != "uid-of-kube-system" {
		t.Errorf("without a Lease the cluster is %q", report.ClusterID)
	}
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

// What a person reads is held to the letter.
func TestTables(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		none bool
		want int
	}{
		"group":          {[]string{"--security-group=" + group}, false, exitFindings},
		"group-tags":     {[]string{"--security-group=" + group, "--cluster-name=prod"}, true, exitFindings},
		"group-free":     {[]string{"--subnet=" + emptyNet}, true, exitClean},
		"cluster-wanted": {[]string{"--cluster-name=prod"}, false, exitFindings},
		"help":           {[]string{"--help"}, true, exitClean},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.none = test.none
			code, stdout, stderr := l.run(test.args...)
			if code != test.want || stderr != "" {
				t.Fatalf("exit code %d, want %d; stderr %q", code, test.want, stderr)
			}
			golden(t, name+".txt", stdout)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s, to be written anew with -update (-want +got):\n%s", path, diff)
	}
}

func TestWrongFlags(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":         {nil, "give one of --security-group, --subnet, --vpc and --cluster-name"},
		"two subjects":    {[]string{"--vpc=vpc-12345678", "--subnet=subnet-12345678"}, "give one of"},
		"no group":        {[]string{"--security-group=default"}, `--security-group="default": must be sg- followed by`},
		"no subnet":       {[]string{"--subnet=sg-12345678"}, `--subnet="sg-12345678"`},
		"no VPC":          {[]string{"--vpc=vpc-1"}, `--vpc="vpc-1"`},
		"no name":         {[]string{"--cluster-name=a b"}, `--cluster-name="a b"`},
		"no ID":           {[]string{"--cluster-name=a", "--cluster-id=a/b"}, `cluster ID "a/b"`},
		"former of whom":  {[]string{"--cluster-name=a", "--also-owned-cluster-ids=b"}, "--also-owned-cluster-ids says nothing"},
		"no format":       {[]string{"--cluster-name=a", "-o", "yaml"}, `--output="yaml"`},
		"no such flag":    {[]string{"--group=a"}, "--group"},
		"an argument":     {[]string{"--cluster-name=a", "sg-12345678"}, `unexpected argument "sg-12345678"`},
		"no such file":    {[]string{"--cluster-name=a", "--kubeconfig=/no/such/file"}, `--kubeconfig="/no/such/file"`},
		"several at once": {[]string{"--vpc=x", "-o", "yaml"}, `--output="yaml"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := newLab(t).run(test.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and one line with %q", code, stdout, stderr, exitUsage, test.want)
			}
		})
	}
}

// What could not be asked is told as such, and never as a clean answer.
func TestCouldNotAsk(t *testing.T) {
	denied := func(resource string) func(*lab) {
		return func(l *lab) {
			fails := func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no route") }
			l.core.PrependReactor("*", resource, fails)
			l.enis.PrependReactor("*", resource, fails)
		}
	}
	for name, test := range map[string]struct {
		trouble func(*lab)
		args    []string
		want    string
	}{
		"EC2 denies":       {fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "UnauthorizedOperation"}), []string{"--security-group=" + freeGroup}, "UnauthorizedOperation"},
		"EC2 throttles":    {fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "throttle"}), []string{"--security-group=" + freeGroup}, "throttled"},
		"instances denied": {fault(ec2sim.Fault{Action: "DescribeInstances", Effect: "error", Code: "UnauthorizedOperation"}), []string{"--security-group=" + group}, "describing the instances"},
		"no such subnet":   {func(*lab) {}, []string{"--subnet=subnet-0fffffffffffffff0"}, "there is no subnet subnet-0fffffffffffffff0 in Region us-east-1"},
		"subnets denied":   {fault(ec2sim.Fault{Action: "DescribeSubnets", Effect: "error", Code: "UnauthorizedOperation"}), []string{"--subnet=" + emptyNet}, "describing subnet"},
		"no NodeENIs":      {denied("nodeenis"), []string{"--security-group=" + group}, "listing NodeENIs: no route"},
		"no Nodes":         {denied("nodes"), []string{"--security-group=" + group}, "listing Nodes: no route"},
		"no Lease":         {denied("leases"), []string{"--security-group=" + group}, "reading Lease multi-eni-system/multi-eni-controller: no route"},
		"no identity":      {func(l *lab) { l.core = kubefake.NewClientset() }, []string{"--security-group=" + group}, "kube-system"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			test.trouble(l)
			code, stdout, stderr := l.run(test.args...)
			if code != exitNotAsked || stdout != "" || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and one line with %q", code, stdout, stderr, exitNotAsked, test.want)
			}
		})
	}
}

func fault(f ec2sim.Fault) func(*lab) {
	return func(l *lab) {
		_, err := l.sim.AddFault(f)
		l.must(err)
	}
}

// A throttle, or an answer that is lost, does not end an audit.
func TestReadsAreMadeAgain(t *testing.T) {
	for _, f := range []ec2sim.Fault{{Effect: "throttle"}, {Effect: "cut-before"}, {Effect: "garbage"}} {
		for _, action := range []string{"DescribeNetworkInterfaces", "DescribeInstances", "DescribeSubnets"} {
			l := newLab(t)
			f.Action, f.Times = action, 2
			fault(f)(l)
			subject, want := "--security-group="+group, exitFindings
			if action == "DescribeSubnets" {
				subject, want = "--subnet="+emptyNet, exitClean
			}
			if code, _, stderr := l.run(subject); code != want {
				t.Errorf("%s of %s: exit code %d, %s", f.Effect, action, code, stderr)
			}
		}
	}
}

// Who may not read the Lease still learns whose the interfaces are, and is told what he does not know.
func TestLeaseForbidden(t *testing.T) {
	l := newLab(t)
	l.core.PrependReactor("get", "leases", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, leaseName, nil)
	})
	_, report := l.whose(exitFindings, "--security-group="+group, "--cluster-id=c1")
	if first := report.Interfaces[0]; first.Whose != audit.OursLeaked || !strings.Contains(first.Why, "whether a controller runs that deletes it can not be told") {
		t.Errorf("%+v", first)
	}
}

func TestStateOfALease(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	renewed := func(ago time.Duration, holder string) *coordinationv1.Lease {
		return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: new(int32(15)), RenewTime: &metav1.MicroTime{Time: now.Add(-ago)}}}
	}
	for name, test := range map[string]struct {
		lease *coordinationv1.Lease
		want  audit.ControllerState
	}{
		"held":     {renewed(15*time.Second, "x"), audit.ControllerLeads},
		"expired":  {renewed(16*time.Second, "x"), audit.ControllerAway},
		"given up": {renewed(0, ""), audit.ControllerAway},
		"new":      {&coordinationv1.Lease{}, audit.ControllerAway},
	} {
		if got := stateOf(test.lease, now); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestTagsCanNotSteerATerminal(t *testing.T) {
	if got := printable("a\x1b[31mb\nc\u202ed é"); got != "a?[31mb?c?d é" {
		t.Errorf("%q", got)
	}
}
