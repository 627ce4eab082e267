package controller

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// made is an interface that an earlier life of the controller has made for NodeENI "a" on node-00.
func made(id, subnet string, index int32, attached bool) ec2sim.Interface {
	owner := eni.Owner{
		ClusterID: "cluster-1", ClusterName: "prod", NodeENIUID: "uid-a", NodeENIName: "a", NodeName: nodeName(0),
		InstanceID: instanceID(0), Slot: eni.Slot{Index: index},
	}
	i := ec2sim.Interface{ID: id, Subnet: subnet, SecurityGroups: []string{groupA}, Tags: owner.Tags()}
	if attached {
		i.Attachment = &ec2sim.Attachment{Instance: instanceID(0), DeviceIndex: int(index)}
	}
	return i
}

// wantOnly compares the one interface of ours; any ID will do when it is empty.
func (l *lab) wantOnly(id, where string) {
	l.Helper()
	l.wantOurs(nodeName(0) + " " + where)
	if got := l.onlyOurs(); id != "" && got != id {
		l.Errorf("the interface is %s, want %s", got, id)
	}
}

// Of several interfaces for one slot the one that is kept must fit the spec, attached or not.
func TestSurplusWhoseKeeperIsInTheWrongSubnet(t *testing.T) {
	const right, wrong = "eni-0000000000000000b", "eni-0000000000000000c"
	for _, test := range []struct {
		name       string
		interfaces []ec2sim.Interface
		// kept is empty when a new one is to be made.
		kept            string
		creates, detach int
	}{
		{"wrong one attached, right one available", []ec2sim.Interface{made(right, subnetA, 1, false), made(wrong, subnetB, 1, true)}, right, 0, 1},
		{"right one attached, wrong one available", []ec2sim.Interface{made(right, subnetA, 1, true), made(wrong, subnetB, 1, false)}, right, 0, 0},
		{"both available", []ec2sim.Interface{made(right, subnetA, 1, false), made(wrong, subnetB, 1, false)}, right, 0, 0},
		{"two wrong ones, one attached", []ec2sim.Interface{made(right, subnetB, 1, false), made(wrong, subnetB, 1, true)}, "", 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, func(w *ec2sim.World) { w.Interfaces = test.interfaces }, func(l *lab) {
				l.ask("a", 1)
				l.pass(10 * time.Minute)
				l.wantOnly(test.kept, "1 attached")
				l.wantCalls("CreateNetworkInterface", test.creates)
				l.wantCalls("DetachNetworkInterface", test.detach)
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			})
		})
	}
}

// Of two Nodes that name one instance the newer counts; nothing is made twice, or taken away, whichever goes.
func TestTwoNodesWithOneInstance(t *testing.T) {
	for _, goes := range []string{"old", "new"} {
		t.Run(goes+" one goes", func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				id := l.onlyOurs()
				_, err := l.kube.CoreV1().Nodes().Create(l.Context(), &corev1.Node{
					ObjectMeta: metav1.ObjectMeta{Name: "double", UID: "uid-double", Labels: map[string]string{"ng": "multi"}, CreationTimestamp: metav1.Now()},
					Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(0)},
				}, metav1.CreateOptions{})
				l.must(err)
				l.pass(10 * time.Minute)
				var states []string
				for _, a := range l.nodeENI("a").Status.Attachments {
					states = append(states, fmt.Sprint(a.NodeName, " ", a.State, " ", a.Reason))
				}
				if got, want := strings.Join(states, ", "), "node-00 Blocked DuplicateInstance, double Attached "; got != want {
					t.Errorf("attachments: %s; want %s", got, want)
				}
				gone := nodeName(0)
				if goes == "new" {
					gone = "double"
				}
				l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), gone, metav1.DeleteOptions{}))
				l.pass(10 * time.Minute)
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
				if now := l.onlyOurs(); now != id {
					t.Errorf("the interface is %s, was %s", now, id)
				}
				l.wantCalls("CreateNetworkInterface", 1)
				l.wantCalls("DetachNetworkInterface", 0)
			})
		})
	}
}

