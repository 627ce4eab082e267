package ec2sim

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	subnetA  = "subnet-0aaaaaaaaaaaaaaa1" // zone a, vpc-1
	subnetA2 = "subnet-0aaaaaaaaaaaaaaa2" // zone a, vpc-1, too
	subnetB  = "subnet-0bbbbbbbbbbbbbbb1" // zone b, vpc-1
	subnetX  = "subnet-0ccccccccccccccc1" // zone a, vpc-2
	tiny     = "subnet-0ddddddddddddddd1" // zone a, a /28: eleven addresses
	workers  = "sg-0aaaaaaaaaaaaaaa1"
	other    = "sg-0aaaaaaaaaaaaaaa2"
	foreign  = "sg-0ccccccccccccccc1" // vpc-2
	node     = "i-0aaaaaaaaaaaaaaa1"  // m5.xlarge: 4 interfaces, 15 addresses each
	small    = "i-0aaaaaaaaaaaaaaa2"  // t3.nano: 2 interfaces, 2 addresses each
	big      = "i-0aaaaaaaaaaaaaaa3"  // p4d.24xlarge: 4 cards of 15
	halted   = "i-0aaaaaaaaaaaaaaa4"  // m5.xlarge, stopped
	fresh    = "i-0aaaaaaaaaaaaaaa5"  // m5.xlarge, pending
	nobody   = "eni-0fffffffffffffff0"
)

