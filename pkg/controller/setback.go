package controller

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	firstSetback = 5 * time.Second
	// maxSetback bounds how long a refusal is believed although nobody tells us that its cause is gone: no
	// event comes from EC2 when a subnet has addresses again.
	maxSetback = 5 * time.Minute
	// firstPause and maxPause are the same for a failure that may be over at once.
	firstPause = time.Second
	maxPause   = time.Minute
	// unclearPatience is how long the last pause may be before an unclear refusal counts as one: all of them together
	// are longer than reads lag behind.
	unclearPatience = 8 * time.Second
	// lastingTries and lastingAfter are how often in a row, and for how long, a call has failed for what may be over at
	// once, when a person is told.
	lastingTries = 3
	lastingAfter = 3 * time.Minute
	// probeTime is how long one probe of a cause may take before the next may start, and for how long a
	// setback is remembered that nobody tries again.
	probeTime = time.Minute
	// keepIdle is for how long a slot's setback is kept, so that its back-off goes on, when nobody tries again.
	keepIdle = time.Hour
	// keepEndured is the same for one that has been told as lasting: where EC2 answers nothing, nobody tries again
	// before it has shown what is needed for that.
	keepEndured = 24 * time.Hour
	// probePause is how often those who wait for a probe look what it found.
	probePause = time.Second
)

// setbacks remembers the calls to EC2 that failed, so that whatever wakes a worker up, a call that has just
// failed is not made again before its time. A failure that concerns one wanted interface stands for its slot, one
// of taking an interface away for the interface; a refusal that concerns many nodes at once (a full subnet, a
// denied action) stands for its cause (causes.go), so that one probe for each back-off step asks EC2 again and
// not every node.
type setbacks struct {
	mu     sync.Mutex
	own    map[subject]*setback
	causes map[cause]*shared
	// enough is how many own ones may be held before those are looked for that are too old.
	enough int
}

// setback is one remembered failure.
type setback struct {
	plan.Setback
	step time.Duration
	// generation is the edit of the spec that it is about; zero when the spec does not matter.
	generation int64
	probing    time.Time
	// since is when the first of those failures in a row was that may each be over at once, tries is how many these are.
	since time.Time
	tries int
	// doubted is another message than the one that is told, by the latest of them.
	doubted string
	// overruled is what the cache showed when a live read spoke against the call (overruled.go); empty for a call that
	// was made.
	overruled string
}

// refuse records a refusal and doubles how long it stands.
func (s *setback) refuse(reason, message string, generation int64, now time.Time) {
	if generation != s.generation {
		s.step = 0
	}
	s.step = min(max(2*s.step, firstSetback), maxSetback)
	s.generation, s.probing, s.tries = generation, time.Time{}, 0
	s.Setback = plan.Setback{Reason: reason, Message: message, Until: now.Add(s.step)}
}

// pause records a failure that may be over at once. It says nothing against an earlier refusal.
func (s *setback) pause(message string, generation int64, now time.Time) {
	if generation != s.generation || s.over(now) {
		*s = setback{generation: generation}
	}
	if s.tries++; s.tries == 1 {
		s.since = now
	}
	s.step = min(max(2*s.step, firstPause), max(s.step, maxPause))
	s.Until = now.Add(s.step)
	if s.Reason == "" {
		s.Message = message
	}
}

// unclear records a refusal that does not say what is wrong: for a while, in which the state of things is read anew and
// decides, it may be over at once; after that it is a refusal like another.
func (s *setback) unclear(reason, message, retry string, generation int64, now time.Time) {
	fresh := generation != s.generation || s.stale(now)
	if fresh || (s.Reason == "" && s.step < unclearPatience) {
		s.pause(retry, generation, now)
		s.probing = time.Time{}
		return
	}
	s.refuse(reason, message, generation, now)
}

// lasts reports whether what may be over at once is not, for so long that somebody should know.
func (s *setback) lasts(now time.Time) bool {
	return s.tries >= lastingTries && now.Sub(s.since) >= lastingAfter
}

// endure has a failure that lasts told, and tried again less often, as a refusal is.
func (s *setback) endure(reason, message string, now time.Time) {
	s.step = min(2*s.step, maxSetback)
	told := message
	if s.Reason == reason && message != s.Message && message != s.doubted {
		told = s.Message // answers that take turns are not worth a status each
	}
	if s.doubted = message; told == message {
		s.doubted = ""
	}
	s.Setback = plan.Setback{Reason: reason, Message: told, Until: now.Add(s.step)}
}

// over reports whether a setback says nothing any more, as nobody has tried again for long.
func (s *setback) over(now time.Time) bool {
	if s.Reason != "" && s.tries >= lastingTries {
		return !now.Before(s.Until.Add(keepEndured))
	}
	return s.stale(now)
}

// stale reports whether nobody has tried again although the time for it is long over: nobody wants to.
func (s *setback) stale(now time.Time) bool { return !now.Before(s.Until.Add(probeTime)) }

// appliesTo reports whether a setback concerns the NodeENI as it is now: one that lies in the spec ends with the
// spec's next edit.
func (s *setback) appliesTo(n *v1alpha1.NodeENI) bool {
	return s.generation == 0 || s.generation == n.Generation
}

// probed reports whether somebody is trying the call.
func (s *setback) probed(now time.Time) bool { return now.Sub(s.probing) < probeTime }

// joined is a setback that holds as long as both, for the reason of the first, if that has one.
func joined(a, b plan.Setback) plan.Setback {
	both := a
	if both.Reason == "" && b.Reason != "" {
		both.Reason, both.Message = b.Reason, b.Message
	}
	if b.Until.After(both.Until) {
		both.Until = b.Until
	}
	return both
}

