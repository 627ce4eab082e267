package cloud

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// accept answers every action with success.
func accept(form url.Values) answer {
	switch action := form.Get("Action"); action {
	case createNetworkInterface:
		return success(action, "<networkInterface><networkInterfaceId>"+interface1+"</networkInterfaceId><status>pending</status></networkInterface>")
	case attachNetworkInterface:
		return success(action, "<attachmentId>"+attach1+"</attachmentId>")
	default:
		return success(action, "<return>true</return>")
	}
}

func TestCreateInterface(t *testing.T) {
	c, s := newScripted(t, accept)
	got, err := c.CreateInterface(t.Context(), eni.CreateRequest{
		SubnetID: "subnet-1", SecurityGroupIDs: []string{"sg-2", "sg-1"}, Description: "text", Tags: ourTags(), ClientToken: "token",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(eni.Interface{ID: interface1, Tags: ourTags(), SecurityGroupIDs: []string{}}, got); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"Action": createNetworkInterface, "SubnetId": "subnet-1", "SecurityGroupId.1": "sg-1", "SecurityGroupId.2": "sg-2",
		"Description": "text", "ClientToken": "token", "TagSpecification.1.ResourceType": "network-interface",
		"TagSpecification.1.Tag.1.Key": "Name", "TagSpecification.1.Tag.1.Value": "a/node",
		"TagSpecification.1.Tag.2.Key": "networking.k8s.aws/cluster-id", "TagSpecification.1.Tag.2.Value": cluster,
		"TagSpecification.1.Tag.3.Key": "networking.k8s.aws/nodeeni-uid", "TagSpecification.1.Tag.3.Value": "uid-1",
	}
	if diff := cmp.Diff(want, parameters(s.requests()[0])); diff != "" {
		t.Error(diff)
	}
}

func TestWritesOnTheWire(t *testing.T) {
	modify := func(key, value string, more ...string) map[string]string {
		out := map[string]string{"Action": modifyInterfaceAttribute, "NetworkInterfaceId": interface1, key: value}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	for _, row := range []struct {
		name string
		call func(context.Context, *Client) error
		want map[string]string // nil: nothing is sent
	}{
		{"attach at card 0", func(ctx context.Context, c *Client) error {
			id, err := c.AttachInterface(ctx, ours(), instance1, eni.Slot{Index: 7})
			if id != attach1 {
				t.Errorf("attachment %q", id)
			}
			return err
		}, map[string]string{"Action": attachNetworkInterface, "NetworkInterfaceId": interface1, "InstanceId": instance1, "DeviceIndex": "7", "NetworkCardIndex": "0"}},
		{"flag set", func(ctx context.Context, c *Client) error {
			return c.SetDeleteOnTermination(ctx, ours(), attach1, true)
		}, modify("Attachment.AttachmentId", attach1, "Attachment.DeleteOnTermination", "true")},
		{"flag cleared", func(ctx context.Context, c *Client) error {
			return c.SetDeleteOnTermination(ctx, ours(), attach1, false)
		}, modify("Attachment.AttachmentId", attach1, "Attachment.DeleteOnTermination", "false")},
		{"groups", func(ctx context.Context, c *Client) error {
			return c.SetSecurityGroups(ctx, ours(), []string{"sg-2", "sg-1"})
		}, modify("SecurityGroupId.1", "sg-1", "SecurityGroupId.2", "sg-2")},
		{"description", func(ctx context.Context, c *Client) error {
			return c.SetDescription(ctx, ours(), "other")
		}, modify("Description.Value", "other")},
		{"description taken away", func(ctx context.Context, c *Client) error {
			return c.SetDescription(ctx, ours(), "")
		}, modify("Description.Value", "")},
		{"tags", func(ctx context.Context, c *Client) error {
			return c.PutTags(ctx, ours(), map[string]string{"b": "2", "a": ""})
		}, map[string]string{"Action": createTags, "ResourceId.1": interface1, "Tag.1.Key": "a", "Tag.1.Value": "", "Tag.2.Key": "b", "Tag.2.Value": "2"}},
		{"adopted, by the one tag", func(ctx context.Context, c *Client) error {
			return c.AdoptInterface(ctx, ours(), "uid-2", confirmed)
		}, map[string]string{"Action": createTags, "ResourceId.1": interface1, "Tag.1.Key": eni.TagNodeENIUID, "Tag.1.Value": "uid-2"}},
		{"no tags", func(ctx context.Context, c *Client) error { return c.PutTags(ctx, ours(), nil) }, nil},
		{"tags taken away", func(ctx context.Context, c *Client) error {
			return c.RemoveTags(ctx, ours(), []string{"b", "a"})
		}, map[string]string{"Action": deleteTags, "ResourceId.1": interface1, "Tag.1.Key": "a", "Tag.2.Key": "b"}},
		{"no tags taken away", func(ctx context.Context, c *Client) error { return c.RemoveTags(ctx, ours(), nil) }, nil},
		{
			"detach", func(ctx context.Context, c *Client) error { return c.DetachInterface(ctx, ours(), confirmed) },
			map[string]string{"Action": detachNetworkInterface, "AttachmentId": attach1},
		},
		{
			"detach by force", func(ctx context.Context, c *Client) error { return c.ForceDetachInterface(ctx, ours(), confirmed) },
			map[string]string{"Action": detachNetworkInterface, "AttachmentId": attach1, "Force": "true"},
		},
		{
			"delete", func(ctx context.Context, c *Client) error { return c.DeleteInterface(ctx, ours(), confirmed) },
			map[string]string{"Action": deleteNetworkInterface, "NetworkInterfaceId": interface1},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, s := newScripted(t, accept)
			if err := row.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			var want []map[string]string
			if row.want != nil {
				want = append(want, row.want)
			}
			var got []map[string]string
			for _, form := range s.requests() {
				got = append(got, parameters(form))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNotOurs: nothing is sent for an interface that is not ours, whatever is asked.
func TestNotOurs(t *testing.T) {
	foreign := map[string]func(*eni.Interface){
		"no tags":          func(i *eni.Interface) { i.Tags = nil },
		"other cluster":    func(i *eni.Interface) { i.Tags[eni.TagClusterID] = "other" },
		"same name only":   func(i *eni.Interface) { delete(i.Tags, eni.TagClusterID); i.Tags[eni.TagClusterName] = cluster },
		"no NodeENI":       func(i *eni.Interface) { delete(i.Tags, eni.TagNodeENIUID) },
		"wildcard cluster": func(i *eni.Interface) { i.Tags[eni.TagClusterID] = "*" },
	}
	for name, change := range foreign {
		for _, write := range writes {
			c, s := newScripted(t, accept)
			iface := ours()
			change(&iface)
			err := write.call(t.Context(), c, iface)
			if !errors.Is(err, eni.KindNotOurs) || len(s.requests()) != 0 {
				t.Errorf("%s: %s: %v, sent %v", name, write.action, err, s.requests())
			}
		}
	}
	c, s := newScripted(t, accept)
	iface := ours()
	iface.RequesterManaged = true
	if err := c.DeleteInterface(t.Context(), iface, confirmed); !errors.Is(err, eni.KindNotOurs) || len(s.requests()) != 0 {
		t.Errorf("managed by AWS: %v, sent %v", err, s.requests())
	}
}

// TestOurOwnIncludesFormerClusters: also a cluster ID that we only also own.
func TestOurOwnIncludesFormerClusters(t *testing.T) {
	for _, write := range writes {
		c, s := newScripted(t, accept)
		iface := ours()
		iface.Tags[eni.TagClusterID] = "former"
		if err := write.call(t.Context(), c, iface); err != nil || len(s.requests()) != 1 {
			t.Errorf("%s: %v, sent %v", write.action, err, s.requests())
		}
	}
}

// TestSenseless: calls that could only do harm, or that EC2 can only refuse, are not made.
func TestSenseless(t *testing.T) {
	create := func(change func(*eni.CreateRequest)) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			req := eni.CreateRequest{SubnetID: "subnet-1", SecurityGroupIDs: []string{"sg-1"}, Tags: ourTags(), ClientToken: "t"}
			change(&req)
			_, err := c.CreateInterface(ctx, req)
			return err
		}
	}
	detached := ours()
	detached.Attachment = nil
	unknown := ours()
	unknown.Attachment = &eni.Attachment{Status: eni.UnknownAttachment}
	for name, call := range map[string]func(context.Context, *Client) error{
		"create without a token":    create(func(r *eni.CreateRequest) { r.ClientToken = "" }),
		"create without groups":     create(func(r *eni.CreateRequest) { r.SecurityGroupIDs = nil }),
		"detach without attachment": func(ctx context.Context, c *Client) error { return c.DetachInterface(ctx, detached, confirmed) },
		"detach of unknown":         func(ctx context.Context, c *Client) error { return c.DetachInterface(ctx, unknown, confirmed) },
		"detach unconfirmed":        func(ctx context.Context, c *Client) error { return c.DetachInterface(ctx, ours(), nil) },
		"delete unconfirmed":        func(ctx context.Context, c *Client) error { return c.DeleteInterface(ctx, ours(), nil) },
		"flag without attachment":   func(ctx context.Context, c *Client) error { return c.SetDeleteOnTermination(ctx, ours(), "", true) },
		"no groups":                 func(ctx context.Context, c *Client) error { return c.SetSecurityGroups(ctx, ours(), nil) },
		"owner tag removed":         func(ctx context.Context, c *Client) error { return c.RemoveTags(ctx, ours(), []string{eni.TagSlot}) },
		"CNI mark removed": func(ctx context.Context, c *Client) error {
			return c.RemoveTags(ctx, ours(), []string{eni.TagNoManage})
		},
		"given to another cluster": func(ctx context.Context, c *Client) error {
			return c.PutTags(ctx, ours(), map[string]string{eni.TagClusterID: "other"})
		},
		"given to another NodeENI in passing": func(ctx context.Context, c *Client) error {
			return c.PutTags(ctx, ours(), map[string]string{"team": "net", eni.TagNodeENIUID: "uid-2"})
		},
		"slot changed": func(ctx context.Context, c *Client) error {
			return c.PutTags(ctx, ours(), map[string]string{eni.TagSlot: "0-2"})
		},
		"adopted by nobody":   func(ctx context.Context, c *Client) error { return c.AdoptInterface(ctx, ours(), "", confirmed) },
		"adopted unconfirmed": func(ctx context.Context, c *Client) error { return c.AdoptInterface(ctx, ours(), "uid-2", nil) },
		"NodeENI blotted out": func(ctx context.Context, c *Client) error {
			return c.PutTags(ctx, ours(), map[string]string{eni.TagNodeENIUID: ""})
		},
	} {
		c, s := newScripted(t, accept)
		if err := call(t.Context(), c); !errors.Is(err, eni.KindInvalid) || len(s.requests()) != 0 {
			t.Errorf("%s: %v, sent %v", name, err, s.requests())
		}
	}
}

func TestAnswerWithoutID(t *testing.T) {
	for _, write := range writes[:2] {
		for _, inside := range []string{"", "<networkInterface/>", "<attachmentId></attachmentId>"} {
			c, _ := newScripted(t, always(success(write.action, inside)))
			if err := write.call(t.Context(), c, ours()); !errors.Is(err, eni.KindUnknownOutcome) {
				t.Errorf("%s answered %q: %v, want an unknown outcome", write.action, inside, err)
			}
		}
	}
}

// TestInputsAreLeftAlone: values are shared, so nothing that is passed in may change.
func TestInputsAreLeftAlone(t *testing.T) {
	c, _ := newScripted(t, accept)
	iface, tags, groups, keys := ours(), map[string]string{"a": "b"}, []string{"sg-2", "sg-1"}, []string{"b", "a"}
	before := ours()
	beforeTags := maps.Clone(tags)
	for _, err := range []error{
		c.PutTags(t.Context(), iface, tags), c.RemoveTags(t.Context(), iface, keys), c.SetSecurityGroups(t.Context(), iface, groups),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := []any{iface, tags, groups, keys}
	want := []any{before, beforeTags, []string{"sg-2", "sg-1"}, []string{"b", "a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
