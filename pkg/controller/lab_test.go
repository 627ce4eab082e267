package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kubeinformers "k8s.io/client-go/informers"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/metrics"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim/ec2client"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/fake"
	informers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/informers/externalversions"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	subnetA = "subnet-0000000000000000a"
	subnetB = "subnet-0000000000000000b"
	groupA  = "sg-0000000000000000a"
	groupB  = "sg-0000000000000000b"
	horizon = 10 * time.Second
)

// ourLease is that of the controllers, which a lab begins with: the election makes it.
var ourLease = types.NamespacedName{Namespace: "kube-system", Name: "multi-eni-controller"}

// lab is the whole controller in virtual time: the generated fakes for Kubernetes, and for EC2 the real
// adapter with the real SDK on the simulator's wire.
type lab struct {
	*testing.T
	sim    *ec2sim.Simulator
	kube   *kubefake.Clientset
	client *fake.Clientset
	events *record.FakeRecorder
	// wire counts the calls to EC2 that are in progress.
	wire *countingTransport
	// cluster is that of the controllers that are started.
	cluster plan.Cluster
	// term is the number of their lease; 0 is none.
	term int64
	// dryRun is what --cleanup-dry-run says to those that are started.
	dryRun bool
	// allowAdoption is what --allow-adoption says.
	allowAdoption bool
	// wrapCloud, if it is there, stands between those that are started and EC2.
	wrapCloud func(Cloud) Cloud
	// prepare, if it is there, changes those that are started before they begin.
	prepare func(*Controller)
	// onNodes is what the flags say that Nodes are to show.
	onNodes plan.NodeOptions
	// preflight has those that are started ask what EC2 allows; base is the context in which they run.
	preflight bool
	base      context.Context
	// controller is the one that was started last.
	controller *Controller
	// unreachable is true while no object can be read live.
	unreachable atomic.Bool
	// refuseWrites is true while no NodeENI can be written by the controller.
	refuseWrites atomic.Bool
	// lookups counts the status syncs of the controller that was started last.
	lookups *countingLister
	// collectors are what tells its metrics.
	collectors []metrics.StableCollector
	registry   metrics.KubeRegistry
	stop       func()
}

// countingTransport counts the requests that have not been answered.
type countingTransport struct {
	http.RoundTripper
	open atomic.Int32
}

func (c *countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	c.open.Add(1)
	defer c.open.Add(-1)
	return c.RoundTripper.RoundTrip(r)
}

// inLab runs a story in a virtual-time bubble with a number of instances and their Nodes, labelled "ng: multi".
func inLab(t *testing.T, nodes int, change func(*ec2sim.World), story func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		world := ec2sim.World{
			Subnets: []ec2sim.Subnet{
				{ID: subnetA, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.1.0/24"},
				{ID: subnetB, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.2.0/24"},
			},
			SecurityGroups: []ec2sim.SecurityGroup{{ID: groupA, VPC: "vpc-1", Name: "a"}, {ID: groupB, VPC: "vpc-1", Name: "b"}},
		}
		l := newLab(t, plan.Cluster{ID: "cluster-1", Name: "prod"})
		for i := range nodes {
			world.Instances = append(world.Instances, ec2sim.Instance{ID: instanceID(i), Type: "m5.xlarge", Subnet: subnetB, State: "running"})
			l.addNode(i)
		}
		if change != nil {
			change(&world)
		}
		var err error
		if l.sim, err = ec2sim.New(world, ec2sim.Options{}); err != nil {
			t.Fatal(err)
		}
		l.wire = &countingTransport{RoundTripper: l.sim.Transport()}
		l.refuseEmptyNames()
		l.start()
		defer func() { l.stop() }()
		story(l)
	})
}

// newLab is a cluster without Nodes, before anything is started.
func newLab(t *testing.T, cluster plan.Cluster) *lab {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: ourLease.Namespace, Name: ourLease.Name}}
	// The other fake, which keeps managedFields, maps all types anew at each write; nobody looks at those of Nodes.
	return &lab{T: t, cluster: cluster, kube: kubefake.NewSimpleClientset(lease), client: fake.NewSimpleClientset(), events: record.NewFakeRecorder(1000)}
}