// admit is asked right before a call. When a cause's time is over, one caller is let through as its probe; the
// others are told to wait for what the probe finds.
func (s *setbacks) admit(c call, now time.Time) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.causes) == 0 {
		return true // as most of the time
	}
	var probes []*shared
	causes := c.causes()
	known := s.known(causes, c.nodeENI, now)
	for _, one := range causes {
		b := s.causes[one]
		switch {
		case !b.standsAgainst(c.nodeENI):
		case b.dueFor(c.subject()).After(now) || b.probed(now):
			return false
		default:
			probes = append(probes, b)
		}
	}
	for _, b := range probes {
		if !known {
			b.Reason, b.Message = "", "" // it was not told any more, and is not told again before it is known
		}
		b.probing = now
	}
	return true
}

// notAsked takes an admission back: EC2 has not looked at the call, so the next caller is the probe.
func (s *setbacks) notAsked(c call, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endProbes(c)
	if eni.KindOf(err) == eni.KindThrottled {
		s.throttled(c, retryMessage(err), now)
	}
}

func (s *setbacks) endProbes(c call) {
	for _, one := range c.causes() {
		if b := s.causes[one]; b != nil {
			b.probing = time.Time{}
		}
	}
}

// failed records that a call failed, by what is to be done about it. It returns what is to be told when the call is
// refused now for a reason for which it was not before.
func (s *setbacks) failed(c call, reason, message string, err error, now time.Time) (news string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endProbes(c) // it was not for the other causes that the call was refused
	b, generation := s.concerned(c, err, now)
	if b.overruled != "" {
		*b = setback{} // the call was made: what spoke against it is over
	}
	before := b.Setback
	if _, common := c.causeOf(err); common && before.Reason == reason && generation == b.generation {
		message = before.Message // it names the call and the interface of the one who asked, who is another one each time
	}
	switch kind := eni.KindOf(err); {
	case kind == eni.KindUnclear:
		b.unclear(reason, message, retryMessage(err), generation, now)
	case eni.DispositionOf(err) == eni.Blocked:
		b.refuse(reason, message, generation, now)
	default:
		b.pause(retryMessage(err), generation, now)
		if !c.stuck && b.lasts(now) {
			reason, message = explainEndured(c, b.since, err)
			b.endure(reason, message, now)
		}
	}
	if refused(err) {
		s.unconfirmed(c, b, now)
	}
	if b.Reason == "" || (b.Reason == before.Reason && b.Message == before.Message) {
		return ""
	}
	return b.Message
}

// unconfirmed takes the reasons from the other causes that might stand against a call which EC2 has looked at: they are
// long over, and it refused the call for another one.
func (s *setbacks) unconfirmed(c call, found *setback, now time.Time) {
	for _, one := range c.causes() {
		if b := s.causes[one]; b != nil && &b.setback != found && b.stale(now) {
			b.Reason, b.Message = "", ""
		}
	}
}

// concerned is the setback that a failure adds to, and the edit of the spec that it is about.
func (s *setbacks) concerned(c call, err error, now time.Time) (b *setback, generation int64) {
	one, common := c.causeOf(err)
	if common {
		if one.ofSpec() {
			generation = c.generation()
		}
		sh := remember(&s.causes, one)
		if generation != sh.generation {
			*sh = shared{setback: setback{generation: generation}}
		}
		sh.asked, sh.others = c.subject().slot.NodeENI, false
		if !one.doubtful() || !sh.testify(c, now) {
			return &sh.setback, generation
		}
	}
	s.pruneOwn(now)
	return remember(&s.own, c.subject()), c.generation()
}

// pruneOwn forgets, once in a while, instances and interfaces that are gone, and slots that nobody wants any more.
func (s *setbacks) pruneOwn(now time.Time) {
	const few = 256
	if len(s.own) < max(few, s.enough) {
		return
	}
	defer func() { s.enough = 2 * len(s.own) }()
	maps.DeleteFunc(s.own, func(_ subject, b *setback) bool { return !now.Before(b.Until.Add(keepIdle)) && b.over(now) })
}

func remember[K comparable, V any](in *map[K]*V, key K) *V {
	if *in == nil {
		*in = map[K]*V{}
	}
	if (*in)[key] == nil {
		(*in)[key] = new(V)
	}
	return (*in)[key]
}

// succeeded forgets what stood against the call, and the causes that it has disproved.
func (s *setbacks) succeeded(c call, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.own, c.subject())
	s.disprove(c, now)
}

// accepted forgets the causes that a call has disproved which does not end with EC2's answer.
func (s *setbacks) accepted(c call, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disprove(c, now)
}

func (s *setbacks) disprove(c call, now time.Time) {
	if len(s.causes) == 0 {
		return
	}
	for _, one := range c.causes() {
		b := s.causes[one]
		if b == nil {
			continue
		}
		if b.clear(&s.own, c.subject(), now); len(b.witnesses) == 0 {
			delete(s.causes, one)
		}
	}
}

// forget drops everything about a NodeENI that is gone.
func (s *setbacks) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.own, func(who subject, _ *setback) bool { return who.slot.NodeENI == uid })
	maps.DeleteFunc(s.causes, func(c cause, _ *shared) bool { return c.nodeENI == uid })
}

func slotKey(n *v1alpha1.NodeENI, instanceID string) plan.SlotKey {
	return plan.SlotKey{NodeENI: n.UID, Instance: instanceID, Slot: plan.SlotOf(n)}
}
