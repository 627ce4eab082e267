package ec2sim

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzForm sends anything at all: the answer is always well-formed XML, and an error
// always has a code.
func FuzzForm(f *testing.F) {
	for action := range operations {
		f.Add("Action=" + action)
	}
	for _, s := range []string{
		"", "Action", "Action=CreateTags&ResourceId.1=eni-12345678&Tag.1.Key=%00", "Action=DescribeSubnets&Filter.1.Name=tag:*&Filter.1.Value.1=*\\",
		"Action=DescribeInstances&NextToken=AAAA", "Action=DescribeNetworkInterfaces&MaxResults=99999999999", "Action=DescribeVpcs&Filter.1..Name=x&Filter=1&Filter.0.Name=1",
		"Action=CreateNetworkInterface&SubnetId=" + subnetA + "&Ipv4Prefix.1.Ipv4Prefix=10.0.0.16/28&PrivateIpAddress=10.0.0.20", "Action=AttachNetworkInterface&DeviceIndex=-1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		sim, err := New(labWorld(), Options{Clock: NewVirtualClock(time.Unix(0, 0))})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ec2.test/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", signed)
		resp, err := sim.Transport().RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var e envelope
		if err := xml.Unmarshal(data, &e); err != nil {
			t.Fatalf("%v in %q", err, data)
		}
		if resp.StatusCode != http.StatusOK && (len(e.Errors) != 1 || e.Errors[0].Code == "") {
			t.Fatalf("status %d without a code: %q", resp.StatusCode, data)
		}
		checkInvariants(t, sim)
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

// FuzzPolicy: a document is refused or can be asked.
func FuzzPolicy(f *testing.F) {
	f.Add(controllerPolicy)
	f.Add(rootPolicy)
	f.Add(`{"Statement": [null]}`)
	f.Fuzz(func(_ *testing.T, doc string) {
		p, err := parsePolicy(doc)
		if err == nil {
			(&principal{policies: []policy{p}}).judge(question{action: "ec2:CreateTags", arn: "*"})
		}
	})
}
