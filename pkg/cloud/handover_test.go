package cloud

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// TestHandover has one client use a quota up, and another one that knows nothing of it take over.
func TestHandover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, err := ec2sim.New(ec2sim.World{
			Subnets:        []ec2sim.Subnet{{ID: simSubnet, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/20"}},
			SecurityGroups: []ec2sim.SecurityGroup{{ID: simGroup, VPC: "vpc-1", Name: "one"}},
		}, ec2sim.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		make120 := func(c *Client, from int) {
			for i := range 120 {
				_, err := c.CreateInterface(t.Context(), eni.CreateRequest{
					SubnetID: simSubnet, SecurityGroupIDs: []string{simGroup}, Tags: ourTags(), ClientToken: fmt.Sprint(from + i),
				})
				if err != nil {
					t.Fatalf("create %d: %v", from+i, err)
				}
			}
		}
		opts := Options{ClusterIDs: []string{cluster}}
		make120(NewFromConfig(configFor(sim.Transport()), opts), 0)
		second := NewFromConfig(configFor(sim.Transport()), opts)
		if _, err := second.ListInterfaces(t.Context(), []string{cluster}, nil); err != nil {
			t.Fatal(err)
		}
		make120(second, 1000)
	})
}

func TestHandoverGoesByTheLastAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		attached := func(ago time.Duration, status types.AttachmentStatus) *types.NetworkInterface {
			return &types.NetworkInterface{Attachment: &types.NetworkInterfaceAttachment{Status: status, AttachTime: aws.Time(now.Add(-ago))}}
		}
		const long = time.Hour
		for _, row := range []struct {
			name  string
			shown []*types.NetworkInterface
			want  float64 // tokens for detaches
		}{
			{"nothing of ours", nil, 49},
			{"attached long ago", []*types.NetworkInterface{attached(long, "attached")}, 49},
			{"attached lately", []*types.NetworkInterface{attached(long, "attached"), attached(4*time.Second, "attached"), attached(7*time.Second, "attached")}, 20},
			{"EC2's clock is ahead", []*types.NetworkInterface{attached(-time.Minute, "attached")}, 0},
			{"on its way", []*types.NetworkInterface{attached(long, "attached"), attached(long, "detaching")}, 0},
			{"attached nowhere", []*types.NetworkInterface{{}}, 0},
		} {
			l, h := newLimiter(nil), handover{}
			for _, in := range row.shown {
				h.shown(now, in)
			}
			h.listed(l)
			h.shown(now, &types.NetworkInterface{})
			h.listed(l)
			if got := l.buckets[detachNetworkInterface].tokens; !about(got, row.want) {
				t.Errorf("%s: %v tokens, want %v", row.name, got, row.want)
			}
			if got := l.buckets[describeInstances].tokens; got != 49 {
				t.Errorf("%s: %v tokens for describes", row.name, got)
			}
		}
	})
}

func TestOtherQuotas(t *testing.T) {
	l := newLimiter(map[string]Quota{attachNetworkInterface: {300, 20}})
	if b := l.buckets[attachNetworkInterface]; b.size != 299 || b.fill != 20 {
		t.Errorf("attaches have %v and %v a second", b.size, b.fill)
	}
	if b := l.buckets[detachNetworkInterface]; b.size != 49 || b.fill != 5 {
		t.Errorf("detaches have %v and %v a second", b.size, b.fill)
	}
}
