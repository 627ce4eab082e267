package prometheus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	_ "github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/libmetrics"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim/ec2client"
)

const (
	clusterID = "cluster-1"
	subnet    = "subnet-0000000000000000a"
	groups    = "sg-0000000000000000a"
	namespace = "multi-eni-system"
	leaseName = "multi-eni-controller"
	// leaseNamespace is one that the strict API server has.
	leaseNamespace = "kube-system"
	// nodes is how many Nodes a world begins with, each with two interfaces: enough for the guard to count.
	nodes = 12
)

// lab is a cluster with one replica of the controller, in virtual time, and what scrapes it.
type lab struct {
	*testing.T
	sim    *ec2sim.Simulator
	server *strictapi.Server
	user   *strictapi.Client
	scrapes

	mu sync.Mutex
	// apiServerFails has the calls over HTTP to the API server fail.
	apiServerFails bool
	stopReplica    func()
}

// inLab tells a story, and returns what was scraped meanwhile.
func inLab(t *testing.T, story func(*lab)) scrapes {
	t.Helper()
	// What other stories have counted by label is forgotten, and with it the build info, which nobody sets again.
	tellEverything(t)
	legacyregistry.Reset()
	return inFreshLab(t, story)
}

// inFreshLab is inLab in a process in which nothing has been counted.
func inFreshLab(t *testing.T, story func(*lab)) (seen scrapes) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{T: t, server: strictapi.New(1), stopReplica: func() {}}
		l.user = l.server.NewClient("user")
		world := ec2sim.World{
			Subnets:        []ec2sim.Subnet{{ID: subnet, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.1.0/24"}},
			SecurityGroups: []ec2sim.SecurityGroup{{ID: groups, VPC: "vpc-1", Name: "a"}},
			Latency:        ec2sim.Latency{Attach: ec2sim.Exactly(8 * time.Second), Detach: ec2sim.Exactly(8 * time.Second)},
		}
		for i := range 3 * nodes {
			world.Instances = append(world.Instances, ec2sim.Instance{ID: instanceID(i), Type: "m5.xlarge", Subnet: subnet, State: "running"})
		}
		var err error
		l.sim, err = ec2sim.New(world, ec2sim.Options{})
		l.must(err)
		for i := range nodes {
			l.addNode(i)
		}
		l.ask("nodeeni-a", 1)
		l.ask("nodeeni-b", 2)
		defer func() { seen = l.scrapes }() // after those below
		ctx, stop := context.WithCancel(context.Background())
		var background sync.WaitGroup
		background.Go(func() { l.scrapeAll(ctx) })
		background.Go(func() { l.callAPIServer(ctx) })
		defer background.Wait()
		defer stop()
		defer func() { l.stopReplica() }()
		story(l)
	})
	return seen
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func instanceID(i int) string { return fmt.Sprintf("i-%017x", i+1) }

func nodeName(i int) string { return fmt.Sprintf("node-%02d", i) }

// start starts the controller as a process does, up to its flags and its port.
func (l *lab) start() {
	l.Helper()
	client := l.server.NewClient("replica")
	o := app.NewOptions()
	o.ClusterName, o.ClusterID = "prod", clusterID
	o.LeaderElection.ResourceNamespace = leaseNamespace
	replica := &app.Replica{
		Options: o, Clients: app.Clients{Kube: client.Kube(), NodeENIs: client.NodeENIs()},
		EC2: func(_ context.Context, opts cloud.Options) (*cloud.Client, error) {
			return cloud.NewFromConfig(ec2client.Config(l.sim.Transport()), opts), nil
		},
		Metrics: l.target,
	}
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), klog.Logger{}))
	ended := make(chan error, 1)
	go func() { ended <- replica.Run(ctx) }()
	l.stopReplica = func() {
		l.Helper()
		cancel()
		if err := <-ended; err != nil {
			l.Errorf("the replica ended with %v", err)
		}
		l.target(nil)
		client.Kill()
		l.stopReplica = func() {}
	}
}

// somebody is a client of EC2 that is not the controller.
func (l *lab) somebody() *ec2.Client { return ec2.NewFromConfig(ec2client.Config(l.sim.Transport())) }

// pass lets virtual time pass.
func (l *lab) pass(d time.Duration) { time.Sleep(d) }

func (l *lab) addNode(i int) {
	l.Helper()
	_, err := l.user.Kube().CoreV1().Nodes().Create(context.Background(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Labels: map[string]string{"ng": "multi-eni"}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(i)},
	}, metav1.CreateOptions{})
	l.must(err)
}

// label sets the label that the NodeENIs select by.
func (l *lab) label(i int, value string) {
	l.Helper()
	api := l.user.Kube().CoreV1().Nodes()
	node, err := api.Get(context.Background(), nodeName(i), metav1.GetOptions{})
	l.must(err)
	node.Labels["ng"] = value
	_, err = api.Update(context.Background(), node, metav1.UpdateOptions{})
	l.must(err)
}

// ask creates a NodeENI that selects every Node.
func (l *lab) ask(name string, index int32, changes ...func(*v1alpha1.NodeENI)) {
	l.Helper()
	n := &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector: map[string]string{"ng": "multi-eni"}, SubnetID: subnet, SecurityGroupIDs: []string{groups}, DeviceIndex: index,
		},
	}
	for _, change := range changes {
		change(n)
	}
	_, err := l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Create(context.Background(), n, metav1.CreateOptions{})
	l.must(err)
}

// withdraw deletes a NodeENI.
func (l *lab) withdraw(name string) {
	l.Helper()
	l.must(l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Delete(context.Background(), name, metav1.DeleteOptions{}))
}

// fault has calls to EC2 go wrong from now on.
func (l *lab) fault(f ec2sim.Fault) {
	l.Helper()
	_, err := l.sim.AddFault(f)
	l.must(err)
}

// heal ends all faults.
func (l *lab) heal() { l.sim.RemoveFaults(0) }

// callAPIServer makes calls with client-go's real client, over HTTP, which stand in for the controller's: the strict API
// server is reached without HTTP, and client-go counts what goes over it.
func (l *lab) callAPIServer(ctx context.Context) {
	client, err := rest.UnversionedRESTClientForConfigAndClient(&rest.Config{
		Host: "https://kubernetes.default.svc", QPS: -1,
		ContentConfig: rest.ContentConfig{GroupVersion: &schema.GroupVersion{Version: "v1"}, NegotiatedSerializer: scheme.Codecs},
	}, &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.apiServerFails {
			return nil, errors.New("connection refused")
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(bytes.NewReader([]byte(`{"kind":"Node","apiVersion":"v1"}`))), Request: r,
		}, nil
	})})
	if err != nil {
		l.Error(err)
		return
	}
	for ctx.Err() == nil {
		_ = client.Get().AbsPath("/api/v1/nodes/node-00").Do(ctx).Error()
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Second):
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