// refuseEmptyNames has the fakes refuse what a real client refuses before it sends anything.
func (l *lab) refuseEmptyNames() {
	refuse := func(action clienttesting.Action) (bool, runtime.Object, error) {
		if l.unreachable.Load() {
			return true, nil, errors.New("unreachable")
		}
		if action.(clienttesting.GetAction).GetName() == "" {
			return true, nil, errors.New("resource name may not be empty")
		}
		return false, nil, nil
	}
	l.client.PrependReactor("patch", "nodeenis", func(clienttesting.Action) (bool, runtime.Object, error) {
		return l.refuseWrites.Load(), nil, errors.New("no write is taken")
	})
	l.client.PrependReactor("get", "*", refuse)
	l.kube.PrependReactor("get", "*", refuse)
}

func instanceID(i int) string { return fmt.Sprintf("i-%017x", i+1) }

func nodeName(i int) string { return fmt.Sprintf("node-%02d", i) }

func (l *lab) addNode(i int) {
	l.Helper()
	_, err := l.kube.CoreV1().Nodes().Create(l.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), UID: types.UID("uid-" + nodeName(i)), Labels: map[string]string{"ng": "multi"}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(i)},
	}, metav1.CreateOptions{})
	l.must(err)
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// somebody is a client of EC2 that is not the controller.
func (l *lab) somebody() *ec2.Client { return ec2.NewFromConfig(ec2client.Config(l.sim.Transport())) }

// fault has calls go wrong from now on.
func (l *lab) fault(f ec2sim.Fault) {
	l.Helper()
	_, err := l.sim.AddFault(f)
	l.must(err)
}

// heal ends all faults.
func (l *lab) heal() { l.sim.RemoveFaults(0) }

// stall keeps the goroutine that calls it waiting, in virtual time.
func (l *lab) stall(d time.Duration) { time.Sleep(d) }

// start starts a controller with empty memory, as after a crash.
func (l *lab) start() {
	l.Helper()
	config := ec2client.Config(l.wire)
	core := kubeinformers.NewSharedInformerFactory(l.kube, 0)
	own := informers.NewSharedInformerFactory(l.client, 0)
	ec2Client := cloud.NewFromConfig(config, cloud.Options{ClusterIDs: append([]string{l.cluster.ID}, l.cluster.AlsoOwned...), Version: "test"})
	var prober Prober
	if l.preflight {
		prober = ec2Client
	}
	c, err := New(Config{
		Kube: l.kube, Client: l.client, Nodes: core.Core().V1().Nodes(), NodeENIs: own.Networking().V1alpha1().NodeENIs(),
		Cloud: l.wrapped(ec2Client), Prober: prober,
		Recorder: l.events, Cluster: l.cluster, Term: func() int64 { return l.term },
		Lease: ourLease, MassReleaseThreshold: 0.5,
		CleanupDryRun: l.dryRun, AllowAdoption: l.allowAdoption, OnNodes: l.onNodes, AttachWorkers: 5, CleanupWorkers: 5, Resync: 5 * time.Minute, Horizon: horizon,
	})
	l.must(err)
	l.controller = c
	if l.prepare != nil {
		l.prepare(c)
	}
	l.lookups = &countingLister{NodeENILister: c.nodeENIs}
	c.nodeENIs = l.lookups
	ctx, cancel := context.WithCancel(cmp.Or(l.base, context.Background()))
	l.collectors, l.registry = c.Collectors(), nil
	core.StartWithContext(ctx)
	own.StartWithContext(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	l.stop = func() {
		l.Helper()
		cancel()
		l.must(<-ended)
		core.Shutdown()
		own.Shutdown()
	}
}

func (l *lab) wrapped(real Cloud) Cloud {
	if l.wrapCloud == nil {
		return real
	}
	return l.wrapCloud(real)
}

// settleAndStop ends a controller that has just been started, once it works.
func (l *lab) settleAndStop() {
	l.Helper()
	l.pass(time.Second)
	l.stop()
}

// ask creates a NodeENI that selects every Node.
func (l *lab) ask(name string, index int32, changes ...func(*v1alpha1.NodeENI)) *v1alpha1.NodeENI {
	l.Helper()
	n := &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID("uid-" + name), Generation: 1, CreationTimestamp: metav1.Now(),
			ResourceVersion: "1", // the generated fake gives none
		},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector: map[string]string{"ng": "multi"}, SubnetID: subnetA, SecurityGroupIDs: []string{groupA}, DeviceIndex: index,
		},
	}
	for _, change := range changes {
		change(n)
	}
	created, err := l.client.NetworkingV1alpha1().NodeENIs().Create(l.Context(), n, metav1.CreateOptions{})
	l.must(err)
	return created
}

