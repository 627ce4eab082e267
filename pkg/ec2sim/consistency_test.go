package ec2sim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func lagging(w *World) { w.Consistency.Lag = Spread(time.Second, 4*time.Second, 5*time.Second) }

// TestLag looks again and again after a write: the old picture or the new, never
// another, and only the new once max is over.
func TestLag(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	byFilter := list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("tag:mine", "yes")})
	sees := func() (n int) { l.must(byFilter(l)); return len(l.said.([]string)) }
	byID := func() error {
		return list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{l.eni}})(l)
	}
	l.create(subnetA, tagSpec(types.ResourceTypeNetworkInterface, "mine", "yes"))
	if sees() != 0 {
		t.Error("a create is seen at once")
	}
	notFound, disagreed := 0, 0
	for range 40 {
		l.clock.Advance(100 * time.Millisecond)
		first, second := sees(), sees()
		if first != second {
			disagreed++
		}
		if code, _ := outcome(byID()); code == "InvalidNetworkInterfaceID.NotFound" {
			notFound++
		}
	}
	if notFound == 0 || disagreed == 0 {
		t.Errorf("%d reads found nothing and %d pairs disagreed; want some of each", notFound, disagreed)
	}
	l.settle()
	for range 10 {
		if sees() != 1 {
			t.Fatal("after the longest lag somebody still does not see the interface")
		}
	}
	l.must(doDelete(nil)(l))
	if sees() != 1 {
		t.Error("a delete is seen at once")
	}
	l.settle()
	if sees() != 0 || len(l.sim.unsettled.interfaces.byID) != 0 {
		t.Error("a delete is not seen in the end")
	}
}

// TestLagOfAttachment: a reader may find no attachment for a moment, and instances lag alike.
func TestLagOfAttachment(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	l.create(subnetA)
	l.settle()
	l.attach(l.eni, node, 0, 1)
	if l.describe(l.eni).Attachment != nil {
		t.Error("the attachment is seen at once")
	}
	plugged := func() int {
		out, err := l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{node}})
		l.must(err)
		return len(out.Reservations[0].Instances[0].NetworkInterfaces)
	}
	if plugged() != 1 {
		t.Error("the instance shows the attachment at once")
	}
	l.settle()
	if l.describe(l.eni).Attachment == nil || plugged() != 2 {
		t.Error("the attachment is not seen in the end")
	}
	checkInvariants(t, l.sim)
}

func TestLagOfWrites(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	l.create(subnetA)
	if got := l.codes(1, doTag(nil, "a", "b")); got != "InvalidNetworkInterfaceID.NotFound" {
		t.Errorf("what was just made is tagged: %s", got)
	}
	l.must(doRun(1)(l))
	id := *l.said.([]types.Instance)[0].InstanceId
	if got := l.codes(1, doLife("terminate", id)); got != "InvalidInstanceID.NotFound" {
		t.Errorf("what was just launched is terminated: %s", got)
	}
	l.settle()
	l.must(doTag(nil, "a", "b")(l))
	l.must(doLife("terminate", id)(l))
}
