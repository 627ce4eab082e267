package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
)

// words are how a person is told whose an interface is.
var words = map[audit.Whose]string{
	audit.OursLeaked:          "ours, leaked",
	audit.OursReleasing:       "ours, being released",
	audit.OursTagsLost:        "ours, tags lost",
	audit.Ours:                "ours, by its tags",
	audit.OursWanted:          "ours, wanted",
	audit.OtherCluster:        "another cluster's",
	audit.CommunityController: "the community controller's",
	audit.VPCCNI:              "the VPC CNI's",
	audit.Instance:            "the instance's",
	audit.AWS:                 "AWS's",
	audit.Nobody:              "nobody's",
}

var subjects = map[audit.SubjectKind]string{
	audit.SecurityGroup: "security group", audit.Subnet: "subnet", audit.VPC: "VPC", audit.ClusterName: "cluster",
}

// writeJSON writes the report as it is, with the Region.
func writeJSON(out io.Writer, region string, report audit.Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Region string `json:"region"`
		audit.Report
	}{region, report})
}

// writeTable writes the report for a person: a table, and below it each next command once.
func writeTable(out io.Writer, region string, report audit.Report) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s\n", headline(region, report), judgedBy(report))
	if len(report.Interfaces) > 0 {
		text.WriteString("\n")
		table := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, "INTERFACE\tWHOSE\tSTATUS\tWHY IT STAYS")
		for _, f := range report.Interfaces {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.InterfaceID, words[f.Whose], where(f), printable(f.Why))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		writeNext(&text, report)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func headline(region string, report audit.Report) string {
	what, count := subjects[report.Subject.Kind]+" "+report.Subject.ID, len(report.Interfaces)
	switch {
	case count == 0 && report.Subject.Kind == audit.ClusterName:
		return fmt.Sprintf("Nothing is left of %s in %s: no interface bears its name.", what, region)
	case count == 0:
		return fmt.Sprintf("No interface in %s holds %s.", region, what)
	case report.Clean:
		return fmt.Sprintf("Every interface of %s in %s is wanted: %d.", what, region, count)
	}
	return fmt.Sprintf("Interfaces of %s in %s: %d.", what, region, count)
}

func judgedBy(report audit.Report) string {
	identity := fmt.Sprintf("%s (ID %s)", report.ClusterName, report.ClusterID)
	switch {
	case report.JudgedBy == "cluster":
		return "Judged by what cluster " + identity + " wants."
	case report.ClusterID != "":
		return "Judged by tags only, ours being those of cluster " + identity + ": give --kubeconfig to ask what it wants."
	case report.ClusterName != "":
		return "Judged by tags only, ours being those of a cluster " + report.ClusterName + ": give --kubeconfig to ask what it wants."
	}
	return "Judged by tags only, and none are ours: give --kubeconfig, or --cluster-name to say whose are."
}

// where is how and where an interface is attached.
func where(f audit.Finding) string {
	if f.InstanceID == "" {
		return f.Status
	}
	return fmt.Sprintf("%s to %s at %s", f.Status, f.InstanceID, f.Slot)
}

// writeNext writes each command once, in the order of the table, with the interfaces that it is for.
func writeNext(text *strings.Builder, report audit.Report) {
	var commands []string
	of := map[string][]string{}
	for _, f := range report.Interfaces {
		if f.Next == "" {
			continue
		}
		if of[f.Next] == nil {
			commands = append(commands, f.Next)
		}
		of[f.Next] = append(of[f.Next], f.InterfaceID)
	}
	if len(commands) == 0 {
		return
	}
	text.WriteString("\nNext:\n")
	for _, command := range commands {
		ids := of[command]
		text.WriteString("  " + printable(command))
		switch {
		case len(ids) > 1:
			fmt.Fprintf(text, "   # %s and %d more", ids[0], len(ids)-1)
		case !strings.Contains(command, ids[0]):
			text.WriteString("   # " + ids[0])
		}
		text.WriteString("\n")
	}
}

// printable keeps what anybody may have written into a tag from steering a terminal, or from breaking the table.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
