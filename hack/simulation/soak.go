package simulation

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// churnTime is for how long in an hour things are done and go wrong; then faults pause.
	churnTime = 35 * time.Minute
	// actsAnHour is how many things are done in it.
	actsAnHour = 8
	// lookPause is how long is waited for the property before it is looked for again.
	lookPause = 5 * time.Minute
	// faultShare is the share of the calls to EC2, and of those to the API server, that fail.
	faultShare = 0.01
)

// Soak is a long life of a large cluster: day after day of churn and of calls that fail now and then.
type Soak struct {
	Days, Nodes int
	Seed        uint64
	// Rest waits until every goroutine of the bubble waits.
	Rest func()
	// Queues tells how many keys wait in the work queues, and how many are worked on.
	Queues func() (waiting, busy int)
	// Told gets a line each day.
	Told func(string)
}

// SoakResult is what came of it.
type SoakResult struct {
	Violations []property.Violation
	Trace      *trace
	// Samples are taken each hour, when the property holds.
	Samples []Sample
}

// soak is a Soak in progress.
type soak struct {
	Soak
	*run
	dice
	// hours and acts are how many have been begun; nodeN is the number of the next Node.
	hours, acts, nodeN int
	// unlabelled, stopped and terminated are the Nodes to which that was done, oldest first; extra are the NodeENIs
	// that were created later.
	unlabelled, stopped, terminated, extra []string
	// leads is the name of the replica that does; reigns counts the changes of that.
	leads  atomic.Value
	reigns atomic.Int64
	// writes are the controllers' but those of Leases; events are those that the one that leads has told.
	writes, events atomic.Int64
	samples        []Sample
}

// Run runs the whole of it in a bubble of virtual time, unless the property is violated before.
func (o Soak) Run() (SoakResult, error) {
	d := dice(o.Seed)
	s := &soak{Soak: o, run: newRun(Seed{dice: d}, newSoakWorld(d, o.Nodes), nil), dice: d, nodeN: o.Nodes}
	s.leads.Store("")
	for _, n := range s.world.nodeENIs[len(s.world.nodeENIs)-mostExtra:] {
		s.extra = append(s.extra, n.Name)
	}
	s.server.OnWrite(s.follow)
	if err := s.begin(ec2sim.Options{KeepCalls: 10}); err != nil {
		return SoakResult{}, err
	}
	for number := range o.Days {
		if !s.day(number + 1) {
			break
		}
	}
	s.end()
	return SoakResult{s.watch.found, s.trace, s.samples}, nil
}

// day lasts 24 hours, and one more in which nothing must happen. It reports whether the property has held.
func (s *soak) day(number int) bool {
	began := newDay(s)
	for range 24 {
		if s.hour(); s.failed() {
			return false
		}
	}
	s.Told(began.line(s, number))
	// Until then EC2 forgets what was terminated, which statuses tell.
	time.Sleep(settleTime)
	s.quiet()
	return !s.failed()
}

// newSoakWorld has, in each of three zones, a NodeENI for the Nodes of a node group and one for those of a tier.
func newSoakWorld(d dice, nodes int) *world {
	r := d.of("world", 0)
	w := &world{zones: []string{"us-east-1a", "us-east-1b", "us-east-1c"}, resync: 10 * time.Minute, replicas: 2, renewDeadline: leaseDuration * 2 / 3}
	w.addNetwork(r)
	for i := range nodes {
		w.addNode(d, i)
		drawn := w.nodes[i].Labels
		w.nodes[i] = newNode(w.nodes[i].Name, drawn["zone"], instanceName(i), map[string]string{"zone": drawn["zone"], "tier": drawn["tier"], "ng": "multi"})
	}
	for i, zone := range w.zones {
		for k, selector := range []map[string]string{{"ng": "multi", "zone": zone}, {"tier": "x", "zone": zone}} {
			n := w.newNodeENI(d.of("nodeeni", 2*i+k), fmt.Sprintf("eni-%c%d", 'a'+i, k))
			n.Spec.NodeSelector, n.Spec.SubnetID, n.Spec.DeviceIndex = selector, w.subnets[3*i+1].ID, int32(1+k)
			w.nodeENIs = append(w.nodeENIs, n)
		}
	}
	for i := range mostExtra {
		w.nodeENIs = append(w.nodeENIs, w.newNodeENI(d.of("extra", i), fmt.Sprintf("eni-x%d", i)))
	}
	w.addOtherCluster(d.of("others", 0))
	w.ec2.Seed = r.Int64()
	w.ec2.Latency = ec2sim.Latency{
		Attach: ec2sim.Spread(2*time.Second, 8*time.Second, 20*time.Second),
		Detach: ec2sim.Spread(3*time.Second, 8*time.Second, 20*time.Second),
	}
	w.ec2.Consistency.Lag = ec2sim.Spread(100*time.Millisecond, time.Second, 2*time.Second)
	w.ec2.Variants = variants(r)
	// The simulator remembers all tokens for that long, which would be most of what it holds.
	w.ec2.Variants.TokenLife = ec2sim.Exactly(time.Hour)
	return w
}

