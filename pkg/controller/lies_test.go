package controller

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// untouched runs a lie and what comes after it, in which nothing may be created, moved or taken away, and all stays
// attached.
func (l *lab) untouched(want int, lie func()) {
	l.Helper()
	mutating := l.mutatingCalls()
	lie()
	if got := l.mutatingCalls() - mutating; got > 0 {
		l.Errorf("%d mutating calls because of a read that lies: %v", got, l.sim.Calls())
	}
	l.wantAttached(want)
	l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
}

// A describe that lacks interfaces which exist, however often it is asked, is no reason to do anything.
func TestADescribeThatLacksInterfacesChangesNothing(t *testing.T) {
	const nodes = 6
	for _, test := range []struct {
		name string
		lie  func(l *lab) ec2sim.Fault
		// both says that lists and reads by ID agree in the lie now and then: only the instance's description then
		// tells that the interface is there, and once it is seen again, that is told.
		both bool
	}{
		{"one is in no list", func(l *lab) ec2sim.Fault { return ec2sim.Fault{Items: l.ids()[:1], Resource: l.cluster.ID} }, false},
		{"no list shows any", func(l *lab) ec2sim.Fault { return ec2sim.Fault{Resource: l.cluster.ID} }, false},
		{"one is in no answer to its ID", func(l *lab) ec2sim.Fault { return ec2sim.Fault{Resource: l.ids()[0]} }, false},
		{"some are left out at random", func(*lab) ec2sim.Fault { return ec2sim.Fault{ItemShare: 0.3} }, true},
		{"every other answer is empty", func(*lab) ec2sim.Fault { return ec2sim.Fault{Every: 2} }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, nodes, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(2 * time.Minute)
				l.untouched(nodes, func() {
					lie := test.lie(l)
					lie.Action, lie.Effect = "DescribeNetworkInterfaces", "omit"
					l.fault(lie)
					l.pass(time.Hour)
					l.heal()
					l.pass(20 * time.Minute)
				})
				l.silent(test.both)
				// And the end is as clean as ever.
				l.fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "omit", ItemShare: 0.2, Times: 20})
				l.delete("a")
				l.finalizerIsHonest("a")
				l.pass(10 * time.Minute)
				l.wantOurs()
			})
		})
	}
}

// silent demands that nobody was told of an interface that is blocked, replaced or lost; of one that is seen again
// only where that may be.
func (l *lab) silent(seenAgain bool) {
	l.Helper()
	for {
		select {
		case event := <-l.events.Events:
			if !strings.Contains(event, " Attached ") && !(seenAgain && strings.Contains(event, " ENIHealed ")) {
				l.Errorf("told because of a read that lies: %s", event)
			}
		default:
			return
		}
	}
}

// ids are those of the interfaces of ours.
func (l *lab) ids() (ids []string) {
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.Tags["networking.k8s.aws/cluster-id"] == l.cluster.ID {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// finalizerIsHonest waits for the finalizer of a deleted NodeENI to go: none of its interfaces may be left then.
func (l *lab) finalizerIsHonest(name string) {
	l.Helper()
	for range 1800 {
		l.pass(time.Second)
		if len(l.nodeENI(name).Finalizers) == 0 {
			l.wantOurs()
			return
		}
	}
	l.Error("the finalizer is still there after half an hour")
}

// A create whose interface the lists do not show, and reads by ID do, is not made again.
func TestACreateThatListsDoNotShowIsMadeOnce(t *testing.T) {
	inLab(t, 3, nil, func(l *lab) {
		l.fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "omit", Resource: l.cluster.ID})
		l.ask("a", 1)
		l.pass(30 * time.Minute)
		l.heal()
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 1 attached", "node-01 1 attached", "node-02 1 attached")
		l.wantCalls("CreateNetworkInterface", 3)
		l.wantCalls("DetachNetworkInterface", 0)
		l.wantCalls("DeleteNetworkInterface", 0)
	})
}

// A describe that lacks the instances is no reason to take anything from them.
func TestADescribeThatLacksInstancesChangesNothing(t *testing.T) {
	for name, lie := range map[string]ec2sim.Fault{
		"all":       {},
		"at random": {ItemShare: 0.5},
		"one":       {Items: []string{instanceID(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 4, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(2 * time.Minute)
				l.untouched(4, func() {
					lie.Action, lie.Effect = "DescribeInstances", "omit"
					l.fault(lie)
					l.pass(time.Hour)
					l.heal()
					l.pass(10 * time.Minute)
				})
			})
		})
	}
}

// smallPages has lists come in pages of five, and those after the first fail while it is on.
type smallPages struct {
	http.RoundTripper
	failing atomic.Bool
	failed  atomic.Int32
}

func (s *smallPages) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	asked := strings.ReplaceAll(string(body), "MaxResults=1000", "MaxResults=5")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(asked)), int64(len(asked))
	if s.failing.Load() && strings.Contains(asked, "NextToken=") {
		s.failed.Add(1)
		return nil, io.ErrUnexpectedEOF
	}
	return s.RoundTripper.RoundTrip(r)
}

