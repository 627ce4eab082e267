package inventory

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestSteadyStateMakesOnlyTheResync(t *testing.T) {
	options := Options{
		Instances: func() []string { return names("i", 1500) },
		Subnets:   func() []string { return []string{"subnet-1", "subnet-1"} },
	}
	inBubble(t, options, func(f *fakeEC2) { f.put(eni1(attached)) }, func(t *testing.T, b *bench) {
		if !b.HasSynced() {
			t.Fatal("has not synced after the first list")
		}
		pass(299)
		// 1,500 instances and the one that eni-1 is attached to.
		expect(t, "the first resync", []fakeCall{{0, "list", 0}, {0, "instances", 1000}, {0, "instances", 501}, {0, "subnets", 1}}, inOrderOf(b.ec2.taken()))
		pass(300)
		expect(t, "the second resync", []fakeCall{{300, "list", 0}, {300, "instances", 1000}, {300, "instances", 501}, {300, "subnets", 1}}, inOrderOf(b.ec2.taken()))
	})
}

// inOrderOf orders calls made at the same time by what they are.
func inOrderOf(calls []fakeCall) []fakeCall {
	order := []string{"list", "interfaces", "instances", "subnets"}
	slices.SortStableFunc(calls, func(a, b fakeCall) int {
		if a.At != b.At {
			return 0
		}
		return slices.Index(order, a.What) - slices.Index(order, b.What)
	})
	return calls
}

func TestRefreshesAreBatched(t *testing.T) {
	inBubble(t, Options{}, nil, func(t *testing.T, b *bench) {
		b.ec2.taken()
		pass(10)
		b.RefreshInstances("i-1", "i-2")
		pass(0.05)
		b.RefreshInstances("i-2", "i-3", "")
		pass(0.05)
		expect(t, "while more may come", 0, len(b.ec2.taken()))
		pass(0.05)
		expect(t, "after the idle window", []fakeCall{{10.15, "instances", 3}}, b.ec2.taken())
		expect(t, "told", Change{Instances: []string{"i-1", "i-2", "i-3"}}, b.ear.taken())

		for range 30 {
			b.RefreshInterfaces("eni-1")
			b.RefreshSubnets("subnet-1")
			pass(0.05)
		}
		first := b.ec2.taken("interfaces")
		if len(first) != 1 || first[0].At < 11.15-0.01 || first[0].At > 11.2 {
			t.Errorf("the longest window ended with %v, want one call at 11.15", first)
		}
	})
}

func TestRefreshAnswersWhoAskedEvenWhenNothingChanged(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) {
		f.put(eni1())
		f.instances["i-1"] = eni.Instance{ID: "i-1"}
		f.subnets["subnet-1"] = eni.Subnet{ID: "subnet-1"}
	}, func(t *testing.T, b *bench) {
		for range 2 {
			b.RefreshInstances("i-1")
			pass(1)
			b.ear.taken()
			b.RefreshInstances("i-1")
			pass(1)
			expect(t, "instance", Change{Instances: []string{"i-1"}}, b.ear.taken())
			b.RefreshInterfaces("eni-1")
			pass(1)
			expect(t, "interface", Change{Instances: []string{"i-1"}, NodeENIUIDs: []string{"uid"}}, b.ear.taken())
			b.RefreshSubnets("subnet-1")
			pass(1)
			expect(t, "subnet", Change{Subnets: []string{"subnet-1"}}, b.ear.taken())
		}
	})
}

func TestRefreshWhileReadingIsReadAgain(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.delay = 2 * time.Second }, func(t *testing.T, b *bench) {
		pass(10)
		b.ec2.taken()
		b.RefreshInstances("i-1")
		pass(1)
		b.RefreshInstances("i-1")
		pass(5)
		calls := b.ec2.taken()
		expect(t, "calls", 2, len(calls))
		if calls[1].At < 12 {
			t.Errorf("the second ask was answered by a read at %v", calls[1].At)
		}
	})
}

