package inventory

import (
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// mergeRule is a story of eni-1, what the store shows at its end, and when it is next polled, in seconds.
type mergeRule struct {
	do     func(l *lab)
	want   string
	polled float64
}

const never = -1

func testMergeRules(t *testing.T, rules map[string]mergeRule) {
	for name, test := range rules {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			test.do(l)
			if got := l.state(); got != test.want {
				t.Errorf("state is %q, want %q", got, test.want)
			}
			if got := l.polled(); got != test.polled {
				t.Errorf("next poll is at %v s, want %v s", got, test.polled)
			}
		})
	}
}

func TestFirstSight(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"listed": {
			func(l *lab) { l.list(0, eni1()) }, "available", never,
		},
		"not ours": {
			func(l *lab) { l.list(0, eni1(untagged)) }, "gone", never,
		},
		"cluster tag without an owner is not ours": {
			func(l *lab) { l.list(0, eni1(without(eni.TagNodeENIUID), without(eni.TagNodeENIName))) }, "gone", never,
		},
		"cluster tag with the name of nobody is not ours": {
			func(l *lab) {
				l.list(0, eni1(without(eni.TagNodeENIUID), func(i *eni.Interface) { i.Tags[eni.TagNodeENIName] = "nobody" }))
			}, "gone", never,
		},
		"cluster tag with the owner's name alone, pasted by somebody, is not ours": {
			func(l *lab) {
				l.list(0, eni1(without(eni.TagNodeENIUID), without(eni.TagInstanceID), without(eni.TagNodeName)))
			}, "gone", never,
		},
		"cluster tag with the owner's name: the UID was lost": {
			func(l *lab) { l.list(0, eni1(without(eni.TagNodeENIUID))) }, "available, tags lost", never,
		},
		"the owner's UID without a cluster: that was lost": {
			func(l *lab) { l.narrowed(0, eni1(without(eni.TagClusterID))) }, "available, tags lost", never,
		},
		"and tagged again": {
			func(l *lab) { l.narrowed(0, eni1(without(eni.TagClusterID))); l.describe(20, eni1()) }, "available", never,
		},
		"the owner's UID with another cluster, which is a copy": {
			func(l *lab) { l.narrowed(0, eni1(ofCopy)) }, "gone", never,
		},
	})
}

func TestCreateIsMerged(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"created, no read yet: read again when it must be visible": {
			func(l *lab) { l.create(0) }, "available", 10,
		},
		"created and seen: not polled": {
			func(l *lab) { l.create(0); l.describe(1, eni1()) }, "available", never,
		},
		"a read within the horizon does not contradict a create": {
			func(l *lab) { l.create(0); l.list(9); l.describe(9) }, "available", 10,
		},
		"a create not seen after the horizon is missing, not gone": {
			func(l *lab) { l.create(0); l.list(11); l.describe(12) }, "available, missing", 0,
		},
		"a create not seen by ID for two horizons is dropped": {
			func(l *lab) { l.create(0); l.describe(19); l.describe(20) }, "gone", never,
		},
		"a create in no list is not dropped before five minutes": {
			func(l *lab) { l.create(0); l.list(299) }, "available, missing", 0,
		},
		"a create in no list for five minutes is dropped": {
			func(l *lab) { l.create(0); l.list(299); l.list(300) }, "gone", never,
		},
		"an attach of what was never seen drops it after two horizons": {
			func(l *lab) { l.create(0); l.notSeen("eni-1", second(19)); l.notSeen("eni-1", second(20)) }, "gone", never,
		},
		"an attach of what was never seen before makes it missing": {
			func(l *lab) { l.create(0); l.notSeen("eni-1", second(5)) }, "available, missing", 0,
		},
		"an attach of what was never seen before, and then is": {
			func(l *lab) { l.create(0); l.notSeen("eni-1", second(1)); l.describe(2, eni1()) }, "available", never,
		},
		"an attach of what was seen, and is not found, makes it missing": {
			func(l *lab) { l.create(0); l.list(1, eni1()); l.notSeen("eni-1", second(2)) }, "available, missing", 0,
		},
		"a dropped create that appears after all": {
			func(l *lab) { l.create(0); l.describe(60); l.list(61, eni1()) }, "available", never,
		},
	})
}

