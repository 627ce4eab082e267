package controller

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

func TestEveryNodeGetsWhatIsAskedWithThreeCallsEach(t *testing.T) {
	inLab(t, 3, nil, func(l *lab) {
		l.ask("a", 1)
		l.ask("b", 2, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(30 * time.Second)
		l.wantOurs("node-00 1 attached", "node-00 2 attached", "node-01 1 attached", "node-01 2 attached", "node-02 1 attached", "node-02 2 attached")
		for action, want := range map[string]int{"CreateNetworkInterface": 6, "AttachNetworkInterface": 6, "ModifyNetworkInterfaceAttribute": 6} {
			if got := l.calls(action); got != want {
				t.Errorf("%d calls of %s, want %d", got, action, want)
			}
		}
		for _, name := range []string{"a", "b"} {
			status := l.nodeENI(name).Status
			if *status.AttachedNodes != 3 || status.Conditions[0].Reason != v1alpha1.ReasonAllAttached {
				t.Errorf("status of %s: %+v", name, status)
			}
		}

		mutating, writes, describes := l.mutatingCalls(), l.writes(), l.calls("DescribeNetworkInterfaces")
		l.pass(time.Hour)
		if got := l.mutatingCalls(); got != mutating {
			t.Errorf("%d mutating calls in an hour in which nothing happened", got-mutating)
		}
		if got := l.writes(); got != writes {
			t.Errorf("%d writes in an hour in which nothing happened", got-writes)
		}
		if got := l.calls("DescribeNetworkInterfaces") - describes; got != 12 {
			t.Errorf("%d lists in an hour, want one each resync period, 12", got)
		}
	})
}

func TestDeletedNodeENIGoesWhenEC2IsClean(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(30 * time.Second)
		l.delete("a")
		l.pass(6 * time.Second)
		if n := l.nodeENI("a"); !slices.Contains(n.Finalizers, v1alpha1.Finalizer) {
			t.Errorf("the finalizer is gone after 6s; a detach alone takes 3s, and two lists a horizon apart 10s")
		}
		l.pass(time.Minute)
		l.wantOurs()
		if n := l.nodeENI("a"); slices.Contains(n.Finalizers, v1alpha1.Finalizer) {
			t.Error("the finalizer is still there a minute after the deletion")
		}
		if got := l.calls("DetachNetworkInterface") + l.calls("DeleteNetworkInterface"); got != 4 {
			t.Errorf("%d calls to take two interfaces away, want 4", got)
		}
	})
}

func TestEverythingComesToTheSameEndUnderFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault ec2sim.Fault
	}{
		{"answers to creates lost", ec2sim.Fault{Action: "CreateNetworkInterface", Every: 2, Effect: "cut-after"}},
		{"creates lost", ec2sim.Fault{Action: "CreateNetworkInterface", Every: 2, Effect: "cut-before"}},
		{"answers to attaches lost", ec2sim.Fault{Action: "AttachNetworkInterface", Every: 2, Effect: "cut-after"}},
		{"attaches lost", ec2sim.Fault{Action: "AttachNetworkInterface", Every: 2, Effect: "cut-before"}},
		{"answers to changes lost", ec2sim.Fault{Action: "ModifyNetworkInterfaceAttribute", Every: 2, Effect: "cut-after"}},
		{"half of everything throttled", ec2sim.Fault{Action: "*", Share: 0.5, Times: 50, Effect: "throttle"}},
		{"describes answer garbage", ec2sim.Fault{Action: "Describe*", Share: 0.5, Times: 50, Effect: "garbage"}},
		{"answers to detaches lost", ec2sim.Fault{Action: "DetachNetworkInterface", Every: 2, Effect: "cut-after"}},
		{"answers to deletes lost", ec2sim.Fault{Action: "DeleteNetworkInterface", Every: 2, Effect: "cut-after"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 3, func(w *ec2sim.World) { w.Faults = []ec2sim.Fault{test.fault} }, func(l *lab) {
				l.ask("a", 1)
				l.pass(10 * time.Minute)
				l.wantOurs("node-00 1 attached", "node-01 1 attached", "node-02 1 attached")
				if status := l.nodeENI("a").Status; *status.AttachedNodes != 3 {
					t.Errorf("status: %+v", status)
				}
				l.delete("a")
				l.pass(10 * time.Minute)
				l.wantOurs()
				if n := l.nodeENI("a"); len(n.Finalizers) > 0 {
					t.Error("the finalizer is still there")
				}
			})
		})
	}
}