func TestManyRefreshesAreCutToWhatOneReadNames(t *testing.T) {
	inBubble(t, Options{}, nil, func(t *testing.T, b *bench) {
		b.ec2.taken()
		b.RefreshInstances(names("i", 2500)...)
		pass(1)
		expect(t, "calls", []fakeCall{{0.1, "instances", 1000}, {0.1, "instances", 1000}, {0.1, "instances", 500}}, b.ec2.taken())
	})
}

func TestPollStopsWhenNothingIsInFlux(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1()) }, func(t *testing.T, b *bench) {
		pass(20)
		b.ec2.taken()
		b.ear.taken()
		attach := eni1(attaching)
		b.ec2.put(attach)
		b.SetAttachment("eni-1", attach.Attachment)
		pass(2.5)
		expect(t, "while attaching", []fakeCall{{21, "interfaces", 1}, {22, "interfaces", 1}}, b.ec2.taken())
		b.ec2.put(eni1(attached))
		b.ear.taken()
		pass(200)
		expect(t, "once attached", []fakeCall{{23, "interfaces", 1}}, b.ec2.taken())
		expect(t, "told", Change{Instances: []string{"i-1"}, NodeENIUIDs: []string{"uid"}}, b.ear.taken())
	})
}

func TestPollMakesFullCallsAndFewOfThem(t *testing.T) {
	for inFlux, read := range map[int]int{3: 3, 200: 200, 500: 400, 5000: 1000} {
		prepare := func(f *fakeEC2) {
			for _, id := range names("eni", inFlux) {
				iface := eni1(attaching)
				iface.ID = id
				f.put(iface)
			}
		}
		inBubble(t, Options{}, prepare, func(t *testing.T, b *bench) {
			pass(3.5)
			expect(t, "calls", []fakeCall{{1, "interfaces", read}, {2, "interfaces", read}, {3, "interfaces", read}}, b.ec2.taken("interfaces"))
		})
	}
}

func TestAPlainModifyIsReadOnce(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1()) }, func(t *testing.T, b *bench) {
		pass(20)
		b.ec2.taken()
		b.Modified("eni-1", func(i *eni.Interface) { i.Description = "ours" })
		pass(200) // EC2 shows another description: somebody has changed it back
		expect(t, "calls", []fakeCall{{31, "interfaces", 1}}, b.ec2.taken())
		iface, _ := b.Interface("eni-1")
		expect(t, "description", "", iface.Description)
	})
}

func TestFailedReadsAreThrownAwayAndRetried(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) {
		f.put(eni1())
		f.fail("list", errors.New("cut off after a page"))
	}, func(t *testing.T, b *bench) {
		pass(100)
		if b.HasSynced() {
			t.Error("synced without a list")
		}
		expect(t, "tries", []float64{0, 1, 3, 7, 15, 31, 61, 91}, times(b.ec2.taken()))
		expect(t, "failures", map[string]int{ReadList: 8}, b.Stats().Failures)
		b.ec2.fail("list", nil)
		pass(30)
		if !b.HasSynced() {
			t.Error("not synced although the list works again")
		}
	})
}

func TestOneFailingReadDoesNotHoldUpTheOthers(t *testing.T) {
	inBubble(t, Options{Subnets: func() []string { return []string{"subnet-1"} }}, func(f *fakeEC2) {
		f.fail("subnets", errors.New("denied"))
	}, func(t *testing.T, b *bench) {
		pass(601)
		expect(t, "lists", []float64{0, 300, 600}, times(b.ec2.taken("list")))
	})
}

func TestFailedRefreshIsRetriedWithWhoAsksMeanwhile(t *testing.T) {
	inBubble(t, Options{}, nil, func(t *testing.T, b *bench) {
		b.ec2.fail("instances", errors.New("throttled"))
		b.ec2.taken()
		b.RefreshInstances("i-1")
		pass(0.5)
		b.ec2.fail("instances", nil)
		b.RefreshInstances("i-2")
		pass(2)
		expect(t, "calls", []fakeCall{{0.1, "instances", 1}, {1.2, "instances", 2}}, roundAll(b.ec2.taken()))
	})
}