func TestAttachIsMerged(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"own attach": {
			func(l *lab) { l.list(-100, eni1()); l.attach(0, "attach-1", eni.Attaching) }, "attaching attach-1", 0,
		},
		"a read within the horizon does not contradict an attach": {
			func(l *lab) { l.list(-100, eni1()); l.attach(0, "attach-1", eni.Attaching); l.describe(9, eni1()) }, "attaching attach-1", 0,
		},
		"a read may confirm an attach": {
			func(l *lab) {
				l.list(-100, eni1())
				l.attach(0, "attach-1", eni.Attaching)
				l.describe(1, eni1(attached))
			}, "attached attach-1", never,
		},
		"a lagging read after the confirmation": {
			func(l *lab) {
				l.list(-100, eni1())
				l.attach(0, "attach-1", eni.Attaching)
				l.describe(1, eni1(attached))
				l.describe(2, eni1(attaching))
			}, "attached attach-1", 11,
		},
		"a read after the horizon is right": {
			func(l *lab) { l.list(-100, eni1()); l.attach(0, "attach-1", eni.Attaching); l.describe(10, eni1()) }, "available", never,
		},
		"a read shows attached before the attach is answered": {
			func(l *lab) {
				l.list(-100, eni1())
				l.describe(0, eni1(attached))
				l.attach(1, "attach-1", eni.Attaching)
			}, "attached attach-1", never,
		},
		"a read that began before the attach was answered": {
			func(l *lab) {
				l.list(-100, eni1())
				l.attach(1, "attach-1", eni.Attaching)
				l.readByID(read{second(0), second(2)}, eni1())
			}, "attaching attach-1", 0,
		},
		"in use, with the attachment left out: what is known stands, and is read again": {
			func(l *lab) { l.list(-100, eni1(attached)); l.describe(0, eni1(leftOut)) }, "attached attach-1", 10,
		},
		"left out once, then shown again": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.describe(0, eni1(leftOut))
				l.describe(10, eni1(attached))
			}, "attached attach-1", never,
		},
		"left out, then another one": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.describe(0, eni1(leftOut))
				l.describe(10, eni1(attachment("attach-2", eni.Attached)))
			}, "attached attach-2", never,
		},
		"a new attachment that we did not make": {
			func(l *lab) { l.list(-100, eni1()); l.describe(0, eni1(attached)) }, "attached attach-1", never,
		},
	})
}

func TestDetachIsMerged(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"own detach": {
			func(l *lab) { l.list(-100, eni1(attached)); l.attach(0, "attach-1", eni.Detaching) }, "detaching attach-1", 0,
		},
		"a read does not contradict a detach": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.attach(0, "attach-1", eni.Detaching)
				l.describe(1, eni1(attached))
			}, "detaching attach-1", 0,
		},
		"a detach is done": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.attach(0, "attach-1", eni.Detaching)
				l.describe(1, eni1())
			}, "available", never,
		},
		"a lagging read after a detach": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.attach(0, "attach-1", eni.Detaching)
				l.describe(1, eni1())
				l.describe(2, eni1(detaching))
			}, "available", 11,
		},
		"a read that shows none may be from before a young attachment": {
			func(l *lab) {
				l.list(-100, eni1())
				l.attach(-5, "attach-1", eni.Attaching)
				l.describe(-4, eni1(attached))
				l.attach(0, "attach-1", eni.Detaching)
				l.describe(1, eni1())
			}, "detaching attach-1", 0,
		},
		"the detach is answered when reads show it done": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.describe(0, eni1())
				l.attach(1, "attach-1", eni.Detaching)
			}, "available", never,
		},
	})
}

