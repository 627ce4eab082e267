package inventory

import (
	"slices"
	"testing"
	"time"
)

func TestGoneIsKnownSoon(t *testing.T) {
	for name, ask := range map[string]func(b *bench){
		"missed by a refresh": func(b *bench) { b.RefreshInterfaces("eni-1") },
		"missed by a list":    func(*bench) { pass(298) },
		"missed by an attach": func(b *bench) { b.NotSeen("eni-1") },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1()) }, func(t *testing.T, b *bench) {
				pass(20)
				b.ec2.drop("eni-1")
				ask(b)
				pass(4 + testHorizon.Seconds())
				if _, held := b.Interface("eni-1"); held {
					t.Error("still held")
				}
				if b.Departed("eni-1") || !b.Doubted("eni-1") {
					t.Error("not known to have departed")
				}
				b.ec2.taken()
				pass(200)
				expect(t, "calls afterwards", 0, len(b.ec2.taken()))
			})
		})
	}
}

func TestEmptyListDeletesNothing(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1(attached)) }, func(t *testing.T, b *bench) {
		pass(299)
		b.apply(func(now time.Time) *changes { return b.store.applyList(read{now, now}, nil, nil) })
		iface, held := b.Interface("eni-1")
		if !held || !iface.Missing {
			t.Fatalf("held %v, missing %v; want both", held, iface.Missing)
		}
		pass(2)
		iface, held = b.Interface("eni-1")
		if !held || iface.Missing {
			t.Fatalf("held %v, missing %v after the read by ID", held, iface.Missing)
		}
		pass(20)
		b.ec2.taken()
		pass(200)
		expect(t, "calls afterwards", 0, len(b.ec2.taken()))
	})
}

func TestLostTagsHoldTheFinalizer(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1()) }, func(t *testing.T, b *bench) {
		pass(20)
		b.ec2.put(eni1(untagged))
		pass(1000)
		iface, _ := b.Interface("eni-1")
		if iface.LastOwner == nil || iface.LastOwner.NodeENIUID != "uid" {
			t.Fatalf("last owner is %+v, want uid", iface.LastOwner)
		}
		expect(t, "interfaces of the NodeENI", 1, len(b.InterfacesOfNodeENI("uid")))
		if b.AbsentFor("uid") {
			t.Error("absent, although the interface exists")
		}
		b.ec2.taken()
		pass(600)
		expect(t, "each resync reads it by ID", 2, len(b.ec2.taken("interfaces")))
		b.ec2.drop("eni-1")
		pass(600)
		expect(t, "interfaces of the NodeENI", 0, len(b.InterfacesOfNodeENI("uid")))
		b.AbsentFor("uid")
		pass(15)
		if !b.AbsentFor("uid") {
			t.Error("not absent, although the interface is gone")
		}
	})
}

// After them it takes one of everything, the first time that a process waits so.
func TestAbsenceTakesTwoListsForAllWhoWait(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) {
		iface := eni1()
		for _, uid := range names("uid", 250) {
			iface.ID, iface.Tags = "eni-of-"+uid, testOwner(uid, "i-1").Tags()
			f.put(iface)
		}
	}, func(t *testing.T, b *bench) {
		uids := names("uid", 250)
		pass(80) // what a predecessor may have sent has taken effect
		for _, uid := range uids {
			b.ec2.drop("eni-of-" + uid)
			b.Deleted("eni-of-" + uid)
		}
		b.ec2.taken()
		b.ear.taken()
		for _, uid := range uids {
			if b.AbsentFor(uid) {
				t.Fatal("absent at once")
			}
		}
		pass(20)
		expect(t, "calls", []fakeCall{{80.1, "list", 200}, {81.1, "list", 50}, {90.2, "list", 200}, {91.2, "list", 50}, {92.2, "list", 0}}, b.ec2.taken())
		expect(t, "told", uids, slices.Sorted(slices.Values(b.ear.taken().NodeENIUIDs)))
		for _, uid := range uids {
			if !b.AbsentFor(uid) {
				t.Fatalf("%s is not absent", uid)
			}
		}
		pass(190)
		expect(t, "calls afterwards", 0, len(b.ec2.taken()))
	})
}

