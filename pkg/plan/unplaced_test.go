package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestANodeThatNamesNoInstanceYetMayBeThisOnes(t *testing.T) {
	a := nodeENI("a")
	there, loose := having(interfaceOf(a, "eni-1", attached)), having(interfaceOf(a, "eni-1"))
	unplaced := func(s *Snapshot) { s.Unplaced = "a" }
	for _, test := range []struct {
		name      string
		world     Snapshot
		actions   []string
		reports   []string
		vanished  []string
		undecided []string
		refresh   bool
		again     time.Duration
	}{
		{
			name: "no such Node", world: world(with(a), there, nodeGone),
			actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeGone"}, vanished: []string{"eni-1"},
		},
		{
			name: "attached", world: world(with(a), there, nodeGone, unplaced),
			reports: []string{"eni-1 Detaching NodeGone"}, undecided: []string{"eni-1"}, again: recheckUnplaced - time.Second,
		},
		{
			name: "attached nowhere", world: world(with(a), loose, nodeGone, unplaced),
			reports: []string{"eni-1 Deleting NodeGone"}, again: recheckUnplaced - time.Second,
		},
		{
			name: "the instance described long ago", world: world(with(a), there, describedAgo(recheckUnplaced), nodeGone, unplaced),
			reports: []string{"eni-1 Detaching NodeGone"}, undecided: []string{"eni-1"}, refresh: true, again: retryRefresh,
		},
		{
			name: "the instance terminated", world: world(with(a), loose, instanceState(eni.InstanceTerminated), nodeGone, unplaced),
			actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting NodeGone"},
		},
		{
			name: "the NodeENI deleted", world: world(with(nodeENI("a", beingDeleted)), there, nodeGone, unplaced),
			actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIDeleted"},
		},
	} {
		result := Instance(test.world)
		var actions []string
		for _, action := range result.Release {
			actions = append(actions, string(action.Kind)+" "+action.InterfaceID)
		}
		if !slices.Equal(actions, test.actions) {
			t.Errorf("%s: actions are %q, want %q", test.name, actions, test.actions)
		}
		if diff := cmp.Diff(test.reports, leaving(result.Releases)); diff != "" {
			t.Errorf("%s: reports (-want +got):\n%s", test.name, diff)
		}
		if !slices.Equal(result.Vanished, test.vanished) || !slices.Equal(result.Undecided, test.undecided) {
			t.Errorf("%s: vanished %q, undecided %q; want %q and %q", test.name, result.Vanished, result.Undecided, test.vanished, test.undecided)
		}
		if result.Refresh.Instance != test.refresh {
			t.Errorf("%s: the instance is to be described anew: %v, want %v", test.name, result.Refresh.Instance, test.refresh)
		}
		if test.again > 0 && !result.Again.Equal(now.Add(test.again)) {
			t.Errorf("%s: looked at again in %v, want %v", test.name, result.Again.Sub(now), test.again)
		}
	}
}

func TestWhoseANodeMayBeThatNamesNoInstance(t *testing.T) {
	like := Likeness{
		InstanceID: instanceA, Names: map[string]bool{"worker-1": true}, DNSName: "ip-10-0-0-1.ec2.internal",
		Addresses: map[string]bool{"10.0.0.1": true, "10.0.9.9": true},
	}
	at := func(kind corev1.NodeAddressType, value string) corev1.NodeAddress {
		return corev1.NodeAddress{Type: kind, Address: value}
	}
	ip := func(value string) corev1.NodeAddress { return at(corev1.NodeInternalIP, value) }
	for _, test := range []struct {
		name      string
		age       time.Duration
		addresses []corev1.NodeAddress
		want      bool
	}{
		{"worker-1", time.Hour, nil, true},
		{"worker-1", time.Hour, []corev1.NodeAddress{ip("10.0.0.2")}, true},
		{"ip-10-0-0-1.ec2.internal", time.Hour, nil, true},
		{instanceA + ".us-east-2.compute.internal", time.Hour, nil, true},
		{instanceA, time.Hour, nil, true},
		{"renamed", time.Hour, []corev1.NodeAddress{ip("10.0.0.1")}, true},
		{"renamed", time.Hour, []corev1.NodeAddress{ip("fd00::1"), ip("10.0.9.9")}, true},
		{"renamed", time.Hour, []corev1.NodeAddress{at(corev1.NodeHostName, "ip-10-0-0-1.ec2.internal")}, true},
		{"renamed", time.Hour, []corev1.NodeAddress{at(corev1.NodeInternalDNS, instanceA+".ec2.internal")}, true},
		{"renamed", time.Second, nil, true},
		{"renamed", time.Second, []corev1.NodeAddress{at(corev1.NodeHostName, "renamed"), ip("fd00::1")}, true},
		{"renamed", anonymousFor - time.Second, nil, true},
		{"renamed", anonymousFor, nil, false},
		{"renamed", time.Second, []corev1.NodeAddress{ip("10.0.0.2")}, false},
		{"renamed", time.Hour, []corev1.NodeAddress{ip("10.0.0.2"), at(corev1.NodeHostName, "renamed")}, false},
		{"", time.Hour, nil, false},
	} {
		candidate := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: test.name, CreationTimestamp: metav1.NewTime(now.Add(-test.age))},
			Status:     corev1.NodeStatus{Addresses: test.addresses},
		}
		if got := like.MayBe(candidate, now); got != test.want {
			t.Errorf("Node %q of %v with %v: %v, want %v", test.name, test.age, test.addresses, got, test.want)
		}
		if (Likeness{InstanceID: "i-1"}).MayBe(candidate, now) != (test.age < anonymousFor && test.want) {
			t.Errorf("Node %q of %v with %v is taken for that of an instance of which nothing is known, or is not", test.name, test.age, test.addresses)
		}
	}
}
