package cloud

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// handed is an interface of ours in a simulated EC2, on which others are at work too.
type handed struct {
	*testing.T
	*Client
	sim   *ec2sim.Simulator
	iface eni.Interface
}

// retag is what somebody else does.
func (h *handed) retag(clusterID string) {
	h.Helper()
	_, err := ec2.NewFromConfig(configFor(h.sim.Transport())).CreateTags(h.Context(), &ec2.CreateTagsInput{
		Resources: []string{h.iface.ID}, Tags: []types.Tag{{Key: aws.String(eni.TagClusterID), Value: aws.String(clusterID)}},
	})
	if err != nil {
		h.Fatal(err)
	}
}

func (h *handed) describe() {
	h.Helper()
	if _, err := h.DescribeInterfaces(h.Context(), []string{h.iface.ID}); err != nil {
		h.Fatal(err)
	}
}

func (h *handed) create() eni.Interface {
	h.Helper()
	owner := eni.Owner{ClusterID: cluster, ClusterName: "c", NodeENIUID: "uid-1", NodeENIName: "a", NodeName: "n", InstanceID: instance1, Slot: eni.Slot{Index: 2}}
	iface, err := h.CreateInterface(h.Context(), eni.CreateRequest{SubnetID: simSubnet, SecurityGroupIDs: []string{simGroup}, Tags: owner.Tags(), ClientToken: "token-1"})
	if err != nil || (h.iface.ID != "" && iface.ID != h.iface.ID) {
		h.Fatalf("created %s, %v; had %s", iface.ID, err, h.iface.ID)
	}
	return iface
}

// attached is the interface as its caller knows it once he has attached it.
func (h *handed) attached() eni.Interface {
	h.Helper()
	iface := h.iface
	id, err := h.AttachInterface(h.Context(), iface, instance1, eni.Slot{Index: 2})
	if err != nil {
		h.Fatal(err)
	}
	iface.Attachment = &eni.Attachment{ID: id, InstanceID: instance1, Slot: eni.Slot{Index: 2}, Status: eni.Attached}
	return iface
}

// destructive are the calls that must never be made for somebody else's interface.
var destructive = map[string]func(context.Context, *Client, eni.Interface) error{
	detachNetworkInterface: func(ctx context.Context, c *Client, i eni.Interface) error {
		return c.DetachInterface(ctx, i, confirmed)
	},
	"by force": func(ctx context.Context, c *Client, i eni.Interface) error {
		return c.ForceDetachInterface(ctx, i, confirmed)
	},
	deleteNetworkInterface: func(ctx context.Context, c *Client, i eni.Interface) error {
		return c.DeleteInterface(ctx, i, confirmed)
	},
	modifyInterfaceAttribute: func(ctx context.Context, c *Client, i eni.Interface) error {
		return c.SetDescription(ctx, i, "mine now")
	},
	attachNetworkInterface: func(ctx context.Context, c *Client, i eni.Interface) error {
		_, err := c.AttachInterface(ctx, i, instance1, eni.Slot{Index: 3})
		return err
	},
	createTags: func(ctx context.Context, c *Client, i eni.Interface) error {
		return c.PutTags(ctx, i, map[string]string{"a": "b"})
	},
	deleteTags: func(ctx context.Context, c *Client, i eni.Interface) error {
		return c.RemoveTags(ctx, i, []string{"a"})
	},
}

func TestTheLastDescriptionDecidesWhatIsOurs(t *testing.T) {
	given := func(h *handed) { h.retag("somebody else's") }
	for _, row := range []struct {
		name    string
		steps   []func(*handed)
		refused bool
	}{
		{"as created", nil, false},
		{"given away, not described since", []func(*handed){given}, false},
		{"given away", []func(*handed){given, (*handed).describe}, true},
		{"given away and back", []func(*handed){given, (*handed).describe, func(h *handed) { h.retag(cluster) }, (*handed).describe}, false},
		{"given away, created again by its token", []func(*handed){given, (*handed).describe, func(h *handed) { h.create() }}, true},
	} {
		for name, do := range destructive {
			c, sim := newSimulated(t)
			h := &handed{T: t, Client: c, sim: sim}
			if h.iface = h.create(); name == detachNetworkInterface || name == "by force" {
				h.iface = h.attached()
			}
			for _, step := range row.steps {
				step(h)
			}
			before := total(sim.Calls())
			err := do(t.Context(), c, h.iface) // which says that it is ours
			if refused := errors.Is(err, eni.KindNotOurs); refused != row.refused || (err != nil) != row.refused {
				t.Errorf("%s: %s: %v; want refused: %v", row.name, name, err, row.refused)
			}
			if made := total(sim.Calls()) - before; (made == 0) != row.refused {
				t.Errorf("%s: %s: %d calls were made", row.name, name, made)
			}
		}
	}
}

