package inventory

import (
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// record is what is known of one interface. The embedded value is what is handed out, with the tags that are kept
// beside it; nothing that it points to is ever modified.
type record struct {
	eni.ObservedInterface
	tags packed
	// owner is the last owner that its tags named: tags can be lost.
	owner eni.Owner

	// known is when we learned that the interface exists: of one that no read has shown yet, when our create was
	// answered with it; written when the last own write of any kind was answered.
	known, written eni.Instant
	// seen is true once a read has shown the interface.
	seen bool
	// byRest is true of what is known by the rest of its tags, and was never seen with all of them.
	byRest bool
	// retagged counts the changes of the tags, which are too many to be compared more than once.
	retagged int32

	// missed is zero again once a read shows the interface. As nearly always, it takes no room then.
	missed *misses

	// recheck is when to read the interface again, because reads contradicted each other or have yet to show
	// what we made; polled is when the poll last read it.
	recheck, polled eni.Instant

	// What the attachment and the settings are, and since when: see mark. attachmentKnown is when we learned
	// of the present attachment.
	attachment      mark
	attachmentKnown eni.Instant
	flag            mark
	// settings is nil as long as we have written none, and there was no other attachment before.
	settings *settings
}

// misses are the reads that should have shown an interface and did not.
type misses struct {
	// list and id are when the first complete list, and the first read by ID, began that did not show it; last the
	// latest of either; idAgain says that a read by ID that began a horizon after the first did not either.
	list, id, last time.Time
	idAgain        bool
	// since is when the interface became missing.
	since time.Time
}

// settings are the marks of what we have written, and formers the IDs of the last attachments before the present one,
// in a slice that nobody changes.
type settings struct {
	groups, description, tags mark
	formers                   []string
}

// maxFormers is how many former attachments are remembered: more than fit into a horizon.
const maxFormers = 4

// mark is when a value became known, and whether reads agree with it.
//
//	             a read shows it                       a read that began in time shows another
//	unconfirmed ─────────────────► confirmed (closed) ─────────────────────────────────────────► disputed
//	     └───────────── a read that began a horizon later: it is right, whatever it shows ◄──────────┘
type mark struct {
	at                  eni.Instant
	confirmed, disputed bool
}

// written is the mark of an own write.
func written(now time.Time) mark { return mark{at: eni.InstantOf(now)} }

// observed is the mark of something that a read has shown.
func observed(now time.Time) mark { return mark{at: eni.InstantOf(now), confirmed: true} }

// open reports whether another read is needed to know.
func (m *mark) open() bool { return !m.at.IsZero() && (m.disputed || !m.confirmed) }

// overrules judges a read that began at the given time and does or does not agree with the value. It reports
// whether the value stands although the read shows another: the read may lag behind.
func (m *mark) overrules(began time.Time, horizon time.Duration, agrees bool) bool {
	switch {
	case !began.Before(m.at.Add(horizon)):
		m.confirmed, m.disputed = true, false
		return false
	case agrees:
		m.confirmed = true
		return false
	}
	m.disputed = true
	return true
}

// observed is what is handed out.
func (r *record) observed() eni.ObservedInterface {
	o := r.ObservedInterface
	o.Tags = r.tags.unpack()
	return o
}

// misses are those that count.
func (r *record) misses() misses {
	if r.missed == nil {
		return misses{}
	}
	return *r.missed
}

// miss changes what is known of the misses.
func (r *record) miss(change func(*misses)) {
	now := r.misses()
	change(&now)
	r.missed = &now
}

// alive is the latest time at which the interface is known to have existed by other evidence than a read's:
// a read that began a horizon later must show it, or it is gone.
func (r *record) alive() time.Time { return later(r.known.Time(), r.written.Time()) }

// instanceKeys yields the instances whose workers have to do with the interface; "" when there is none.
func (r *record) instanceKeys(yield func(string) bool) {
	tagged := r.owner.InstanceID
	elsewhere := r.Attachment != nil && r.Attachment.InstanceID != tagged
	if (tagged != "" || !elsewhere) && !yield(tagged) {
		return
	}
	if elsewhere {
		yield(r.Attachment.InstanceID)
	}
}

func (r *record) staysAttached() bool {
	return r.Attachment != nil && r.Attachment.Status != eni.Detaching
}

// transient reports whether EC2 is expected to show something else soon.
func (r *record) transient() bool {
	return r.Missing || (r.Attachment != nil && r.Attachment.Status != eni.Attached)
}

const (
	// A state that has lasted for more than patience poll intervals is polled less often: after each thirtieth
	// of its age, at least each minute.
	patience = 30
	maxPace  = time.Minute
)

// due is when the interface is next to be read by ID; false when it need not be.
func (r *record) due(horizon time.Duration) (at time.Time, ok bool) {
	consider := func(t time.Time) {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	if r.transient() {
		since := r.AttachmentSince
		if r.Missing {
			since = r.misses().since
		}
		consider(r.polled.Add(min(max(r.polled.Sub(since)/patience-pollInterval, 0), maxPace)))
	}
	for m := range r.marks {
		if m.open() {
			consider(m.at.Add(horizon))
		}
	}
	if !r.recheck.IsZero() {
		consider(r.recheck.Time())
	}
	return at, ok
}

// had reports whether the interface had the attachment before the present one.
func (r *record) had(attachmentID string) bool {
	return r.settings != nil && slices.Contains(r.settings.formers, attachmentID)
}

// marks yields the marks of all values.
func (r *record) marks(yield func(*mark) bool) {
	if !yield(&r.attachment) || !yield(&r.flag) || r.settings == nil {
		return
	}
	_ = yield(&r.settings.groups) && yield(&r.settings.description) && yield(&r.settings.tags)
}

// differs reports whether somebody who looks at the interface would see something else. The second epoch
// counts, because it is what lets an orphan go.
func (r *record) differs(before *record) bool {
	return r.Missing != before.Missing || r.owner != before.owner || (before.Epochs < 2 && r.Epochs >= 2) ||
		r.retagged != before.retagged || !sameButTags(&before.Interface, &r.Interface)
}

func sameButTags(a, b *eni.Interface) bool {
	return sameAttachment(a.Attachment, b.Attachment) &&
		a.SubnetID == b.SubnetID && a.VPCID == b.VPCID && a.Zone == b.Zone && a.Description == b.Description &&
		a.MAC == b.MAC && a.PrivateIP == b.PrivateIP && a.RequesterManaged == b.RequesterManaged &&
		slices.Equal(a.SecurityGroupIDs, b.SecurityGroupIDs)
}

func sameAttachment(a, b *eni.Attachment) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

// sameStatus reports whether two attachments are one in the same status.
func sameStatus(a, b *eni.Attachment) bool {
	return a == b || (a != nil && b != nil && a.ID == b.ID && a.Status == b.Status)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
