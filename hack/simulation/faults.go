package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// faultKind is one kind of thing that goes wrong, for a while.
type faultKind struct {
	name   string
	weight int
	begin  func(*fault) string
}

// fault is one that goes wrong.
type fault struct {
	*run
	*rand.Rand
	number int
	// later says that it shows only later whether it takes effect.
	later bool
}

// killed is the name of the fault that takes effect at once.
const killed = "a replica is killed"

var faultKinds = []faultKind{
	{"EC2 refuses", 6, (*fault).refuse},
	{"EC2 throttles", 2, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "throttle", Share: 0.5}) }},
	{"connections to EC2 are cut before calls take effect", 2, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "cut-before", Share: 0.4}) }},
	{"connections to EC2 are cut after calls took effect", 4, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "cut-after", Share: 0.5}) }},
	{"connections to EC2 are cut, and creates take effect later", 2, (*fault).delayCreates},
	{"EC2 answers garbage", 2, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "garbage", Share: 0.5}) }},
	{"EC2 is slow", 2, func(f *fault) string {
		return f.ec2(ec2sim.Fault{Effect: "delay", Share: 0.5, Duration: ec2sim.Duration(between(f.Rand, time.Second, 45*time.Second))})
	}},
	{"EC2 hangs", 1, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "hang", Share: 0.5}) }},
	{"EC2 is unreachable", 1, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "cut-before", Action: "*"}) }},
	{"an attach never ends", 1, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "stuck-attaching", Times: 1}) }},
	{"a detach never ends", 1, func(f *fault) string { return f.ec2(ec2sim.Fault{Effect: "stuck-detaching", Times: 1}) }},
	{"the API server errs", 4, func(f *fault) string {
		return f.api(strictapi.Faults{ErrorShare: 0.4, Latency: strictapi.Range{Max: time.Second}, Hang: 10 * time.Second})
	}},
	{"the API server is unreachable", 2, func(f *fault) string { return f.api(strictapi.Faults{Unreachable: true}) }},
	{"watches lag", 3, func(f *fault) string {
		return f.api(strictapi.Faults{
			WatchLag: strictapi.Range{Max: between(f.Rand, time.Second, 2*time.Minute)}, Stale: strictapi.Range{Max: 2 * time.Minute}, Repeats: 0.5,
		})
	}},
	{"EC2 leaves things out", 2, func(f *fault) string {
		return f.ec2(ec2sim.Fault{Effect: "omit", Action: "Describe*", Share: 0.5, ItemShare: 0.3})
	}},
	{"credentials have expired", 1, func(f *fault) string {
		return f.ec2(ec2sim.Fault{Effect: "error", Action: "*", Code: "RequestExpired"})
	}},
	{"the API server stalls", 2, func(f *fault) string { return f.api(strictapi.Faults{Stalled: true}) }},
	{"the API server is an older one", 2, func(f *fault) string {
		told := f.api(strictapi.Faults{NoWatchList: true, WatchLife: strictapi.Range{Min: 5 * time.Second, Max: time.Minute}, Stale: strictapi.Range{Max: time.Minute}})
		f.dropWatches()
		return told
	}},
	{"the API server does not know NodeENIs", 1, func(f *fault) string {
		while := f.while()
		f.strikes(while)
		f.server.SetServed("nodeenis", false)
		time.AfterFunc(while, func() { f.server.SetServed("nodeenis", true) })
		return fmt.Sprintf("for %v", while)
	}},
	{"watches are dropped", 2, (*fault).dropWatches},
	{"etcd is compacted", 2, (*fault).compact},
	{killed, 3, (*fault).crash},
	{"a replica is killed at a call to EC2", 5, (*fault).crashAtEC2},
	{"a replica is killed at a call to the API server", 4, (*fault).crashAtAPI},
	{"a replica is paused", 3, (*fault).pause},
	{"a replica is restarted", 2, (*fault).restart},
}

// actions are what a fault of EC2's may concern.
var actions = []string{
	"CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface", "ModifyNetworkInterfaceAttribute",
	"Describe*", "DescribeNetworkInterfaces", "DescribeInstances", "DescribeSubnets", "*Tags", "*", "*",
}

// codes are what EC2 refuses calls with.
var codes = []string{
	"InternalError", "InternalError", "Unavailable", "RequestLimitExceeded", "UnauthorizedOperation", "RequestExpired", "AuthFailure",
	"InvalidParameterValue", "InvalidNetworkInterfaceID.NotFound", "InvalidInstanceID.NotFound", "IncorrectState", "InvalidNetworkInterface.InUse",
	"InsufficientFreeAddressesInSubnet", "NetworkInterfaceLimitExceeded", "AttachmentLimitExceeded", "IdempotentParameterMismatch", "SomethingNew",
}

