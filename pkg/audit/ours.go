package audit

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/shell"
)

// whyReleased says in words what the reasons of a release mean.
var whyReleased = map[string]string{
	v1alpha1.ReasonInstanceGone:    "its instance is shutting down, terminated or unknown to EC2",
	v1alpha1.ReasonMisplaced:       "it is attached elsewhere than its tags say",
	v1alpha1.ReasonNodeENIDeleted:  "its NodeENI is being deleted",
	v1alpha1.ReasonNodeENIGone:     "its NodeENI exists no more",
	v1alpha1.ReasonNodeGone:        "its Node exists no more",
	v1alpha1.ReasonNodeNotSelected: "its NodeENI does not select its Node any more",
	v1alpha1.ReasonSpecChanged:     "subnetID or deviceIndex of its NodeENI changed",
	v1alpha1.ReasonSurplus:         "another interface serves the same slot",
}

// judgeOurs judges what bears our cluster's ownership tags.
func (f *Facts) judgeOurs(d Finding, found eni.FoundInterface) Finding {
	if f.Cluster == nil {
		d.Whose = Ours
		d.Why = fmt.Sprintf("made for NodeENI %s on Node %s; whether that still wants it only the cluster can tell", d.NodeENI, d.NodeName)
		d.Next = askCluster(f.Subject)
		return d
	}
	n := f.Cluster.nodeENI(found.Tags[eni.TagNodeENIUID])
	reason, wanted := f.wanted(found.Interface)
	switch {
	case wanted:
		return f.judgeWanted(d, n)
	case n == nil:
		d.Whose, d.Reason = OursLeaked, reason
		return f.judgeLeaked(d)
	default:
		d.Whose, d.Reason = OursReleasing, reason
		return f.judgeReleasing(d, n)
	}
}

// judgeWanted says how a wanted interface comes to let go of the subject.
func (f *Facts) judgeWanted(d Finding, n *v1alpha1.NodeENI) Finding {
	d.Whose = OursWanted
	d.Why = fmt.Sprintf("NodeENI %s wants it on Node %s", d.NodeENI, d.NodeName)
	switch {
	case n != nil && len(plan.Validate(n)) > 0:
		d.Reason = v1alpha1.ReasonInvalidSpec
		d.Why = fmt.Sprintf("NodeENI %s, which made it for Node %s, has a spec that is invalid: what it has stays until that is corrected or it is deleted", n.Name, d.NodeName)
		d.Next = describeNodeENI(n.Name)
	case f.Subject.Kind == ClusterName:
	case n == nil: // one of the same name that will adopt it
		d.Next = describeNodeENI(d.NodeENI)
	case f.Subject.Kind == SecurityGroup:
		d.Why, d.Next = withoutGroup(d.Why, n, f.Subject.ID)
	default:
		d.Next = shell.Command("kubectl", "delete", "nodeeni", n.Name)
	}
	return d
}

// withoutGroup is how a NodeENI lets go of a security group.
func withoutGroup(why string, n *v1alpha1.NodeENI, group string) (said, next string) {
	if !slices.Contains(n.Spec.SecurityGroupIDs, group) {
		return why + ", without this security group: the controller takes it off, or something else puts it back", describeNodeENI(n.Name)
	}
	rest := slices.DeleteFunc(slices.Clone(n.Spec.SecurityGroupIDs), func(id string) bool { return id == group })
	if len(rest) == 0 {
		return why + ", with this security group alone: give it another one", shell.Command("kubectl", "edit", "nodeeni", n.Name)
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"securityGroupIDs": rest}})
	if err != nil { // strings can always be marshalled
		return why, shell.Command("kubectl", "edit", "nodeeni", n.Name)
	}
	return why + ", with this security group", shell.Command("kubectl", "patch", "nodeeni", n.Name, "--type=merge", "-p", string(patch))
}

// judgeLeaked says who will delete what no NodeENI answers for.
func (f *Facts) judgeLeaked(d Finding) Finding {
	d.Why = fmt.Sprintf("NodeENI %s, which made it for Node %s, exists no more", d.NodeENI, d.NodeName)
	switch f.Cluster.Controller {
	case ControllerLeads:
		d.Why += "; the controller deletes it once it has known that for five minutes, unless its log says what keeps it"
		d.Next = logsOf(f.Cluster.Namespace, d.InterfaceID)
	case ControllerAway:
		d.Why += ", and no controller runs that would delete it"
		d.Next = remove(d)
	default:
		d.Why += "; whether a controller runs that deletes it can not be told"
		d.Next = remove(d)
	}
	return d
}

// logsOf reads what all replicas say of an interface: "logs deployment/..." would read one of them, which may be one that
// does not lead and knows nothing of it.
func logsOf(namespace, id string) string {
	return shell.Command("kubectl", "-n", namespace, "logs", "-l", "app.kubernetes.io/name=aws-multi-eni-controller", "--tail=-1", "--prefix") +
		" | " + shell.Command("grep", id)
}

// judgeReleasing says how far the release has come, by the NodeENI's own report.
func (f *Facts) judgeReleasing(d Finding, n *v1alpha1.NodeENI) Finding {
	d.Why = whyReleased[d.Reason]
	if d.Why == "" {
		d.Why = "it has lost its place: " + d.Reason
	}
	d.Next = describeNodeENI(n.Name)
	for _, release := range n.Status.Releasing {
		if release.ENIID == d.InterfaceID && release.Message != "" {
			d.Why += fmt.Sprintf("; NodeENI %s reports %s: %s", n.Name, release.Reason, release.Message)
		}
	}
	if f.Cluster.Controller == ControllerAway {
		d.Why += "; no controller runs that would release it"
		d.Next = shell.Command("kubectl", "-n", f.Cluster.Namespace, "get", "pods")
	}
	return d
}
