package cloud

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// TestUnderQuota makes many creates at once against a simulated EC2 whose buckets are on, and of which
// others use a share: as fast as the quota allows, with few calls thrown away.
func TestUnderQuota(t *testing.T) {
	for _, row := range []struct {
		others         float64
		atMost         time.Duration
		throttlesUntil int
	}{
		{others: 0, atMost: 82 * time.Second, throttlesUntil: 0},     // (500-100)/5 = 80 s is the least possible
		{others: 0.5, atMost: 200 * time.Second, throttlesUntil: 25}, // (500-100)/2.5 = 160 s
	} {
		t.Run(fmt.Sprint(row.others), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, throttles := createMany(t, 500, row.others)
				if took > row.atMost || throttles > row.throttlesUntil {
					t.Errorf("took %v with %d throttles; want at most %v and %d", took, throttles, row.atMost, row.throttlesUntil)
				}
			})
		})
	}
}

// createMany creates n interfaces by ten workers that try again when throttled.
func createMany(t *testing.T, n int, others float64) (took time.Duration, throttles int) {
	t.Helper()
	sim, err := ec2sim.New(ec2sim.World{
		Subnets:        []ec2sim.Subnet{{ID: simSubnet, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/20"}},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: simGroup, VPC: "vpc-1", Name: "one"}},
		Latency:        ec2sim.Latency{Call: ec2sim.Exactly(50 * time.Millisecond)},
		Quotas:         ec2sim.Quotas{Background: others},
	}, ec2sim.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := NewFromConfig(configFor(sim.Transport()), Options{ClusterIDs: []string{cluster}})
	var left, refused atomic.Int64
	left.Store(int64(n))
	start := time.Now()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for i := left.Add(-1); i >= 0; i = left.Add(-1) {
				request := eni.CreateRequest{SubnetID: simSubnet, SecurityGroupIDs: []string{simGroup}, Tags: ourTags(), ClientToken: fmt.Sprint(i)}
				_, err := c.CreateInterface(t.Context(), request)
				for errors.Is(err, eni.KindThrottled) {
					refused.Add(1)
					_, err = c.CreateInterface(t.Context(), request)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start), int(refused.Load())
}
