package inventory

import (
	"maps"
	"slices"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// mostTagSets is how many sets of tags are remembered at a time: the interfaces of one NodeENI bear the same tags, but
// for those that name the node.
const mostTagSets = 1024

// packed are tags as the store keeps them. Thousands of interfaces bear the same ones, so these are there once; a map
// for each takes ten times the room. It is never modified.
type packed struct {
	set *tagSet
	// own are the values of ownKeys, as far as the set has these keys, in their order.
	own []string
}

// tagSet are the keys of tags, sorted, and their values, but for those of ownKeys.
type tagSet struct{ keys, values []string }

// ownKeys are those whose values are another interface's only by chance, sorted.
var ownKeys = []string{eni.TagName, eni.TagInstanceID, eni.TagNodeName}

// ownName stands for the name that an interface is given by the names of its NodeENI and its node. No tag has such a
// value: XML can not tell it.
const ownName = "\x00"

// tagSets has each set once. Most of the time it is the same as the time before.
type tagSets struct {
	byName map[string]*tagSet
	last   *tagSet
}

// pack keeps the tags.
func (k *tagSets) pack(tags map[string]string) packed {
	keys := slices.AppendSeq(make([]string, 0, len(tags)), maps.Keys(tags))
	slices.Sort(keys)
	if k.last == nil || !k.last.has(keys, tags) {
		k.last = k.same(keys, tags)
	}
	p := packed{set: k.last}
	for _, key := range ownKeys {
		if value, ok := tags[key]; ok {
			if p.own == nil {
				p.own = make([]string, 0, len(ownKeys))
			}
			p.own = append(p.own, value)
		}
	}
	if name, ok := tags[eni.TagName]; ok && name == p.madeName() {
		p.own[0] = ownName
	}
	return p
}

// same returns the set that is held.
func (k *tagSets) same(keys []string, tags map[string]string) *tagSet {
	made := &tagSet{keys, make([]string, len(keys))}
	var text strings.Builder
	for i, key := range keys {
		if !slices.Contains(ownKeys, key) {
			made.values[i] = tags[key]
		}
		text.WriteString(key + "\x00" + made.values[i] + "\x00") // which neither holds; if one did, the comparison would tell
	}
	if held, ok := k.byName[text.String()]; ok && held.has(keys, tags) {
		return held
	}
	if k.byName == nil || len(k.byName) >= mostTagSets {
		k.byName = map[string]*tagSet{} // those in use come again
	}
	k.byName[text.String()] = made
	return made
}

// has reports whether it is the set of the tags, of which these are the keys.
func (s *tagSet) has(keys []string, tags map[string]string) bool {
	if !slices.Equal(s.keys, keys) {
		return false
	}
	for i, key := range s.keys {
		if s.values[i] != tags[key] && !slices.Contains(ownKeys, key) {
			return false
		}
	}
	return true
}

// all yields every tag.
func (p packed) all(yield func(key, value string) bool) {
	if p.set == nil {
		return
	}
	own := p.own
	for i, key := range p.set.keys {
		value := p.set.values[i]
		if slices.Contains(ownKeys, key) {
			value, own = own[0], own[1:]
			if key == eni.TagName && value == ownName {
				value = p.madeName()
			}
		}
		if !yield(key, value) {
			return
		}
	}
}

// madeName is the name that the interface is given.
func (p packed) madeName() string {
	return eni.Owner{NodeENIName: p.value(eni.TagNodeENIName), NodeName: p.value(eni.TagNodeName)}.Name()
}

// unpack returns a map of its own.
func (p packed) unpack() map[string]string {
	tags := make(map[string]string, p.count())
	maps.Insert(tags, p.all)
	return tags
}

func (p packed) count() int {
	if p.set == nil {
		return 0
	}
	return len(p.set.keys)
}

// value is that of a tag; empty when there is none.
func (p packed) value(key string) string {
	if p.set == nil {
		return ""
	}
	i, ok := slices.BinarySearch(p.set.keys, key)
	switch {
	case !ok:
		return ""
	case !slices.Contains(ownKeys, key):
		return p.set.values[i]
	}
	before := 0 // of the own values
	for _, own := range ownKeys {
		switch _, has := slices.BinarySearch(p.set.keys, own); {
		case own == key && own == eni.TagName && p.own[before] == ownName:
			return p.madeName()
		case own == key:
			return p.own[before]
		case has:
			before++
		}
	}
	return "" // which does not come about: it is one of them
}

// are reports whether these are the tags.
func (p packed) are(tags map[string]string) bool {
	if len(tags) != p.count() {
		return false
	}
	for key, value := range p.all {
		if got, ok := tags[key]; !ok || got != value {
			return false
		}
	}
	return true
}