func TestAbsenceWaitsForACreateWithoutAnswer(t *testing.T) {
	inBubble(t, Options{}, nil, func(t *testing.T, b *bench) {
		pass(50)
		end := b.BeginCreate("uid")
		pass(30)
		end(nil, true)
		end(nil, false) // the first word counts
		b.ec2.taken()
		b.ear.taken()
		if b.AbsentFor("uid") {
			t.Fatal("absent while the create may still take effect")
		}
		pass(90) // a minute for the create, and the horizon
		expect(t, "lists", []fakeCall{{150.1, "list", 1}, {160.2, "list", 1}, {161.2, "list", 0}}, b.ec2.taken())
		expect(t, "told", Change{NodeENIUIDs: []string{"uid"}}, b.ear.taken())
	})
}

func TestCreatedIsThereAtOnce(t *testing.T) {
	inBubble(t, Options{}, nil, func(t *testing.T, b *bench) {
		pass(50)
		iface := eni1()
		b.BeginCreate("uid")(&iface, false)
		expect(t, "told", Change{Instances: []string{"i-1"}, NodeENIUIDs: []string{"uid"}}, b.ear.taken())
		expect(t, "of the instance", 1, len(b.InterfacesOf("i-1")))
		expect(t, "of the NodeENI", 1, len(b.InterfacesOfNodeENI("uid")))
		expect(t, "instances of the NodeENI", map[string]bool{"i-1": true}, b.InstancesOfNodeENI("uid"))
		expect(t, "instances", []string{"i-1"}, b.InstanceKeys())
		expect(t, "NodeENIs", []string{"uid"}, b.NodeENIUIDs())
		b.ec2.taken()
		pass(120) // EC2 never shows it
		expect(t, "of the instance", 0, len(b.InterfacesOf("i-1")))
	})
}

func TestWhatWeDeletedIsNotDoubted(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1()) }, func(t *testing.T, b *bench) {
		pass(20)
		b.ec2.drop("eni-1")
		b.Deleted("eni-1")
		if !b.Departed("eni-1") || b.Doubted("eni-1") {
			t.Errorf("departed %v, doubted %v; want the first alone", b.Departed("eni-1"), b.Doubted("eni-1"))
		}
	})
}

// What reads did not show for a while is taken back when one asks for it by ID.
func TestWhatIsDoubtedComesBackByARefresh(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1()) }, func(t *testing.T, b *bench) {
		pass(20)
		b.ec2.drop("eni-1")
		b.RefreshInterfaces("eni-1")
		pass(4 + testHorizon.Seconds())
		if !b.Doubted("eni-1") {
			t.Error("not taken for gone")
		}
		b.ec2.put(eni1())
		pass(testHorizon.Seconds())
		b.RefreshInterfaces("eni-1")
		pass(2)
		if _, held := b.Interface("eni-1"); !held || b.Doubted("eni-1") {
			t.Errorf("held %v, doubted %v; want it back", held, b.Doubted("eni-1"))
		}
	})
}

// One read by ID leaves out what no list shows because it has just lost its tags: that says nothing, and it holds the
// finalizer as before.
func TestLostTagsAndALeftOutReadAreNoEnd(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni1(attached)) }, func(t *testing.T, b *bench) {
		pass(20)
		b.ec2.drop("eni-1")
		b.RefreshInterfaces("eni-1")
		pass(0.5)
		b.ec2.put(eni1(attached, untagged))
		for range 60 {
			if b.AbsentFor("uid") {
				t.Fatal("absent, although the interface exists")
			}
			pass(1)
		}
		iface, held := b.Interface("eni-1")
		if !held || iface.Missing || iface.LastOwner == nil || iface.LastOwner.NodeENIUID != "uid" {
			t.Errorf("held %v, missing %v, last owner %+v; want it there, and to have been uid's", held, iface.Missing, iface.LastOwner)
		}
	})
}