// Under a new identity that owns the old one's interfaces too, each stays where it is.
func TestAnotherClusterIDThatOwnsTheFirstTakesOver(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.stop()
		l.cluster = plan.Cluster{ID: "cluster-1b", Name: "prod", AlsoOwned: []string{"cluster-1"}}
		l.start()
		l.pass(20 * time.Minute)
		l.wantOurs("node-00 1 attached", "node-01 1 attached")
		l.wantCalls("CreateNetworkInterface", 2)
		l.wantCalls("DetachNetworkInterface", 0)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.delete("a")
		l.pass(5 * time.Minute)
		l.wantOurs()
	})
}

// slotTaker takes the slot, the first time that somebody is about to.
type slotTaker struct {
	http.RoundTripper
	once sync.Once
	take func()
}

func (r *slotTaker) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(body), "Action=AttachNetworkInterface&") {
		r.once.Do(r.take)
	}
	request.Body = io.NopCloser(strings.NewReader(string(body)))
	return r.RoundTripper.RoundTrip(request)
}

func TestASlotTakenBetweenCreateAndAttach(t *testing.T) {
	const theirs = "eni-0000000000000000f"
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		l.wire.RoundTripper = &slotTaker{RoundTripper: l.wire.RoundTripper, take: func() {
			l.controlWith("POST", "/_sim/interfaces", strings.NewReader(fmt.Sprintf(
				`{"id": %q, "subnet": %q, "securityGroups": [%q], "description": "aws-K8S-i", "attachment": {"instance": %q, "deviceIndex": 1}}`, theirs, subnetB, groupB, instanceID(0))))
		}}
		l.start()
		l.ask("a", 1)
		l.pass(time.Minute)
		l.wantOurs("node-00 available") // it is kept for a while
		first := l.onlyOurs()
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonDeviceIndexInUse)
		if got := l.stalledMessage("a"); !strings.Contains(got, theirs) {
			t.Errorf("the message does not say who has the slot: %s", got)
		}
		l.pass(10 * time.Minute)
		l.wantOurs()
		l.pass(2 * time.Hour)
		l.wantOurs()
		l.wantCalls("CreateNetworkInterface", 1)
		l.wantCalls("AttachNetworkInterface", 1)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonDeviceIndexInUse)

		l.control("POST", "/_sim/interfaces/"+theirs+"/detach?now=true")
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 1 attached")
		if now := l.onlyOurs(); now == first {
			t.Errorf("%s was deleted and is back", now)
		}
		l.wantCalls("CreateNetworkInterface", 2)
	})
}

// A slot that is free again within minutes goes to the interface that was made for it.
func TestASlotTakenForAShortTime(t *testing.T) {
	const theirs = "eni-0000000000000000f"
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		l.wire.RoundTripper = &slotTaker{RoundTripper: l.wire.RoundTripper, take: func() {
			l.controlWith("POST", "/_sim/interfaces", strings.NewReader(fmt.Sprintf(
				`{"id": %q, "subnet": %q, "attachment": {"instance": %q, "deviceIndex": 1}}`, theirs, subnetB, instanceID(0))))
		}}
		l.start()
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		first := l.onlyOurs()
		l.control("POST", "/_sim/interfaces/"+theirs+"/detach?now=true")
		l.pass(10 * time.Minute)
		l.wantOnly(first, "1 attached")
		l.wantCalls("CreateNetworkInterface", 1)
	})
}

// A create whose token EC2 has answered before, with an interface that is gone by now, is made with another.
func TestTheTokenOfADeadInterface(t *testing.T) {
	for _, restart := range []bool{false, true} {
		inLab(t, 1, nil, func(l *lab) {
			l.ask("a", 1)
			l.pass(time.Minute)
			first := l.onlyOurs()
			if restart {
				l.stop()
			}
			l.control("POST", "/_sim/interfaces/"+first+"/delete")
			if restart {
				l.start()
			}
			l.pass(15 * time.Minute)
			l.wantOurs("node-00 1 attached")
			if now := l.onlyOurs(); now == first {
				t.Fatalf("%s was deleted and is back", now)
			}
			if got := l.calls("CreateNetworkInterface"); got > 3 {
				t.Errorf("restart %v: %d creates, want at most one for the dead one's token", restart, got)
			}
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			l.delete("a")
			l.pass(5 * time.Minute)
			l.wantOurs()
			if len(l.nodeENI("a").Finalizers) > 0 {
				t.Errorf("restart %v: the finalizer is still there", restart)
			}
		})
	}
}