func (l *lab) nodeENI(name string) *v1alpha1.NodeENI {
	l.Helper()
	n, err := l.client.NetworkingV1alpha1().NodeENIs().Get(l.Context(), name, metav1.GetOptions{})
	l.must(err)
	return n
}

// edit changes a NodeENI as a user would.
func (l *lab) edit(name string, change func(*v1alpha1.NodeENI)) {
	l.Helper()
	n := l.nodeENI(name)
	change(n)
	n.Generation++
	_, err := l.client.NetworkingV1alpha1().NodeENIs().Update(l.Context(), n, metav1.UpdateOptions{})
	l.must(err)
}

// annotate sets an annotation as kubectl does: the generation stays.
func (l *lab) annotate(name, key, value string) {
	l.Helper()
	n := l.nodeENI(name)
	metav1.SetMetaDataAnnotation(&n.ObjectMeta, key, value)
	_, err := l.client.NetworkingV1alpha1().NodeENIs().Update(l.Context(), n, metav1.UpdateOptions{})
	l.must(err)
}

// delete does what the API server does when a user deletes a NodeENI that bears a finalizer.
func (l *lab) delete(name string) {
	l.Helper()
	l.edit(name, func(n *v1alpha1.NodeENI) { n.DeletionTimestamp = new(metav1.Now()) })
}

// ours are the interfaces in EC2 that bear our cluster's tag, as "node index status".
func (l *lab) ours() []string {
	var list []string
	for _, i := range l.sim.Snapshot().Interfaces {
		if id := i.Tags[eni.TagClusterID]; id != l.cluster.ID && !slices.Contains(l.cluster.AlsoOwned, id) {
			continue
		}
		where := "available"
		if i.Attachment != nil {
			where = fmt.Sprintf("%d %s", i.Attachment.DeviceIndex, i.Attachment.Status)
		}
		list = append(list, i.Tags[eni.TagNodeName]+" "+where)
	}
	slices.Sort(list)
	return list
}

// wantOurs compares what is ours in EC2.
func (l *lab) wantOurs(want ...string) {
	l.Helper()
	if got := l.ours(); !slices.Equal(got, want) {
		l.Errorf("interfaces in EC2 are %q, want %q", got, want)
	}
}

// calls counts the calls of an action that EC2 answered, whatever the code.
func (l *lab) calls(action string) (count int) {
	for _, n := range l.sim.Calls()[action] {
		count += int(n)
	}
	return count
}

func (l *lab) wantCalls(action string, want int) {
	l.Helper()
	if got := l.calls(action); got != want {
		l.Errorf("%d calls of %s, want %d", got, action, want)
	}
}

var mutatingActions = []string{
	"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute", "CreateTags", "DeleteTags",
	"DetachNetworkInterface", "DeleteNetworkInterface",
}

func (l *lab) mutatingCalls() (count int) {
	for _, action := range mutatingActions {
		count += l.calls(action)
	}
	return count
}

// writes counts the writes of NodeENIs.
func (l *lab) writes() (count int) {
	for _, action := range l.client.Actions() {
		if action.GetVerb() == "patch" {
			count++
		}
	}
	return count
}

// control uses the simulator's control endpoints.
func (l *lab) control(method, path string) {
	l.Helper()
	l.controlWith(method, path, nil)
}

func (l *lab) controlWith(method, path string, body io.Reader) {
	l.Helper()
	request := httptest.NewRequestWithContext(l.Context(), method, path, body)
	answer := httptest.NewRecorder()
	l.sim.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		l.Fatalf("%s %s: %d %s", method, path, answer.Code, answer.Body)
	}
}

// still waits until nothing goes on at this instant. Who changes how the API server answers must come after those who ask.
func (l *lab) still() { synctest.Wait() }

// pass lets virtual time pass.
func (l *lab) pass(d time.Duration) { time.Sleep(d) }
