package inventory

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// However many are looked at, one read shows them all: the first time, each period, and when they are to be read anew.
// What nobody wants any more is neither read nor held.
func TestForeignInterfacesAreReadTogether(t *testing.T) {
	ids, instances := names("eni-foreign", 30), names("i", 30)
	show := func(f *fakeEC2) {
		for _, id := range ids {
			f.put(eni.Interface{ID: id, Tags: map[string]string{"team": "telco"}})
		}
	}
	inBubble(t, Options{}, show, func(t *testing.T, b *bench) {
		pass(60)
		b.ec2.taken()
		for n := range ids {
			b.WantForeign(instances[n], ids[n:n+1])
		}
		pass(2)
		expect(t, "the first read", []fakeCall{{60.1, "interfaces", 30}}, b.ec2.taken("interfaces"))
		expect(t, "told", instances, b.ear.taken().Instances)
		for n := range ids {
			found, ok := b.ForeignOf(instances[n])[ids[n]]
			if !ok || found.NotFound || found.Tags["team"] != "telco" {
				t.Fatalf("known of %s: %+v, %v", ids[n], found, ok)
			}
		}
		for n := range ids { // the same again asks for nothing
			b.WantForeign(instances[n], ids[n:n+1])
		}
		pass(600)
		expect(t, "two periods", []fakeCall{{300, "interfaces", 30}, {600, "interfaces", 30}}, b.ec2.taken("interfaces"))
		b.RereadForeign(instances[3:5]...)
		pass(2)
		expect(t, "anew", []fakeCall{{662.1, "interfaces", 2}}, b.ec2.taken("interfaces"))
		for n := range ids {
			b.WantForeign(instances[n], nil)
		}
		pass(600)
		expect(t, "unwanted", 0, len(b.ec2.taken("interfaces")))
		expect(t, "held", 0, len(b.foreign.found))
		expect(t, "known of one that nobody wants", 0, len(b.ForeignOf(instances[0])))
	})
}

// A live read began after it was asked for; those who ask at a time share one; it ends when EC2 does not answer.
func TestForeignInterfacesAreReadLive(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.put(eni.Interface{ID: "eni-a"}, eni.Interface{ID: "eni-b"}) }, func(t *testing.T, b *bench) {
		b.WantForeign("i-1", []string{"eni-a"})
		pass(2)
		b.ec2.put(eni.Interface{ID: "eni-a", Tags: map[string]string{"team": "core"}})
		b.ec2.taken()
		answers := make(chan eni.ObservedForeign)
		asking := []string{"eni-a", "eni-a", "eni-b", "eni-none"}
		for _, id := range asking {
			go func() {
				found, err := b.ReadForeign(t.Context(), id)
				if err != nil {
					t.Error(err)
				}
				answers <- found
			}()
		}
		for range asking {
			switch found := <-answers; {
			case found.ID == "eni-a" && found.Tags["team"] != "core":
				t.Errorf("an old answer: %+v", found)
			case found.NotFound != (found.ID == "eni-none"):
				t.Errorf("%s is not found: %v", found.ID, found.NotFound)
			}
		}
		expect(t, "one read for all", []fakeCall{{2.1, "interfaces", 3}}, b.ec2.taken("interfaces"))
		b.ec2.fail("interfaces", errors.New("EC2 is out"))
		pass(1)
		asked := time.Now()
		if _, err := b.ReadForeign(t.Context(), "eni-a"); !errors.Is(err, context.DeadlineExceeded) || time.Since(asked) != foreignWait {
			t.Errorf("%v after %v", err, time.Since(asked))
		}
	})
}

// An answer that began earlier does not take the place of a later one.
func TestOfTwoForeignReadsTheLaterCounts(t *testing.T) {
	s := newForeignStore()
	s.want("i-1", []string{"eni-a"})
	s.apply(second(2), []string{"eni-a"}, nil)
	s.apply(second(1), []string{"eni-a"}, []eni.Interface{{ID: "eni-a"}})
	if found := s.found["eni-a"]; !found.NotFound || !found.ObservedAt.Equal(second(2)) {
		t.Errorf("held is %+v", found)
	}
}
