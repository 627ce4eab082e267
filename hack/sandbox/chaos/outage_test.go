package chaos

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// trouble is an outage. It begins, users act, and it ends.
type trouble struct {
	begin func(l *lab, r *replica)
	end   func(l *lab, r *replica)
	// once means that it is over as soon as it has begun.
	once bool
	// survived means that no process may end by it.
	survived bool
	// probes is how many calls that change EC2 a second may be tried while it lasts, at most.
	probes float64
}

// fault is trouble that the simulator makes.
func fault(f ec2sim.Fault, probes float64) trouble {
	return trouble{
		begin:    func(l *lab, _ *replica) { l.must(l.sim.AddFault(l.ctx, f)) },
		end:      func(l *lab, _ *replica) { l.must(l.sim.RemoveFaults(l.ctx)) },
		survived: true, probes: probes,
	}
}

var troubles = map[string]trouble{
	"kube-apiserver is restarted": {
		begin: func(l *lab, _ *replica) {
			l.rolesUnknown = true
			l.act()
			l.must(l.cluster.RestartAPIServer())
		},
		once: true,
	},
	"etcd is restarted": {
		begin: func(l *lab, _ *replica) {
			l.act()
			l.must(l.cluster.RestartEtcd())
		},
		once: true,
	},
	"kube-apiserver is unreachable": {
		begin: func(_ *lab, r *replica) { r.kube.lose() },
		end:   func(_ *lab, r *replica) { r.kube.restore() },
	},
	"EC2 is unreachable": {
		begin:    func(_ *lab, r *replica) { r.ec2.lose() },
		end:      func(_ *lab, r *replica) { r.ec2.restore() },
		survived: true,
	},
	"EC2 throttles every other call": fault(ec2sim.Fault{Share: 0.5, Effect: "throttle"}, 5),
	"credentials have expired":       fault(ec2sim.Fault{Effect: "error", Code: "RequestExpired", Message: "Request has expired."}, 2),
}

// base is what there is before the trouble: two NodeENIs on three nodes.
func (l *lab) base() {
	l.Helper()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.create(nodeENI("b", sandbox.SubnetB, 2))
	l.eventually("attached", l.holds)
}

// act is what users do meanwhile: an edit, a Node that is not selected any more, and a NodeENI in another one's place.
func (l *lab) act() {
	l.Helper()
	l.edit("a", map[string]any{"securityGroupIDs": []string{sandbox.Storage}})
	l.delete("b")
	l.create(nodeENI("c", sandbox.SubnetA, 2))
	l.label("node3", map[string]any{"ng": nil})
}

// meanwhile lets time pass in which something must go on being true.
func (l *lab) meanwhile(d time.Duration, check func() error) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.ctx, d)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(context.Context) (bool, error) { return false, check() })
	if !wait.Interrupted(err) {
		l.Fatal(err)
	}
}

func TestOutages(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			r := l.newReplica(quickLease...)
			l.base()
			process := r.process()
			goroutines, err := r.goroutines(l.ctx)
			l.must(err)

			trouble.begin(l, r)
			if !trouble.once {
				l.act()
				l.last(r, trouble)
				trouble.end(l, r)
			}
			l.settled("recovered")
			if trouble.survived {
				if r.process() != process {
					t.Errorf("the controller has ended\n%s", sandbox.Tail(process.Log()))
				}
				l.noMoreGoroutines(r, goroutines)
			}
			t.Logf("%d starts, calls: %v", r.starts(), r.counts())
		})
	}
}

// last lets the trouble last. Who is in trouble must not call all the time.
func (l *lab) last(r *replica, trouble trouble) {
	l.Helper()
	began := time.Now()
	const atOnce = 20 // what was under way
	l.meanwhile(outage(), func() error {
		probes := map[string]int{}
		total := 0
		for _, c := range r.since(began) {
			if c.ec2() && c.changes() {
				probes[c.kind]++
				total++
			}
		}
		if float64(total) > atOnce+trouble.probes*time.Since(began).Seconds() {
			return fmt.Errorf("in %s of trouble EC2 was to change %v", time.Since(began).Round(time.Second), probes)
		}
		return nil
	})
	calls := map[string]int{}
	for _, c := range r.since(began) {
		calls[c.kind]++
	}
	l.Logf("in %s of trouble: %v", outage(), calls)
}