// beside starts the controller of another cluster, with Nodes of its own on the same account.
func (l *lab) beside(cluster plan.Cluster) *lab {
	l.Helper()
	other := newLab(l.T, cluster)
	other.sim, other.wire = l.sim, &countingTransport{RoundTripper: l.sim.Transport()}
	other.refuseEmptyNames()
	other.start()
	return other
}

// Two clusters of one name, the second a copy of the first with all its UIDs, that work on one account and even on
// one instance: only the identity tells their interfaces apart, and that is enough.
func TestTwoClustersOfOneNameLeaveEachOtherAlone(t *testing.T) {
	inLab(t, 3, nil, func(l *lab) {
		other := l.beside(plan.Cluster{ID: "cluster-2", Name: "prod"})
		defer func() { other.stop() }()
		other.addNode(1)
		other.addNode(2)
		other.ask("a", 2)
		other.ask("b", 3)
		l.ask("a", 1)
		l.ask("b", 3, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(10 * time.Minute)
		// Both want index 3 of two instances: who is first has it.
		if got := len(l.ours()) + len(other.ours()); got != 3+2+3 {
			t.Errorf("%d interfaces, want %d: ours %q, theirs %q", got, 8, l.ours(), other.ours())
		}
		other.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		wantDetaches := l.calls("DetachNetworkInterface")
		if wantDetaches > 0 {
			t.Errorf("%d detaches where nothing was to go", wantDetaches)
		}

		theirs := other.ours()
		for range 2 {
			l.stop()
			l.start()
			l.pass(20 * time.Minute)
		}
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "b", metav1.DeleteOptions{})) // forced away: the sweep's
		l.delete("a")
		l.pass(30 * time.Minute)
		l.wantOurs()
		if got := len(other.ours()); got != 4 || len(theirs) > got {
			t.Errorf("theirs are %q, were %q", other.ours(), theirs)
		}
		other.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		other.wantCondition("b", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer waits for another cluster's interfaces")
		}
		other.delete("a")
		other.delete("b")
		other.pass(10 * time.Minute)
		other.wantOurs()
	})
}

// What the API server can not refuse, because it takes two objects to see it, is in the status of the loser at once.
func TestASecondNodeENIForOneSlotIsToldSo(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.ask("b", 1, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(2 * statusInterval)
		l.wantCondition("b", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSlotTaken)
		l.wantCondition("b", v1alpha1.ConditionReady, "False "+v1alpha1.ReasonSlotTaken)
		if got := l.stalledMessage("b"); !strings.Contains(got, "NodeENI a has device index 1") {
			t.Errorf("the message does not say who has it: %s", got)
		}
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		// An edit is told as soon as one that is new.
		l.edit("b", func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 2 })
		l.pass(time.Minute)
		l.wantCondition("b", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.edit("b", func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 1 })
		l.pass(3 * statusInterval)
		for _, a := range l.nodeENI("b").Status.Attachments {
			if a.Reason != v1alpha1.ReasonSlotTaken {
				t.Errorf("%s is %s %s, want it told that the slot is taken", a.NodeName, a.State, a.Reason)
			}
		}
	})
}

// Two at once: the older has it, by age and then by UID.
func TestTwoNodeENIsForOneSlotAtOnce(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.UID = types.UID("uid-z") })
		l.ask("b", 1)
		l.pass(2 * statusInterval)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSlotTaken)
		l.pass(time.Minute)
		l.wantCondition("b", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.wantCalls("CreateNetworkInterface", 1)
	})
}
