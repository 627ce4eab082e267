package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const leaseDuration = 15 * time.Second

// slowLock is a lock whose writes take a second and then fail or not.
type slowLock struct {
	resourcelock.Interface
	err     error
	updates int
	holder  string
}

func (l *slowLock) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	return &resourcelock.LeaderElectionRecord{HolderIdentity: l.holder}, nil, nil
}

func (l *slowLock) Identity() string { return "me" }

func (l *slowLock) Create(context.Context, resourcelock.LeaderElectionRecord) error {
	time.Sleep(time.Second)
	return l.err
}

func (l *slowLock) Update(context.Context, resourcelock.LeaderElectionRecord) error {
	l.updates++
	time.Sleep(time.Second)
	return l.err
}

func TestFenceLastsFromBeforeTheWriteWasSent(t *testing.T) {
	mine := resourcelock.LeaderElectionRecord{HolderIdentity: "me"}
	for name, write := range map[string]func(*fence) error{
		"created": func(f *fence) error { return f.Create(t.Context(), mine) },
		"renewed": func(f *fence) error { return f.Update(t.Context(), mine) },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fence{Interface: &slowLock{}, duration: leaseDuration}
			if _, ok := f.leased(); ok {
				t.Errorf("%s: leased before anything was written", name)
			}
			sent := time.Now()
			if err := write(f); err != nil {
				t.Fatal(err)
			}
			if until, ok := f.leased(); !ok || !until.Equal(sent.Add(leaseDuration)) {
				t.Errorf("%s: leased until %v (%v), want %v", name, until, ok, sent.Add(leaseDuration))
			}
			time.Sleep(leaseDuration - time.Second)
			if _, ok := f.leased(); ok {
				t.Errorf("%s: still leased when the lease has ended", name)
			}
		})
	}
}

func TestFenceTellsTheNumberOfTheLeaseThatIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := &slowLock{err: errors.New("no answer")}
		f := &fence{Interface: lock, duration: leaseDuration}
		write := func(transitions int) {
			_ = f.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me", LeaderTransitions: transitions})
		}
		if write(3); f.term() != 0 {
			t.Errorf("term %d without a lease, want 0", f.term())
		}
		lock.err = nil
		if write(4); f.term() != 4 {
			t.Errorf("term %d, want 4", f.term())
		}
	})
}

func TestFenceIsNotMovedByAFailedRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := &slowLock{}
		f := &fence{Interface: lock, duration: leaseDuration}
		mine := resourcelock.LeaderElectionRecord{HolderIdentity: "me"}
		if err := f.Create(t.Context(), mine); err != nil {
			t.Fatal(err)
		}
		before, _ := f.leased()
		lock.err = errors.New("no answer")
		if err := f.Update(t.Context(), mine); err == nil {
			t.Fatal("the failed renewal was not reported")
		}
		if after, ok := f.leased(); !ok || !after.Equal(before) {
			t.Errorf("leased until %v (%v), want still %v", after, ok, before)
		}
	})
}

func TestLeaseIsGivenUpOnlyWhenNoCallIsInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := &slowLock{}
		f := &fence{Interface: lock, duration: leaseDuration}
		if err := f.Create(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err != nil {
			t.Fatal(err)
		}
		nobody := resourcelock.LeaderElectionRecord{}
		if err := f.Update(t.Context(), nobody); !errors.Is(err, errNotReleasable) || lock.updates != 0 {
			t.Errorf("giving up while calls may be in progress: err %v, %d writes; want %v and none", err, lock.updates, errNotReleasable)
		}
		f.releasable.Store(true)
		read(t, f, lock, "me")
		if err := f.Update(t.Context(), nobody); err != nil || lock.updates != 1 {
			t.Errorf("giving up afterwards: err %v, %d writes; want one write", err, lock.updates)
		}
		if _, ok := f.leased(); ok {
			t.Error("still leased after giving up")
		}
	})
}

func TestALeaseThatAnotherTookIsNotGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lock := &slowLock{}
		f := &fence{Interface: lock, duration: leaseDuration}
		if err := f.Create(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err != nil {
			t.Fatal(err)
		}
		f.releasable.Store(true)
		read(t, f, lock, "another")
		if err := f.Update(t.Context(), resourcelock.LeaderElectionRecord{}); !errors.Is(err, errNotOurs) || lock.updates != 0 {
			t.Errorf("giving up what another has: err %v, %d writes; want %v and none", err, lock.updates, errNotOurs)
		}
	})
}

func read(t *testing.T, f *fence, lock *slowLock, holder string) {
	t.Helper()
	lock.holder = holder
	if _, _, err := f.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
}