func TestUnknownAttachmentIsResolved(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"attach without answer": {
			func(l *lab) { l.list(-100, eni1()); l.attach(0, "", eni.UnknownAttachment); l.describe(9, eni1()) }, "unknown", 0,
		},
		"attach without answer, then shown": {
			func(l *lab) {
				l.list(-100, eni1())
				l.attach(0, "", eni.UnknownAttachment)
				l.describe(1, eni1(attaching))
			}, "attaching attach-1", 0,
		},
		"attach without answer, not shown after the horizon": {
			func(l *lab) { l.list(-100, eni1()); l.attach(0, "", eni.UnknownAttachment); l.describe(10, eni1()) }, "available", never,
		},
		"attach without answer, and a read that shows the attachment before": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.describe(-3, eni1())
				l.attach(0, "", eni.UnknownAttachment)
				l.describe(1, eni1(attached))
			}, "unknown", 0,
		},
		"detach without answer": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.attach(0, "attach-1", eni.UnknownAttachment)
				l.describe(9, eni1(attached))
			}, "unknown attach-1", 0,
		},
		"detach without answer, no ID given": {
			func(l *lab) { l.list(-100, eni1(attached)); l.attach(0, "", eni.UnknownAttachment) }, "unknown attach-1", 0,
		},
		"detach without answer had no effect": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.attach(0, "attach-1", eni.UnknownAttachment)
				l.describe(10, eni1(attached))
			}, "attached attach-1", never,
		},
		"detach without answer had an effect": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.attach(0, "attach-1", eni.UnknownAttachment)
				l.describe(1, eni1(detaching))
			}, "detaching attach-1", 0,
		},
	})
}

func TestSettingsAreMerged(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"own change of a setting is read once when it must be visible": {
			func(l *lab) { l.list(-100, eni1()); l.modify(0, groups("sg-2")) }, "available, sg-2", 10,
		},
		"own change of a setting, confirmed": {
			func(l *lab) { l.list(-100, eni1()); l.modify(0, groups("sg-2")); l.describe(1, eni1(groups("sg-2"))) }, "available, sg-2", never,
		},
		"a read does not contradict a change of a setting": {
			func(l *lab) { l.list(-100, eni1()); l.modify(0, groups("sg-2")); l.list(9, eni1()) }, "available, sg-2", 10,
		},
		"another setting is not masked by it": {
			func(l *lab) {
				l.list(-100, eni1())
				l.modify(0, func(i *eni.Interface) { i.Description = "ours" })
				l.list(9, eni1(groups("sg-3")))
			}, "available, sg-3", 10,
		},
		"after the horizon the read is right": {
			func(l *lab) { l.list(-100, eni1()); l.modify(0, groups("sg-2")); l.describe(10, eni1(groups("sg-3"))) }, "available, sg-3", never,
		},
		"a change that a read had shown before its answer is not contradicted either": {
			func(l *lab) {
				l.list(-100, eni1())
				l.describe(0, eni1(groups("sg-2")))
				l.modify(1, groups("sg-2"))
				l.describe(2, eni1())
			}, "available, sg-2", 11,
		},
		"own change of delete-on-termination": {
			func(l *lab) { l.list(-100, eni1(attached)); l.modify(0, flagged); l.describe(1, eni1(attached)) }, "attached attach-1, flagged", 10,
		},
		"delete-on-termination, confirmed": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.modify(0, flagged)
				l.describe(1, eni1(attached, flagged))
			}, "attached attach-1, flagged", never,
		},
		"delete-on-termination belongs to the attachment": {
			func(l *lab) {
				l.list(-100, eni1(attached))
				l.modify(0, flagged)
				l.describe(1, eni1(attachment("attach-2", eni.Attached)))
			}, "attached attach-2", never,
		},
	})
}
