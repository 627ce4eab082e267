package ec2sim

import (
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// value is one node of a request's parameters: EC2's Query protocol flattens
// structures with dots and lists with 1-based numbers (Filter.1.Value.2).
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
type value struct {
	text     string
	given    bool
	children map[string]*value
}

func (v *value) child(path string) *value {
	for name := range strings.SplitSeq(path, ".") {
		if v == nil {
			return nil
		}
		v = v.children[name]
	}
	return v
}

func (v *value) put(path, text string) {
	for name := range strings.SplitSeq(path, ".") {
		if v.children == nil {
			v.children = map[string]*value{}
		}
		next := v.children[name]
		if next == nil {
			next = &value{}
			v.children[name] = next
		}
		v = next
	}
	v.text, v.given = text, true
}

// members are a list's members in the order of their numbers; gaps do not matter.
func (v *value) members(path string) []*value {
	list := v.child(path)
	if list == nil {
		return nil
	}
	type member struct {
		n int
		v *value
	}
	found := make([]member, 0, len(list.children))
	for name, c := range list.children {
		if n, err := strconv.Atoi(name); err == nil {
			found = append(found, member{n, c})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].n < found[j].n })
	out := make([]*value, len(found))
	for i, m := range found {
		out[i] = m.v
	}
	return out
}

func (v *value) texts(path string) []string {
	var out []string
	for _, m := range v.members(path) {
		out = append(out, m.text)
	}
	return out
}

func (v *value) has(path string) bool {
	c := v.child(path)
	return c != nil && (c.given || len(c.children) > 0)
}

func (v *value) get(path string) string {
	if c := v.child(path); c != nil {
		return c.text
	}
	return ""
}

// number and boolean are only asked for parameters that checkParams has let through.
func (v *value) number(path string, absent int) int {
	c := v.child(path)
	if c == nil || !c.given {
		return absent
	}
	n, err := strconv.Atoi(c.text)
	if err != nil {
		return absent
	}
	return n
}

func (v *value) boolean(path string) bool { return v.get(path) == "true" }

// protocolParams belong to the protocol and to signatures in the query string.
var protocolParams = map[string]bool{
	"Action": true, "Version": true, "AWSAccessKeyId": true, "Signature": true, "SignatureMethod": true,
	"SignatureVersion": true, "Timestamp": true, "Expires": true, "X-Amz-Algorithm": true,
	"X-Amz-Credential": true, "X-Amz-Date": true, "X-Amz-Expires": true, "X-Amz-SignedHeaders": true,
	"X-Amz-Signature": true, "X-Amz-Security-Token": true,
}

// parseForm turns a decoded form into parameters. Names are taken as they come:
// whether an action knows them is for checkParams to say.
func parseForm(form url.Values) (*value, error) {
	root := &value{}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if protocolParams[name] {
			continue
		}
		if len(form[name]) > 1 {
			return nil, fail("InvalidQueryParameter", "The parameter %s is given more than once", name)
		}
		root.put(name, form[name][0])
	}
	return root, nil
}
