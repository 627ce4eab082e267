package ec2sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// policy is an IAM policy document.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type policy struct{ Statement oneOrMore[statement] }

type statement struct {
	Sid         string
	Effect      string
	Action      oneOrMore[string]
	NotAction   oneOrMore[string]
	Resource    oneOrMore[string]
	NotResource oneOrMore[string]
	Condition   map[string]map[string]oneOrMore[scalar]
}

// oneOrMore reads a list, or its only member by itself, as IAM writes it.
type oneOrMore[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	var list []T
	if len(data) > 0 && data[0] == '[' {
		err := strictly(data, &list)
		*l = list
		return err
	}
	var single T
	err := strictly(data, &single)
	*l = oneOrMore[T]{single}
	return err
}

// scalar is a condition's value: a string, a number or a boolean.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		*s = scalar(data)
		return nil
	}
	var text string
	err := json.Unmarshal(data, &text)
	*s = scalar(text)
	return err
}

func strictly(data []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(target)
}

// parsePolicy refuses what it would otherwise have to ignore: a condition that is not
// understood must not grant anything.
func parsePolicy(doc string) (policy, error) {
	var p struct {
		Version   string
		ID        string `json:"Id"`
		Statement oneOrMore[statement]
	}
	if err := strictly([]byte(doc), &p); err != nil {
		return policy{}, fmt.Errorf("policy document: %w", err)
	}
	if len(p.Statement) == 0 {
		return policy{}, errors.New("policy document: has no Statement")
	}
	for i, st := range p.Statement {
		if err := st.validate(); err != nil {
			return policy{}, fmt.Errorf("policy document: statement %d %s: %w", i, st.Sid, err)
		}
	}
	return policy{p.Statement}, nil
}

func (st statement) validate() error {
	switch {
	case st.Effect != "Allow" && st.Effect != "Deny":
		return fmt.Errorf("effect %q is neither Allow nor Deny", st.Effect)
	case (len(st.Action) > 0) == (len(st.NotAction) > 0):
		return errors.New("needs either Action or NotAction")
	case (len(st.Resource) > 0) == (len(st.NotResource) > 0):
		return errors.New("needs either Resource or NotResource")
	}
	for _, arn := range slices.Concat(st.Resource, st.NotResource) {
		if err := noVariables(arn); err != nil {
			return err
		}
	}
	for _, operator := range sortedKeysOf(st.Condition) {
		if _, err := parseOperator(operator); err != nil {
			return err
		}
		for _, key := range sortedKeysOf(st.Condition[operator]) {
			if !knownConditionKey(key) {
				return fmt.Errorf("condition key %s is not one that the simulator evaluates", key)
			}
			for _, v := range st.Condition[operator][key] {
				if err := noVariables(string(v)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// noVariables refuses policy variables: taken literally they would never match, and a
// Deny that has one would deny nothing.
func noVariables(s string) error {
	if strings.Contains(s, "${") {
		return fmt.Errorf("%q has a policy variable, which the simulator does not evaluate", s)
	}
	return nil
}

// grants tells what a statement says about a request on one resource: whether it
// applies at all.
func (st statement) applies(q question) bool {
	return st.matchesAction(q.action) && st.matchesResource(q.arn) && st.matchesConditions(q)
}

func (st statement) matchesAction(action string) bool {
	match := func(p string) bool { return wildcard(strings.ToLower(p), strings.ToLower(action)) }
	if len(st.NotAction) > 0 {
		return !slices.ContainsFunc(st.NotAction, match)
	}
	return slices.ContainsFunc(st.Action, match)
}

func (st statement) matchesResource(arn string) bool {
	match := func(p string) bool { return wildcard(p, arn) }
	if len(st.NotResource) > 0 {
		return !slices.ContainsFunc(st.NotResource, match)
	}
	return slices.ContainsFunc(st.Resource, match)
}

func (st statement) matchesConditions(q question) bool {
	for operator, keys := range st.Condition {
		// validate has parsed the operator already.
		op, _ := parseOperator(operator)
		for key, want := range keys {
			if !op.holds(q.values(key), want) {
				return false
			}
		}
	}
	return true
}
