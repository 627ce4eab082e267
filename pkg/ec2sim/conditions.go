package ec2sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// operator is a condition operator with its modifiers: ForAllValues:StringLikeIfExists.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type operator struct {
	set      string // ForAllValues, ForAnyValue or empty
	base     string
	ifExists bool
}

var comparisons = map[string]func(want, got string) bool{
	"StringEquals":              func(want, got string) bool { return want == got },
	"StringEqualsIgnoreCase":    strings.EqualFold,
	"StringLike":                wildcard,
	"ArnEquals":                 wildcard,
	"ArnLike":                   wildcard,
	"Bool":                      strings.EqualFold,
	"StringNotEquals":           func(want, got string) bool { return want == got },
	"StringNotEqualsIgnoreCase": strings.EqualFold,
	"StringNotLike":             wildcard,
	"ArnNotEquals":              wildcard,
	"ArnNotLike":                wildcard,
	"Null":                      nil,
}

func parseOperator(s string) (operator, error) {
	var op operator
	if set, base, ok := strings.Cut(s, ":"); ok {
		op.set, s = set, base
		if set != "ForAllValues" && set != "ForAnyValue" {
			return op, fmt.Errorf("condition operator %s:%s is unknown", set, base)
		}
	}
	op.base, op.ifExists = strings.CutSuffix(s, "IfExists")
	if _, ok := comparisons[op.base]; !ok {
		return op, fmt.Errorf("condition operator %s is not one that the simulator evaluates", s)
	}
	return op, nil
}

func (op operator) negated() bool { return strings.Contains(op.base, "Not") }

// holds judges a key's values in the request; nil values mean that it has no such key.
func (op operator) holds(got []string, want []scalar) bool {
	if op.base == "Null" {
		return slices.ContainsFunc(want, func(w scalar) bool { return (w == "true") == (got == nil) })
	}
	if len(got) == 0 {
		return op.holdsWithout()
	}
	each := func(g string) bool {
		hit := slices.ContainsFunc(want, func(w scalar) bool { return comparisons[op.base](string(w), g) })
		return hit != op.negated()
	}
	if op.set == "ForAnyValue" {
		return slices.ContainsFunc(got, each)
	}
	// ForAllValues asks it of all; without a set operator there is one value.
	return !slices.ContainsFunc(got, func(g string) bool { return !each(g) })
}

// holdsWithout is the answer where the request has no such key: true for IfExists, for
// ForAllValues (there is no value that could fail) and for what is negated.
func (op operator) holdsWithout() bool {
	switch {
	case op.set == "ForAnyValue":
		return false
	case op.set == "ForAllValues", op.ifExists:
		return true
	}
	return op.negated()
}

// conditionKeys are the condition keys that a request answers; those that end in a
// slash are followed by a tag's key.
var conditionKeys = []string{
	"aws:requesttag/", "aws:resourcetag/", "ec2:resourcetag/", "aws:tagkeys", "ec2:createaction",
	"ec2:vpc", "ec2:subnet", "ec2:subnetid", "ec2:region", "aws:requestedregion", "ec2:instanceid", "ec2:networkinterfaceid",
	"ec2:availabilityzone", "ec2:instancetype", "ec2:attribute", "aws:principalaccount", "aws:resourceaccount",
}

func knownConditionKey(key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(conditionKeys, func(k string) bool {
		return key == k || strings.HasSuffix(k, "/") && strings.HasPrefix(key, k)
	})
}

func sortedKeysOf[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