func TestInstancesThatNobodyNamesAreForgotten(t *testing.T) {
	named := []string{"i-1"}
	var mu sync.Mutex
	options := Options{Instances: func() []string {
		mu.Lock()
		defer mu.Unlock()
		return named
	}}
	inBubble(t, options, func(f *fakeEC2) { f.put(eni1(func(i *eni.Interface) { i.Tags[eni.TagInstanceID] = "i-2" })) }, func(t *testing.T, b *bench) {
		b.RefreshInstances("i-3")
		pass(299)
		mu.Lock()
		named = nil
		mu.Unlock()
		pass(2)
		var held []bool
		for _, id := range []string{"i-1", "i-2", "i-3"} {
			_, ok := b.Instance(id)
			held = append(held, ok)
		}
		expect(t, "held", []bool{false, true, false}, held)
	})
}

func TestRunEndsWhateverItIsAt(t *testing.T) {
	for name, at := range map[string]float64{"in the first list": 1, "at rest": 100, "in a refresh": 101.5, "in a back-off": 200} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(f *fakeEC2) { f.delay = 2 * time.Second; f.put(eni1(attaching)) }, func(t *testing.T, b *bench) {
				pass(100)
				b.RefreshInstances("i-1")
				b.AbsentFor("another")
				pass(at - min(at, 100))
				if at == 200 {
					b.ec2.fail("interfaces", errors.New("down"))
				}
				pass(2)
				// inBubble ends Run here and the bubble fails if a goroutine is left.
			})
		})
	}
}

func TestStats(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1(attaching)) }, func(t *testing.T, b *bench) {
		pass(2.5)
		got := b.Stats()
		expect(t, "stats", Stats{
			Reads: map[string]int{ReadList: 1, ReadInstances: 1, ReadPoll: 2}, Failures: map[string]int{}, Interfaces: 1, Polled: 1, Listed: b.ec2.begun,
		}, got)
		clear(got.Reads)
		if len(b.Stats().Reads) == 0 {
			t.Error("what was handed out is not a copy")
		}
	})
}

func times(calls []fakeCall) []float64 {
	var at []float64
	for _, c := range calls {
		at = append(at, c.At)
	}
	return at
}

// roundAll rounds times to a tenth of a second.
func roundAll(calls []fakeCall) []fakeCall {
	for i := range calls {
		calls[i].At = float64(int(calls[i].At*10+0.5)) / 10
	}
	return calls
}

func TestPollSlowsDownWhileManyAreInFluxForLong(t *testing.T) {
	var p pollPace
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	for _, step := range []struct {
		what   string
		do     func()
		second int
		want   time.Duration
	}{
		{"nothing yet", func() {}, 0, time.Second},
		{"few", func() { p.polled(few, at(0)) }, 100, time.Second},
		{"many", func() { p.polled(20, at(100)) }, 110, time.Second},
		{"many for two minutes", func() { p.polled(20, at(210)) }, 220, 4 * time.Second},
		{"many for an hour", func() { p.polled(40, at(3600)) }, 3700, slowestPoll},
		{"more than one read names", func() { p.polled(pollWorth, at(3700)) }, 3701, time.Second},
		{"many again", func() { p.polled(40, at(3702)) }, 3703, slowestPoll},
		{"a short rest", func() { p.idle(true, time.Second) }, 3704, slowestPoll},
		{"a long rest", func() { p.idle(true, time.Minute) }, 3705, time.Second},
		{"nothing in flux", func() { p.polled(40, at(3705)); p.idle(false, 0) }, 3800, time.Second},
	} {
		step.do()
		if got := p.pause(at(step.second)); got != step.want {
			t.Errorf("%s: the next poll is after %v, want %v", step.what, got, step.want)
		}
	}
}