// A list of which some pages came is none.
func TestAListThatEndsAfterSomePagesChangesNothing(t *testing.T) {
	const nodes = 12
	inLab(t, nodes, nil, func(l *lab) {
		l.settleAndStop()
		pages := &smallPages{RoundTripper: l.wire.RoundTripper}
		l.wire.RoundTripper = pages
		l.start()
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(nodes)
		l.untouched(nodes, func() {
			pages.failing.Store(true)
			l.pass(time.Hour)
			if pages.failed.Load() == 0 {
				t.Fatal("no page failed: the test shows nothing")
			}
			pages.failing.Store(false)
			l.pass(10 * time.Minute)
		})
		pages.failing.Store(true)
		l.delete("a")
		l.pass(time.Hour)
		if left := len(l.ours()); left > 0 && len(l.nodeENI("a").Finalizers) == 0 {
			t.Errorf("the finalizer is gone, and %d interfaces are left", left)
		}
		pages.failing.Store(false)
		l.finalizerIsHonest("a")
	})
}

// A start at which no list comes to its end does nothing at all.
func TestAStartWithoutAWholeListDoesNothing(t *testing.T) {
	const nodes = 12
	inLab(t, nodes, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.settleAndStop()
		pages := &smallPages{RoundTripper: l.wire.RoundTripper}
		l.wire.RoundTripper = pages
		l.untouched(nodes, func() {
			pages.failing.Store(true)
			l.start()
			l.pass(30 * time.Minute)
			pages.failing.Store(false)
			l.pass(10 * time.Minute)
		})
	})
}

// oldAnswers answers, while it is on, what it has answered to the like question before.
type oldAnswers struct {
	http.RoundTripper
	action string
	on     atomic.Bool

	mu     sync.Mutex
	bodies map[string][]byte
}

func (o *oldAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	if !bytes.Contains(asked, []byte("Action="+o.action+"&")) {
		return o.RoundTripper.RoundTrip(r)
	}
	answer, err := o.RoundTripper.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if old := o.bodies[string(asked)]; o.on.Load() && old != nil {
		body = old
	} else if !o.on.Load() {
		o.bodies[string(asked)] = body
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return answer, nil
}

// withOldInstances runs a story in which DescribeInstances can be told to answer as it did.
func withOldInstances(t *testing.T, story func(*lab, *oldAnswers)) {
	t.Helper()
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		old := &oldAnswers{RoundTripper: l.wire.RoundTripper, action: "DescribeInstances", bodies: map[string][]byte{}}
		l.wire.RoundTripper = old
		l.start()
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantOurs("node-00 1 attached")
		story(l, old)
	})
}

// What EC2 says of an instance may be minutes old. What lives is not taken for dead.
func TestAnInstanceStateThatIsOldTakesNothingFromTheLiving(t *testing.T) {
	for _, act := range []string{"stop", "none"} {
		withOldInstances(t, func(l *lab, old *oldAnswers) {
			if act == "stop" { // what is answered later says stopped, and it runs again
				l.control("POST", "/_sim/instances/"+instanceID(0)+"/stop")
				l.pass(10 * time.Minute)
			}
			l.untouched(1, func() {
				old.on.Store(true)
				if act == "stop" {
					l.control("POST", "/_sim/instances/"+instanceID(0)+"/start")
				}
				l.pass(30 * time.Minute)
				old.on.Store(false)
				l.pass(10 * time.Minute)
			})
		})
	}
}

// A description from before the instance died lets us try a detach, which EC2 refuses; nothing is lost, nothing is
// hammered, and what remains is taken away once EC2 is done.
func TestAnInstanceThatDiesUnseen(t *testing.T) {
	for _, keep := range []bool{false, true} {
		withOldInstances(t, func(l *lab, old *oldAnswers) {
			if keep {
				l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(false) })
				l.pass(time.Minute)
			}
			old.on.Store(true)
			l.fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "Unavailable", Status: 503})
			l.control("POST", "/_sim/instances/"+instanceID(0)+"/terminate")
			l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(0), metav1.DeleteOptions{}))
			l.pass(5 * time.Minute)
			if got := l.calls("DetachNetworkInterface"); got > 10 {
				t.Errorf("%d detaches from an instance that has died", got)
			}
			old.on.Store(false)
			l.heal()
			l.pass(15 * time.Minute)
			l.wantOurs()
		})
	}
}

// While nearly a third of everything is left out of whatever is described, from the beginning to the end, nothing that
// is attached is detached but by order, and no finalizer goes before its interfaces.
func TestFromBeginningToEndUnderAnswersWithGaps(t *testing.T) {
	for seed := range int64(4) {
		inLab(t, 6, func(w *ec2sim.World) { w.Seed = seed + 1 }, func(l *lab) {
			gaps := ec2sim.Fault{Action: "Describe*", Effect: "omit", ItemShare: 0.3}
			l.fault(gaps)
			l.ask("a", 1)
			l.pass(30 * time.Minute)
			l.heal()
			l.pass(10 * time.Minute)
			l.wantAttached(6)
			l.wantCalls("DetachNetworkInterface", 0)
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			l.fault(gaps)
			l.delete("a")
			l.finalizerIsHonest("a")
		})
	}
}
