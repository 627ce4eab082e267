package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// vanish takes a NodeENI away as if somebody had forced its finalizer off.
func (l *lab) vanish(names ...string) {
	l.Helper()
	for _, name := range names {
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), name, metav1.DeleteOptions{}))
	}
}

// restore makes a NodeENI again, with another UID and without what the controller had put on it.
func (l *lab) restore(name string, index int32, changes ...func(*v1alpha1.NodeENI)) {
	l.Helper()
	again := func(n *v1alpha1.NodeENI) { n.UID = types.UID("uid-again-" + name) }
	l.ask(name, index, append([]func(*v1alpha1.NodeENI){again}, changes...)...)
}

// owners are the IDs of ours in EC2 with the UID of their NodeENI.
func (l *lab) owners() map[string]string {
	owners := map[string]string{}
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.Tags[eni.TagClusterID] == "cluster-1" {
			owners[i.ID] = i.Tags[eni.TagNodeENIUID]
		}
	}
	return owners
}

// wantAdopted checks that the interfaces are those of before, all of the given owner, and that nothing was created,
// attached, detached or deleted since.
func (l *lab) wantAdopted(before map[string]string, calls map[string]int, by string) {
	l.Helper()
	after := l.owners()
	if len(after) != len(before) {
		l.Errorf("%d interfaces, want the %d of before", len(after), len(before))
	}
	for id := range before {
		if after[id] != by {
			l.Errorf("%s is of %q, want %q", id, after[id], by)
		}
	}
	for action, count := range calls {
		if got := l.calls(action); got != count {
			l.Errorf("%d calls of %s since, want none", got-count, action)
		}
	}
}

// replacing counts the calls so far that an adoption has to do without.
func (l *lab) replacing() map[string]int {
	calls := map[string]int{}
	for _, action := range mutatingActions {
		if action != "CreateTags" && action != "DeleteTags" && action != "ModifyNetworkInterfaceAttribute" {
			calls[action] = l.calls(action)
		}
	}
	return calls
}

// tellsOf are the events so far that have the reason, and forgets all of them.
func (l *lab) tellsOf(reason string) (found []string) {
	for {
		select {
		case event := <-l.events.Events:
			if strings.Contains(event, " "+reason+" ") {
				found = append(found, event)
			}
		default:
			return found
		}
	}
}

func TestOfTwoCandidatesOneIsAdopted(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		var tags map[string]string
		for _, i := range l.sim.Snapshot().Interfaces {
			if i.ID == id {
				tags = i.Tags
			}
		}
		l.stop()
		second := l.makeInterface(tags)
		l.vanish("a")
		l.restore("a", 1)
		l.start()
		l.pass(time.Minute)
		if got := l.owners(); got[id] != "uid-again-a" || got[second] != "uid-a" {
			t.Errorf("owners: %v", got)
		}
		l.pass(15 * time.Minute)
		if got := l.owners(); len(got) != 1 || got[id] != "uid-again-a" {
			t.Errorf("owners at the end: %v", got)
		}
		if got := l.calls("CreateNetworkInterface"); got != 2 {
			t.Errorf("%d creates, want the first and the second interface's", got)
		}
	})
}

// makeInterface makes an interface with the tags, attached nowhere.
func (l *lab) makeInterface(tags map[string]string) (id string) {
	l.Helper()
	out, err := l.somebody().CreateNetworkInterface(l.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(subnetA), Groups: []string{groupA}})
	l.must(err)
	id = *out.NetworkInterface.NetworkInterfaceId
	for key, value := range tags {
		l.tag(id, key, value)
	}
	return id
}

func TestWhatIsAdoptedIsPutRight(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		managed := func(n *v1alpha1.NodeENI) {
			n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: `["old","team"]`}
		}
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "x", "old": "y"} })
		l.pass(time.Minute)
		id := l.onlyOurs()
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.restore("a", 1, managed, func(n *v1alpha1.NodeENI) {
			n.Spec.Tags, n.Spec.DeleteOnTermination = map[string]string{"team": "z"}, new(false)
			n.Spec.SecurityGroupIDs, n.Spec.Description = []string{groupB}, new("restored")
		})
		l.pass(time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		all := l.sim.Snapshot().Interfaces
		i := all[slices.IndexFunc(all, func(i ec2sim.InterfaceNow) bool { return i.ID == id })]
		if _, left := i.Tags["old"]; left || i.Tags["team"] != "z" || i.Description != "restored" || !slices.Equal(i.SecurityGroups, []string{groupB}) || i.Attachment.DeleteOnTermination {
			t.Errorf("the interface is %+v", i)
		}
	})
}

func TestWhatDoesNotFitIsAnOrphan(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.vanish("a")
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(orphanGrace)
		if got := l.owners(); got[id] != "uid-a" || len(got) != 1 {
			t.Errorf("within the grace of an orphan: %v", got)
		}
		l.pass(15 * time.Minute)
		if got := l.owners(); got[id] != "" || len(got) != 1 {
			t.Errorf("at the end: %v", got)
		}
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	})
}

// A NodeENI that comes back with a spec that says nothing keeps what it may adopt when the spec is corrected, as it
// would keep what is its own.
func TestWhatAnInvalidHeirMayAdoptStays(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = nil })
		l.pass(30 * time.Minute)
		l.wantAdopted(before, calls, "uid-a")
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInvalidSpec)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupA} })
		l.pass(time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.vanish("a")
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.UID, n.Spec.SecurityGroupIDs = "uid-third-a", nil })
		l.pass(time.Minute)
		l.delete("a")
		l.pass(20 * time.Minute)
		l.wantOurs()
	})
}