// longest is how long a fault lasts at most.
const longest = 8 * time.Minute

// while is how long a fault lasts.
func (f *fault) while() time.Duration { return between(f.Rand, 20*time.Second, longest) }

// ec2 has EC2 go wrong for a while.
func (f *fault) ec2(rule ec2sim.Fault) string {
	if rule.Action == "" && rule.Times == 0 {
		rule.Action = pick(f.Rand, actions)
	}
	while := f.while()
	added, err := f.sim.AddFault(rule)
	if err != nil {
		return err.Error()
	}
	f.strikesEC2(added.ID, while)
	if rule.Effect == "omit" {
		for _, cluster := range f.clusters() {
			cluster.watch.lies(while)
		}
	}
	return fmt.Sprintf("%s %s %v for %v", added.Action, added.Effect, added.Code, while)
}

// refuse has EC2 answer with an error. A describe is only ever refused with what describes are refused with.
func (f *fault) refuse() string {
	action, code := pick(f.Rand, actions), pick(f.Rand, codes)
	rule := ec2sim.Fault{Effect: "error", Action: action, Code: code, Share: ec2sim.Share(pick(f.Rand, []float64{0.3, 0.6, 1}))}
	if chance(f.Rand, 0.3) {
		rule.Times = 1 + f.IntN(3)
	}
	return f.ec2(rule)
}

// api has one replica's connection to the API server go wrong for a while, or that of all.
func (f *fault) api(faults strictapi.Faults) string {
	while := f.while()
	f.watch.troubled(while)
	f.strikes(while)
	replicas := f.replicas
	if chance(f.Rand, 0.5) {
		replicas = []*replica{pick(f.Rand, f.replicas)}
	}
	who := ""
	for _, r := range replicas {
		who += " " + r.name
		r.setFaults(faults)
		time.AfterFunc(while, func() { r.setFaults(strictapi.Faults{}) })
	}
	return fmt.Sprintf("for%s for %v", who, while)
}

// one is one of the replicas.
func (f *fault) one() *replica { return pick(f.Rand, f.replicas) }

func (f *fault) dropWatches() string {
	for _, r := range f.replicas {
		if p := r.living(); p != nil {
			p.client.DropWatches()
		}
	}
	return "of all replicas"
}

func (f *fault) compact() string {
	f.server.Compact()
	return f.dropWatches()
}

func (f *fault) crash() string {
	r := f.one()
	if r.living() == nil {
		f.later = true // never
	}
	r.crash()
	return r.name
}

func (f *fault) crashAtEC2() string {
	f.later = true // told by the call
	n, late := 1+f.IntN(12), chance(f.Rand, 0.5)
	for _, r := range f.replicas {
		if p := r.living(); p != nil {
			p.wire.killAt(n, late)
		}
	}
	return fmt.Sprintf("the %d. from now, after it took effect: %v", n, late)
}

func (f *fault) crashAtAPI() string {
	f.later = true // told by the call
	n, late := 1+f.IntN(25), chance(f.Rand, 0.5)
	r := f.one()
	if p := r.living(); p != nil {
		p.client.KillAt(n, late)
	}
	return fmt.Sprintf("%s at the %d. from now, after it took effect: %v", r.name, n, late)
}

// pause stops a process as SIGSTOP does, and lets it go on when another one may lead.
func (f *fault) pause() string {
	r := f.one()
	p := r.living()
	if p == nil {
		f.later = true // never
		return "it is not alive"
	}
	if f.watch.leads(r.name) {
		f.tally.add("the leader is paused")
	}
	d := between(f.Rand, 5*time.Second, 2*leaseDuration)
	f.watch.troubled(d)
	p.gate.shut()
	p.wire.gate.shut()
	time.AfterFunc(d, func() {
		f.trace.add(r.name, "wakes up")
		p.gate.open()
		p.wire.gate.open()
	})
	return fmt.Sprintf("%s for %v", r.name, d)
}

func (f *fault) restart() string {
	r := f.one()
	d := between(f.Rand, time.Second, 3*time.Minute)
	go func() {
		r.stop()
		time.Sleep(d)
		r.start()
	}()
	return fmt.Sprintf("%s after %v", r.name, d)
}
