package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// editLab is a lab with one attached interface.
func editLab(t *testing.T, change func(*v1alpha1.NodeENI)) (*lab, sandbox.Machine) {
	t.Helper()
	node := machines(1)[0]
	l := newLab(t, node)
	l.startController("--ec2-resync-period=5s")
	object := nodeENI("a", sandbox.SubnetA, 1)
	change(object)
	l.create(object)
	l.converge(on(node, "a", sandbox.SubnetA, 1))
	return l, node
}

// stays demands that an edit was made in place.
func (l *lab) stays(before ec2sim.InterfaceNow) {
	l.Helper()
	if after := l.the(); after.ID != before.ID || after.Attachment == nil || after.Attachment.ID != before.Attachment.ID {
		l.Errorf("the interface was replaced: %+v, then %+v", before, after)
	}
}

func TestEditsInPlace(t *testing.T) {
	l, node := editLab(t, func(object *v1alpha1.NodeENI) { object.Spec.Description = new("before") })
	before := l.the()
	edits := map[string]struct {
		spec map[string]any
		want func(ec2sim.InterfaceNow) bool
	}{
		"security groups": {
			map[string]any{"securityGroupIDs": []string{sandbox.Workers, sandbox.Storage}},
			func(i ec2sim.InterfaceNow) bool {
				return slices.Equal(slices.Sorted(slices.Values(i.SecurityGroups)), slices.Sorted(slices.Values([]string{sandbox.Workers, sandbox.Storage})))
			},
		},
		"description":           {map[string]any{"description": "after"}, func(i ec2sim.InterfaceNow) bool { return i.Description == "after" }},
		"delete on termination": {map[string]any{"deleteOnTermination": false}, func(i ec2sim.InterfaceNow) bool { return !i.Attachment.DeleteOnTermination }},
	}
	for name, edit := range edits {
		l.edit("a", edit.spec)
		l.eventually(name+" edited", func(ctx context.Context) error {
			if got := l.the(); !edit.want(got) {
				return fmt.Errorf("EC2 has %+v", got)
			}
			return l.reported(ctx)
		})
		l.stays(before)
	}
	l.edit("a", map[string]any{"deleteOnTermination": true, "description": nil})
	l.converge(on(node, "a", sandbox.SubnetA, 1))
	l.eventually("without a description", func(context.Context) error {
		if got := l.the().Description; got != "" {
			return fmt.Errorf("description %q", got)
		}
		return nil
	})
	l.stays(before)
}

// users are the tags of an interface that are not the controller's own.
func users(iface ec2sim.InterfaceNow) map[string]string {
	tags := map[string]string{}
	own := ownership.Owner{}.Tags()
	for key, value := range iface.Tags {
		if _, ours := own[key]; !ours {
			tags[key] = value
		}
	}
	return tags
}

// A key that leaves the spec leaves the interface; a tag of somebody else's stays.
func TestTagsAreEditedInPlace(t *testing.T) {
	l, _ := editLab(t, func(object *v1alpha1.NodeENI) {
		object.Spec.Tags = map[string]string{"team": "storage", "stage": "test"}
	})
	before := l.the()
	l.tagged(map[string]string{"team": "storage", "stage": "test"}, "stage", "team")

	l.must(l.sim.Hand().Tag(l.ctx, before.ID, "cost-center", "4711"))
	l.edit("a", map[string]any{"tags": map[string]any{"team": "network", "stage": nil, "owner": "me"}})
	l.tagged(map[string]string{"team": "network", "owner": "me", "cost-center": "4711"}, "owner", "team")

	l.edit("a", map[string]any{"tags": nil})
	l.tagged(map[string]string{"cost-center": "4711"})
	l.stays(before)
}

// tagged waits until the interface bears the tags and the annotation lists the keys.
func (l *lab) tagged(want map[string]string, keys ...string) {
	l.Helper()
	l.eventually("tagged", func(ctx context.Context) error {
		if diff := gocmp.Diff(want, users(l.the())); diff != "" {
			return fmt.Errorf("tags (-want +got):\n%s", diff)
		}
		object, err := l.get(ctx, "a")
		if err != nil {
			return err
		}
		var managed []string
		if annotation := object.Annotations[v1alpha1.AnnotationManagedTagKeys]; annotation != "" {
			if err := json.Unmarshal([]byte(annotation), &managed); err != nil {
				return err
			}
		}
		if diff := gocmp.Diff(append([]string{}, keys...), append([]string{}, managed...)); diff != "" {
			return fmt.Errorf("managed keys (-want +got):\n%s", diff)
		}
		return l.reported(ctx)
	})
}

// A user's Name replaces ours, and ours comes back.
func TestNameTag(t *testing.T) {
	l, _ := editLab(t, func(object *v1alpha1.NodeENI) { object.Spec.Tags = map[string]string{"Name": "mine"} })
	named := func(want string) {
		l.eventually("named "+want, func(context.Context) error {
			if got := l.the().Tags["Name"]; got != want {
				return fmt.Errorf("Name is %q", got)
			}
			return nil
		})
	}
	named("mine")
	l.edit("a", map[string]any{"tags": nil})
	named("a/node1")
}

// A change of subnet or device index releases the interface and makes another.
func TestEditsByReplacement(t *testing.T) {
	l, node := editLab(t, func(*v1alpha1.NodeENI) {})
	first := l.the()
	l.edit("a", map[string]any{"subnetID": sandbox.SubnetB})
	l.converge(on(node, "a", sandbox.SubnetB, 1))
	second := l.the()

	l.edit("a", map[string]any{"deviceIndex": 3})
	l.converge(on(node, "a", sandbox.SubnetB, 3))
	third := l.the()
	if first.ID == second.ID || second.ID == third.ID {
		t.Errorf("not replaced: %s, %s, %s", first.ID, second.ID, third.ID)
	}
	if calls := mutating(l.calls()); calls["CreateNetworkInterface"] != 3 || calls["DeleteNetworkInterface"] != 2 {
		t.Errorf("want three creates and two deletes: %v", calls)
	}
}
