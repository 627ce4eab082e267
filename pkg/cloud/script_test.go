package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	cluster    = "11111111-aaaa-bbbb-cccc-222222222222"
	interface1 = "eni-0aaaaaaaaaaaaaaa1"
	instance1  = "i-0aaaaaaaaaaaaaaa1"
	attach1    = "eni-attach-0aaaaaaaaaaaaaaa1"
)

// answer is what the script says to one request: an HTTP answer, or a failure to get one.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

// success is EC2's answer to an action, with what is inside it.
func success(action, inside string) answer {
	return answer{status: 200, body: fmt.Sprintf(
		`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<%sResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>req-ok</requestId>%s</%sResponse>`,
		action, inside, action)}
}

// refusal is EC2's answer with an error code.
func refusal(status int, code, message string) answer {
	return answer{status: status, body: fmt.Sprintf(
		`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>req-bad</RequestID></Response>`,
		code, message)}
}

// script is an EC2 that says what a test tells it to, and remembers what it was asked.
type script struct {
	mu     sync.Mutex
	reply  func(form url.Values) answer
	asked  []url.Values
	agents []string
	// before, if there is one, is called with each request before it is answered.
	before func(*http.Request)
}

func (s *script) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.asked = append(s.asked, form)
	s.agents = append(s.agents, request.UserAgent())
	s.mu.Unlock()
	if s.before != nil {
		s.before(request)
	}
	said := s.reply(form)
	if said.err != nil {
		return nil, said.err
	}
	header := said.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: said.status, Status: http.StatusText(said.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewBufferString(said.body)), Request: request,
	}, nil
}

// requests are the forms that were sent so far.
func (s *script) requests() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]url.Values(nil), s.asked...)
}

// always gives one answer to everything.
func always(a answer) func(url.Values) answer { return func(url.Values) answer { return a } }

// inTurn gives the answers one after the other, and the last for good.
func inTurn(answers ...answer) func(url.Values) answer {
	next := 0
	return func(url.Values) answer {
		a := answers[min(next, len(answers)-1)]
		next++
		return a
	}
}

func configFor(transport http.RoundTripper) aws.Config {
	return aws.Config{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		HTTPClient: &http.Client{Transport: transport},
	}
}

// newScripted is a client of our cluster before a scripted EC2.
func newScripted(t *testing.T, reply func(url.Values) answer, change ...func(*Options)) (*Client, *script) {
	t.Helper()
	s := &script{reply: reply}
	opts := Options{ClusterIDs: []string{cluster, "former"}, Version: "v1.2.3"}
	for _, f := range change {
		f(&opts)
	}
	return newKnowing(configFor(s), opts), s
}

// newKnowing is a client that EC2 has shown interface1 to, as ours.
func newKnowing(cfg aws.Config, opts Options) *Client {
	c := NewFromConfig(cfg, opts)
	c.described.made(time.Now(), interface1)
	return c
}

func fenced(until time.Time, ok bool) func(*Options) {
	return func(o *Options) { o.Fence = func() (time.Time, bool) { return until, ok } }
}

// ourTags are those of an interface of our cluster.
func ourTags() map[string]string {
	return map[string]string{eni.TagClusterID: cluster, eni.TagNodeENIUID: "uid-1", "Name": "a/node"}
}

// ours is an attached interface of our cluster.
func ours() eni.Interface {
	return eni.Interface{ID: interface1, Tags: ourTags(), Attachment: &eni.Attachment{
		ID: attach1, InstanceID: instance1, Slot: eni.Slot{Index: 1}, Status: eni.Attached,
	}}
}

func confirmed(context.Context) error { return nil }

// parameters are what a form says beside action and version.
func parameters(form url.Values) map[string]string {
	out := map[string]string{}
	for key := range form {
		if key != "Version" {
			out[key] = form.Get(key)
		}
	}
	return out
}

// writes are all methods that change EC2, called on one interface.
var writes = []struct {
	action string
	call   func(context.Context, *Client, eni.Interface) error
}{
	{createNetworkInterface, func(ctx context.Context, c *Client, iface eni.Interface) error {
		_, err := c.CreateInterface(ctx, eni.CreateRequest{
			SubnetID: "subnet-1", SecurityGroupIDs: []string{"sg-1"}, Tags: iface.Tags, ClientToken: "token",
		})
		return err
	}},
	{attachNetworkInterface, func(ctx context.Context, c *Client, iface eni.Interface) error {
		_, err := c.AttachInterface(ctx, iface, instance1, eni.Slot{Index: 1})
		return err
	}},
	{modifyInterfaceAttribute, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.SetDeleteOnTermination(ctx, iface, attach1, true)
	}},
	{modifyInterfaceAttribute, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.SetSecurityGroups(ctx, iface, []string{"sg-1"})
	}},
	{modifyInterfaceAttribute, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.SetDescription(ctx, iface, "text")
	}},
	{createTags, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.PutTags(ctx, iface, map[string]string{"team": "net"})
	}},
	{createTags, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.AdoptInterface(ctx, iface, "uid-2", confirmed)
	}},
	{deleteTags, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.RemoveTags(ctx, iface, []string{"team"})
	}},
	{detachNetworkInterface, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.DetachInterface(ctx, iface, confirmed)
	}},
	{deleteNetworkInterface, func(ctx context.Context, c *Client, iface eni.Interface) error {
		return c.DeleteInterface(ctx, iface, confirmed)
	}},
}

// reads are all methods that read EC2.
var reads = []struct {
	action string
	call   func(context.Context, *Client) error
}{
	{describeNetworkInterfaces, func(ctx context.Context, c *Client) error {
		_, err := c.ListInterfaces(ctx, []string{cluster}, nil)
		return err
	}},
	{describeNetworkInterfaces, func(ctx context.Context, c *Client) error {
		_, err := c.DescribeInterfaces(ctx, []string{interface1})
		return err
	}},
	{describeInstances, func(ctx context.Context, c *Client) error {
		_, err := c.DescribeInstances(ctx, []string{instance1})
		return err
	}},
	{describeSubnets, func(ctx context.Context, c *Client) error {
		_, err := c.DescribeSubnets(ctx, []string{"subnet-1"})
		return err
	}},
}
