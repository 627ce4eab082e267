package ec2sim

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Options are what a simulator is given beside its world.
type Options struct {
	// Clock is the source of time; nil is SystemClock.
	Clock Clock
	// Seed, where not 0, replaces the world's.
	Seed int64
	// KeepCalls is how many calls the log remembers; 0 is 100,000.
	KeepCalls int
}

// Simulator is one account in one Region. It is an http.Handler that speaks EC2's Query
// protocol and, under /_sim/, its own control protocol. It starts no goroutine.
type Simulator struct {
	clock Clock

	mu sync.Mutex
	state
	// log is of the process, not of the world: it outlives a restored world.
	log callLog
	// audience is who looks at the console.
	audience audience
	// scratch is where answers are written before they are copied out, under the lock.
	scratch []byte
}

// state is all that a snapshot holds and a restore replaces.
type state struct {
	// offset is what POST /_sim/clock has added to the clock.
	offset time.Duration
	// when is the time of what is just happening: that of the call in hand, or that of an
	// event which came due before it.
	when time.Time
	// rng draws from source, whose state can be saved.
	rng    *rand.Rand
	source *rand.PCG
	// pageKey seals pagination tokens.
	pageKey [32]byte

	region, account string
	latency         Latency
	variants        Variants
	quotas          Quotas
	lag             Distribution

	subnets    *table[*subnet]
	groups     *table[*securityGroup]
	vpcs       *table[*vpc]
	instances  *table[*instance]
	interfaces *table[*networkInterface]
	// attachments finds an interface by its attachment's ID.
	attachments map[string]*networkInterface
	tokens      map[tokenKey]tokenRecord
	// tokenSweep is how many tokens there may be before the expired ones are dropped.
	tokenSweep int
	unsettled  unsettled
	// readPath is where the call that holds the lock reads from.
	readPath int
	// reserved are addresses that a world in building names for somebody.
	reserved map[netip.Addr]bool

	due     eventQueue
	buckets map[string]*bucket
	faults  []*faultRule
	faultN  int
	// leftOut is what a fault left out of the last list that should have shown it.
	leftOut    map[string]bool
	principals []Principal
	access     *access
}

// New builds a simulator, or says with a *FieldError why the world cannot be.
func New(w World, opts Options) (*Simulator, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	s := &Simulator{clock: opts.Clock, log: callLog{size: opts.KeepCalls}}
	if s.clock == nil {
		s.clock = SystemClock{}
	}
	return s, s.load(w, orDefault(opts.Seed, w.Seed))
}

// load fills the simulator from a world.
func (s *Simulator) load(w World, seed int64) error {
	s.source = rand.NewPCG(uint64(seed), 0x656332)
	s.rng = rand.New(s.source)
	for i := range s.pageKey {
		s.pageKey[i] = byte(s.rng.Uint32())
	}
	s.region = orDefault(w.Region, "us-east-1")
	s.account = orDefault(w.Account, "123456789012")
	s.latency = w.Latency.withDefaults()
	s.variants = w.Variants.withDefaults()
	s.quotas = w.Quotas.withDefaults()
	s.lag = w.Consistency.Lag
	s.attachments = map[string]*networkInterface{}
	s.tokens = map[tokenKey]tokenRecord{}
	s.unsettled = newUnsettled()
	s.tokenSweep = minSweep
	s.buckets = map[string]*bucket{}
	access, err := newAccess(w.Principals)
	if err != nil {
		return err
	}
	s.access, s.principals = access, w.Principals
	for _, f := range w.Faults {
		s.addFault(f)
	}
	return s.populate(w)
}

// now is the simulator's time; callers hold the lock.
func (s *Simulator) now() time.Time { return s.clock.Now().Add(s.offset) }

// locked runs f with the lock held, after everything that was due by now has happened.
func (s *Simulator) locked(f func(now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.audience.tell()
	now := s.now()
	s.settle(now)
	s.when = now
	f(now)
}

// ServeHTTP implements http.Handler.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isConsole(r):
		s.serveConsole(w, r)
	case isControl(r.URL.Path):
		s.serveControl(w, r)
	default:
		s.serveQuery(w, r)
	}
}
