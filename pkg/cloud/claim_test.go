package cloud

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// showing answers a describe with one interface of the given tags, and accepts the rest.
func showing(tags string) func(url.Values) answer {
	return func(form url.Values) answer {
		if action := form.Get("Action"); action == describeNetworkInterfaces {
			return success(action, "<networkInterfaceSet><item><networkInterfaceId>"+interface1+"</networkInterfaceId><subnetId>subnet-1</subnetId>"+
				"<tagSet>"+tags+"</tagSet></item></networkInterfaceSet>")
		}
		return accept(form)
	}
}

// What is nobody's is made ours by one call with all tags, after a look at it; it may be changed from then on.
func TestClaimInterface(t *testing.T) {
	c, s := newScripted(t, showing("<item><key>team</key><value>telco</value></item>"))
	var seen eni.Interface
	got, err := c.ClaimInterface(t.Context(), interface1, ourTags(), func(_ context.Context, found eni.Interface) error {
		seen = found
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Tags["team"] != "telco" || seen.SubnetID != "subnet-1" {
		t.Errorf("confirmed on %+v", seen)
	}
	want := ourTags()
	want["team"] = "telco"
	if !maps.Equal(got.Tags, want) {
		t.Errorf("tags %v, want %v", got.Tags, want)
	}
	var actions []string
	for _, r := range s.requests() {
		actions = append(actions, parameters(r)["Action"])
	}
	if !slices.Equal(actions, []string{describeNetworkInterfaces, createTags}) {
		t.Errorf("calls %v", actions)
	}
	if err := c.PutTags(t.Context(), got, map[string]string{"env": "prod"}); err != nil {
		t.Errorf("changing what is ours now: %v", err)
	}
}

func TestWhatIsSomebodysIsNeverClaimed(t *testing.T) {
	yes := func(context.Context, eni.Interface) error { return nil }
	owned := "<item><key>" + eni.TagClusterID + "</key><value>another</value></item><item><key>" + eni.TagNodeENIUID + "</key><value>u</value></item>"
	changedItsMind := errors.New("no longer wanted")
	for name, test := range map[string]struct {
		shown   string
		tags    map[string]string
		confirm func(context.Context, eni.Interface) error
		want    error
	}{
		"another cluster's": {owned, ourTags(), yes, eni.KindNotClaimable},
		"the VPC CNI's":     {"<item><key>" + eni.TagCNIInstance + "</key><value>i-1</value></item>", ourTags(), yes, eni.KindNotClaimable},
		"for nobody":        {"", map[string]string{"team": "core"}, yes, eni.KindNotOurs},
		"unconfirmed":       {"", ourTags(), nil, eni.KindInvalid},
		"denied":            {"", ourTags(), func(context.Context, eni.Interface) error { return changedItsMind }, changedItsMind},
	} {
		c, s := newScripted(t, showing(test.shown))
		_, err := c.ClaimInterface(t.Context(), interface1, test.tags, test.confirm)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		for _, r := range s.requests() {
			if !strings.HasPrefix(parameters(r)["Action"], "Describe") {
				t.Errorf("%s: sent %v", name, parameters(r))
			}
		}
	}
	c, s := newScripted(t, func(form url.Values) answer {
		return success(form.Get("Action"), "<networkInterfaceSet></networkInterfaceSet>")
	})
	if _, err := c.ClaimInterface(t.Context(), interface1, ourTags(), yes); !errors.Is(err, eni.KindNotFound) || len(s.requests()) != 1 {
		t.Errorf("what EC2 does not show: %v after %d calls", err, len(s.requests()))
	}
}
