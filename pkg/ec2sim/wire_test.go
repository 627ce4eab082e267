package ec2sim

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

const signed = "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00"

type envelope struct {
	XMLName xml.Name
	Errors  []struct {
		Code, Message string
	} `xml:"Errors>Error"`
	RequestID string
}

// TestEnvelope sends requests as no SDK would, over a real connection.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	server := httptest.NewServer(l.sim)
	defer server.Close()
	const version = "&Version=2016-11-15"
	for _, c := range []struct {
		name, method, query, body, auth, code string
		status                                int
	}{
		{"unsigned", "POST", "", "Action=DescribeVpcs", "", "MissingAuthenticationToken", 403},
		{"unsigned and unknown action", "POST", "", "Action=Fly", "", "MissingAuthenticationToken", 403},
		{"not a SigV4 header", "POST", "", "Action=DescribeVpcs", "Basic abc", "AuthFailure", 401},
		{"header without a signature", "POST", "", "Action=DescribeVpcs", "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/ec2/aws4_request", "AuthFailure", 401},
		{"other Region", "POST", "", "Action=DescribeVpcs", strings.Replace(signed, "us-east-1", "eu-west-1", 1), "AuthFailure", 401},
		{"other service", "POST", "", "Action=DescribeVpcs", strings.Replace(signed, "/ec2/", "/s3/", 1), "AuthFailure", 401},
		{"signed in the query string", "GET", "Action=DescribeVpcs" + version + "&X-Amz-Credential=AKID%2F20260102%2Fus-east-1%2Fec2%2Faws4_request&X-Amz-Signature=00", "", "", "", 200},
		{"credentials in the query string without a signature", "GET", "Action=DescribeVpcs" + version + "&X-Amz-Credential=AKID%2F20260102%2Fus-east-1%2Fec2%2Faws4_request", "", "", "AuthFailure", 401},
		{"GET", "GET", "Action=DescribeVpcs" + version, "", signed, "", 200},
		{"POST", "POST", "", "Action=DescribeVpcs" + version, signed, "", 200},
		{"unknown action", "POST", "", "Action=Fly", signed, "InvalidAction", 400},
		{"no action", "POST", "", "SubnetId=x", signed, "MissingAction", 400},
		{"old version", "POST", "", "Action=DescribeVpcs&Version=2006-06-26", signed, "NoSuchVersion", 400},
		{"parameter twice", "POST", "", "Action=DescribeVpcs&MaxResults=5&MaxResults=6", signed, "InvalidQueryParameter", 400},
		{"broken form", "POST", "", "Action=%zz", signed, "MalformedQueryString", 400},
		{"other method", "PUT", "", "Action=DescribeVpcs", signed, "InvalidRequest", 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+"/?"+c.query, strings.NewReader(c.body))
		l.must(err)
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		resp, err := server.Client().Do(r)
		l.must(err)
		data, err := io.ReadAll(resp.Body)
		l.must(err)
		l.must(resp.Body.Close())
		if id := resp.Header.Get("X-Amzn-Requestid"); id == "" || !strings.Contains(string(data), id) {
			t.Errorf("%s: the header says request %q, the body %s", c.name, id, data)
		}
		var e envelope
		if err := xml.Unmarshal(data, &e); err != nil {
			t.Errorf("%s: %v in %s", c.name, err, data)
			continue
		}
		code := ""
		if len(e.Errors) > 0 {
			code = e.Errors[0].Code
		}
		if resp.StatusCode != c.status || code != c.code || code != "" && (e.RequestID == "" || e.XMLName.Local != "Response") {
			t.Errorf("%s: %d %s", c.name, resp.StatusCode, data)
		}
	}
}

// TestCutOverTheWire: the client of a cut connection sees no answer at all.
func TestCutOverTheWire(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	server := httptest.NewServer(l.sim)
	defer server.Close()
	client := ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}, Retryer: aws.NopRetryer{}})
	if _, err := client.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}); err == nil || !strings.Contains(err.Error(), "MissingAuthenticationToken") {
		t.Errorf("an unsigned call gives %v", err)
	}
	fault(`{"effect": "cut-before"}`)(l)
	signing := func(o *ec2.Options) { o.Credentials = credentials.NewStaticCredentialsProvider("AKID", "secret", "") }
	if _, err := client.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{}, signing); err == nil || strings.Contains(err.Error(), "api error") {
		t.Errorf("a cut call gives %v", err)
	}
}
