package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// ipamd does to one instance what the VPC CNI's daemon does: as long as pods want more addresses than its interfaces
// have, and always one interface ahead, it makes an interface and attaches it at the lowest free index.
type ipamd struct {
	*lab
	ec2      *ec2.Client
	instance string
	// maxENI is MAX_ENI: how many interfaces it fills the instance up to, the primary one and those of others
	// not counted apart. wanted is how many it would have for its pods and for WARM_ENI_TARGET.
	maxENI int
	wanted int
}

func (l *lab) ipamd(node, maxENI, wanted int) *ipamd {
	return &ipamd{lab: l, ec2: l.somebody(), instance: instanceID(node), maxENI: maxENI, wanted: wanted}
}

// own are the interfaces on the instance that bear its tag.
func (d *ipamd) own() (ids []string, taken map[int32]bool) {
	d.Helper()
	taken = map[int32]bool{}
	out, err := d.ec2.DescribeNetworkInterfaces(d.Context(), &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{d.instance}}},
	})
	d.must(err)
	for _, i := range out.NetworkInterfaces {
		taken[aws.ToInt32(i.Attachment.DeviceIndex)] = true
		for _, tag := range i.TagSet {
			if aws.ToString(tag.Key) == "node.k8s.amazonaws.com/instance_id" {
				ids = append(ids, aws.ToString(i.NetworkInterfaceId))
			}
		}
	}
	return ids, taken
}

// grow makes and attaches interfaces until it has what it wants or may have, or EC2 says that the instance is full.
func (d *ipamd) grow() {
	d.Helper()
	for {
		own, taken := d.own()
		if len(own) >= d.wanted || 1+len(own) >= d.maxENI {
			return
		}
		index := int32(1)
		for taken[index] {
			index++
		}
		made, err := d.ec2.CreateNetworkInterface(d.Context(), &ec2.CreateNetworkInterfaceInput{
			SubnetId: aws.String(subnetB), Description: aws.String("aws-K8S-" + d.instance),
			TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeNetworkInterface,
				Tags:         []types.Tag{{Key: aws.String("node.k8s.amazonaws.com/instance_id"), Value: aws.String(d.instance)}},
			}},
		})
		d.must(err)
		_, err = d.ec2.AttachNetworkInterface(d.Context(), &ec2.AttachNetworkInterfaceInput{
			InstanceId: aws.String(d.instance), NetworkInterfaceId: made.NetworkInterface.NetworkInterfaceId, DeviceIndex: aws.Int32(index),
		})
		if err != nil {
			_, err = d.ec2.DeleteNetworkInterface(d.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: made.NetworkInterface.NetworkInterfaceId})
			d.must(err)
			return
		}
		d.pass(5 * time.Second)
	}
}

// shrink gives back what is above what it may have.
func (d *ipamd) shrink() {
	d.Helper()
	own, _ := d.own()
	for len(own) > 0 && 1+len(own) > d.maxENI {
		id := own[len(own)-1]
		out, err := d.ec2.DescribeNetworkInterfaces(d.Context(), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}})
		d.must(err)
		_, err = d.ec2.DetachNetworkInterface(d.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: out.NetworkInterfaces[0].Attachment.AttachmentId})
		d.must(err)
		d.must(ec2.NewNetworkInterfaceAvailableWaiter(d.ec2).Wait(context.WithoutCancel(d.Context()), &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{id}}, 5*time.Minute))
		_, err = d.ec2.DeleteNetworkInterface(d.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: aws.String(id)})
		d.must(err)
		own = own[:len(own)-1]
	}
}

// blockedFor returns the message of an interface that is blocked for a reason, as the status has it.
func (l *lab) blockedFor(name, reason string) (string, error) {
	attachments := l.nodeENI(name).Status.Attachments
	if len(attachments) != 1 || attachments[0].State != v1alpha1.AttachmentBlocked || attachments[0].Reason != reason {
		return "", errors.New("not blocked for " + reason)
	}
	return attachments[0].Message, nil
}

// Beside a VPC CNI that leaves room, an index above those it takes is attached, whoever comes first.
func TestBesideAVPCCNIWithItsLimit(t *testing.T) {
	for _, cniFirst := range []bool{true, false} {
		inLab(t, 1, nil, func(l *lab) {
			cni := l.ipamd(0, 3, 3) // an m5.xlarge takes 4
			if cniFirst {
				cni.grow()
			}
			l.ask("a", 3)
			l.pass(5 * time.Minute)
			cni.grow()
			l.pass(time.Hour)
			l.wantOurs("node-00 3 attached")
			if own, _ := cni.own(); len(own) != 2 {
				t.Errorf("the CNI has %d interfaces beside the primary one, want 2", len(own))
			}
		})
	}
}

// A VPC CNI without a limit fills the instance: that is said with the settings that make room, and once there is room
// the interface comes. Nothing of the CNI's is touched.
func TestBesideAVPCCNIThatTakesEverything(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		cni := l.ipamd(0, 100, 100)
		cni.grow()
		l.ask("a", 5)
		l.ask("b", 1)
		l.pass(10 * time.Minute)
		for name, reason := range map[string]string{"a": v1alpha1.ReasonInterfaceLimitReached, "b": v1alpha1.ReasonDeviceIndexInUse} {
			message, err := l.blockedFor(name, reason)
			if err != nil || !strings.Contains(message, "MAX_ENI") || !strings.Contains(message, "WARM_ENI_TARGET") {
				t.Errorf("NodeENI %s: %v, %q", name, err, message)
			}
		}
		if made := l.calls("CreateNetworkInterface"); made != 3+1 { // the CNI's, and its last try
			t.Errorf("%d creates, want the CNI's own 4 only", made)
		}
		cni.maxENI = 3
		cni.shrink()
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 5 attached")
		if own, _ := cni.own(); len(own) != 2 {
			t.Errorf("the CNI has %d interfaces beside the primary one, want the 2 that it kept", len(own))
		}
	})
}

// A VPC CNI that takes the index between our create and our attach keeps it: the interface is deleted, and the status
// says what to do.
func TestAVPCCNITakesTheIndexMeanwhile(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		cni := l.ipamd(0, 4, 1)
		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "RequestLimitExceeded", Status: 503, Times: 1})
		l.ask("a", 1)
		l.pass(300 * time.Millisecond)
		cni.grow()
		l.pass(20 * time.Minute)
		own, _ := cni.own()
		if message, err := l.blockedFor("a", v1alpha1.ReasonDeviceIndexInUse); err != nil || !strings.Contains(message, own[0]) || !strings.Contains(message, "WARM_ENI_TARGET") {
			t.Errorf("%v, %q", err, message)
		}
		l.wantOurs()
	})
}
