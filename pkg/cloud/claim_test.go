package cloud

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// telling answers that the interface has been described with the tags.
func telling(tags map[string]string) func(context.Context) (eni.Interface, error) {
	return func(context.Context) (eni.Interface, error) {
		return eni.Interface{ID: interface1, SubnetID: "subnet-1", Tags: tags}, nil
	}
}

// What is nobody's is made ours by one call with all tags, as it was described; it may be changed from then on.
func TestClaimInterface(t *testing.T) {
	c, s := newScripted(t, accept)
	got, err := c.ClaimInterface(t.Context(), interface1, ourTags(), telling(map[string]string{"team": "telco"}))
	if err != nil {
		t.Fatal(err)
	}
	if got.SubnetID != "subnet-1" {
		t.Errorf("claimed %+v", got)
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
	if !slices.Equal(actions, []string{createTags}) {
		t.Errorf("calls %v", actions)
	}
	if err := c.PutTags(t.Context(), got, map[string]string{"env": "prod"}); err != nil {
		t.Errorf("changing what is ours now: %v", err)
	}
}

func TestWhatIsSomebodysIsNeverClaimed(t *testing.T) {
	changedItsMind := errors.New("no longer wanted")
	for name, test := range map[string]struct {
		tags    map[string]string
		confirm func(context.Context) (eni.Interface, error)
		want    error
	}{
		"another cluster's": {ourTags(), telling(map[string]string{eni.TagClusterID: "another", eni.TagNodeENIUID: "u"}), eni.KindNotClaimable},
		"the VPC CNI's":     {ourTags(), telling(map[string]string{eni.TagCNIInstance: "i-1"}), eni.KindNotClaimable},
		"an AWS service's": {ourTags(), func(context.Context) (eni.Interface, error) {
			return eni.Interface{ID: interface1, RequesterManaged: true}, nil
		}, eni.KindNotClaimable},
		"another one": {ourTags(), func(context.Context) (eni.Interface, error) {
			return eni.Interface{ID: "eni-0fffffffffffffff9"}, nil
		}, eni.KindNotClaimable},
		"for nobody":  {map[string]string{"team": "core"}, telling(nil), eni.KindNotOurs},
		"unconfirmed": {ourTags(), nil, eni.KindInvalid},
		"denied": {ourTags(), func(context.Context) (eni.Interface, error) {
			return eni.Interface{ID: interface1}, changedItsMind
		}, changedItsMind},
	} {
		c, s := newScripted(t, accept)
		_, err := c.ClaimInterface(t.Context(), interface1, test.tags, test.confirm)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if sent := s.requests(); len(sent) > 0 {
			t.Errorf("%s: sent %v", name, parameters(sent[0]))
		}
	}
}
