package ec2sim

import (
	"errors"
	"net/url"
	"time"
)

// logSize is how many calls the log keeps; the counts are of all.
const logSize = 100_000

// LogEntry is one call, as GET /_sim/log gives it.
type LogEntry struct {
	Seq  int       `json:"seq"`
	Time time.Time `json:"time"`
	// Action is as the caller wrote it, known or not.
	Action     string            `json:"action"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Principal  string            `json:"principal,omitempty"`
	RequestID  string            `json:"requestId"`
	// Code is OK, EC2's error code, or the fault that kept the answer from arriving.
	Code    string `json:"code"`
	Status  int    `json:"status"`
	Message string `json:"message,omitempty"`
	// Fault is the effect of the fault rule that struck the call, if one did.
	Fault string `json:"fault,omitempty"`
	// Acted tells whether the call took effect.
	Acted bool `json:"acted"`
}

type logged struct {
	entry LogEntry
	raw   url.Values
}

// callLog counts every call and remembers the latest.
type callLog struct {
	seq     int
	entries []logged
	counts  map[string]map[string]int
	// unknown counts the actions in counts that the simulator does not have.
	unknown int
}

func (l *callLog) add(c *call, a answer, err error) {
	l.seq++
	e := LogEntry{Seq: l.seq, Time: c.now, Action: c.action, Principal: c.accessKey, RequestID: c.requestID, Code: "OK", Status: a.status, Acted: err == nil}
	if c.fault != nil {
		e.Fault = c.fault.Effect
	}
	if known, ok := errors.AsType[*Error](err); ok {
		e.Code, e.Message = known.Code, known.Message
	}
	if a.lost != "" {
		e.Code, e.Status, e.Acted = a.lost, 0, a.lost == effectCutAfter && err == nil
	}
	l.count(c.action, e.Code)
	if len(l.entries) >= logSize {
		l.entries = append(l.entries[:0], l.entries[logSize/10:]...)
	}
	l.entries = append(l.entries, logged{e, c.raw})
}

// maxUnknown is how many actions are counted that EC2 does not have; callers make them up.
const maxUnknown = 100

// otherActions stands for what is above maxUnknown.
const otherActions = "(other)"

func (l *callLog) count(action, code string) {
	if l.counts == nil {
		l.counts = map[string]map[string]int{}
	}
	if _, known := operations[action]; !known && l.counts[action] == nil {
		if l.unknown++; l.unknown > maxUnknown {
			action = otherActions
		}
	}
	if l.counts[action] == nil {
		l.counts[action] = map[string]int{}
	}
	l.counts[action][code]++
}

// since lists the calls after a cursor, oldest first.
func (l *callLog) since(seq int) []LogEntry {
	out := []LogEntry{}
	for _, e := range l.entries {
		if e.entry.Seq > seq {
			out = append(out, e.complete())
		}
	}
	return out
}

// complete adds the parameters, which are flattened only when somebody reads them.
func (l logged) complete() LogEntry {
	e := l.entry
	e.Parameters = map[string]string{}
	for name, values := range l.raw {
		if !protocolParams[name] && len(values) > 0 {
			e.Parameters[name] = values[0]
		}
	}
	return e
}
