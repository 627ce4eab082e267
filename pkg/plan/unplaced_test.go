package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
