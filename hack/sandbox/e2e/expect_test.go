package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// eni is what matters about one interface of ours, as EC2 has it.
type eni struct {
	NodeENI  string
	Instance string // where it really is attached
	Subnet   string
	Index    int
	State    string
	// Stays means that EC2 leaves the interface when the instance terminates.
	Stays bool
}

// on is an attached interface of a NodeENI on a machine.
func on(machine sandbox.Machine, name, subnet string, index int) eni {
	return eni{NodeENI: name, Instance: machine.InstanceID, Subnet: subnet, Index: index, State: "attached"}
}

func (e eni) staying() eni {
	e.Stays = true
	return e
}

// onAll is one interface of a NodeENI on each machine.
func onAll(machines []sandbox.Machine, name, subnet string, index int) []eni {
	var list []eni
	for _, machine := range machines {
		list = append(list, on(machine, name, subnet, index))
	}
	return list
}

// owned are the interfaces that bear our cluster's tags.
func (l *lab) owned(world ec2sim.Snapshot) []ec2sim.InterfaceNow {
	return slices.DeleteFunc(slices.Clone(world.Interfaces), func(iface ec2sim.InterfaceNow) bool {
		return iface.Tags[ownership.TagClusterID] != l.id
	})
}

// the is the one interface of ours that EC2 has.
func (l *lab) the() ec2sim.InterfaceNow {
	l.Helper()
	world, err := l.sim.World(l.ctx)
	l.must(err)
	owned := l.owned(world)
	if len(owned) != 1 {
		l.Fatalf("want one interface, EC2 has:\n%s", describe(owned))
	}
	return owned[0]
}

func asENI(iface ec2sim.InterfaceNow) eni {
	e := eni{NodeENI: iface.Tags[ownership.TagNodeENIName], Subnet: iface.Subnet, State: "available"}
	if a := iface.Attachment; a != nil {
		e.Instance, e.Index, e.State, e.Stays = a.Instance, a.DeviceIndex, a.Status, !a.DeleteOnTermination
	}
	return e
}

func ordered(list []eni) []eni {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b eni) int {
		return cmp.Or(cmp.Compare(a.Instance, b.Instance), cmp.Compare(a.Index, b.Index),
			cmp.Compare(a.NodeENI, b.NodeENI), cmp.Compare(a.Subnet, b.Subnet), cmp.Compare(a.State, b.State))
	})
	return list
}

// inEC2 compares all interfaces of ours with those that are wanted: no more, no less.
func (l *lab) inEC2(ctx context.Context, want []eni) error {
	world, err := l.sim.World(ctx)
	if err != nil {
		return err
	}
	var got []eni
	for _, iface := range l.owned(world) {
		got = append(got, asENI(iface))
	}
	if diff := gocmp.Diff(ordered(want), ordered(got)); diff != "" {
		return fmt.Errorf("EC2 has (-want +got):\n%s", diff)
	}
	return nil
}

// converge waits until EC2 has exactly the wanted interfaces, and every NodeENI says so.
func (l *lab) converge(want ...eni) {
	l.Helper()
	l.eventually(fmt.Sprintf("converged to %d interfaces", len(want)), func(ctx context.Context) error {
		if err := l.inEC2(ctx, want); err != nil {
			return err
		}
		return l.reported(ctx)
	})
}

// onlyInEC2 waits for EC2 alone, where some NodeENI is not ready.
func (l *lab) onlyInEC2(want ...eni) {
	l.Helper()
	l.eventually(fmt.Sprintf("in EC2: %d interfaces", len(want)), func(ctx context.Context) error { return l.inEC2(ctx, want) })
}

// reported compares every NodeENI's status with EC2.
func (l *lab) reported(ctx context.Context) error {
	world, err := l.sim.World(ctx)
	if err != nil {
		return err
	}
	list, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		if err := l.reportedBy(&list.Items[i], world); err != nil {
			return fmt.Errorf("status of %s: %w", list.Items[i].Name, err)
		}
	}
	return nil
}

func (l *lab) reportedBy(object *v1alpha1.NodeENI, world ec2sim.Snapshot) error {
	if err := condition(object, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); err != nil {
		return err
	}
	if err := condition(object, v1alpha1.ConditionReconciling, metav1.ConditionFalse, ""); err != nil {
		return err
	}
	if err := condition(object, v1alpha1.ConditionStalled, metav1.ConditionFalse, ""); err != nil {
		return err
	}
	var want []v1alpha1.Attachment
	for _, iface := range l.owned(world) {
		if iface.Tags[ownership.TagNodeENIUID] == string(object.UID) {
			want = append(want, attachmentOf(iface, world))
		}
	}
	got := slices.Clone(object.Status.Attachments)
	for i := range got {
		got[i].LastTransitionTime = metav1.Time{}
		got[i].Message = ""
	}
	byNode := func(a, b v1alpha1.Attachment) int { return cmp.Compare(a.NodeName, b.NodeName) }
	slices.SortFunc(want, byNode)
	slices.SortFunc(got, byNode)
	if diff := gocmp.Diff(want, got); diff != "" {
		return fmt.Errorf("attachments (-in EC2 +in status):\n%s", diff)
	}
	return counts(object, len(want), len(want), 0, 0, 0)
}

