package simulation

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Coverage counts what really happened in a run, or in many: each act that changed something, each fault that struck.
type Coverage map[string]int

// Add adds another run's.
func (c Coverage) Add(other Coverage) {
	for what, n := range other {
		c[what] += n
	}
}

// tally is a Coverage that goroutines share.
type tally struct {
	mu     sync.Mutex
	counts Coverage
	// open is how many faults may still take effect.
	open atomic.Int64
}

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = Coverage{}
	}
	t.counts[what]++
}

// coverage is what happened in the run.
func (r *run) coverage() Coverage {
	all := Coverage{}
	r.tally.mu.Lock()
	maps.Copy(all, r.tally.counts)
	r.tally.mu.Unlock()
	for what, n := range r.server.Struck() {
		all["API server: "+what] += n
	}
	for _, call := range r.sim.Log(0) {
		if call.Principal != accessKey {
			continue
		}
		if call.Fault == "" {
			all["EC2 by itself: "+call.Code]++
			continue
		}
		all["EC2: "+call.Fault]++
		if call.Fault == "error" {
			all["EC2: error "+call.Code]++
		}
	}
	return all
}

// expected is all that must happen in a few hundred seeds.
func expected() (list []string) {
	for _, a := range slices.Concat(clusterActs, ec2Acts, rareActs, nodeActs) {
		list = append(list, "act: "+a.name)
	}
	for _, f := range slices.Concat(faultKinds, rareFaults, nodeFaults) {
		list = append(list, "fault: "+f.name)
	}
	for _, code := range codes {
		list = append(list, "EC2: error "+code)
	}
	for _, effect := range []string{
		"error", "throttle", "delay", "cut-before", "cut-after", "hang", "garbage", "stuck-attaching", "stuck-detaching", "omit",
	} {
		list = append(list, "EC2: "+effect)
	}
	for _, what := range []string{
		"InternalError", "ServiceUnavailable", "TooManyRequests", "Timeout", "ConnectionReset", "TimeoutAfterEffect",
		"ConnectionResetAfterEffect", "Conflict", "Expired", "unreachable", "stalled", "late event", "repeated event", "stale list",
		"short watch", "no initial events", "compacted", "not served", "killed before a call", "killed after a call",
	} {
		list = append(list, "API server: "+what)
	}
	for _, code := range []string{"IdempotentParameterMismatch", "NetworkInterfaceLimitExceeded", "InvalidGroup.NotFound"} {
		list = append(list, "EC2 by itself: "+code)
	}
	for _, action := range append([]string{"DescribeNetworkInterfaces", "DescribeInstances", "DescribeInstanceTypes", "DescribeSubnets"}, allowed...) {
		list = append(list, "asked for leave: "+action)
	}
	return append(list, "killed before a call to EC2", "killed after a call to EC2", "the leader is paused", "another replica leads", "something happens to the other cluster",
		"the taint is taken", "the taint is put back",
		"adopted", "held: CleanupHalted", "held: TagsLost", "held: DetachStuck")
}
