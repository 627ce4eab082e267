package cloud

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// probed is the action behind each call that can be asked about.
var probed = map[eni.ProbeCall]string{
	eni.ProbeDescribeInterfaces: describeNetworkInterfaces, eni.ProbeDescribeInstances: describeInstances,
	eni.ProbeDescribeInstanceTypes: describeInstanceTypes, eni.ProbeDescribeSubnets: describeSubnets,
	eni.ProbeCreate: createNetworkInterface, eni.ProbeAttach: attachNetworkInterface,
	eni.ProbeSetFlag: modifyInterfaceAttribute, eni.ProbeSetGroups: modifyInterfaceAttribute,
	eni.ProbePutTags: createTags, eni.ProbeAdopt: createTags, eni.ProbeRemoveTags: deleteTags,
	eni.ProbeDetach: detachNetworkInterface, eni.ProbeDelete: deleteNetworkInterface,
}

// askAbout asks about a call on an interface, or about one that makes another like it.
func askAbout(ctx context.Context, c *Client, call eni.ProbeCall, iface eni.Interface) error {
	return c.Probe(ctx, eni.Probe{
		Call: call, Interface: iface, InstanceID: instance1, Slot: eni.Slot{Index: 2},
		Create: eni.CreateRequest{SubnetID: simSubnet, SecurityGroupIDs: []string{simGroup}, Tags: iface.Tags, ClientToken: "token"},
	})
}

func TestProbesAreAllowedAndChangeNothing(t *testing.T) {
	c, sim := newSimulated(t)
	l := &lifeOf{T: t, Client: c}
	l.create()
	l.attach()
	iface, before := l.now(), sim.Snapshot()
	for call, action := range probed {
		calls := sim.Calls()[action]["DryRunOperation"]
		if err := askAbout(t.Context(), c, call, iface); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		if got := sim.Calls()[action]["DryRunOperation"] - calls; got != 1 {
			t.Errorf("%s: %d dry runs of %s, want 1", call, got, action)
		}
	}
	if diff := cmp.Diff(before.Interfaces, sim.Snapshot().Interfaces); diff != "" {
		t.Errorf("dry runs have changed something: %s", diff)
	}
}

func TestProbesTellWhatEC2Answers(t *testing.T) {
	for call := range probed {
		for name, row := range map[string]struct {
			answer answer
			want   error
		}{
			"allowed":     {refusal(412, codeDryRun, "would have succeeded"), nil},
			"denied":      {refusal(403, "UnauthorizedOperation", "no"), eni.KindDenied},
			"throttled":   {refusal(503, "RequestLimitExceeded", "later"), eni.KindThrottled},
			"carried out": {success(probed[call], ""), eni.ErrCarriedOut},
		} {
			c, s := newScripted(t, always(row.answer))
			c.limiter.assumeSpent(time.Now())
			rate := c.limiter.buckets[probed[call]].rate
			if err := askAbout(t.Context(), c, call, ours()); !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Errorf("%s, %s: %v, want %v", call, name, err, row.want)
			}
			if sent := s.requests(); len(sent) != 1 || sent[0].Get("DryRun") != "true" || sent[0].Get("Action") != probed[call] {
				t.Errorf("%s, %s: sent %v, want one dry run", call, name, sent)
			}
			if got := c.limiter.buckets[probed[call]].rate; got != rate {
				t.Errorf("%s, %s: the limiter's rate is %v, want %v as before", call, name, got, rate)
			}
		}
	}
}

func TestProbesWaitForNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScripted(t, always(refusal(412, codeDryRun, "would have succeeded")))
		for _, b := range c.limiter.buckets {
			b.spent(time.Now(), time.Now())
		}
		begun := time.Now()
		for call, action := range probed {
			if err := askAbout(t.Context(), c, call, ours()); err != nil {
				t.Errorf("%s: %v", call, err)
			}
			if got := c.limiter.buckets[action].tokens; got != 0 {
				t.Errorf("%s: %v tokens, want the bucket as empty as it was", call, got)
			}
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("probes have waited %v", took)
		}
	})
}

// EC2 takes a token for a dry run: ours is to be gone too.
func TestProbesTakeTheTokenThatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScripted(t, always(refusal(412, codeDryRun, "would have succeeded")))
		for call, action := range probed {
			before := c.limiter.buckets[action].tokens
			if err := askAbout(t.Context(), c, call, ours()); err != nil {
				t.Errorf("%s: %v", call, err)
			}
			if got := c.limiter.buckets[action].tokens; got != before-1 {
				t.Errorf("%s: %v tokens are left of %v, want one less", call, got, before)
			}
		}
	})
}

func TestWhatIsNotOursIsNotAskedAbout(t *testing.T) {
	c, s := newScripted(t, func(url.Values) answer { return refusal(412, codeDryRun, "would have succeeded") })
	foreign, detached := ours(), ours()
	foreign.Tags = map[string]string{eni.TagClusterID: "another", eni.TagNodeENIUID: "uid-1"}
	detached.Attachment = nil
	for call, action := range probed {
		if mutates(action) {
			if err := askAbout(t.Context(), c, call, foreign); !errors.Is(err, eni.KindNotOurs) {
				t.Errorf("%s of a foreign interface: %v", call, err)
			}
		}
	}
	for _, call := range []eni.ProbeCall{eni.ProbeSetFlag, eni.ProbeDetach} {
		if err := askAbout(t.Context(), c, call, detached); !errors.Is(err, eni.KindInvalid) {
			t.Errorf("%s of what is not attached: %v", call, err)
		}
	}
	if err := askAbout(t.Context(), c, "Explode", ours()); !errors.Is(err, eni.KindInvalid) {
		t.Errorf("an unknown call: %v", err)
	}
	if sent := s.requests(); len(sent) > 0 {
		t.Errorf("sent %v", sent)
	}
}
