package console

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

const (
	nodesA  = "subnet-0aaaaaaaaaaaaaaa1"
	nodesB  = "subnet-0bbbbbbbbbbbbbbb1"
	storage = "subnet-0aaaaaaaaaaaaaaa2"
	full    = "subnet-0aaaaaaaaaaaaaaa3" // a /28
	workers = "sg-0aaaaaaaaaaaaaaa1"
)

// account is a simulator that serves over HTTP, and a client of it.
type account struct {
	*testing.T
	sim *ec2sim.Simulator
	url string
	ec2 *ec2.Client
}

// world is an account with so many instances, three in four of them with interfaces of
// two owners; some are of types with several network cards, one is stopped, one terminated.
func world(instances int) ec2sim.World {
	w := ec2sim.World{
		Subnets: []ec2sim.Subnet{
			{ID: nodesA, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/21", Tags: map[string]string{"Name": "nodes-a"}},
			{ID: storage, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.8.0/21", Tags: map[string]string{"Name": "storage"}},
			{ID: full, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.32.0/28"},
			{ID: nodesB, VPC: "vpc-1", Zone: "us-east-1b", CIDR: "10.0.16.0/21", Tags: map[string]string{"Name": "nodes-b"}},
		},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: workers, VPC: "vpc-1", Name: "workers"}},
		Latency:        ec2sim.Latency{Call: ec2sim.Exactly(0), Attach: ec2sim.Exactly(time.Second), Detach: ec2sim.Exactly(time.Second), Terminate: ec2sim.Exactly(time.Millisecond)},
		Quotas:         ec2sim.Quotas{Actions: map[string]ec2sim.Bucket{"DescribeSubnets": {Bucket: 2, Refill: 0.001}}},
	}
	for i := range instances {
		w.Instances = append(w.Instances, machine(i))
		if i%4 == 2 {
			continue
		}
		for index := 1; index < 4; index++ {
			w.Interfaces = append(w.Interfaces, ec2sim.Interface{
				Subnet: map[bool]string{true: storage, false: nodesB}[zoneA(i)], SecurityGroups: []string{workers},
				Tags:       map[string]string{"Name": fmt.Sprintf("team-%d/node%d", index%2, i), "example.com/owner": fmt.Sprintf("team-%d", index%2), "index": fmt.Sprint(index)},
				Attachment: &ec2sim.Attachment{Instance: instanceID(i), DeviceIndex: index},
			})
		}
	}
	for range 11 {
		w.Interfaces = append(w.Interfaces, ec2sim.Interface{Subnet: full, Tags: map[string]string{"owner": "leaked"}})
	}
	return w
}

func instanceID(i int) string { return fmt.Sprintf("i-0%016x", 0xa00000+i) }

func zoneA(i int) bool { return i%2 == 0 }

func machine(i int) ec2sim.Instance {
	in := ec2sim.Instance{ID: instanceID(i), Type: "m5.xlarge", Subnet: nodesB, Tags: map[string]string{"Name": fmt.Sprintf("node%d", i)}}
	if zoneA(i) {
		in.Subnet = nodesA
	}
	switch i {
	case 3:
		in.State = "stopped"
	case 4:
		in.Type = "p4d.24xlarge"
	case 5:
		in.Tags = nil
	case 6:
		in.Type = "p5.48xlarge"
	}
	return in
}

// start starts a simulator of a world.
func start(t *testing.T, w ec2sim.World) *account {
	t.Helper()
	sim, err := ec2sim.New(w, ec2sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return &account{T: t, sim: sim, url: server.URL, ec2: ec2.New(ec2.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
	})}
}

// serve starts a simulator of a world and changes it until there is a bit of everything
// to see: interfaces in each state, a slot that is spoilt, an instance that has ended,
// calls that were throttled, calls that failed.
func serve(t *testing.T, w ec2sim.World) *account {
	t.Helper()
	a := start(t, w)
	a.stuck("stuck-attaching", func() { a.attach(a.create(), instanceID(2), 1) })
	a.stuck("stuck-detaching", func() { a.detach(instanceID(0), 2, false) })
	a.detach(instanceID(1), 3, true)
	_, err := a.ec2.TerminateInstances(a.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{instanceID(5)}})
	a.must(err)
	for range 5 {
		// Of these, EC2 answers two and throttles three.
		_, _ = a.ec2.DescribeSubnets(a.Context(), &ec2.DescribeSubnetsInput{})
	}
	if _, err := a.ec2.DescribeInstances(a.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-0ffffffffffffffff"}}); err == nil {
		a.Fatal("there is an instance that nobody has made")
	}
	return a
}

func (a *account) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// stuck makes what is done stay on its way for good.
func (a *account) stuck(effect string, do func()) {
	a.Helper()
	f, err := a.sim.AddFault(ec2sim.Fault{Effect: effect})
	a.must(err)
	do()
	a.sim.RemoveFaults(f.ID)
}

func (a *account) create() string {
	a.Helper()
	out, err := a.ec2.CreateNetworkInterface(a.Context(), &ec2.CreateNetworkInterfaceInput{
		SubnetId: aws.String(storage), Groups: []string{workers}, Description: aws.String("made by a test"),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeNetworkInterface,
			Tags:         []types.Tag{{Key: aws.String("owner"), Value: aws.String("test")}, {Key: aws.String("html"), Value: aws.String("<img src=x onerror=alert(1)>")}},
		}},
	})
	a.must(err)
	return *out.NetworkInterface.NetworkInterfaceId
}

func (a *account) attach(eni, instance string, index int32) {
	a.Helper()
	_, err := a.ec2.AttachNetworkInterface(a.Context(), &ec2.AttachNetworkInterfaceInput{
		NetworkInterfaceId: &eni, InstanceId: &instance, DeviceIndex: &index,
	})
	a.must(err)
}

func (a *account) detach(instance string, index int, force bool) {
	a.Helper()
	for _, e := range a.sim.Snapshot().Interfaces {
		if at := e.Attachment; at != nil && at.Instance == instance && at.DeviceIndex == index {
			_, err := a.ec2.DetachNetworkInterface(a.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: &at.ID, Force: &force})
			a.must(err)
			return
		}
	}
	a.Fatalf("%s has nothing at index %d", instance, index)
}
