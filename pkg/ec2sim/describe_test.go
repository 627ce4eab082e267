package ec2sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func filtered(pairs ...string) []types.Filter {
	var out []types.Filter
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, types.Filter{Name: &pairs[i], Values: strings.Split(pairs[i+1], ",")})
	}
	return out
}

// list describes interfaces and keeps their IDs.
func list(in ec2.DescribeNetworkInterfacesInput) func(*lab) error {
	return func(l *lab) error {
		out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &in)
		ids := []string{}
		if err == nil {
			for _, e := range out.NetworkInterfaces {
				ids = append(ids, *e.NetworkInterfaceId)
			}
		}
		l.said = ids
		return err
	}
}

// TestInterfaceFilters asks for one interface among many by each filter.
func TestInterfaceFilters(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 5 {
		l.create(subnetB, groups(other), about("other"))
	}
	l.create(subnetA2, groups(workers), about("wan*ted"), ip("10.0.16.77"), tagSpec(types.ResourceTypeNetworkInterface, "owner", "me", "empty", ""))
	l.attach(l.eni, node, 0, 2)
	l.settle()
	l.must(doModify(dot(true))(l))
	e := l.describe(l.eni)
	for _, f := range []struct{ name, hit, miss string }{
		{"network-interface-id", l.eni, nobody},
		{"subnet-id", subnetA2, subnetX},
		{"vpc-id", "vpc-1", "vpc-9"},
		{"availability-zone", "us-east-1a", "us-east-1c"},
		{"availability-zone-id", "use1-az1", "use1-az3"},
		{"description", `wan\*ted`, `wan\*`},
		{"description", "w?n*ed", "w?nted"},
		{"status", "in-use", "attaching"},
		{"group-id", workers, foreign},
		{"group-name", "workers", "Workers"},
		{"private-ip-address", "10.0.16.77", "10.0.16.7"},
		{"addresses.private-ip-address", "10.0.16.*", "10.1.*"},
		{"mac-address", *e.MacAddress, "0a:00:00:00:00:00"},
		{"interface-type", "interface", "efa"},
		{"owner-id", "123456789012", "210987654321"},
		{"requester-managed", "false", "true"},
		{"source-dest-check", "true", "false"},
		{"private-dns-name", "ip-10-0-16-77.ec2.internal", "ip-10-0-16-77"},
		{"attachment.attachment-id", l.att, "eni-attach-0fffffffffffffff0"},
		{"attachment.instance-id", node, small},
		{"attachment.instance-owner-id", "123456789012", "x"},
		{"attachment.device-index", "2", "3"},
		{"attachment.network-card-index", "0", "1"},
		{"attachment.status", "attached", "attaching"},
		{"attachment.delete-on-termination", "true", "maybe"},
		{"attachment.attach-time", "2026-01-02T03:04:05.000Z", "2026-01-02"},
		{"tag:owner", "me", "Me"},
		{"tag:owner", "m*", "x*"},
		{"tag:empty", "", "x"},
		{"tag-key", "owner", "own"},
		{"association.public-ip", "", "*"},
	} {
		got := func(value string) bool {
			l.must(list(ec2.DescribeNetworkInterfacesInput{Filters: filtered(f.name, value)})(l))
			return slices.Contains(l.said.([]string), l.eni)
		}
		if hit := got(f.hit); hit != (f.name != "association.public-ip") {
			t.Errorf("filter %s=%s: found is %v", f.name, f.hit, hit)
		}
		if got(f.miss) {
			t.Errorf("filter %s=%s finds what it should not", f.name, f.miss)
		}
	}
}

