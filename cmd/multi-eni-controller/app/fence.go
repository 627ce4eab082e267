package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// fence knows until when our lease lasts at least. It watches the elector's writes to the Lease: one that
// succeeded gives the lease's duration from the moment before it was sent. Our own monotonic clock counts,
// never the times in the Lease.
type fence struct {
	resourcelock.Interface
	duration time.Duration
	// releasable is set once no call is in progress any more.
	releasable atomic.Bool

	mu    sync.Mutex
	until time.Time
	// holder is who had the Lease when it was last read.
	holder string
	// number is which lease it is.
	number int64
}

var (
	errNotReleasable = errors.New("the lease is not given up while calls may be in progress")
	errNotOurs       = errors.New("the lease is not given up: another replica has it")
)

// Get records who has the Lease.
func (f *fence) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := f.Interface.Get(ctx)
	if err == nil {
		f.mu.Lock()
		f.holder = record.HolderIdentity
		f.mu.Unlock()
	}
	return record, raw, err
}

// Create records that we took a Lease that did not exist.
func (f *fence) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	began := time.Now()
	err := f.Interface.Create(ctx, record)
	f.wrote(record, began, err)
	return err
}

// Update records that we took or renewed the Lease, or gave it up.
func (f *fence) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if record.HolderIdentity != f.Identity() && !f.releasable.Load() {
		// The elector gives up a lease that it failed to renew in time. Let it expire instead: our last calls
		// may still be in progress, and their deadlines end with the lease.
		return errNotReleasable
	}
	if record.HolderIdentity != f.Identity() && !f.last() {
		// To give up a lease, the elector reads it, and then goes by what it remembered from before. If we slept
		// past our lease, that would take it from the one who has it now.
		return errNotOurs
	}
	began := time.Now()
	err := f.Interface.Update(ctx, record)
	f.wrote(record, began, err)
	return err
}

// last reports whether the Lease was ours when it was last read. The write that follows meets a conflict if it has
// changed since.
func (f *fence) last() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holder == f.Identity()
}

func (f *fence) wrote(record resourcelock.LeaderElectionRecord, began time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case record.HolderIdentity != f.Identity():
		f.until = time.Time{} // given up, whether the write arrived or not
	case err == nil:
		f.until, f.number = began.Add(f.duration), int64(record.LeaderTransitions)
	}
}

// term is the number of the lease that is ours, which counts the leaders: 0 before it was ours.
func (f *fence) term() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.number
}

// leased returns until when calls that change EC2 may be made; false when the lease is not ours any more.
func (f *fence) leased() (until time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.until, time.Now().Before(f.until)
}
