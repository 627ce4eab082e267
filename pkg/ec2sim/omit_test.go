package ec2sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestOmit: what a fault leaves out is missing where it should stand, and nothing else is, on whatever page.
func TestOmit(t *testing.T) {
	t.Parallel()
	const pageOf = 5 // the least that EC2 takes
	for _, c := range []struct {
		name string
		// fault is a rule in which %s stands for the IDs of the first, the sixth and the last interface.
		fault string
		want  func(shown, all []string) bool
	}{
		{"given", `{"effect": "omit", "action": "DescribeNetworkInterfaces", "items": [%s]}`, func(shown, all []string) bool {
			return slices.Equal(shown, slices.Concat(all[1:5], all[6:len(all)-1]))
		}},
		{"all", `{"effect": "omit", "action": "DescribeNetworkInterfaces"}`, func(shown, _ []string) bool { return len(shown) == 0 }},
		{"some", `{"effect": "omit", "action": "DescribeNetworkInterfaces", "itemShare": 0.5}`, func(shown, all []string) bool {
			return len(shown) > 0 && len(shown) < len(all)
		}},
		{"of other actions", `{"effect": "omit", "action": "DescribeInstances"}`, func(shown, all []string) bool { return slices.Equal(shown, all) }},
	} {
		l := newLab(t)
		for range 12 {
			l.create(subnetB)
		}
		all := l.pagesOf(pageOf)
		rule := c.fault
		if strings.Contains(rule, "%s") {
			rule = fmt.Sprintf(rule, fmt.Sprintf("%q, %q, %q", all[0], all[5], all[len(all)-1]))
		}
		fault(rule)(l)
		if shown := l.pagesOf(pageOf); !c.want(shown, all) {
			t.Errorf("%s: of %v are shown %v", c.name, all, shown)
		}
		l.control("DELETE", "faults", "")
		if shown := l.pagesOf(pageOf); !slices.Equal(shown, all) {
			t.Errorf("%s: when it is over, %v are shown of %v", c.name, shown, all)
		}
	}
}

// A share never leaves the same out of two lists one after another: what tells absence by two lists must be able to.
// A read that names IDs is on its own.
func TestOmitTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 12 {
		l.create(subnetB)
	}
	all := l.pagesOf(1000)
	fault(`{"effect": "omit", "action": "DescribeNetworkInterfaces", "every": 7}`)(l)
	fault(`{"effect": "omit", "action": "DescribeNetworkInterfaces", "itemShare": 0.5}`)(l)
	before, again := map[string]bool{}, 0
	for range 40 {
		shown := l.pagesOf(1000)
		for _, id := range all {
			left := !slices.Contains(shown, id)
			if left && before[id] && len(shown) > 0 {
				t.Errorf("%s is left out of two lists", id)
			}
			if before[id] = left; left {
				out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{{Name: new("network-interface-id"), Values: []string{id}}}})
				l.must(err)
				if len(out.NetworkInterfaces) == 0 {
					again++
				}
			}
		}
	}
	if again == 0 {
		t.Error("nothing that a list leaves out is left out of the read by ID that follows")
	}
}

// pagesOf lists all interfaces page by page.
func (l *lab) pagesOf(size int32) (ids []string) {
	l.Helper()
	pages := ec2.NewDescribeNetworkInterfacesPaginator(l.ec2, &ec2.DescribeNetworkInterfacesInput{MaxResults: &size})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.Context())
		l.must(err)
		for _, i := range page.NetworkInterfaces {
			ids = append(ids, *i.NetworkInterfaceId)
		}
	}
	return ids
}
