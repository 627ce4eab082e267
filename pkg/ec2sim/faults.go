package ec2sim

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Effects of a fault.
const (
	effectError          = "error"
	effectThrottle       = "throttle"
	effectDelay          = "delay"
	effectCutBefore      = "cut-before"
	effectCutAfter       = "cut-after"
	effectHang           = "hang"
	effectGarbage        = "garbage"
	effectStuckAttaching = "stuck-attaching"
	effectStuckDetaching = "stuck-detaching"
	effectOmit           = "omit"
)

var effects = []string{effectError, effectThrottle, effectDelay, effectCutBefore, effectCutAfter, effectHang, effectGarbage, effectStuckAttaching, effectStuckDetaching, effectOmit}

// Fault is a rule by which calls go wrong. It concerns the calls of an action (a glob;
// empty is every action) that name a resource (in any parameter; empty is any); of
// those the n-th, every so many-th or a share; each of them where none of the three is
// given; and at most so many times. A dry run changes nothing: rules that count calls pass it
// over, and so do attaches and detaches that never end.
type Fault struct {
	ID       int    `yaml:"-" json:"id,omitempty"` // given by the simulator
	Action   string `yaml:"action" json:"action,omitempty"`
	Resource string `yaml:"resource" json:"resource,omitempty"`
	Nth      int    `yaml:"nth" json:"nth,omitempty"`
	Every    int    `yaml:"every" json:"every,omitempty"`
	Share    Share  `yaml:"share" json:"share,omitempty"`
	Times    int    `yaml:"times" json:"times,omitempty"`
	// Effect is error, throttle, delay (acts on arrival, answers late by Duration), cut-before
	// and cut-after (the connection is cut before or after the call took effect), hang
	// (never acts, never answers), garbage, stuck-attaching, stuck-detaching or omit (a
	// describe leaves things out that it should show).
	Effect   string   `yaml:"effect" json:"effect"`
	Code     string   `yaml:"code" json:"code,omitempty"`
	Message  string   `yaml:"message" json:"message,omitempty"`
	Status   int      `yaml:"status" json:"status,omitempty"`
	Duration Duration `yaml:"duration" json:"duration,omitempty"`
	// Items are the IDs that omit leaves out; without any it is each thing with the
	// likelihood of ItemShare, and without that everything. ItemShare leaves nothing out of two
	// lists one after another that should show it, whichever rule left it out of the first;
	// reads that name IDs are each on their own.
	Items     []string `yaml:"items" json:"items,omitempty"`
	ItemShare Share    `yaml:"itemShare" json:"itemShare,omitempty"`
}

// Share is a part of all calls, above 0 and up to 1. A rule without one strikes them all,
// so that one which says 0 is a mistake, and is refused.
type Share float64

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Share) UnmarshalYAML(n *yaml.Node) error {
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || n.Kind != yaml.ScalarNode || !(v > 0 && v <= 1) {
		return fieldError(n, "is not a share; write a number above 0 and up to 1")
	}
	*s = Share(v)
	return nil
}

func (f Fault) validate() error {
	switch {
	case !slices.Contains(effects, f.Effect):
		return fmt.Errorf("effect %q is unknown; write one of %s", f.Effect, strings.Join(effects, ", "))
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share %v is not between 0 and 1", f.Share)
	case f.ItemShare < 0 || f.ItemShare > 1:
		return fmt.Errorf("itemShare %v is not between 0 and 1", f.ItemShare)
	case (len(f.Items) > 0 || f.ItemShare > 0) && f.Effect != effectOmit:
		return fmt.Errorf("items and itemShare are for the effect %s", effectOmit)
	case f.Nth < 0 || f.Every < 0 || f.Times < 0:
		return fmt.Errorf("nth, every and times must not be negative")
	case f.Effect == effectDelay && f.Duration <= 0:
		return fmt.Errorf("a delay needs a duration, like 2s")
	case f.Status != 0 && (f.Status < 300 || f.Status > 599):
		return fmt.Errorf("status %d is not an HTTP status of a failure", f.Status)
	}
	if _, err := path.Match(f.Action, ""); err != nil {
		return fmt.Errorf("action %q is not a name or a pattern with * and ?", f.Action)
	}
	return nil
}