func TestLaggingReadsMakeNothingTwice(t *testing.T) {
	for _, p99 := range []time.Duration{time.Second, 4 * time.Second, 9 * time.Second} {
		inLab(t, 3, func(w *ec2sim.World) {
			w.Consistency = ec2sim.Consistency{Lag: ec2sim.Spread(200*time.Millisecond, p99, horizon)}
			w.Seed = int64(p99)
		}, func(l *lab) {
			l.ask("a", 1)
			l.ask("b", 2)
			l.pass(10 * time.Minute)
			l.wantOurs("node-00 1 attached", "node-00 2 attached", "node-01 1 attached", "node-01 2 attached", "node-02 1 attached", "node-02 2 attached")
			if got := l.calls("CreateNetworkInterface"); got != 6 {
				t.Errorf("lag up to %v: %d creates, want 6", horizon, got)
			}
			l.delete("a")
			l.pass(10 * time.Minute)
			l.wantOurs("node-00 2 attached", "node-01 2 attached", "node-02 2 attached")
		})
	}
}

func TestARestartAtAnyMomentMakesNothingTwice(t *testing.T) {
	for after := 50 * time.Millisecond; after < 4*time.Second; after += 150 * time.Millisecond {
		inLab(t, 2, nil, func(l *lab) {
			l.ask("a", 1)
			l.pass(after)
			l.stop()
			l.start()
			l.pass(2 * time.Minute)
			l.wantOurs("node-00 1 attached", "node-01 1 attached")
			if got := l.calls("CreateNetworkInterface"); got != 2 {
				t.Errorf("restarted after %v: %d creates, want 2", after, got)
			}
		})
	}
}

func TestAFullSubnetIsProbedNotHammered(t *testing.T) {
	inLab(t, 30, func(w *ec2sim.World) { w.Subnets[0].CIDR = "10.0.1.0/28" }, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Hour)
		status := l.nodeENI("a").Status
		if *status.AttachedNodes != 11 || *status.BlockedNodes != 19 {
			t.Fatalf("%d attached and %d blocked, want the subnet's 11 and the other 19", *status.AttachedNodes, *status.BlockedNodes)
		}
		stalled := status.Conditions[2]
		if stalled.Status != metav1.ConditionTrue || stalled.Reason != v1alpha1.ReasonSubnetFull || !strings.Contains(stalled.Message, "no free address") {
			t.Errorf("condition: %+v", stalled)
		}
		// The creates in progress when the subnet runs full all fail; then there is one probe for each step.
		if got := l.calls("CreateNetworkInterface"); got > 11+5+20 {
			t.Errorf("%d creates in an hour for 11 addresses", got)
		}
	})
}

func TestWhatTheCacheSaysIsNotEnoughToDetach(t *testing.T) {
	for _, test := range []struct {
		name string
		// answer is what the API server says of node-00 when it is asked; the cache says that it has lost its
		// label.
		answer func() (*corev1.Node, error)
		stays  bool
	}{
		{"still labelled", func() (*corev1.Node, error) {
			return &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: nodeName(0), Labels: map[string]string{"ng": "multi"}},
				Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(0)},
			}, nil
		}, true},
		{"no answer", func() (*corev1.Node, error) { return nil, errors.New("unreachable") }, true},
		{"type not served", func() (*corev1.Node, error) {
			return nil, apierrors.NewGenericServerResponse(404, "GET", corev1.Resource("nodes"), nodeName(0), "404 page not found", 0, true)
		}, true},
		{"unlabelled too", func() (*corev1.Node, error) {
			return &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: nodeName(0)},
				Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(0)},
			}, nil
		}, false},
		// That the Node is gone is another reason than the one decided by: it waits until the cache says so too.
		{"gone", func() (*corev1.Node, error) { return nil, apierrors.NewNotFound(corev1.Resource("nodes"), nodeName(0)) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(30 * time.Second)
				l.still()
				l.kube.PrependReactor("get", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
					node, err := test.answer()
					return true, node, err
				})
				l.still()
				l.kube.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
					_, err := test.answer()
					return apierrors.IsNotFound(err), &corev1.NodeList{}, nil
				})
				_, err := l.kube.CoreV1().Nodes().Patch(l.Context(), nodeName(0), "application/merge-patch+json", []byte(`{"metadata":{"labels":{"ng":null}}}`), metav1.PatchOptions{})
				l.must(err)
				l.pass(5 * time.Minute)
				if stays := len(l.ours()) == 1; stays != test.stays {
					t.Errorf("interface stays: %v, want %v", stays, test.stays)
				}
			})
		})
	}
}

