package inventory

import (
	"maps"
	"slices"
	"strings"
)

// mostKeySets is how many sets of keys are remembered at a time: of the interfaces of one cluster most bear the same
// keys, beside those that their NodeENI or a person has added.
const mostKeySets = 1024

// packed are tags as the store keeps them. Thousands of interfaces bear the same keys, so these are there once; a map
// for each takes more than three times the room. It is never modified.
type packed struct {
	// keys are sorted, values are in the order of keys.
	keys, values []string
}

// keySets has each set of keys once. Most of the time it is the same as the time before.
type keySets struct {
	byName map[string][]string
	last   []string
}

// pack keeps the tags.
func (k *keySets) pack(tags map[string]string) packed {
	keys := slices.AppendSeq(make([]string, 0, len(tags)), maps.Keys(tags))
	slices.Sort(keys)
	if !slices.Equal(keys, k.last) {
		k.last = k.same(keys)
	}
	keys = k.last
	values := make([]string, len(keys))
	for i, key := range keys {
		values[i] = tags[key]
	}
	return packed{keys, values}
}

// same returns the copy of the keys that is held.
func (k *keySets) same(keys []string) []string {
	name := strings.Join(keys, "\x00") // which no key holds; if one did, the comparison would tell
	if held, ok := k.byName[name]; ok && slices.Equal(held, keys) {
		return held
	}
	if k.byName == nil || len(k.byName) >= mostKeySets {
		k.byName = map[string][]string{} // those in use come again
	}
	k.byName[name] = keys
	return keys
}

// unpack returns a map of its own.
func (p packed) unpack() map[string]string {
	tags := make(map[string]string, len(p.keys))
	for i, key := range p.keys {
		tags[key] = p.values[i]
	}
	return tags
}

// value is that of a tag; empty when there is none.
func (p packed) value(key string) string {
	if i, ok := slices.BinarySearch(p.keys, key); ok {
		return p.values[i]
	}
	return ""
}

// are reports whether these are the tags.
func (p packed) are(tags map[string]string) bool {
	if len(tags) != len(p.keys) {
		return false
	}
	for i, key := range p.keys {
		if value, ok := tags[key]; !ok || value != p.values[i] {
			return false
		}
	}
	return true
}
