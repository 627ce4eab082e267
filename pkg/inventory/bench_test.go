package inventory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// fleet is n interfaces of four NodeENIs, attached on n/4 instances, as a list shows them.
func fleet(n int) []eni.Interface {
	list := make([]eni.Interface, n)
	for i := range list {
		owner := testOwner(fmt.Sprintf("uid-%d", i%4), fmt.Sprintf("i-%017d", i/4))
		list[i] = eni.Interface{
			ID:               fmt.Sprintf("eni-%017d", i),
			SubnetID:         "subnet-1",
			SecurityGroupIDs: []string{"sg-1", "sg-2"},
			Tags:             owner.Tags(),
			Attachment:       &eni.Attachment{ID: fmt.Sprintf("eni-attach-%017d", i), InstanceID: owner.InstanceID, Status: eni.Attached},
		}
	}
	return list
}

// clone copies a list as deeply as another read of it would.
func clone(list []eni.Interface) []eni.Interface {
	list = slices.Clone(list)
	for i := range list {
		list[i] = deepCopy(&list[i])
	}
	return list
}

const fleetSize = 20000

// inFleets runs a benchmark for each size of a fleet.
func inFleets(b *testing.B, run func(b *testing.B, list []eni.Interface)) {
	for _, size := range []int{1000, 5000, 50000} {
		b.Run(fmt.Sprintf("interfaces=%d", size), func(b *testing.B) {
			list := fleet(size)
			b.ReportAllocs()
			run(b, list)
		})
	}
}

func BenchmarkApplyFirstList(b *testing.B) {
	inFleets(b, func(b *testing.B, list []eni.Interface) {
		for b.Loop() {
			newStore([]string{testCluster}, testHorizon, CreateDeadline).applyList(reading(0), list, nil)
		}
	})
}

func BenchmarkApplyUnchangedList(b *testing.B) {
	inFleets(b, func(b *testing.B, list []eni.Interface) {
		again := clone(list)
		s := newStore([]string{testCluster}, testHorizon, CreateDeadline)
		s.applyList(reading(0), list, nil)
		at := 0.0
		for b.Loop() {
			at += 300
			s.applyList(reading(at), again, nil)
		}
	})
}

func BenchmarkApplyEmptyList(b *testing.B) {
	inFleets(b, func(b *testing.B, list []eni.Interface) {
		for b.Loop() {
			b.StopTimer()
			s := newStore([]string{testCluster}, testHorizon, CreateDeadline)
			s.applyList(reading(0), list, nil)
			b.StartTimer()
			s.applyList(reading(300), nil, nil)
		}
	})
}

// BenchmarkOwnWrite is what each call to EC2 costs the store beside everything that is in flux.
func BenchmarkOwnWrite(b *testing.B) {
	inFleets(b, func(b *testing.B, list []eni.Interface) {
		i := New(nil, Options{ClusterIDs: []string{testCluster}})
		for n := range list {
			list[n].Attachment.Status = eni.Attaching
		}
		i.store.applyList(reading(0), list, nil)
		n := 0
		for b.Loop() {
			n++
			iface := &list[n%len(list)]
			i.SetAttachment(iface.ID, iface.Attachment)
		}
	})
}

// A call to EC2 costs the same, however much is in flux.
func TestOwnWritesCostTheSameHoweverMuchIsInFlux(t *testing.T) {
	allocations := func(size int) float64 {
		list := fleet(size)
		i := New(nil, Options{ClusterIDs: []string{testCluster}})
		for n := range list {
			list[n].Attachment.Status = eni.Attaching
		}
		i.store.applyList(reading(0), list, nil)
		if len(i.store.restless) != size {
			t.Fatalf("%d of %d are in flux", len(i.store.restless), size)
		}
		return testing.AllocsPerRun(100, func() { i.SetAttachment(list[0].ID, list[0].Attachment) })
	}
	if few, many := allocations(10), allocations(5000); many > few+1 {
		t.Errorf("%v allocations beside 10 interfaces in flux, %v beside 5,000", few, many)
	}
}

func BenchmarkInterfacesOf(b *testing.B) {
	i := New(nil, Options{ClusterIDs: []string{testCluster}})
	i.store.applyList(reading(0), fleet(fleetSize), nil)
	keys := i.InstanceKeys()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		i.InterfacesOf(keys[n%len(keys)])
		n++
	}
}

func BenchmarkInterfacesOfNodeENI(b *testing.B) {
	i := New(nil, Options{ClusterIDs: []string{testCluster}})
	i.store.applyList(reading(0), fleet(fleetSize), nil)
	b.ReportAllocs()
	for b.Loop() {
		i.InterfacesOfNodeENI("uid-0")
	}
}

func TestUnchangedListSharesWhatIsHeld(t *testing.T) {
	list := fleet(8)
	s := newStore([]string{testCluster}, testHorizon, CreateDeadline)
	s.applyList(reading(0), list, nil)
	again := clone(list)
	s.applyList(reading(300), again, nil)
	s.applyList(reading(600), again, nil)
	again[0].Tags["later"] = "change" // of a copy that the store has no more use for
	if r := s.records[list[0].ID]; !r.tags.are(list[0].Tags) {
		t.Error("the store swapped its tags for an equal copy")
	}
	if a, b := s.records[list[0].ID], s.records[list[4].ID]; a.tags.set != b.tags.set {
		t.Error("two interfaces of a NodeENI have what their tags say alike each for itself")
	}
	if got := s.applyList(reading(900), list, nil); !got.empty() {
		t.Errorf("told %v although nothing changed", got.change())
	}
	if len(s.restless) != 0 {
		t.Error("polls what is at rest")
	}
}