func TestStatusWipedByHandIsWrittenAgainAndNothingElseHappens(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		before := l.nodeENI("a")
		mutating, events := l.mutatingCalls(), len(l.events.Events)
		wiped := before.DeepCopy()
		wiped.Status = v1alpha1.NodeENIStatus{}
		_, err := l.client.NetworkingV1alpha1().NodeENIs().UpdateStatus(l.Context(), wiped, metav1.UpdateOptions{})
		l.must(err)
		l.pass(time.Minute)
		after := l.nodeENI("a").Status
		if len(after.Attachments) != 2 || after.Attachments[0].ENIID != before.Status.Attachments[0].ENIID || after.Conditions[0].Status != metav1.ConditionTrue {
			t.Errorf("status after it was wiped: %+v", after)
		}
		if got := l.mutatingCalls() - mutating; got != 0 {
			t.Errorf("%d mutating calls because a status was wiped", got)
		}
		if got := len(l.events.Events) - events; got != 0 {
			t.Errorf("%d events because a status was wiped", got)
		}
	})
}

func TestSomebodyElsesInterfacesAreLeftAlone(t *testing.T) {
	theirs := ec2sim.Interface{
		ID: "eni-0000000000000000f", Subnet: subnetB, SecurityGroups: []string{groupB}, Tags: map[string]string{"networking.k8s.aws/cluster-id": "cluster-2", "networking.k8s.aws/nodeeni-uid": "uid-a", "networking.k8s.aws/instance-id": instanceID(0)},
		Attachment: &ec2sim.Attachment{Instance: instanceID(0), DeviceIndex: 1},
	}
	inLab(t, 2, func(w *ec2sim.World) { w.Interfaces = []ec2sim.Interface{theirs} }, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.wantOurs("node-01 1 attached")
		blocked := l.nodeENI("a").Status.Attachments[0]
		if blocked.Reason != v1alpha1.ReasonDeviceIndexInUse || !strings.Contains(blocked.Message, theirs.ID) {
			t.Errorf("node-00 is %+v", blocked)
		}
		l.delete("a")
		l.pass(time.Minute)
		for _, i := range l.sim.Snapshot().Interfaces {
			if i.ID == theirs.ID && i.Attachment != nil && i.Tags["networking.k8s.aws/cluster-id"] == "cluster-2" {
				return
			}
		}
		t.Error("somebody else's interface was touched")
	})
}

func TestAnInterfaceWhoseNodeENIIsForcedAwayIsSweptInTime(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(3 * time.Minute)
		l.wantOurs("node-00 1 attached", "node-01 1 attached")
		l.pass(15 * time.Minute)
		l.wantOurs()
	})
}

func TestNodesThatGo(t *testing.T) {
	for _, test := range []struct {
		name string
		// act happens to the instance when its Node is deleted.
		act string
		// keep is deleteOnTermination: false.
		keep bool
		// detaches is how often the interface may be detached.
		detaches int
	}{
		{"instance goes on running", "", false, 1},
		{"instance stops", "stop", false, 1},
		{"instance terminates", "terminate", false, 0},
		{"instance terminates, EC2 leaves the interface", "terminate", true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 2, nil, func(l *lab) {
				l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(!test.keep) })
				l.pass(time.Minute)
				if test.act != "" {
					l.control("POST", "/_sim/instances/"+instanceID(0)+"/"+test.act)
				}
				l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(0), metav1.DeleteOptions{}))
				l.pass(5 * time.Minute)
				l.wantOurs("node-01 1 attached")
				if got := l.calls("DetachNetworkInterface"); got != test.detaches {
					t.Errorf("%d detaches, want %d", got, test.detaches)
				}
			})
		})
	}
}
