package inventory

import (
	"testing"
)

func TestMissingAndGone(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"not listed: missing": {
			func(l *lab) { l.list(-100, eni1()); l.list(0) }, "available, missing", 0,
		},
		"lists alone never say gone": {
			func(l *lab) { l.list(-100, eni1()); l.list(0); l.list(300); l.list(600) }, "available, missing", 0,
		},
		"a list and a read by ID": {
			func(l *lab) { l.list(-100, eni1()); l.list(0); l.describe(1); l.describe(10) }, "available, missing", 0,
		},
		"a list and two reads by ID, a horizon apart": {
			func(l *lab) { l.list(-100, eni1()); l.list(0); l.describe(1); l.describe(11) }, "gone", never,
		},
		"a read by ID and a list": {
			func(l *lab) { l.list(-100, eni1()); l.describe(0); l.describe(1); l.list(2) }, "available, missing", 0,
		},
		"two reads by ID, a horizon apart, and a list": {
			func(l *lab) { l.list(-100, eni1()); l.describe(0); l.describe(10); l.list(11) }, "gone", never,
		},
		"reads by ID alone never say gone": {
			func(l *lab) { l.list(-100, eni1()); l.describe(0); l.describe(10); l.describe(300) }, "available, missing", 0,
		},
		"two reads by ID, a horizon apart, and one between that shows it": {
			func(l *lab) {
				l.list(-100, eni1())
				l.list(0)
				l.describe(1)
				l.describe(5, eni1())
				l.list(10)
				l.describe(11)
			}, "available, missing", 0,
		},
		"not listed, but shown by ID: there, and read once more": {
			func(l *lab) { l.list(-100, eni1()); l.list(0); l.describe(1, eni1()) }, "available", 11,
		},
		"a read that lags behind the first sight": {
			func(l *lab) { l.list(0, eni1()); l.describe(1); l.readList(read{second(2), second(3)}) }, "available", 10,
		},
		"a read within the horizon of a write does not make it missing": {
			func(l *lab) { l.list(-100, eni1()); l.modify(0, groups("sg-2")); l.list(9); l.describe(9) }, "available, sg-2", 10,
		},
		"a slow list that began before it was shown": {
			func(l *lab) { l.list(-100, eni1()); l.describe(0, eni1()); l.readList(read{second(-1), second(1)}) }, "available", never,
		},
		"a slow list that began before it was missed": {
			func(l *lab) {
				l.list(-100, eni1())
				l.describe(0)
				l.readList(read{second(-1), second(1)}, eni1())
			}, "available, missing", 0,
		},
		"a slow list shows older settings": {
			func(l *lab) {
				l.list(-100, eni1())
				l.describe(0, eni1(groups("sg-2")))
				l.readList(read{second(-1), second(1)}, eni1())
			}, "available, sg-2", never,
		},
		"gone, and shown by a read that lags": {
			func(l *lab) { l.goes(); l.list(20, eni1()) }, "gone", never,
		},
		"gone, and shown by a read after the horizon: back": {
			func(l *lab) { l.goes(); l.list(21, eni1()) }, "available", never,
		},
		"not shown by ID so soon after the first sight": {
			func(l *lab) { l.list(0, eni1()); l.describe(1) }, "available", 10,
		},
	})
}

func TestDeletedIsMerged(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"deleted": {
			func(l *lab) { l.list(-100, eni1()); l.remove(0) }, "gone", never,
		},
		"deleted, and shown by a read that lags": {
			func(l *lab) { l.list(-100, eni1()); l.remove(0); l.list(9, eni1()) }, "gone", never,
		},
		"deleted, and shown by a read after the horizon: back": {
			func(l *lab) { l.list(-100, eni1()); l.remove(0); l.list(10, eni1()) }, "available", never,
		},
	})
}

func TestLostTagsAreMerged(t *testing.T) {
	testMergeRules(t, map[string]mergeRule{
		"tags lost: missing first, as for all that lists do not show": {
			func(l *lab) { l.list(-100, eni1()); l.list(0) }, "available, missing", 0,
		},
		"tags lost": {
			func(l *lab) { l.list(-100, eni1()); l.list(0); l.describe(1, eni1(untagged)) }, "available, tags lost", 11,
		},
		"tags lost: lists say nothing": {
			func(l *lab) {
				l.list(-100, eni1())
				l.list(0)
				l.describe(1, eni1(untagged))
				l.describe(11, eni1(untagged))
				l.list(300)
				l.list(600)
			}, "available, tags lost", never,
		},
		"tags lost: missed by ID once": {
			func(l *lab) {
				l.list(-100, eni1())
				l.describe(1, eni1(untagged))
				l.describe(300)
				l.list(301)
				l.describe(309)
			}, "available, missing, tags lost", 0,
		},
		"tags lost, which is why the list does not show it, and left out by ID once": {
			func(l *lab) { l.list(-100, eni1()); l.describe(0); l.list(1); l.describe(2, eni1(untagged)) }, "available, tags lost", 12,
		},
		"taken for gone, and shown after the horizon without its tags": {
			func(l *lab) { l.goes(); l.describe(21, eni1(untagged)) }, "available, tags lost", never,
		},
		"deleted, and shown after the horizon without its tags": {
			func(l *lab) { l.list(-100, eni1()); l.remove(0); l.describe(10, eni1(untagged)) }, "available, tags lost", never,
		},
		"tags lost: missed by ID twice, a horizon apart": {
			func(l *lab) { l.list(-100, eni1()); l.describe(1, eni1(untagged)); l.describe(300); l.describe(310) }, "gone", never,
		},
		"tags lost, and tagged again": {
			func(l *lab) { l.list(-100, eni1()); l.describe(1, eni1(untagged)); l.list(300, eni1()) }, "available", never,
		},
	})
}