func describeInterfacesRows() []row {
	several := func(l *lab) {
		for range 12 {
			l.create(subnetA2, tagSpec(types.ResourceTypeNetworkInterface, "mine", "yes"))
		}
	}
	found := func(n int) func(*lab) {
		return func(l *lab) {
			l.Helper()
			if got := len(l.said.([]string)); got != n {
				l.Errorf("%d interfaces, want %d", got, n)
			}
		}
	}
	values := func(n int) []types.Filter {
		f := types.Filter{Name: aws.String("subnet-id")}
		for i := range n {
			f.Values = append(f.Values, fmt.Sprint("v", i))
		}
		return []types.Filter{f}
	}
	in := func(change func(*ec2.DescribeNetworkInterfacesInput)) func(*lab) error {
		var d ec2.DescribeNetworkInterfacesInput
		change(&d)
		return list(d)
	}
	return []row{
		{action: "DescribeNetworkInterfaces", situation: "all", source: docAPI, given: several, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK", then: found(17)},
		{action: "DescribeNetworkInterfaces", situation: "filters are ANDed", source: docFilters, given: several, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("tag:mine", "yes", "subnet-id", subnetA)}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "values are ORed", source: docFilters, given: several, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("subnet-id", subnetA+","+subnetA2)}), code: "OK", then: found(17)},
		{action: "DescribeNetworkInterfaces", situation: "IDs in a filter may be unknown", source: docFilters, given: several, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("network-interface-id", nobody)}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "IDs in the list may not", source: docErrors, when: func(l *lab) error {
			return list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{l.primaryOf(node), nobody}})(l)
		}, code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DescribeNetworkInterfaces", situation: "IDs and filters", source: docFilters, when: func(l *lab) error {
			return list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{l.primaryOf(node)}, Filters: filtered("status", "available")})(l)
		}, code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "malformed ID", source: docErrors, when: list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-1"}}), code: "InvalidNetworkInterfaceId.Malformed"},
		{action: "DescribeNetworkInterfaces", situation: "unknown filter", source: seenFilter, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("colour", "red")}), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "filter of another action", source: seenFilter, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("instance-type", "m5.xlarge")}), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "filter without a name", source: assumed, when: func(l *lab) error { return l.form("Action=DescribeNetworkInterfaces&Filter.1.Value.1=x") }, code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "filter without a value", source: assumed, when: func(l *lab) error { return l.form("Action=DescribeNetworkInterfaces&Filter.1.Name=vpc-id") }, code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "200 values", source: seenValues, when: list(ec2.DescribeNetworkInterfacesInput{Filters: values(200)}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "201 values", source: seenValues, when: list(ec2.DescribeNetworkInterfacesInput{Filters: values(201)}), code: "FilterLimitExceeded"},
		{action: "DescribeNetworkInterfaces", situation: "50 filters", source: docFilters, when: list(ec2.DescribeNetworkInterfacesInput{Filters: slices.Repeat(filtered("vpc-id", "vpc-1"), 50)}), code: "OK", then: found(5)},
		{action: "DescribeNetworkInterfaces", situation: "51 filters", source: assumedCode(docFilters), when: list(ec2.DescribeNetworkInterfacesInput{Filters: slices.Repeat(filtered("vpc-id", "vpc-1"), 51)}), code: "FilterLimitExceeded"},
		{action: "DescribeNetworkInterfaces", situation: "value of 255 characters", source: docFilters, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("description", strings.Repeat("ü", 255))}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "value of 256 characters", source: assumedCode(docFilters), when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("description", strings.Repeat("ü", 256))}), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 4", source: assumedCode(docAPI), when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(4) }), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 5", source: docAPI, given: several, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(5) }), code: "OK", then: found(5)},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 1000", source: docAPI, given: several, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(1000) }), code: "OK", then: found(17)},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 1001", source: assumedCode(docAPI), when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(1001) }), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults with IDs", source: docPages, when: in(func(d *ec2.DescribeNetworkInterfacesInput) {
			d.MaxResults, d.NetworkInterfaceIds = aws.Int32(5), []string{nobody}
		}), code: "InvalidParameterCombination"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults is no number", source: assumed, when: func(l *lab) error { return l.form("Action=DescribeNetworkInterfaces&MaxResults=many") }, code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 4, variant", source: docErrors, world: func(w *World) { w.Variants.MaxResults = "InvalidMaxResults" }, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(4) }), code: "InvalidMaxResults"},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs is hidden", source: assumed, world: foreignInterfaces, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK", then: found(6)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs, asked for", source: docAPI, world: foreignInterfaces, when: in(func(d *ec2.DescribeNetworkInterfacesInput) {
			d.IncludeManagedResources, d.Filters = aws.Bool(true), filtered("operator.managed", "true", "operator.principal", "eks.amazonaws.com")
		}), code: "OK", then: found(1)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs, variant", source: choice, world: func(w *World) { foreignInterfaces(w); w.Variants.ManagedResources = "shown" }, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK", then: found(7)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS has made", source: docAPI, world: foreignInterfaces, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("requester-id", "amazon-elb", "requester-managed", "true")}), code: "OK", then: found(1)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs, by ID", source: assumed, world: foreignInterfaces, when: list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{operated}}), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DescribeNetworkInterfaces", situation: "NextToken made up", source: docErrors, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.NextToken = aws.String("abc") }), code: "InvalidNextToken"},
		{action: "DescribeNetworkInterfaces", situation: "NextToken of another request", source: assumed, given: several, when: func(l *lab) error {
			_, next := l.page(nil, "")
			_, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &ec2.DescribeNetworkInterfacesInput{NextToken: &next, Filters: filtered("tag:mine", "yes")})
			return err
		}, code: "InvalidNextToken"},
		{action: "DescribeNetworkInterfaces", situation: "NextToken expired", source: assumedCode(docPages), given: several, when: func(l *lab) error {
			_, next := l.page(nil, "")
			l.clock.Advance(pageTokenLife + time.Second)
			return list(ec2.DescribeNetworkInterfacesInput{NextToken: &next})(l)
		}, code: "InvalidNextToken"},
		{action: "DescribeNetworkInterfaces", situation: "big account, unpaged", source: seenPages, world: func(w *World) { w.Quotas.UnpagedInterfaces = 4 }, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OperationNotPermitted"},
		{action: "DescribeNetworkInterfaces", situation: "big account, paged", source: seenPages, world: func(w *World) { w.Quotas.UnpagedInterfaces = 4 }, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(1000) }), code: "OK", then: found(5)},
		{action: "DescribeNetworkInterfaces", situation: "big account, filtered", source: docAPI, world: func(w *World) { w.Quotas.UnpagedInterfaces = 4 }, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("vpc-id", "vpc-1")}), code: "OK", then: found(5)},
	}
}

func (l *lab) page(filters []types.Filter, next string) ([]string, string) {
	l.Helper()
	in := &ec2.DescribeNetworkInterfacesInput{Filters: filters, MaxResults: aws.Int32(5)}
	if next != "" {
		in.NextToken = &next
	}
	out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), in)
	l.must(err)
	var ids []string
	for _, e := range out.NetworkInterfaces {
		ids = append(ids, *e.NetworkInterfaceId)
	}
	return ids, aws.ToString(out.NextToken)
}

// TestPages walks pages while interfaces come and go: what stays all the time is seen
// exactly once.
func TestPages(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	stays := map[string]int{}
	for range 23 {
		stays[l.create(subnetA2)] = 0
	}
	only := filtered("subnet-id", subnetA2)
	for next, first := "", true; next != "" || first; first = false {
		doomed := l.create(subnetA2)
		var ids []string
		ids, next = l.page(only, next)
		for _, id := range ids {
			if _, ok := stays[id]; ok {
				stays[id]++
			}
		}
		l.eni = doomed
		l.must(doDelete(nil)(l))
	}
	for id, n := range stays {
		if n != 1 {
			t.Errorf("%s was seen %d times", id, n)
		}
	}
}
