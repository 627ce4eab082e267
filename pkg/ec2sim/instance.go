package ec2sim

import (
	"cmp"
	"slices"
	"time"
)

// Instance states, with the codes that DescribeInstances shows beside them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
const (
	pending      = "pending"
	running      = "running"
	stopping     = "stopping"
	stopped      = "stopped"
	shuttingDown = "shutting-down"
	terminated   = "terminated"
)

var stateCodes = map[string]int{pending: 0, running: 16, shuttingDown: 32, terminated: 48, stopping: 64, stopped: 80}

// slot is a place for an interface: indexes are unique per network card.
type slot struct{ card, device int }

func (a slot) compare(b slot) int {
	return cmp.Or(cmp.Compare(a.card, b.card), cmp.Compare(a.device, b.device))
}

// instance is an EC2 instance. Like an interface's, its map of tags is replaced and
// never changed, so that a shallow copy is a true picture.
type instance struct {
	id, owner   string
	reservation string
	typ         *instanceType
	subnet      *subnet
	state       string
	// turn counts state changes; an event of an earlier turn means nothing.
	turn       int
	image      string
	clientTok  string
	keyName    string
	tags       map[string]string
	launchedAt time.Time
	// reason and stateReason tell why the instance is in its state, as EC2 words it.
	reason      string
	stateReason stateReason
	index       int // AmiLaunchIndex
	// slots is shared by all pictures of the instance: whether an interface is there is
	// told by the interface's own attachment.
	slots map[slot]*networkInterface
	// spoilt slots had an interface detached by force while running; they are of no use
	// until the instance has been stopped.
	spoilt    map[slot]bool
	forgotten bool
}

// stateReason is a code with a text.
type stateReason struct{ code, message string }

func (in *instance) recordID() string          { return in.id }
func (in *instance) tagMap() map[string]string { return in.tags }

func indexedInstanceFilters(name string) bool {
	return name == "instance-state-name" || name == "subnet-id" || name == "private-ip-address" ||
		name == "private-dns-name" || isTagFilter(name)
}

func (in *instance) facts() []indexKey {
	out := make([]indexKey, 0, 4+2*len(in.tags))
	out = append(out, indexKey{"instance-state-name", in.state})
	if p := in.primary(); p != nil {
		out = append(out, indexKey{"subnet-id", p.subnet.id}, indexKey{"private-ip-address", p.privateIP()}, indexKey{"private-dns-name", p.dnsName()})
	}
	for k, v := range in.tags {
		out = append(out, indexKey{"tag-key", k}, indexKey{"tag:" + k, v})
	}
	return out
}

func (in *instance) primary() *networkInterface { return in.slots[slot{}] }

// onCard counts the interfaces of a card, whatever state their attachments are in.
func (in *instance) onCard(card int) int {
	n := 0
	for at := range in.slots {
		if at.card == card {
			n++
		}
	}
	return n
}

// roomOn is how many interfaces a card takes: more than usual on types with flexible ENA
// queues, while interfaces give some of theirs away. Once the last that does is detached,
// the others stay, and no more fit until the usual number does.
func (in *instance) roomOn(card int) int { return in.roomWithout(card, nil) }

// roomWithout is the like for when one interface gives no queues away.
func (in *instance) roomWithout(card int, without *networkInterface) int {
	for at, e := range in.slots {
		if in.typ.queues && e != without && at.card == card && e.attachment != nil && e.attachment.ena.queues > 0 {
			return in.typ.perCard + in.typ.more
		}
	}
	return in.typ.perCard
}

func (s *Simulator) changeInstance(in *instance, alter func()) {
	s.keepInstance(in)
	before := in.facts()
	alter()
	s.instances.reindex(in, before)
}

// turnTo changes an instance's state, and has the next state come after a while.
func (s *Simulator) turnTo(in *instance, state string, now time.Time, next *Distribution) {
	s.changeInstance(in, func() {
		in.state = state
		in.turn++
	})
	if next != nil {
		s.at(now.Add(next.draw(s.rng)), instanceMoves, in.id, in.turn)
	}
}

// terminatedLife is how long a terminated instance is still shown.
const terminatedLife = time.Hour

// moved is what happens when an instance's time in a passing state is over.
func (s *Simulator) moved(id string, turn int, now time.Time) {
	in, ok := s.instances.byID[id]
	if !ok || in.turn != turn {
		return
	}
	switch in.state {
	case pending:
		s.turnTo(in, running, now, nil)
		in.stateReason = stateReason{}
		s.finishLaunch(in)
	case stopping:
		in.spoilt = nil
		s.turnTo(in, stopped, now, nil)
	case shuttingDown:
		s.changeInstance(in, func() {
			s.releaseInterfaces(in)
			in.state = terminated
			in.turn++
		})
		s.at(now.Add(terminatedLife), instanceFades, id, in.turn)
	}
}

// finishLaunch makes the interfaces that came with a launch attached. An attach that
// somebody has asked for since goes its own way.
func (s *Simulator) finishLaunch(in *instance) {
	for _, e := range in.interfaces() {
		if e.attachment.launched {
			s.attached(e.attachment.id)
		}
	}
}

// releaseInterfaces is what a terminated instance does to its interfaces: those with
// delete-on-termination go, unless they were on their way out already, the rest become
// available.
func (s *Simulator) releaseInterfaces(in *instance) {
	for _, e := range in.interfaces() {
		a := e.attachment
		s.unplug(e)
		if a.deleteOnTermination && a.status != detaching {
			s.removeInterface(e)
		}
	}
}

// interfaces are an instance's in order of card and index.
func (in *instance) interfaces() []*networkInterface {
	out := make([]*networkInterface, 0, len(in.slots))
	for _, e := range in.slots {
		out = append(out, e)
	}
	return bySlot(out)
}

func bySlot(list []*networkInterface) []*networkInterface {
	slices.SortFunc(list, func(a, b *networkInterface) int {
		return a.attachment.slot().compare(b.attachment.slot())
	})
	return list
}

func (s *Simulator) forget(id string) {
	if in, ok := s.instances.byID[id]; ok {
		s.keepInstance(in)
		s.instances.remove(in)
		in.forgotten = true
	}
}

func (s *Simulator) instanceByID(id string) (*instance, error) {
	if in, ok := s.instances.byID[id]; ok && !unseen(s, s.unsettled.instances.byID[id]) {
		return in, nil
	}
	return nil, instanceID.missing(id)
}
