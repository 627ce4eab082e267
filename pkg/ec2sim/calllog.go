package ec2sim

import (
	"errors"
	"net/url"
	"slices"
	"time"
)

// The log keeps so many calls, and of them what fits; the counts are of all.
const (
	logSize  = 100_000
	logBytes = 64 << 20
	// entryBytes and paramBytes are what an entry and a parameter take beside their text.
	entryBytes, paramBytes = 512, 128
)

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

// size is about how much memory an entry keeps from being used otherwise.
func (l logged) size() int {
	n := entryBytes + len(l.entry.Action) + len(l.entry.Message)
	for name, values := range l.raw {
		n += paramBytes + len(name)
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// callLog counts every call and remembers the latest.
type callLog struct {
	// size is how many that are; 0 is logSize.
	size    int
	seq     int
	entries []logged
	// bytes is the size of all entries.
	bytes  int
	counts map[string]map[string]int
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
	l.entries = append(l.entries, logged{e, c.raw})
	l.bytes += l.entries[len(l.entries)-1].size()
	l.trim()
}

// trim forgets the oldest calls, a tenth at a time, once there are too many or too large ones.
func (l *callLog) trim() {
	size := orDefault(l.size, logSize)
	if len(l.entries) <= size && l.bytes <= logBytes {
		return
	}
	gone := 0
	for len(l.entries)-gone > size*9/10 || l.bytes > logBytes/10*9 {
		l.bytes -= l.entries[gone].size()
		gone++
	}
	l.entries = slices.Delete(l.entries, 0, gone)
}

// maxUnknown is how many actions are counted that EC2 does not have, and maxUnknownName
// how long their names may be; callers make them up.
const maxUnknown, maxUnknownName = 100, 128

// otherActions stands for what is above these.
const otherActions = "(other)"

func (l *callLog) count(action, code string) {
	if l.counts == nil {
		l.counts = map[string]map[string]int{}
	}
	if _, known := operations[action]; !known && l.counts[action] == nil {
		if l.unknown++; l.unknown > maxUnknown || len(action) > maxUnknownName {
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
	// What is kept has numbers without a gap, up to the latest.
	first := l.seq - len(l.entries)
	for _, e := range l.entries[min(max(0, seq-first), len(l.entries)):] {
		out = append(out, e.complete())
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
