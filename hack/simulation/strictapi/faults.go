package strictapi

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Range is a duration that chance draws.
type Range struct{ Min, Max time.Duration }

// Exactly is the range of one duration.
func Exactly(d time.Duration) Range { return Range{d, d} }

func (r Range) draw(d dice) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(d.Int64N(int64(r.Max-r.Min)+1))
}

// Faults are what is wrong with one client's connection. Its zero value is nothing.
type Faults struct {
	// Latency is how long a call takes before it takes effect, and once more before it is answered.
	Latency Range
	// ErrorShare is the share of the calls that fail, each with one of Failures, or of all failures there are.
	ErrorShare float64
	Failures   []Failure
	// Hang is how long a call that times out takes, 10 s when it is not set.
	Hang time.Duration
	// Unreachable: every call fails with a refused connection, and there are no watches. A call in progress
	// loses its answer.
	Unreachable bool
	// Stalled: nothing passes, in neither direction, and nobody is told. Calls wait until this is over, then
	// take effect or are answered, or until their callers give up.
	Stalled bool
	// WatchLag is how late an event is delivered. The order within a watch is kept.
	WatchLag Range
	// WatchLife is how long a watch lasts before the server ends it.
	WatchLife Range
	// Repeats is the share of the watches that go on from a resourceVersion which begin with an event once
	// more that came before.
	Repeats float64
	// Stale is how old the answer is that a read with resourceVersion 0 gets, a list or a watch that begins
	// with one. All other reads are fresh.
	Stale Range
	// NoWatchList: the server refuses to send initial events, as older ones do.
	NoWatchList bool
}

// Failure is a way in which a call fails.
type Failure string

const (
	// FailInternal is answered with 500, before the call takes effect.
	FailInternal Failure = "InternalError"
	// FailUnavailable is answered with 503, before the call takes effect.
	FailUnavailable Failure = "ServiceUnavailable"
	// FailThrottled is answered with 429, before the call takes effect.
	FailThrottled Failure = "TooManyRequests"
	// FailTimeout is answered late, with 504; the call has no effect.
	FailTimeout Failure = "Timeout"
	// FailReset breaks the connection before the call takes effect.
	FailReset Failure = "ConnectionReset"
	// FailTimeoutAfter is FailTimeout of a call that took effect.
	FailTimeoutAfter Failure = "TimeoutAfterEffect"
	// FailResetAfter is FailReset of a call that took effect.
	FailResetAfter Failure = "ConnectionResetAfterEffect"
	// FailConflict is for updates and patches, which others get as FailInternal.
	FailConflict Failure = "Conflict"
	// FailExpired is for pages of lists but the first and for watches from a resourceVersion, which others get
	// as FailInternal.
	FailExpired Failure = "Expired"
)

// AllFailures are all ways in which a call can fail.
func AllFailures() []Failure {
	return []Failure{
		FailInternal, FailUnavailable, FailThrottled, FailTimeout, FailReset, FailTimeoutAfter, FailResetAfter, FailConflict, FailExpired,
	}
}

// fits reports whether a call can fail in this way.
func (f Failure) fits(r *request) bool {
	switch f {
	case FailConflict:
		return r.verb == "update" || r.verb == "patch"
	case FailExpired:
		version := r.listOptions.ResourceVersion
		return r.verb == "list" && r.listOptions.Continue != "" || r.verb == "watch" && version != "" && version != "0"
	}
	return true
}

// afterEffect reports whether the call takes effect.
func (f Failure) afterEffect() bool { return f == FailTimeoutAfter || f == FailResetAfter }

// hangs reports whether the answer takes its time.
func (f Failure) hangs() bool { return f == FailTimeout || f == FailTimeoutAfter }

// err is what the caller gets.
func (f Failure) err(r *request) error {
	resource := schema.GroupResource{Group: r.resource.Group, Resource: r.resource.Resource}
	switch f {
	case FailUnavailable:
		return apierrors.NewServiceUnavailable("the server is currently unable to handle the request")
	case FailThrottled:
		return apierrors.NewTooManyRequests("the server has received too many requests and has asked us to try again later", 1)
	case FailTimeout, FailTimeoutAfter:
		return apierrors.NewTimeoutError("request did not complete within the allotted timeout", 0)
	case FailReset, FailResetAfter:
		return r.netError("read", syscall.ECONNRESET)
	case FailConflict:
		return apierrors.NewConflict(resource, r.name, errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	case FailExpired:
		return apierrors.NewResourceExpired("too old resource version")
	}
	return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
}

// netError is a failure of the connection.
func (r *request) netError(operation string, errno syscall.Errno) error {
	method := map[string]string{"create": "Post", "update": "Put", "patch": "Patch", "delete": "Delete"}[r.verb]
	if method == "" {
		method = "Get"
	}
	return &url.Error{
		Op: method, URL: fmt.Sprintf("https://server/apis/%s/%s", r.resource.Resource, key{r.namespace, r.name}),
		Err: &net.OpError{Op: operation, Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 96, 0, 1), Port: 443}, Err: os.NewSyscallError(operation, errno)},
	}
}

// unserved is the answer about a resource that the server does not know.
func (r *request) unserved() error {
	return apierrors.NewGenericServerResponse(http.StatusNotFound, r.verb, schema.GroupResource{Group: r.resource.Group, Resource: r.resource.Resource}, r.name, "404 page not found", 0, true)
}

// dice is a source of chance for one decision, the same in every run of one seed.
type dice struct{ *rand.Rand }

func newDice(seed, count uint64, about ...string) dice {
	return dice{rand.New(rand.NewPCG(seed^hash(about...), count))}
}

// hash is a number for some words.
// Source: the FNV-1a hash, http://www.isthe.com/chongo/tech/comp/fnv/.
func hash(words ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for _, word := range words {
		for i := range len(word) {
			sum = (sum ^ uint64(word[i])) * prime
		}
		sum *= prime // as a zero byte between the words
	}
	return sum
}

func (d dice) chance(share float64) bool { return share > 0 && d.Float64() < share }