func total(calls map[string]map[string]int) (sum int) {
	for _, byCode := range calls {
		for _, n := range byCode {
			sum += n
		}
	}
	return sum
}

// What EC2 never showed is nobody's to touch, whatever the caller has made up.
func TestAForgedDescriptionIsRefused(t *testing.T) {
	for name, do := range destructive {
		c, s := newScripted(t, accept)
		forged := ours()
		forged.ID = "eni-0bbbbbbbbbbbbbbb2"
		if err := do(t.Context(), c, forged); !errors.Is(err, eni.KindNotOurs) || len(s.requests()) > 0 {
			t.Errorf("%s: %v, sent %v", name, err, s.requests())
		}
	}
}

// While a call waits for its turn, its interface may change hands.
func TestAnInterfaceGivenAwayWhileTheCallWaitsIsNotTouched(t *testing.T) {
	for _, name := range []string{detachNetworkInterface, deleteNetworkInterface} {
		c, s := newScripted(t, accept)
		given := func(context.Context) error {
			c.described.show(time.Now(), interface1, false)
			return nil
		}
		call := c.DetachInterface
		if name == deleteNetworkInterface {
			call = c.DeleteInterface
		}
		before := tokensOf(c, name)
		if err := call(t.Context(), ours(), given); !errors.Is(err, eni.KindNotOurs) || len(s.requests()) > 0 {
			t.Errorf("%s: %v, sent %v", name, err, s.requests())
		}
		if after := tokensOf(c, name); after < before {
			t.Errorf("%s: %v tokens before, %v after a call that was not made", name, before, after)
		}
	}
}

// Of two answers the one counts whose call began later, in whatever order they arrive; and what is gone is not
// remembered for ever.
func TestWhatIsRememberedOfDescriptions(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var d described
	d.show(at(1), "theirs", false)
	d.show(at(1), "a", true)
	d.show(at(3), "a", false)
	d.show(at(2), "a", true)
	d.made(at(4), "a")
	d.made(at(1), "b")
	if got, want := []bool{d.ours("theirs"), d.ours("a"), d.ours("b"), d.ours("never")}, []bool{false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("ours: %v, want %v", got, want)
	}
	d.show(at(4000), "b", true)
	d.prune(at(4001))
	if len(d.byID) != 1 || !d.ours("b") {
		t.Errorf("remembered: %v, want b alone", d.byID)
	}
}

// Only a complete list forgets, and only what has not been shown for an hour.
func TestAListThatFailsForgetsNothing(t *testing.T) {
	for _, fails := range []bool{true, false} {
		c, _ := newScripted(t, func(form url.Values) answer {
			if fails {
				return refusal(503, "Unavailable", "try later")
			}
			return success(form.Get("Action"), "<networkInterfaceSet/>")
		})
		c.described.put(time.Now().Add(-2*keepDescribed), interface1, true)
		c.described.put(time.Now(), "eni-young", true)
		_, err := c.ListInterfaces(t.Context(), []string{cluster}, nil)
		if (err != nil) != fails {
			t.Fatal(err)
		}
		if c.described.ours(interface1) != fails || !c.described.ours("eni-young") {
			t.Errorf("list fails: %v; remembered: %v", fails, strings.Join(keysOf(c), ", "))
		}
	}
}

func keysOf(c *Client) []string {
	var keys []string
	for id := range c.described.byID {
		keys = append(keys, id)
	}
	return keys
}
