package ec2sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestLagCountsFromTheEvent: what happens by itself is seen by all at its own time plus
// max, whether or not anybody looked in between.
func TestLagCountsFromTheEvent(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging, func(w *World) { w.Latency.Attach = Exactly(2 * time.Second) })
	l.create(subnetA)
	l.settle()
	l.attach(l.eni, node, 0, 1)
	l.clock.Advance(7 * time.Second)
	for range 10 {
		if a := l.describe(l.eni).Attachment; a == nil || a.Status != attached {
			t.Fatalf("seven seconds after an attach of two the attachment is %+v", a)
		}
	}
}

// TestLagOfFilters: a read finds an instance by exactly the interfaces that it shows.
func TestLagOfFilters(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	l.create(subnetA)
	l.settle()
	l.attach(l.eni, node, 0, 1)
	primary := *l.instance(node).PrivateIpAddress
	hits := 0
	for range 60 {
		l.clock.Advance(100 * time.Millisecond)
		out, err := l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filtered("network-interface.network-interface-id", l.eni)})
		l.must(err)
		for _, r := range out.Reservations {
			hits++
			if n := r.Instances[0].NetworkInterfaces; len(n) != 2 || *n[1].NetworkInterfaceId != l.eni {
				t.Fatalf("the instance that was found by %s shows %+v", l.eni, n)
			}
		}
	}
	if hits == 0 || hits == 60 {
		t.Errorf("%d of 60 reads found it; want some and not all", hits)
	}
	l.terminate(node)
	l.clock.Advance(5 * time.Second)
	out, err := l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: filtered("private-ip-address", primary)})
	l.must(err)
	if len(out.Reservations) != 1 {
		t.Error("the address of an instance that has just been terminated is gone for everybody at once")
	}
	l.settle()
	checkInvariants(t, l.sim)
}

// TestLagOfLaunch: an interface that was tagged at launch is never seen without its tags.
func TestLagOfLaunch(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	l.must(doRun(1, func(i *runInput) {
		i.TagSpecifications = []types.TagSpecification{{ResourceType: "network-interface", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}}}
	})(l))
	l.eni = *l.said.([]types.Instance)[0].NetworkInterfaces[0].NetworkInterfaceId
	seen := 0
	for range 60 {
		l.clock.Advance(100 * time.Millisecond)
		out, err := l.ec2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: filtered("network-interface-id", l.eni)})
		l.must(err)
		for _, e := range out.NetworkInterfaces {
			seen++
			if len(e.TagSet) != 1 || e.Attachment == nil {
				t.Fatalf("it is seen as %+v", e)
			}
		}
	}
	if seen == 0 {
		t.Error("it was never seen")
	}
}

// TestLagOfTheNetwork: free addresses and the tags of subnets, groups and VPCs lag like
// the rest.
func TestLagOfTheNetwork(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	free := func() int32 {
		out, err := l.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{tiny}})
		l.must(err)
		return *out.Subnets[0].AvailableIpAddressCount
	}
	tags := func() int {
		out, err := l.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: filtered("key", "k")})
		l.must(err)
		return len(out.Tags)
	}
	l.create(tiny)
	l.must(doTag([]string{subnetA, workers, "vpc-1"}, "k", "v")(l))
	if free() != 11 || tags() != 0 {
		t.Errorf("%d addresses and %d tags are seen at once", free(), tags())
	}
	l.settle()
	if free() != 10 || tags() != 3 {
		t.Errorf("in the end %d addresses and %d tags are seen", free(), tags())
	}
	l.must(doDelete(nil)(l))
	if free() != 10 {
		t.Error("a delete's address is free for everybody at once")
	}
}

// TestLagForgets: writes that nobody looks at do not pile up.
func TestLagForgets(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	for i := range 3000 {
		l.create(subnetA, about(fmt.Sprint(i)))
		l.clock.Advance(10 * time.Second)
		l.must(doDelete(nil)(l))
		l.clock.Advance(10 * time.Second)
	}
	if n := len(l.sim.unsettled.interfaces.byID); n > 2*minSweep {
		t.Errorf("%d histories are kept", n)
	}
	if n := len(l.sim.unsettled.subnets.byID[subnetA].past); n > 3 {
		t.Errorf("the subnet keeps %d pictures", n)
	}
}

// BenchmarkDescribeInstancesUnsettled is a page of 1,000 instances while 1,000 interfaces
// are not seen alike by everybody.
func BenchmarkDescribeInstancesUnsettled(b *testing.B) {
	l := crowd(b)
	l.sim.lag = Spread(time.Hour, 2*time.Hour, 3*time.Hour)
	for _, e := range l.sim.interfaces.sorted[:1000] {
		l.sim.change(e, func() { e.sourceDest = false })
	}
	for b.Loop() {
		post(b, l.sim, "Action=DescribeInstances&MaxResults=1000")
	}
}

// TestLagOfDetach: a detach misses an attachment that has not got around yet, now and then.
func TestLagOfDetach(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	l.create(subnetA)
	l.settle()
	l.attach(l.eni, node, 0, 1)
	l.refused("InvalidAttachmentID.NotFound", doDetach(nil, false))
	missed := 0
	for range 60 {
		l.clock.Advance(100 * time.Millisecond)
		code, _ := outcome(doDetach(nil, false)(l))
		if code == "OK" {
			break
		}
		l.want("the answer", code, "InvalidAttachmentID.NotFound")
		missed++
	}
	if missed == 0 || missed == 60 {
		t.Errorf("%d detaches missed it", missed)
	}
	l.settle()
	l.want("the interface", l.state(l.eni), "available")
}

// TestLagOfForgetting: an instance that is gone, but not for everybody, is shown by all
// describes alike.
func TestLagOfForgetting(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	l.terminate(node)
	l.clock.Advance(5*time.Second + terminatedLife)
	code := func(body string) string { got, _ := outcome(query(body)(l)); return got }
	shown := 0
	for range 40 {
		l.clock.Advance(100 * time.Millisecond)
		if code("Action=DescribeInstanceAttribute&Attribute=instanceType&InstanceId="+node) == "OK" {
			shown++
		}
	}
	if shown == 0 || shown == 40 {
		t.Errorf("%d of 40 reads show it", shown)
	}
	l.settle()
	l.want("in the end the answer", code("Action=DescribeInstanceAttribute&Attribute=instanceType&InstanceId="+node), "InvalidInstanceID.NotFound")
}