// hour does things while calls fail, lets faults pause, and wants the property to hold.
func (s *soak) hour() {
	began, r := time.Now(), s.of("hour", s.hours)
	s.trace.add("HOUR", "%d begins", s.hours)
	s.fail()
	s.restarts()
	for range actsAnHour {
		time.Sleep(between(r, 0, 2*churnTime/actsAnHour))
		if time.Since(began) < churnTime {
			s.act()
		}
	}
	time.Sleep(churnTime - time.Since(began))
	s.heal()
	healed := time.Now()
	time.Sleep(time.Hour - time.Since(began))
	if s.settle(healed); s.failed() {
		return
	}
	s.sample(time.Since(healed))
	s.hours++
}

// fail has one in a hundred calls fail, in several ways.
func (s *soak) fail() {
	r := s.of("faults", s.hours)
	for _, f := range []ec2sim.Fault{
		{Effect: "error", Code: pick(r, codes), Share: 0.4 * faultShare},
		{Effect: "cut-after", Share: 0.2 * faultShare},
		{Effect: "cut-before", Share: 0.2 * faultShare},
		{Effect: "throttle", Share: 0.1 * faultShare},
		{Effect: "delay", Duration: ec2sim.Duration(40 * time.Second), Share: 0.1 * faultShare},
	} {
		if _, err := s.sim.AddFault(f); err != nil {
			s.watch.violated(0, "adding a fault: %v", err)
		}
	}
	for _, p := range s.replicas {
		p.setFaults(strictapi.Faults{ErrorShare: faultShare, WatchLag: strictapi.Range{Max: 5 * time.Second}})
	}
}

// restarts restarts the replica that does not lead twice a day, and has the other one lead early and late, so that the
// memory of one process can be compared over all the time between.
func (s *soak) restarts() {
	total := 24 * s.Days
	changes := []int{1, total - 2}
	if s.Days > 1 {
		changes = append(changes, 20)
	}
	for _, p := range s.replicas {
		switch leads := s.leads.Load() == p.name; {
		case leads && slices.Contains(changes, s.hours):
			p.crash()
		case !leads && s.hours%12 == 6:
			go func() {
				p.stop()
				time.Sleep(time.Minute)
				p.start()
			}()
		}
	}
}

// settle waits until the property holds and nothing is held any more, and helps with what is held on purpose.
func (s *soak) settle(since time.Time) {
	limit := settleTime
	for helped := false; ; {
		nodeENIs, nodes, truth := s.nodeENIs(), s.nodes(), s.truth()
		wrong, holds := property.Check(nodeENIs, nodes, truth), property.Holds(nodeENIs, nodes, truth)
		switch {
		case len(wrong) == 0 && len(holds) == 0:
			return
		case len(wrong) == 0 && !helped:
			for _, h := range holds {
				s.help(h)
			}
			// One hold may come to light behind another.
			helped, limit = true, max(limit, time.Since(since)+2*helpTime)
		case len(wrong) == 0:
			for _, h := range holds {
				s.help(h)
			}
		}
		if time.Since(since) >= limit {
			for _, v := range wrong {
				s.watch.violated(v.Clause, "%v after faults: %s", time.Since(since), v.Message)
			}
			for _, h := range holds {
				s.watch.violated(2, "%v after faults: %s of NodeENI %s is still held: %s", time.Since(since), h.InterfaceID, h.NodeENI, h.Reason)
			}
			return
		}
		time.Sleep(lookPause)
	}
}

// follow counts the writes to the API server, and knows who leads.
func (s *soak) follow(w strictapi.Write) {
	if w.Client != "user" && w.Verb != "expire" && w.Resource != "leases" {
		s.writes.Add(1)
		if w.Resource == "events" && w.Verb == "create" {
			s.events.Add(1)
		}
	}
	if w.Resource == "leases" && holder(w.New) != "" && holder(w.Old) != holder(w.New) {
		s.leads.Store(w.Client)
		s.reigns.Add(1)
		s.events.Store(0)
	}
}

// cut forgets what has been watched up to now, but for what is needed to watch on.
func (s *soak) cut() (present int) {
	snapshot := s.sim.Snapshot()
	there := map[string]bool{}
	for _, e := range snapshot.Interfaces {
		there[e.ID] = true
		if e.Tags[eni.TagClusterID] == clusterID {
			present++
		}
	}
	s.server.TakeWrites()
	s.server.Compact()
	s.trace.cut()
	w := s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = nil
	for id := range w.made {
		if !there[id] {
			delete(w.made, id)
			delete(w.forgotten, id)
		}
	}
	s.cni = slices.DeleteFunc(s.cni, func(id string) bool { return !there[id] })
	return present
}

// keepTrace is how much of a long trace is kept.
const keepTrace = time.Hour

func (t *trace) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := time.Since(t.began) - keepTrace
	from, _ := slices.BinarySearchFunc(t.entries, old, func(e entry, at time.Duration) int { return int(e.at - at) })
	t.entries = slices.Clone(t.entries[from:])
}
