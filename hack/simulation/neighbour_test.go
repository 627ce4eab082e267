package simulation

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// TestTwoClusters has two live clusters in one account: both get what they want, under the same names and UIDs, and a
// call of the one on what is the other's does not escape.
func TestTwoClusters(t *testing.T) {
	seed := NewSeed(firstWithNeighbour(t))
	synctest.Test(t, func(t *testing.T) {
		r := newRun(seed, newWorld(seed.dice), nil)
		if err := r.begin(ec2sim.Options{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if r.check("begun"); r.failed() {
			t.Fatalf("%v %v", r.watch.found, r.neighbour.watch.found)
		}
		if one, other := r.nodeENIs()[0], r.neighbour.nodeENIs()[0]; one.Name != other.Name || one.UID != other.UID {
			t.Errorf("%s with UID %s, and in the other cluster %s with %s, want the same", one.Name, one.UID, other.Name, other.UID)
		}
		for _, pair := range [][2]*run{{r, r.neighbour}, {r.neighbour, r}} {
			caught(t, pair[0], attachedOf(t, pair[1]))
		}
		r.end()
	})
}

// TestALieIsToldToAll: EC2 leaves things out for whoever reads, whosever fault that is.
func TestALieIsToldToAll(t *testing.T) {
	seed := NewSeed(firstWithNeighbour(t))
	synctest.Test(t, func(t *testing.T) {
		for from := range 2 {
			r := newRun(seed, newWorld(seed.dice), nil)
			if err := r.begin(ec2sim.Options{}); err != nil {
				t.Fatal(err)
			}
			f := &fault{run: r.clusters()[from], Rand: seed.of("lie", from)}
			f.ec2(ec2sim.Fault{Effect: "omit", Action: "Describe*"})
			for i, c := range r.clusters() {
				if !c.watch.deceived() {
					t.Errorf("cluster %d does not know of the lie that began with cluster %d", i, from)
				}
			}
			r.end()
		}
	})
}

// caught wants calls of a cluster on an interface that is another's to be violations, all of them.
func caught(t *testing.T, r *run, e ec2sim.InterfaceNow) {
	t.Helper()
	for _, call := range []url.Values{
		{"Action": {"DetachNetworkInterface"}, "AttachmentId": {e.Attachment.ID}},
		{"Action": {"DeleteNetworkInterface"}, "NetworkInterfaceId": {e.ID}},
		{"Action": {"ModifyNetworkInterfaceAttribute"}, "NetworkInterfaceId": {e.ID}},
		{"Action": {"CreateTags"}, "ResourceId.1": {e.ID}, "Tag.1.Key": {eni.TagClusterID}, "Tag.1.Value": {r.cluster}},
	} {
		r.watch.found = nil
		r.watch.before(r.replicas[0].name, call.Get("Action"), call, "")
		if len(r.watch.found) != 1 || r.watch.found[0].Clause != 3 || !strings.Contains(r.watch.found[0].Message, e.ID) {
			t.Errorf("%s of %s on %s: violations %v, want one of clause 3", call.Get("Action"), r.cluster, e.ID, r.watch.found)
		}
	}
	r.watch.found = []property.Violation{}
}

func attachedOf(t *testing.T, r *run) ec2sim.InterfaceNow {
	t.Helper()
	for _, e := range r.sim.Snapshot().Interfaces {
		if e.Tags[eni.TagClusterID] == r.cluster && e.Attachment != nil {
			return e
		}
	}
	t.Fatalf("%s has no attached interface", r.cluster)
	return ec2sim.InterfaceNow{}
}

// firstWithNeighbour is the first seed with two clusters. About one in eight has them.
func firstWithNeighbour(t *testing.T) uint64 {
	t.Helper()
	first, count := uint64(0), 0
	for number := range uint64(200) {
		if newWorld(dice(number)).neighbour == nil {
			continue
		}
		if count++; first == 0 {
			first = number
		}
	}
	if count < 15 || count > 40 {
		t.Errorf("%d of 200 seeds have two clusters, want about 25", count)
	}
	return first
}
