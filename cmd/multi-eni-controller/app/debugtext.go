package app

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/controller"
)

// topologyText is the topology for people: a line for each node, below it its slots and what is wanted of it.
func topologyText(t controller.Topology) string {
	if !t.Leading {
		return "This replica does not lead, and knows nothing of EC2: ask the one that holds the Lease.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d nodes on which interfaces are or are wanted\n", t.Time.UTC().Format(time.RFC3339), len(t.Nodes))
	for i := range t.Nodes {
		fmt.Fprintf(&b, "\n%s\n", nodeLine(t.Time, &t.Nodes[i]))
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		nodeTable(table, &t.Nodes[i])
		_ = table.Flush()
	}
	return b.String()
}

func nodeLine(now time.Time, n *controller.TopologyNode) string {
	name, instance := n.Node, n.InstanceID
	if name == "" {
		name = "(no Node)"
	}
	switch {
	case instance == "" && n.Node == "":
		return "(neither Node nor instance)"
	case instance == "":
		return name + "  (names no instance)"
	case n.DescribedAt == nil:
		return fmt.Sprintf("%s  %s  (not described yet)", name, instance)
	}
	return fmt.Sprintf("%s  %s  %s %s in %s, described %v ago", name, instance, n.Type, n.State, n.Zone, now.Sub(*n.DescribedAt).Round(time.Second))
}

func nodeTable(table *tabwriter.Writer, n *controller.TopologyNode) {
	for _, s := range n.Slots {
		fmt.Fprintf(table, "  slot %s\t%s\t%s\t%s\t%s\n", s.Slot, s.ENIID, s.Status, owner(s), missing(s))
	}
	for _, s := range n.Unattached {
		fmt.Fprintf(table, "  for slot %s\t%s\t%s\t%s\t%s\n", s.Slot, s.ENIID, s.Status, owner(s), missing(s))
	}
	for _, w := range n.Wanted {
		fmt.Fprintf(table, "  wanted at %s\t%s\t%s\tby NodeENI %s\t%s\n", w.Slot, dash(w.ENIID), w.State, w.NodeENI, because(w.Reason, w.Message))
	}
	for _, r := range n.Releasing {
		state := r.State
		if r.Held {
			state += ", held"
		}
		fmt.Fprintf(table, "  releasing\t%s\t%s\t\t%s\n", r.ENIID, state, because(r.Reason, r.Message))
	}
}

func owner(s controller.TopologySlot) string {
	if s.Ours {
		return "NodeENI " + s.NodeENI
	}
	return strings.TrimSpace("not ours " + s.Description)
}

func missing(s controller.TopologySlot) string {
	if s.Missing {
		return "EC2 does not show it"
	}
	return ""
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func because(reason, message string) string {
	if reason == "" || message == "" {
		return reason + message
	}
	return reason + ": " + message
}

// flightText is what the recorder has of an interface, for people.
func flightText(id string, entries []controller.FlightEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, oldest first; of earlier news nothing is kept\n\n", id)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range entries {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), e.Event, dash(e.Reason), dash(e.Took), dash(e.RequestID), e.Detail)
	}
	_ = table.Flush()
	return b.String()
}