// attachmentOf is what a status must say about an attached interface.
func attachmentOf(iface ec2sim.InterfaceNow, world ec2sim.Snapshot) v1alpha1.Attachment {
	attachment := v1alpha1.Attachment{
		NodeName: iface.Tags[ownership.TagNodeName], NetworkCardIndex: new(int32(0)), State: v1alpha1.AttachmentAttached,
		ENIID: iface.ID, SubnetID: iface.Subnet, AvailabilityZone: iface.Zone,
		PrivateIP: iface.PrivateIP, MACAddress: iface.MAC,
	}
	if a := iface.Attachment; a != nil {
		attachment.InstanceID, attachment.AttachmentID, attachment.DeviceIndex = a.Instance, a.ID, int32(a.DeviceIndex)
	}
	for _, subnet := range world.Subnets {
		if subnet.ID == iface.Subnet {
			attachment.SubnetCIDR = subnet.CIDR
		}
	}
	return attachment
}

// condition demands a condition of the present generation; an empty reason is any.
func condition(object *v1alpha1.NodeENI, name string, status metav1.ConditionStatus, reason string) error {
	got := meta.FindStatusCondition(object.Status.Conditions, name)
	if got == nil {
		return fmt.Errorf("there is no condition %s", name)
	}
	if got.ObservedGeneration != object.Generation || object.Status.ObservedGeneration != object.Generation {
		return fmt.Errorf("generation %d is not observed", object.Generation)
	}
	if got.Status != status || reason != "" && got.Reason != reason {
		return fmt.Errorf("condition %s is %s, reason %s (%s), want %s %s", name, got.Status, got.Reason, got.Message, status, reason)
	}
	return nil
}

// counts demands the numbers of a status.
func counts(object *v1alpha1.NodeENI, matching, attached, pending, blocked, releasing int) error {
	value := func(count *int32) int {
		if count == nil {
			return -1
		}
		return int(*count)
	}
	status := object.Status
	got := []int{value(status.MatchingNodes), value(status.AttachedNodes), value(status.PendingNodes), value(status.BlockedNodes), value(status.ReleasingInterfaces)}
	if want := []int{matching, attached, pending, blocked, releasing}; !slices.Equal(got, want) {
		return fmt.Errorf("counts (matching, attached, pending, blocked, releasing) are %v, want %v", got, want)
	}
	return nil
}

// blocked waits until a NodeENI says that a node's attachment is blocked, why, and what each word says. Where
// nothing else goes on, it must say as well that it is stalled.
func (l *lab) blocked(name, node, reason string, words ...string) {
	l.Helper()
	l.blockedOn(name, node, []string{reason}, words...)
}

// blockedOn is blocked where EC2's own timing decides between the reasons.
func (l *lab) blockedOn(name, node string, reasons []string, words ...string) {
	l.Helper()
	l.eventually(name+" blocked on "+node, func(ctx context.Context) error {
		object, err := l.get(ctx, name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(object.Status.Attachments, func(a v1alpha1.Attachment) bool { return a.NodeName == node })
		if i < 0 {
			return fmt.Errorf("no attachment for %s: %v", node, object.Status.Attachments)
		}
		got := object.Status.Attachments[i]
		if got.State != v1alpha1.AttachmentBlocked || !slices.Contains(reasons, got.Reason) {
			return fmt.Errorf("state %s, reason %s (%s), want Blocked, %s", got.State, got.Reason, got.Message, strings.Join(reasons, " or "))
		}
		for _, word := range words {
			if !strings.Contains(got.Message, word) {
				return fmt.Errorf("message %q does not name %q", got.Message, word)
			}
		}
		if err := condition(object, v1alpha1.ConditionReady, metav1.ConditionFalse, ""); err != nil {
			return err
		}
		return stalled(object)
	})
}

// stalled demands that a NodeENI with something blocked waits for help, and says so, unless more is pending
// or being released.
func stalled(object *v1alpha1.NodeENI) error {
	status := object.Status
	if *status.PendingNodes+*status.ReleasingInterfaces > 0 {
		return nil
	}
	return errors.Join(condition(object, v1alpha1.ConditionStalled, metav1.ConditionTrue, ""),
		condition(object, v1alpha1.ConditionReconciling, metav1.ConditionFalse, ""))
}

// describe prints interfaces for a person.
func describe(list []ec2sim.InterfaceNow) string {
	var text strings.Builder
	for _, iface := range list {
		fmt.Fprintf(&text, "%s %+v groups %v description %q tags %v\n", iface.ID, asENI(iface), iface.SecurityGroups, iface.Description, iface.Tags)
	}
	return text.String()
}