// faultRule is a fault with its counters.
type faultRule struct {
	Fault
	// Seen and Struck count the calls that the rule concerned and struck; Owed are strikes
	// that another rule has kept it from.
	Seen   int `json:"seen"`
	Struck int `json:"struck"`
	Owed   int `json:"owed,omitempty"`
}

func (s *Simulator) addFault(f Fault) Fault {
	s.faultN++
	f.ID = s.faultN
	s.faults = append(s.faults, &faultRule{Fault: f})
	return f
}

func (r *faultRule) concerns(s *Simulator, c *call) bool {
	if ok, _ := path.Match(r.Action, c.action); r.Action != "" && !ok {
		return false
	}
	switch {
	case r.Effect == effectStuckAttaching && c.action != "AttachNetworkInterface":
		return false
	case r.Effect == effectStuckDetaching && c.action != "DetachNetworkInterface":
		return false
	case c.raw.Get("DryRun") == "true" && r.counts():
		return false
	case r.Effect == effectOmit && !strings.HasPrefix(c.action, "Describe"):
		return false
	}
	return r.Resource == "" || s.names(c, r.Resource)
}

// counts reports whether a rule is about single calls, and not about all of a kind or a share of them.
func (r *faultRule) counts() bool {
	return r.Nth > 0 || r.Every > 0 || r.Times > 0 || r.Effect == effectStuckAttaching || r.Effect == effectStuckDetaching
}

// names tells whether a call is about a resource: by its ID in any parameter, or by that
// of an attachment, which stands for its interface and its instance.
func (s *Simulator) names(c *call, resource string) bool {
	for _, values := range c.raw {
		for _, v := range values {
			if v == resource {
				return true
			}
			if e, ok := s.attachments[v]; ok && (e.id == resource || e.attachment.instance.id == resource) {
				return true
			}
		}
	}
	return false
}

// strikes counts a call that the rule concerns, and says whether it is one to fail. A
// rule that would have struck a call which another one has struck already does not lose
// it: an n-th or every so many-th strike is owed, and comes with the next call.
func (r *faultRule) strikes(s *Simulator, taken bool) bool {
	r.Seen++
	hit := true
	switch {
	case r.Nth > 0:
		hit = r.Seen == r.Nth
	case r.Every > 0:
		hit = r.Seen%r.Every == 0
	case r.Share > 0:
		hit = s.rng.Float64() < float64(r.Share)
	}
	if r.Times > 0 && r.Struck >= r.Times {
		return false
	}
	counted := r.Nth > 0 || r.Every > 0
	if taken {
		if hit && counted {
			r.Owed++
		}
		return false
	}
	if !hit && r.Owed > 0 {
		r.Owed--
		hit = true
	}
	if hit {
		r.Struck++
	}
	return hit
}

// faulty looks for a rule that strikes the call. All rules count the call; the first
// that strikes decides.
func (s *Simulator) faulty(c *call, a *answer) error {
	for _, r := range s.faults {
		if r.concerns(s, c) && r.strikes(s, c.fault != nil) {
			c.fault = &r.Fault
		}
	}
	if c.fault == nil {
		return nil
	}
	switch f := c.fault; f.Effect {
	case effectError:
		code := orDefault(f.Code, "InternalError")
		return &Error{Code: code, Message: orDefault(f.Message, "An injected fault."), Status: orDefault(f.Status, statusOf(code))}
	case effectThrottle:
		return s.errThrottled(c.action)
	case effectCutBefore, effectHang:
		a.lost = f.Effect
	}
	return nil
}

// omits draws whether a describe leaves a thing out.
func (f *Fault) omits(s *Simulator, id string, byID bool) bool {
	omitted := true
	switch {
	case len(f.Items) > 0:
		omitted = slices.Contains(f.Items, id)
	case f.ItemShare > 0:
		omitted = (byID || !s.leftOut[id]) && s.rng.Float64() < float64(f.ItemShare)
	}
	switch {
	case byID:
	case !omitted:
		delete(s.leftOut, id)
	case s.leftOut == nil:
		s.leftOut = map[string]bool{id: true}
	default:
		s.leftOut[id] = true
	}
	return omitted
}
