package ec2sim

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html:
// filters in a call, values of one, both refused with FilterLimitExceeded, and characters
// of a value.
const (
	maxFilters     = 50
	maxValues      = 200
	maxValueLength = 255
)

// filter is one Filter.N of a describe. Values are ORed, filters are ANDed.
type filter struct {
	name   string
	values []string
	// exact holds where no value has a wildcard, so that an index can be asked.
	exact bool
}

func (f *filter) matches(s string) bool {
	if f.exact {
		return slices.Contains(f.values, s)
	}
	return slices.ContainsFunc(f.values, func(p string) bool { return wildcard(p, s) })
}

// wildcard matches * (any characters), ? (one character) and backslash escapes, with
// case, over the whole of s. It walks back to the last star only, so it never takes
// more than len(pattern) × len(s) steps.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p, i = p+1, i+1
		case p < len(pattern) && literal(pattern, p) == s[i]:
			p, i = p+width(pattern, p), i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func width(pattern string, p int) int {
	if pattern[p] == '\\' && p+1 < len(pattern) {
		return 2
	}
	return 1
}

func literal(pattern string, p int) byte { return pattern[p+width(pattern, p)-1] }

// filterSet says which filters a describe knows and how a record answers each: it
// calls yield with every value the record has, until yield tells it to stop.
type filterSet[T any] map[string]func(r T, yield func(string) bool) bool

// one makes the answer of a record that has a single value for a filter.
func one[T any](get func(T) string) func(T, func(string) bool) bool {
	return func(r T, yield func(string) bool) bool { return yield(get(r)) }
}

// oneIf is the like for a value that a record may lack.
func oneIf[T any](get func(T) string) func(T, func(string) bool) bool {
	return func(r T, yield func(string) bool) bool {
		v := get(r)
		return v != "" && yield(v)
	}
}

// silent are filters that EC2 documents for things the simulator has none of: they
// are accepted, and match nothing.
func silent[T any](set filterSet[T], names ...string) filterSet[T] {
	for _, name := range names {
		set[name] = func(T, func(string) bool) bool { return false }
	}
	return set
}

// tagged is what every record with tags has.
type tagged interface{ tagMap() map[string]string }

func matchTag[T tagged](f *filter, r T) (known, ok bool) {
	if key, isTag := strings.CutPrefix(f.name, "tag:"); isTag {
		v, has := r.tagMap()[key]
		return true, has && f.matches(v)
	}
	if f.name == "tag-key" {
		for key := range r.tagMap() {
			if f.matches(key) {
				return true, true
			}
		}
		return true, false
	}
	return false, false
}

func isTagFilter(name string) bool { return strings.HasPrefix(name, "tag:") || name == "tag-key" }

func (set filterSet[T]) knows(name string) bool {
	_, ok := set[name]
	return ok
}

func tooLong(v string) bool { return utf8.RuneCountInString(v) > maxValueLength }

// parseFilters reads Filter.N and refuses names that the action does not have.
func parseFilters(form *value, known func(name string) bool) ([]filter, error) {
	var out []filter
	members := form.members("Filter")
	if len(members) > maxFilters {
		return nil, fail("FilterLimitExceeded", "The maximum number of filters specified on a single call is %d", maxFilters)
	}
	for _, m := range members {
		f := filter{name: m.get("Name"), values: m.texts("Value"), exact: true}
		switch {
		case !m.has("Name"):
			return nil, fail("InvalidParameterValue", "The filter 'null' is invalid")
		case !known(f.name):
			return nil, fail("InvalidParameterValue", "The filter '%s' is invalid", f.name)
		case len(f.values) == 0:
			return nil, fail("InvalidParameterValue", "The filter '%s' has no value", f.name)
		case len(f.values) > maxValues:
			return nil, fail("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxValues)
		case slices.ContainsFunc(f.values, tooLong):
			return nil, fail("InvalidParameterValue", "A value of the filter '%s' has more than %d characters", f.name, maxValueLength)
		}
		f.exact = !slices.ContainsFunc(f.values, func(v string) bool { return strings.ContainsAny(v, `*?\`) })
		out = append(out, f)
	}
	return out, nil
}
