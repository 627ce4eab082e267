package ec2sim

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// fuzzed is a simulator that stands still, with a few tags to filter by.
func fuzzed(t *testing.T, change ...func(*World)) *Simulator {
	t.Helper()
	w := labWorld()
	w.Instances[0].Tags = map[string]string{"Name": "node*"}
	for _, f := range change {
		f(&w)
	}
	sim, err := New(w, Options{Clock: NewVirtualClock(time.Unix(0, 0)), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// post sends a form and returns EC2's code, which every refusal must have in a
// well-formed document; it is empty where the call succeeded.
func (x *exchange) post(t *testing.T, sim *Simulator, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ec2.test/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", signed)
	resp, err := sim.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if x.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	x.status = resp.StatusCode
	var e envelope
	if err := xml.Unmarshal(x.body, &e); err != nil {
		t.Fatalf("%v in %q", err, x.body)
	}
	checkInvariants(t, sim)
	if x.status == http.StatusOK {
		return ""
	}
	if len(e.Errors) != 1 || e.Errors[0].Code == "" || e.Errors[0].Message == "" || e.RequestID == "" {
		t.Fatalf("status %d without a code, a text or an ID: %q", x.status, x.body)
	}
	if want := statusOf(e.Errors[0].Code); x.status != want {
		t.Fatalf("%s with status %d, not %d", e.Errors[0].Code, x.status, want)
	}
	return e.Errors[0].Code
}

// FuzzForm sends anything at all: the answer is always a document, and an error always
// has EC2's form.
func FuzzForm(f *testing.F) {
	for action := range operations {
		f.Add("Action=" + action)
	}
	for _, s := range []string{
		"", "Action", "Action=CreateTags&ResourceId.1=eni-12345678&Tag.1.Key=%00", "Action=DescribeSubnets&Filter.1.Name=tag:*&Filter.1.Value.1=*\\",
		"Action=DescribeInstances&NextToken=AAAA", "Action=DescribeNetworkInterfaces&MaxResults=99999999999", "Action=DescribeVpcs&Filter.1..Name=x&Filter=1&Filter.0.Name=1",
		"Action=CreateNetworkInterface&SubnetId=" + subnetA + "&Ipv4Prefix.1.Ipv4Prefix=10.0.0.16/28&PrivateIpAddress=10.0.0.20", "Action=AttachNetworkInterface&DeviceIndex=-1",
		"Action=RunInstances&MinCount=1&MaxCount=1&ImageId=ami-12345678&InstanceType=m5.xlarge&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=" + subnetA,
		"Action=AssignIpv6Addresses&NetworkInterfaceId=" + nobody + "&Ipv6Addresses.1=::ffff:10.0.0.1", "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) { (&exchange{}).post(t, fuzzed(t), body) })
}

// describesByFilter are the actions with filters, and the names that each knows.
var describesByFilter = map[string]func(string) bool{
	"DescribeNetworkInterfaces": withTags(interfaceFilters.knows), "DescribeInstances": withTags(instanceFilters.knows),
	"DescribeSubnets": withTags(subnetFilters.knows), "DescribeSecurityGroups": withTags(groupFilters.knows), "DescribeVpcs": withTags(vpcFilters.knows),
	"DescribeTags": withTags(tagFilters.knows), "DescribeInstanceTypes": instanceTypeFilters.knows, "DescribeInstanceStatus": instanceStatusFilters.knows,
	"DescribeAvailabilityZones": zoneFilters.knows,
}

func withTags(knows func(string) bool) func(string) bool {
	return func(name string) bool { return knows(name) || isTagFilter(name) }
}

// FuzzFilter asks each describe by any filter: one that it does not know is refused, and
// one that it knows never finds more than there is without it.
func FuzzFilter(f *testing.F) {
	for _, names := range []string{"tag:Name", "tag-key", "status", "attachment.device-index", "network-interface.addresses.primary", "vcpu-info.default-vcpus", "", "tag:", "Status", "a\x00b"} {
		f.Add(names, `node\*`)
		f.Add(names, `*?\`)
	}
	f.Fuzz(func(t *testing.T, name, pattern string) {
		sim := fuzzed(t)
		for _, action := range slices.Sorted(maps.Keys(describesByFilter)) {
			var all, some exchange
			all.post(t, sim, "Action="+action)
			code := some.post(t, sim, "Action="+action+"&Filter.1.Name="+url.QueryEscape(name)+"&Filter.1.Value.1="+url.QueryEscape(pattern))
			want := ""
			if !describesByFilter[action](name) || tooLong(pattern) {
				want = "InvalidParameterValue"
			}
			if code != want {
				t.Errorf("%s by %q: %q, want %q", action, name, code, want)
			}
			if strings.Count(string(some.body), "<item>") > strings.Count(string(all.body), "<item>") {
				t.Errorf("%s by %q=%q finds more than without", action, name, pattern)
			}
		}
	})
}

// FuzzNextToken goes on with any token: only the simulator's own is taken, unaltered.
func FuzzNextToken(f *testing.F) {
	f.Add("", 0)
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1)
	f.Add("=", 40)
	f.Add("\n", 99)
	f.Fuzz(func(t *testing.T, noise string, at int) {
		sim := fuzzed(t, func(w *World) {
			for range 7 {
				w.Interfaces = append(w.Interfaces, Interface{Subnet: subnetA})
			}
		})
		var x exchange
		const ask = "Action=DescribeNetworkInterfaces&MaxResults=5"
		x.post(t, sim, ask)
		_, rest, _ := strings.Cut(string(x.body), "<nextToken>")
		good, _, ok := strings.Cut(rest, "</nextToken>")
		if !ok {
			t.Fatalf("no token in %s", x.body)
		}
		at = max(0, min(at, len(good)))
		bad := good[:at] + noise + good[min(len(good), at+len(noise)):]
		want := "InvalidNextToken"
		if bad == good {
			want = ""
		}
		if code := x.post(t, sim, ask+"&NextToken="+url.QueryEscape(bad)); code != want {
			t.Errorf("token %q is answered with %q, want %q", bad, code, want)
		}
	})
}

// FuzzWildcard: a pattern that is its text escaped always matches, and none panics.
func FuzzWildcard(f *testing.F) {
	f.Add("a*b?c", "aXbYc")
	f.Add(`\`, `\`)
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if wildcard(pattern, s) && !wildcard("*"+pattern, s) {
			t.Errorf("%q matches %q, but not with a star before it", pattern, s)
		}
		if !wildcard(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s), s) {
			t.Errorf("%q does not match itself", s)
		}
	})
}

// FuzzPolicy: a document is refused, or its principal is answered as EC2 answers. A Deny
// of everything beside it always wins, and without an Allow nothing is allowed.
func FuzzPolicy(f *testing.F) {
	for _, doc := range []string{controllerPolicy, rootPolicy, `{"Statement": [null]}`, `{"Statement": {"Effect": "Allow", "NotAction": "ec2:Delete*", "NotResource": "arn:*"}}`} {
		f.Add(doc, "owner", "me")
		f.Add(doc, "Frozen", "true")
	}
	f.Fuzz(func(t *testing.T, doc, key, v string) {
		p, err := parsePolicy(doc)
		if err != nil {
			return
		}
		q := question{action: "ec2:DeleteNetworkInterface", arn: "arn:aws:ec2:us-east-1:123456789012:network-interface/" + nobody, region: "us-east-1", account: "123456789012", res: resource{
			tags: map[string]string{key: v}, requestTags: map[string]string{key: v, "b": ""}, keys: map[string]string{"ec2:vpc": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1"},
		}}
		deny := policy{oneOrMore[statement]{{Effect: "Deny", Action: oneOrMore[string]{"*"}, Resource: oneOrMore[string]{"*"}}}}
		if allowed, denied := (&principal{policies: []policy{p, deny}}).judge(q); allowed || !denied {
			t.Error("a Deny of everything did not win")
		}
		allows := slices.ContainsFunc(p.Statement, func(s statement) bool { return s.Effect == "Allow" })
		if allowed, _ := (&principal{policies: []policy{p}}).judge(q); allowed && !allows {
			t.Error("allowed by a policy without an Allow")
		}
		sim := fuzzed(t, func(w *World) { w.Principals = []Principal{{Name: "p", AccessKey: "AKID", Documents: []string{doc}}} })
		for _, body := range []string{"Action=DescribeVpcs", "Action=CreateNetworkInterface&SubnetId=" + subnetA, "Action=DeleteNetworkInterface&NetworkInterfaceId=" + nobody} {
			if code := (&exchange{}).post(t, sim, body); !slices.Contains([]string{"", "UnauthorizedOperation", interfaceID.notFound}, code) {
				t.Errorf("%s is answered with %s", body, code)
			}
		}
	})
}
