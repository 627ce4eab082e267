package ec2sim

import (
	"fmt"
	"path"
	"slices"
	"strings"
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
)

var effects = []string{effectError, effectThrottle, effectDelay, effectCutBefore, effectCutAfter, effectHang, effectGarbage, effectStuckAttaching, effectStuckDetaching}

// Fault is a rule by which calls go wrong. It concerns the calls of an action (a glob;
// empty is every action) that name a resource (in any parameter; empty is any); of
// those the n-th, every so many-th or a share; each of them where none of the three is
// given; and at most so many times.
type Fault struct {
	ID       int     `yaml:"-" json:"id,omitempty"` // given by the simulator
	Action   string  `yaml:"action" json:"action,omitempty"`
	Resource string  `yaml:"resource" json:"resource,omitempty"`
	Nth      int     `yaml:"nth" json:"nth,omitempty"`
	Every    int     `yaml:"every" json:"every,omitempty"`
	Share    float64 `yaml:"share" json:"share,omitempty"`
	Times    int     `yaml:"times" json:"times,omitempty"`
	// Effect is error, throttle, delay (acts at once, answers late by Duration), cut-before
	// and cut-after (the connection is cut before or after the call took effect), hang
	// (never acts, never answers), garbage, stuck-attaching or stuck-detaching.
	Effect   string   `yaml:"effect" json:"effect"`
	Code     string   `yaml:"code" json:"code,omitempty"`
	Message  string   `yaml:"message" json:"message,omitempty"`
	Status   int      `yaml:"status" json:"status,omitempty"`
	Duration Duration `yaml:"duration" json:"duration,omitempty"`
}

func (f Fault) validate() error {
	switch {
	case !slices.Contains(effects, f.Effect):
		return fmt.Errorf("effect %q is unknown; write one of %s", f.Effect, strings.Join(effects, ", "))
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share %v is not between 0 and 1", f.Share)
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
	seen, struck int
}

func (s *Simulator) addFault(f Fault) Fault {
	s.faultN++
	f.ID = s.faultN
	s.faults = append(s.faults, &faultRule{Fault: f})
	return f
}

func (r *faultRule) concerns(c *call) bool {
	if ok, _ := path.Match(r.Action, c.action); r.Action != "" && !ok {
		return false
	}
	if r.Resource == "" {
		return true
	}
	for _, values := range c.raw {
		if slices.Contains(values, r.Resource) {
			return true
		}
	}
	return false
}

// strikes counts a call that the rule concerns, and says whether it is one to fail.
func (r *faultRule) strikes(s *Simulator) bool {
	r.seen++
	hit := true
	switch {
	case r.Nth > 0:
		hit = r.seen == r.Nth
	case r.Every > 0:
		hit = r.seen%r.Every == 0
	case r.Share > 0:
		hit = s.rng.Float64() < r.Share
	}
	if !hit || r.Times > 0 && r.struck >= r.Times {
		return false
	}
	r.struck++
	return true
}

// faulty looks for a rule that strikes the call. All rules count the call; the first
// that strikes decides.
func (s *Simulator) faulty(c *call, a *answer) error {
	for _, r := range s.faults {
		if r.concerns(c) && r.strikes(s) && c.fault == nil {
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
		return errThrottled(c.action)
	case effectCutBefore, effectHang:
		a.lost = f.Effect
	}
	return nil
}
