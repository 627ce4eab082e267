package ec2sim

import (
	"fmt"
	"testing"
	"time"
)

// busy is 500 instances with 4,000 interfaces that bear a controller's tags.
func busy(b *testing.B) *lab {
	b.Helper()
	w := World{Quotas: Quotas{Enabled: new(false)}, Latency: Latency{Call: Exactly(0)}}
	w.Subnets = []Subnet{{ID: subnetA, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/16", Tags: map[string]string{"Name": "a"}}}
	for i := range 500 {
		id := fmt.Sprintf("i-%017x", i)
		w.Instances = append(w.Instances, Instance{ID: id, Type: "m5.4xlarge", Subnet: subnetA, Tags: map[string]string{"Name": fmt.Sprintf("node%d", i)}})
		for k := 1; k < 8; k++ {
			w.Interfaces = append(w.Interfaces, Interface{
				Subnet: subnetA, Description: "made by a controller", Attachment: &Attachment{Instance: id, DeviceIndex: k},
				Tags: map[string]string{
					"Name": fmt.Sprintf("team-%d/node%d", k, i), "example.com/cluster-id": "0c2c7a1e-7a53-4f4e-9d2c-7f3f2a4a9b11", "example.com/cluster-name": "production",
					"example.com/owner": fmt.Sprintf("team-%d", k), "example.com/node-name": fmt.Sprintf("node%d", i), "example.com/instance-id": id, "example.com/slot": fmt.Sprintf("0-%d", k),
				},
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

// BenchmarkEventWorld is the first event of a stream.
func BenchmarkEventWorld(b *testing.B) {
	l := busy(b)
	for b.Loop() {
		v := &viewer{sim: l.sim}
		b.ReportMetric(float64(len(v.look())), "B/event")
	}
}

// BenchmarkEventChange is an event after ten interfaces have changed.
func BenchmarkEventChange(b *testing.B) {
	l := busy(b)
	v := &viewer{sim: l.sim}
	v.look()
	some := l.sim.Snapshot().Interfaces[:10]
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		for _, e := range some {
			post(b, l.sim, fmt.Sprintf("Action=CreateTags&ResourceId.1=%s&Tag.1.Key=turn&Tag.1.Value=%d", e.ID, i))
		}
		b.StartTimer()
		b.ReportMetric(float64(len(v.look())), "B/event")
	}
}

// BenchmarkEventPicture is how long the lock is held for an event.
func BenchmarkEventPicture(b *testing.B) {
	l := busy(b)
	for b.Loop() {
		l.sim.locked(func(now time.Time) { l.sim.picture(now) })
	}
}

// BenchmarkEventNothing is a look at what has not changed.
func BenchmarkEventNothing(b *testing.B) {
	l := busy(b)
	v := &viewer{sim: l.sim}
	v.look()
	for b.Loop() {
		v.look()
	}
}
