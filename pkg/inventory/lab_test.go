package inventory

import (
	"fmt"
	"strings"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// lab drives a store by the second. Most methods are about the one interface eni-1.
type lab struct {
	*store
	changed Change // what the last read or write told
}

func newLab() *lab {
	l := &lab{store: newStore([]string{testCluster}, testHorizon, CreateDeadline)}
	l.absence.start = second(-100)
	l.absence.whole = true
	l.uidOf = func(name string) string {
		if name == testOwner("uid", "i-1").NodeENIName {
			return "uid"
		}
		return ""
	}
	return l
}

func second(s float64) time.Time { return testStart.Add(time.Duration(s * float64(time.Second))) }

// reading is a read that takes no time.
func reading(at float64) read { return read{second(at), second(at)} }

func eni1(change ...func(*eni.Interface)) eni.Interface {
	iface := eni.Interface{ID: "eni-1", SecurityGroupIDs: []string{"sg-1"}, Tags: testOwner("uid", "i-1").Tags()}
	for _, c := range change {
		c(&iface)
	}
	return iface
}

func attachment(id string, status eni.AttachmentStatus) func(*eni.Interface) {
	return func(i *eni.Interface) {
		i.Attachment = &eni.Attachment{ID: id, InstanceID: "i-1", Slot: eni.Slot{Index: 1}, Status: status}
	}
}

func attached(i *eni.Interface)  { attachment("attach-1", eni.Attached)(i) }
func attaching(i *eni.Interface) { attachment("attach-1", eni.Attaching)(i) }
func detaching(i *eni.Interface) { attachment("attach-1", eni.Detaching)(i) }
func leftOut(i *eni.Interface)   { i.Attachment = &eni.Attachment{Status: eni.UnknownAttachment} }
func untagged(i *eni.Interface)  { i.Tags = map[string]string{"team": "a"} }

// ofCopy is the interface of a cluster that was restored from a backup of ours: its NodeENIs have the same UIDs.
func ofCopy(i *eni.Interface) { i.Tags[eni.TagClusterID] = "the copy" }

func without(key string) func(*eni.Interface) {
	return func(i *eni.Interface) { delete(i.Tags, key) }
}

func flagged(i *eni.Interface) {
	a := *i.Attachment
	a.DeleteOnTermination = true
	i.Attachment = &a
}

func groups(ids ...string) func(*eni.Interface) {
	return func(i *eni.Interface) { i.SecurityGroupIDs = ids }
}

func (l *lab) list(at float64, list ...eni.Interface) { l.readList(reading(at), list...) }
func (l *lab) readList(rd read, list ...eni.Interface) {
	l.changed = l.applyList(rd, list, nil).change()
}
func (l *lab) describe(at float64, list ...eni.Interface) { l.readByID(reading(at), list...) }
func (l *lab) readByID(rd read, list ...eni.Interface) {
	l.changed = l.applyByID(rd, []string{"eni-1"}, list).change()
}

func (l *lab) create(at float64) {
	l.absence.beginCreate("uid")
	iface := eni1()
	l.changed = l.endCreate("uid", &iface, second(at), second(at)).change()
}

func (l *lab) attach(at float64, id string, status eni.AttachmentStatus) {
	iface := eni1(attachment(id, status))
	l.changed = l.setAttachment("eni-1", iface.Attachment, second(at)).change()
}

func (l *lab) modify(at float64, change func(*eni.Interface)) {
	l.changed = l.modified("eni-1", change, second(at)).change()
}

// goes has eni-1 be taken for gone 11 s after the start.
func (l *lab) goes() {
	l.list(-100, eni1())
	l.list(0)
	l.describe(1)
	l.describe(11)
}

func (l *lab) remove(at float64) { l.changed = l.deleted("eni-1", second(at)).change() }

// state says in a word or two what the store shows of eni-1.
func (l *lab) state() string {
	r, ok := l.records["eni-1"]
	if !ok {
		return "gone"
	}
	words := []string{"available"}
	if a := r.Attachment; a != nil {
		words = []string{strings.TrimSpace(fmt.Sprintf("%s %s", a.Status, a.ID))}
		if a.DeleteOnTermination {
			words = append(words, "flagged")
		}
	}
	if r.SecurityGroupIDs[0] != "sg-1" {
		words = append(words, r.SecurityGroupIDs[0])
	}
	if r.Missing {
		words = append(words, "missing")
	}
	if l.tagsLost(r) {
		words = append(words, "tags lost")
	}
	return strings.Join(words, ", ")
}

// polled says when eni-1 is next to be read by ID, in seconds; -1 for never.
func (l *lab) polled() float64 {
	r, ok := l.restless["eni-1"]
	if !ok {
		return -1
	}
	at, _ := r.due(l.horizon)
	return max(at.Sub(testStart).Seconds(), 0)
}
