package ec2sim

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

var describeAll = ec2.DescribeNetworkInterfacesInput{}

// TestBubble runs the simulator in fake time with many callers at once: latencies are
// exact, nothing is left behind.
func TestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := labWorld()
		w.Latency = Latency{}
		sim, err := New(w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for index := range int32(3) {
			wg.Go(func() {
				l := &lab{T: t, sim: sim, ec2: clientOf(sim.Transport(), "AKID")}
				if doCreate(subnetA)(l) != nil || doAttach(nil, node, 0, index+1)(l) != nil {
					t.Error("create or attach failed")
				}
				for string(l.describe(l.eni).Attachment.Status) != attached {
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		if d := time.Since(start); d < 2*time.Second || d > 3*time.Second {
			t.Errorf("create and attach took %s", d)
		}
		checkInvariants(t, sim)
	})
}

// TestHangInBubble: a call that hangs ends with its context.
func TestHangInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := labWorld()
		w.Faults = []Fault{{Effect: effectHang}}
		sim, err := New(w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: sim.Transport(), Timeout: time.Minute}
		c := clientOf(sim.Transport(), "AKID")
		if _, err := c.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}, func(o *ec2.Options) { o.HTTPClient = client }); err == nil {
			t.Error("a call that hangs was answered")
		}
	})
}

// crowd is 5,000 instances with 20,000 interfaces.
func crowd(b *testing.B) *lab {
	b.Helper()
	w := World{Quotas: Quotas{Enabled: new(false), InterfacesPerRegion: 1_000_000}, Latency: Latency{Call: Exactly(0)}}
	for i := range 4 {
		w.Subnets = append(w.Subnets, Subnet{ID: fmt.Sprintf("subnet-%017x", i), VPC: "vpc-1", Zone: "us-east-1a", CIDR: fmt.Sprintf("10.%d.0.0/16", i)})
	}
	for i := range 5000 {
		id := fmt.Sprintf("i-%017x", i)
		w.Instances = append(w.Instances, Instance{ID: id, Type: "m5.xlarge", Subnet: w.Subnets[i%4].ID})
		for k := 1; k < 4; k++ {
			w.Interfaces = append(w.Interfaces, Interface{
				Subnet: w.Subnets[i%4].ID, Tags: map[string]string{"cluster": "x", "owner": fmt.Sprint(i % 100), "node": id},
				Attachment: &Attachment{Instance: id, DeviceIndex: k},
			})
		}
	}
	clock := NewVirtualClock(time.Unix(1_000_000_000, 0))
	sim, err := New(w, Options{Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	return &lab{sim: sim, clock: clock}
}

func post(b *testing.B, s *Simulator, body string) {
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://ec2.test/", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.URL.RawQuery = body
	r.Header.Set("Authorization", signed)
	resp, err := s.Transport().RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp, err)
	}
}

// BenchmarkDescribePage is a filtered page of 1,000 out of 20,000 interfaces.
func BenchmarkDescribePage(b *testing.B) {
	l := crowd(b)
	for b.Loop() {
		post(b, l.sim, "Action=DescribeNetworkInterfaces&MaxResults=1000&Filter.1.Name=tag:cluster&Filter.1.Value.1=x")
	}
}

// BenchmarkDescribeInstances is a page of 1,000 instances with their interfaces.
func BenchmarkDescribeInstances(b *testing.B) {
	l := crowd(b)
	for b.Loop() {
		post(b, l.sim, "Action=DescribeInstances&MaxResults=1000")
	}
}

// BenchmarkCreate makes interfaces beside 20,000 others.
func BenchmarkCreate(b *testing.B) {
	l := crowd(b)
	for i := 0; b.Loop(); i++ {
		subnet := fmt.Sprintf("subnet-%017x", i%4)
		post(b, l.sim, "Action=CreateNetworkInterface&SubnetId="+subnet+"&TagSpecification.1.ResourceType=network-interface&TagSpecification.1.Tag.1.Key=cluster&TagSpecification.1.Tag.1.Value=x")
		if i%100_000 == 99_999 {
			b.StopTimer()
			l = crowd(b)
			b.StartTimer()
		}
	}
}