func labWorld() World {
	return World{
		Subnets: []Subnet{
			{ID: subnetA, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/20", Tags: map[string]string{"Name": "a"}},
			{ID: subnetA2, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.16.0/20"},
			{ID: subnetB, VPC: "vpc-1", Zone: "us-east-1b", CIDR: "10.0.32.0/20"},
			{ID: subnetX, VPC: "vpc-2", Zone: "us-east-1a", CIDR: "10.0.0.0/20"},
			{ID: tiny, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.48.0/28"},
		},
		SecurityGroups: []SecurityGroup{
			{ID: workers, VPC: "vpc-1", Name: "workers"}, {ID: other, VPC: "vpc-1", Name: "other"}, {ID: foreign, VPC: "vpc-2", Name: "workers"},
		},
		Instances: []Instance{
			{ID: node, Type: "m5.xlarge", Subnet: subnetA},
			{ID: small, Type: "t3.nano", Subnet: subnetA},
			{ID: big, Type: "p4d.24xlarge", Subnet: subnetA},
			{ID: halted, Type: "m5.xlarge", Subnet: subnetA, State: stopped},
			{ID: fresh, Type: "m5.xlarge", Subnet: subnetA, State: pending},
		},
		Latency: Latency{Call: Exactly(0)},
		Quotas:  Quotas{Enabled: new(false)},
	}
}

const (
	balancer = "eni-0eeeeeeeeeeeeeee1" // a load balancer's, attached
	operated = "eni-0eeeeeeeeeeeeeee2" // run by another service, not attached
)

// foreignInterfaces adds two that are AWS's.
func foreignInterfaces(w *World) {
	w.Interfaces = append(w.Interfaces,
		Interface{ID: balancer, Subnet: subnetA, Type: "network_load_balancer", Requester: "amazon-elb", Attachment: &Attachment{Instance: node, DeviceIndex: 3}},
		Interface{ID: operated, Subnet: subnetA, Operator: "eks.amazonaws.com"})
}

// lab is a simulator with the real SDK in front of it, on a clock that stands still.
type lab struct {
	*testing.T
	sim   *Simulator
	clock *VirtualClock
	ec2   *ec2.Client
	// eni is the interface that a row's setting prepared.
	eni string
	att string
	// server is there in labs that work over a socket.
	server *httptest.Server
	began  time.Time
	// said is what the row's call answered beside its error.
	said any
}

func newLab(t *testing.T, change ...func(*World)) *lab {
	t.Helper()
	w := labWorld()
	for _, f := range change {
		f(&w)
	}
	clock := NewVirtualClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	sim, err := New(w, Options{Clock: clock, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{T: t, sim: sim, clock: clock, ec2: clientOf(sim.Transport(), "AKIDTEST"), began: clock.Now()}
}

// client signs with another key, by the same way as the lab's own.
func (l *lab) client(key string) *ec2.Client {
	if l.server == nil {
		return clientOf(l.sim.Transport(), key)
	}
	return clientOf(l.server.Client().Transport, key, func(o *ec2.Options) { o.BaseEndpoint = &l.server.URL })
}

func clientOf(rt http.RoundTripper, key string, change ...func(*ec2.Options)) *ec2.Client {
	return ec2.New(ec2.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://ec2.test"),
		Credentials:  credentials.NewStaticCredentialsProvider(key, "secret", ""),
		HTTPClient:   &http.Client{Transport: rt},
		Retryer:      aws.NopRetryer{},
	}, change...)
}

// create makes an interface in a subnet and remembers it.
func (l *lab) create(subnet string, change ...func(*ec2.CreateNetworkInterfaceInput)) string {
	l.Helper()
	in := &ec2.CreateNetworkInterfaceInput{SubnetId: &subnet}
	for _, f := range change {
		f(in)
	}
	out, err := l.ec2.CreateNetworkInterface(l.Context(), in)
	if err != nil {
		l.Fatalf("create: %v", err)
	}
	l.eni = *out.NetworkInterface.NetworkInterfaceId
	return l.eni
}

// attach attaches an interface and remembers the attachment, which is attaching still.
func (l *lab) attach(eni, instance string, card, index int32) string {
	l.Helper()
	out, err := l.ec2.AttachNetworkInterface(l.Context(), &ec2.AttachNetworkInterfaceInput{
		NetworkInterfaceId: &eni, InstanceId: &instance, DeviceIndex: &index, NetworkCardIndex: &card,
	})
	if err != nil {
		l.Fatalf("attach: %v", err)
	}
	l.att = *out.AttachmentId
	return l.att
}

func (l *lab) attached(instance string, index int32) {
	l.Helper()
	l.attach(l.create(subnetA), instance, 0, index)
	l.settle()
}

// settle waits until nothing is on its way any more.
func (l *lab) settle() { l.clock.Advance(time.Minute) }

func (l *lab) describe(eni string) *types.NetworkInterface {
	l.Helper()
	out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{eni}})
	if err != nil {
		l.Fatalf("describe %s: %v", eni, err)
	}
	return &out.NetworkInterfaces[0]
}

// state is an interface's status and its attachment's, or gone.
func (l *lab) state(eni string) string {
	for _, e := range l.sim.Snapshot().Interfaces {
		if e.ID == eni {
			return stateOf(e)
		}
	}
	return "gone"
}

func stateOf(e InterfaceNow) string {
	if e.Attachment == nil {
		return e.Status
	}
	return e.Status + "/" + e.Attachment.Status
}

func (l *lab) instanceState(id string) string {
	for _, in := range l.sim.Snapshot().Instances {
		if in.ID == id {
			return in.State
		}
	}
	return "gone"
}

func (l *lab) primaryOf(id string) string {
	for _, in := range l.sim.Snapshot().Instances {
		if in.ID == id {
			return in.Interfaces[0]
		}
	}
	l.Fatalf("no instance %s", id)
	return ""
}

// outcome is an error's code and HTTP status, OK and 200 where there is none.
func outcome(err error) (string, int) {
	if err == nil {
		return "OK", http.StatusOK
	}
	code, status := err.Error(), 0
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = resp.HTTPStatusCode()
	}
	return code, status
}

// row is one line of the conformance suite: an action in a situation, and its code,
// status and effect. Where the situation needs a setting, world and given make it.
type row struct {
	action, situation string
	// source says where the answer is known from.
	source string
	world  func(*World)
	given  func(*lab)
	when   func(*lab) error
	code   string
	// status is 200 or 400 by the code where it is not given.
	status int
	// then looks at the effect. That a refused call has none is always looked at.
	then func(*lab)
}

func (l *lab) want(what, got, want string) {
	l.Helper()
	if got != want {
		l.Errorf("%s is %q, want %q", what, got, want)
	}
}

// form posts a request that the SDK would refuse to make.
func (l *lab) form(body string) error {
	l.Helper()
	c := l.ec2
	_, err := c.DescribeVpcs(context.Background(), &ec2.DescribeVpcsInput{}, func(o *ec2.Options) {
		next := l.sim.Transport()
		if l.server != nil {
			next = l.server.Client().Transport
		}
		o.HTTPClient = &http.Client{Transport: rewriter{next, body}}
	})
	return err
}
