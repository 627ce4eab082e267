package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// tagged has, by cluster ID, the interfaces that are there, and counts what is asked.
type tagged struct {
	found map[string][]string
	err   error
	asked int
}

func (f *tagged) FindInterfaces(_ context.Context, by cloud.Property, value string) (list []eni.FoundInterface, err error) {
	f.asked++
	if by != cloud.ByClusterID {
		return nil, errors.New("asked by " + string(by))
	}
	for _, id := range f.found[value] {
		list = append(list, eni.FoundInterface{Interface: eni.Interface{ID: id}})
	}
	return list, f.err
}

// An earlier identity is not forgotten while an interface bears it, however often the flags change in between.
func TestAnEarlierIdentityIsNotDroppedWhileAnInterfaceHasIt(t *testing.T) {
	a := plan.Cluster{ID: "a", Name: "prod"}
	b := plan.Cluster{ID: "b", Name: "prod"}
	bOfA := plan.Cluster{ID: "b", Name: "prod", AlsoOwned: []string{"a"}}
	cOfB := plan.Cluster{ID: "c", Name: "prod", AlsoOwned: []string{"b"}}
	cOfAll := plan.Cluster{ID: "c", Name: "prod", AlsoOwned: []string{"b", "a"}}
	aOfB := plan.Cluster{ID: "a", Name: "prod", AlsoOwned: []string{"b"}}
	for _, test := range []struct {
		name   string
		starts []plan.Cluster
		ec2    tagged
		// refused is in the error of the last start; recorded is what the Lease has then.
		refused, recorded string
		asked             int
	}{
		{name: "never another", starts: []plan.Cluster{a, a}},
		{name: "still owned", starts: []plan.Cluster{a, bOfA, bOfA}, ec2: tagged{found: map[string][]string{"a": {"eni-1"}}}, recorded: "a"},
		{name: "dropped, with interfaces", starts: []plan.Cluster{a, bOfA, b}, ec2: tagged{found: map[string][]string{"a": {"eni-1", "eni-2"}}}, refused: `2 interfaces, eni-1 for one, are tagged with cluster ID "a", an earlier one of this cluster: start with --also-owned-cluster-ids=a until`, recorded: "a", asked: 1},
		{name: "dropped, and none is left", starts: []plan.Cluster{a, bOfA, b}, asked: 1},
		{name: "dropped before, and none is left", starts: []plan.Cluster{a, bOfA, b, b}, asked: 1},
		{name: "one of two dropped, with interfaces", starts: []plan.Cluster{a, bOfA, cOfAll, cOfB}, ec2: tagged{found: map[string][]string{"a": {"eni-1"}}}, refused: "--also-owned-cluster-ids=a,b ", recorded: "a,b", asked: 1},
		{name: "one of two dropped, and none is left", starts: []plan.Cluster{a, bOfA, cOfAll, cOfB}, ec2: tagged{found: map[string][]string{"b": {"eni-1"}}}, recorded: "b", asked: 1},
		{name: "the flag names one that never was recorded", starts: []plan.Cluster{bOfA, b}, ec2: tagged{found: map[string][]string{"a": {"eni-1"}}}, refused: "=a until", recorded: "a", asked: 1},
		{name: "back to the first", starts: []plan.Cluster{a, bOfA, aOfB}, ec2: tagged{found: map[string][]string{"a": {"eni-1"}}}, recorded: "b"},
		{name: "EC2 does not answer", starts: []plan.Cluster{a, bOfA, b}, ec2: tagged{err: errors.New("no answer")}, refused: "no answer", recorded: "a", asked: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			kube := fake.NewClientset()
			var err error
			for i, cluster := range test.starts {
				err = errors.Join(
					fixIdentity(t.Context(), kube, "ns", "lease", cluster),
					dropFormers(t.Context(), kube, &test.ec2, "ns", "lease", cluster),
				)
				if err != nil && i < len(test.starts)-1 {
					t.Fatalf("start %d: %v", i, err)
				}
			}
			if (err != nil) != (test.refused != "") || (err != nil && !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("error %v, want one with %q", err, test.refused)
			}
			lease, err := kube.CoordinationV1().Leases("ns").Get(t.Context(), "lease", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := lease.Annotations[annotationFormerIDs]; got != test.recorded || test.ec2.asked != test.asked {
				t.Errorf("recorded %q, want %q; EC2 was asked %d times, want %d", got, test.recorded, test.ec2.asked, test.asked)
			}
		})
	}
}
