package inventory

import (
	"maps"
	"time"
)

// The reads that Stats counts.
const (
	ReadList         = "list"
	ReadNarrowedList = "narrowed_list"
	ReadPoll         = "poll"
	ReadInterfaces   = "interfaces"
	ReadInstances    = "instances"
	ReadSubnets      = "subnets"
	ReadForeign      = "foreign_interfaces"
)

var allReads = []string{ReadList, ReadNarrowedList, ReadPoll, ReadInterfaces, ReadInstances, ReadSubnets, ReadForeign}

// Stats says what the inventory has done and holds; it is there for metrics.
type Stats struct {
	// Reads and Failures count the calls of the Reader and those that failed, by what was read.
	Reads, Failures map[string]int
	// Interfaces are those held; Polled those that EC2 is asked about until it shows what is expected; Missing
	// those that it did not show where it should have.
	Interfaces, Polled, Missing int
	// Listed is when the last complete list began; before the first, when Run did; zero before that.
	Listed time.Time
}

// Stats returns the numbers of this moment.
func (i *Inventory) Stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.stats
	s.Reads, s.Failures = maps.Clone(s.Reads), maps.Clone(s.Failures)
	s.Interfaces, s.Polled = len(i.store.records), len(i.store.restless)
	for _, r := range i.store.restless {
		if r.Missing {
			s.Missing++
		}
	}
	if s.Listed.IsZero() {
		s.Listed = i.store.absence.start
	}
	return s
}

// count counts a call of the Reader, and passes on how it went.
func (i *Inventory) count(what string, err error) {
	i.options.Read(what, err)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stats.Reads[what]++
	if err != nil {
		i.stats.Failures[what]++
	}
}
