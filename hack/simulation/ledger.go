package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// ledger has everything in EC2 that no controller has made, as its owners left it: clause 3 compares it with what is
// there. An interface is in it by who made it, whatever tags it bears.
type ledger struct {
	mu      sync.Mutex
	foreign map[string]ec2sim.InterfaceNow
	// marks are the tags that people have put on the controllers' interfaces.
	marks map[string]map[string]string
	// groups and tags are those of the network and the instances.
	groups []ec2sim.SecurityGroup
	tags   map[string]map[string]string
}

func newLedger(s ec2sim.Snapshot) *ledger {
	l := &ledger{foreign: map[string]ec2sim.InterfaceNow{}, marks: map[string]map[string]string{}, groups: s.Groups, tags: tagsOf(s)}
	for _, e := range s.Interfaces {
		l.foreign[e.ID] = e
	}
	return l
}

// tagsOf are the tags of what is no interface.
func tagsOf(s ec2sim.Snapshot) map[string]map[string]string {
	tags := map[string]map[string]string{}
	for _, i := range s.Instances {
		tags[i.ID] = i.Tags
	}
	for _, n := range s.Subnets {
		tags[n.ID] = n.Tags
	}
	return tags
}

// made notes an interface that somebody has made, or changed, who is no controller of ours.
func (l *ledger) made(e ec2sim.InterfaceNow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.foreign[e.ID] = e
}

// gone notes that its owner has deleted an interface.
func (l *ledger) gone(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.foreign, id)
}

func (l *ledger) isForeign(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, is := l.foreign[id]
	return is
}

// marked notes a tag that a person has put on an interface of ours.
func (l *ledger) marked(id, key, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marks[id] == nil {
		l.marks[id] = map[string]string{}
	}
	l.marks[id][key] = value
}

// differences are what has been touched that is nobody's of ours, in a line each.
func (l *ledger) differences(s ec2sim.Snapshot) (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	there, alive := map[string]*ec2sim.InterfaceNow{}, map[string]bool{}
	for i := range s.Interfaces {
		there[s.Interfaces[i].ID] = &s.Interfaces[i]
	}
	for _, i := range s.Instances {
		alive[i.ID] = i.State != "shutting-down" && i.State != "terminated"
	}
	for _, id := range slices.Sorted(maps.Keys(l.foreign)) {
		if diff := differs(l.foreign[id], there[id], alive); diff != "" {
			list = append(list, fmt.Sprintf("%s (%q), which is not ours: %s", id, l.foreign[id].Description, diff))
		}
	}
	for id, marks := range l.marks {
		for key, value := range marks {
			if e := there[id]; e != nil && e.Tags[key] != value {
				list = append(list, fmt.Sprintf("%s: a person's tag %s=%s is %q", id, key, value, e.Tags[key]))
			}
		}
	}
	if !slices.EqualFunc(l.groups, s.Groups, func(a, b ec2sim.SecurityGroup) bool {
		return a.ID == b.ID && a.Name == b.Name && maps.Equal(a.Tags, b.Tags)
	}) {
		list = append(list, fmt.Sprintf("security groups are %v, were %v", s.Groups, l.groups))
	}
	for id, tags := range tagsOf(s) {
		if was, known := l.tags[id]; known && !maps.Equal(was, tags) {
			list = append(list, fmt.Sprintf("%s has the tags %v, had %v", id, tags, was))
		}
	}
	return list
}

// differs compares an interface with what its owner left. What dies with its instance may be gone.
func differs(was ec2sim.InterfaceNow, is *ec2sim.InterfaceNow, alive map[string]bool) string {
	left := was.Attachment != nil && !alive[was.Attachment.Instance]
	if is == nil {
		if left && was.Attachment.DeleteOnTermination {
			return ""
		}
		return "it is gone"
	}
	var diffs []string
	for what, pair := range map[string][2]string{
		"tags":            {fmt.Sprint(was.Tags), fmt.Sprint(is.Tags)},
		"security groups": {fmt.Sprint(sorted(was.SecurityGroups)), fmt.Sprint(sorted(is.SecurityGroups))},
		"description":     {was.Description, is.Description},
		"addresses":       {fmt.Sprint(was.PrivateIPs), fmt.Sprint(is.PrivateIPs)},
		"check":           {fmt.Sprint(was.SourceDest), fmt.Sprint(is.SourceDest)},
		"attachment":      {place(was.Attachment), place(is.Attachment)},
	} {
		if pair[0] != pair[1] && (what != "attachment" || !left) {
			diffs = append(diffs, fmt.Sprintf("%s is %s, was %s", what, pair[1], pair[0]))
		}
	}
	return strings.Join(sorted(diffs), "; ")
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// place is where an interface is attached, in words.
func place(a *ec2sim.AttachmentNow) string {
	if a == nil {
		return "none"
	}
	return fmt.Sprintf("%s: %s at %d-%d, deleted with it: %v", a.ID, a.Instance, a.CardIndex, a.DeviceIndex, a.DeleteOnTermination)
}
