package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// fought says that a field of NodeENI a's interface was put right again and again, is not put right for a time, and
// counts as fought over for another.
func fought(f Field, wanted string, next, over time.Duration) func(*Snapshot) {
	return func(s *Snapshot) {
		key := SlotKey{"uid-a", instanceA, eni.Slot{Index: 1}}
		if s.Contests == nil {
			s.Contests = map[SlotKey]map[Field]Contest{key: {}}
		}
		s.Contests[key][f] = Contest{Wanted: wanted, Found: "theirs", Next: now.Add(next), Over: now.Add(over)}
	}
}

func TestWhatIsFoughtOverWaits(t *testing.T) {
	const hour, minute = time.Hour, time.Minute
	a := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.Description = new("ours") })
	with1 := func(changes ...func(*eni.ObservedInterface)) func(*Snapshot) {
		return having(interfaceOf(a, "eni-1", changes...))
	}
	described := func(i *eni.ObservedInterface) { i.Description = "theirs" }
	grouped := func(i *eni.ObservedInterface) { i.SecurityGroupIDs = []string{groupB} }
	untagged := func(i *eni.ObservedInterface) { delete(i.Tags, eni.TagNoManage); delete(i.Tags, eni.TagName) }
	for _, test := range []struct {
		name    string
		world   Snapshot
		actions []string
		reports []string
		again   time.Duration
	}{
		{"held back", world(with(a), with1(attached, described), fought(FieldDescription, `"ours"`, hour, -minute)), nil, []string{"a Attached SettingsContested"}, hour},
		{"its turn again", world(with(a), with1(attached, described), fought(FieldDescription, `"ours"`, 0, minute)), []string{"SetDescription eni-1"}, []string{"a Attached SettingsContested"}, 0},
		{"as wanted, lately", world(with(a), with1(attached), fought(FieldDescription, `"ours"`, hour, minute)), nil, []string{"a Attached SettingsContested"}, minute},
		{"as wanted, for long", world(with(a), with1(attached), fought(FieldDescription, `"ours"`, hour, 0)), nil, []string{"a Attached settled"}, 0},
		{"another value is wanted now", world(with(a), with1(attached, described), fought(FieldDescription, `"before"`, hour, hour)), []string{"SetDescription eni-1"}, []string{"a Attached"}, 0},
		{"another field is not held", world(with(a), with1(attached, described, grouped), fought(FieldDescription, `"ours"`, hour, hour)), []string{"SetSecurityGroups eni-1"}, []string{"a Attached SettingsContested"}, hour},
		{"another tag is not held", world(with(a), with1(attached, untagged), fought("tag "+eni.TagNoManage, `"true"`, hour, hour)), []string{"PutTags eni-1"}, []string{"a Attached SettingsContested"}, hour},
		{"attachment held", world(with(a), with1(lostItsAttachment), fought(FieldAttachment, "attached at device index 1", hour, -minute)), nil, []string{"a Blocked AttachmentContested"}, hour},
		{"attachment's turn", world(with(a), with1(lostItsAttachment), fought(FieldAttachment, "attached at device index 1", 0, -minute)), []string{"Attach eni-1"}, []string{"a Blocked AttachmentContested"}, 0},
		{"being detached again", world(with(a), with1(attachment(eni.Detaching)), fought(FieldAttachment, "attached at device index 1", hour, -minute)), nil, []string{"a Blocked AttachmentContested"}, 9 * minute},
		{"existence held", world(with(a), fought(FieldExistence, "an interface in "+subnetA, hour, -minute)), nil, []string{"a Blocked AttachmentContested"}, hour},
		{"existence, not attached yet", world(with(a), with1(), fought(FieldExistence, "an interface in "+subnetA, -minute, -minute)), []string{"Attach eni-1"}, []string{"a Blocked AttachmentContested"}, 0},
		{"existence's turn", world(with(a), fought(FieldExistence, "an interface in "+subnetA, 0, -minute)), []string{"Create"}, []string{"a Blocked AttachmentContested"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.actions, steps(got.Attach)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reports, standing(got.Attachments)); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			var want time.Time
			if test.again > 0 {
				want = now.Add(test.again)
			}
			if !got.Again.Equal(want) {
				t.Errorf("again at %v, want %v", got.Again, want)
			}
			for _, action := range got.Attach {
				if _, held := action.Tags[eni.TagNoManage]; held && action.Kind == PutTags {
					t.Errorf("tags %v are put, of which one is fought over", action.Tags)
				}
			}
		})
	}
}
