package inventory

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestChangesAreToldOnce(t *testing.T) {
	nobody := Change{}
	one := Change{Instances: []string{"i-1"}, NodeENIUIDs: []string{"uid"}}
	elsewhere := func(i *eni.Interface) { attached(i); i.Attachment.InstanceID = "i-2" }
	for name, test := range map[string]struct {
		do   func(l *lab)
		want Change
	}{
		"first sight":        {func(l *lab) { l.list(0, eni1()) }, one},
		"nothing new by ID":  {func(l *lab) { l.list(0, eni1()); l.describe(1, eni1()) }, nobody},
		"the second epoch":   {func(l *lab) { l.list(0, eni1()); l.list(300, eni1()) }, one},
		"the third epoch":    {func(l *lab) { l.list(0, eni1()); l.list(300, eni1()); l.list(600, eni1()) }, nobody},
		"attached":           {func(l *lab) { l.list(0, eni1()); l.describe(1, eni1(attached)) }, one},
		"attached elsewhere": {func(l *lab) { l.list(0, eni1()); l.describe(1, eni1(elsewhere)) }, Change{Instances: []string{"i-1", "i-2"}, NodeENIUIDs: []string{"uid"}}},
		"detached there":     {func(l *lab) { l.list(0, eni1(elsewhere)); l.describe(11, eni1()) }, Change{Instances: []string{"i-1", "i-2"}, NodeENIUIDs: []string{"uid"}}},
		"a masked read":      {func(l *lab) { l.list(0, eni1()); l.modify(1, groups("sg-2")); l.describe(2, eni1()) }, nobody},
		"missing":            {func(l *lab) { l.list(0, eni1()); l.list(300) }, one},
		"still missing":      {func(l *lab) { l.list(0, eni1()); l.describe(300); l.describe(301) }, nobody},
		"gone":               {func(l *lab) { l.list(0, eni1()); l.list(300); l.describe(301); l.describe(311) }, one},
		"tags lost":          {func(l *lab) { l.list(0, eni1()); l.describe(1, eni1(untagged)) }, one},
		"created":            {func(l *lab) { l.create(0) }, one},
		"own write":          {func(l *lab) { l.create(0); l.attach(1, "attach-1", eni.Attaching) }, one},
		"own write, repeated": {func(l *lab) {
			l.create(0)
			l.attach(1, "attach-1", eni.Attaching)
			l.attach(2, "attach-1", eni.Attaching)
		}, nobody},
		"given to another NodeENI": {
			func(l *lab) {
				l.list(0, eni1())
				l.modify(1, func(i *eni.Interface) { i.Tags[eni.TagNodeENIUID] = "other" })
			},
			Change{Instances: []string{"i-1"}, NodeENIUIDs: []string{"other", "uid"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			test.do(l)
			if diff := cmp.Diff(test.want, l.changed); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func TestObservations(t *testing.T) {
	l := newLab()
	l.readList(read{second(0), second(2)}, eni1())
	l.readList(read{second(300), second(302)}, eni1(attached))
	l.describe(400, eni1(attached))
	got := l.records["eni-1"]
	if got.Epochs != 2 {
		t.Errorf("listed %d times, want 2", got.Epochs)
	}
	if !got.AttachmentSince.Equal(second(302)) {
		t.Errorf("attached since %v, want %v", got.AttachmentSince, second(302))
	}
	l.attach(500, "attach-1", eni.Detaching)
	l.attach(600, "attach-1", eni.Detaching)
	if !got.AttachmentSince.Equal(second(500)) {
		t.Errorf("detaching since %v, want %v", got.AttachmentSince, second(500))
	}
}

func TestLongFluxIsPolledLessOften(t *testing.T) {
	l := newLab()
	l.list(0, eni1(attaching))
	for at, want := range map[float64]float64{1: 1, 30: 30, 600: 619, 86400: 86460} {
		l.records["eni-1"].polled = eni.InstantOf(second(at))
		if got := l.polled(); got < want-0.1 || got > want+0.1 {
			t.Errorf("polled at %v s, next at %v s, want %v s", at, got, want)
		}
	}
}

func TestPollTakesTheLongestWaitingFirst(t *testing.T) {
	l := newLab()
	var list []eni.Interface
	for n := range 5 {
		iface := eni1(attaching)
		iface.ID = fmt.Sprintf("eni-%d", n)
		list = append(list, iface)
	}
	l.list(0, list...)
	var got [][]string
	for at := range 3 {
		got = append(got, l.poll(second(float64(at)), 2, 2))
	}
	want := [][]string{{"eni-0", "eni-1"}, {"eni-2", "eni-3"}, {"eni-4", "eni-0"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("polled (-want +got):\n%s", diff)
	}
}

func TestDeleteNotFoundIsBelievedOfWhatMustBeVisible(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(l *lab)
		at   float64
		want bool
	}{
		"unknown":                 {func(*lab) {}, 0, true},
		"young create":            {func(l *lab) { l.create(0) }, 9, false},
		"young create, seen once": {func(l *lab) { l.create(0); l.list(1, eni1()) }, 9, false},
		"old create":              {func(l *lab) { l.create(0) }, 10, true},
		"just seen":               {func(l *lab) { l.list(0, eni1()) }, 9, false},
		"seen long ago":           {func(l *lab) { l.list(0, eni1()) }, 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			test.do(l)
			if got, _ := l.deleteNotFound("eni-1", second(test.at)); got != test.want {
				t.Errorf("gone is %v, want %v", got, test.want)
			}
			if _, held := l.records["eni-1"]; held == test.want {
				t.Errorf("held is %v", held)
			}
		})
	}
}

func TestHandedOutValuesDoNotChange(t *testing.T) {
	l := newLab()
	given := eni1(attached)
	l.list(0, given)
	before := l.observed(l.byInstance["i-1"])[0]
	want := before
	want.Interface = deepCopy(&before.Interface)
	l.modify(1, func(i *eni.Interface) {
		i.Tags["new"] = "tag"
		i.SecurityGroupIDs[0] = "sg-9"
		i.Attachment.DeleteOnTermination = true
	})
	mine := &eni.Attachment{ID: "attach-1", InstanceID: "i-1", Status: eni.Detaching}
	l.setAttachment("eni-1", mine, second(2))
	mine.Status = "changed by its owner"
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("a value that was handed out changed:\n%s", diff)
	}
	if got := l.state(); got != "detaching attach-1, sg-9" {
		t.Errorf("state is %q", got)
	}
}
