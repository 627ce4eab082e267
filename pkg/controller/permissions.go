package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/component-base/metrics"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// permissionCheck is one call that needs permission.
type permissionCheck struct {
	call eni.ProbeCall
	// action is EC2's name of it; statements are those of manifests/iam/policy.json that allow it, all of which it
	// takes.
	action     string
	statements []string
	// subject finds something real to ask about.
	subject func(*Controller) (eni.Probe, bool)
}

func (p permissionCheck) reads() bool { return strings.HasPrefix(p.action, "Describe") }

// String names the action and the statements.
func (p permissionCheck) String() string {
	if len(p.statements) == 1 {
		return fmt.Sprintf("ec2:%s (statement %s)", p.action, p.statements[0])
	}
	return fmt.Sprintf("ec2:%s (statements %s)", p.action, strings.Join(p.statements, ", "))
}

// permissionChecks are all of them: together they need every statement of the policy.
var permissionChecks = []permissionCheck{
	{eni.ProbeDescribeInterfaces, "DescribeNetworkInterfaces", []string{"Describe"}, anything},
	{eni.ProbeDescribeInstances, "DescribeInstances", []string{"Describe"}, anything},
	{eni.ProbeDescribeInstanceTypes, "DescribeInstanceTypes", []string{"Describe"}, anything},
	{eni.ProbeDescribeSubnets, "DescribeSubnets", []string{"Describe"}, anything},
	{eni.ProbeCreate, "CreateNetworkInterface", []string{"CreateOwnInterfaces", "CreateInSubnetsWithSecurityGroups", "TagOwnInterfacesOnCreate"}, (*Controller).somethingToCreate},
	{eni.ProbeAttach, "AttachNetworkInterface", []string{"ManageOwnInterfaces", "AttachToInstances"}, (*Controller).somethingToAttach},
	{eni.ProbeSetFlag, "ModifyNetworkInterfaceAttribute", []string{"ManageOwnInterfaces", "AttachToInstances"}, (*Controller).somethingAttached},
	{eni.ProbeSetGroups, "ModifyNetworkInterfaceAttribute", []string{"ManageOwnInterfaces", "ChangeSecurityGroups"}, (*Controller).something},
	{eni.ProbePutTags, "CreateTags", []string{"TagOwnInterfaces"}, (*Controller).something},
	{eni.ProbeAdopt, "CreateTags", []string{"AdoptOwnInterfaces"}, (*Controller).something},
	{eni.ProbeRemoveTags, "DeleteTags", []string{"UntagOwnInterfaces"}, (*Controller).something},
	{eni.ProbeDetach, "DetachNetworkInterface", []string{"ManageOwnInterfaces", "AttachToInstances"}, (*Controller).somethingAttached},
	{eni.ProbeDelete, "DeleteNetworkInterface", []string{"ManageOwnInterfaces"}, (*Controller).something},
}

var permissionDenied = metrics.NewGaugeVec(&metrics.GaugeOpts{
	Namespace:      "multi_eni",
	Subsystem:      "ec2",
	Name:           "permission_denied",
	Help:           "Whether EC2 has denied a dry run of a call (1) or not (0), by action and by the statements of manifests/iam/policy.json that it takes. Calls that can not be checked yet are left out.",
	StabilityLevel: metrics.ALPHA,
}, []string{"action", "statements"})

func countPermission(check permissionCheck, denied bool) {
	value := 0.0
	if denied {
		value = 1
	}
	permissionDenied.WithLabelValues(check.action, strings.Join(check.statements, ",")).Set(value)
}

func uncountPermission(check permissionCheck) {
	permissionDenied.Delete(map[string]string{"action": check.action, "statements": strings.Join(check.statements, ",")})
}

// anything is the subject of what needs none.
func anything(*Controller) (eni.Probe, bool) { return eni.Probe{}, true }

// somethingToCreate is an interface for a NodeENI, on no Node that there is.
func (c *Controller) somethingToCreate() (eni.Probe, bool) {
	all := slices.DeleteFunc(slices.Clone(c.allNodeENIs()), func(n *v1alpha1.NodeENI) bool {
		return !n.DeletionTimestamp.IsZero() || len(plan.Validate(n)) > 0
	})
	if len(all) == 0 {
		return eni.Probe{}, false
	}
	n := slices.MinFunc(all, func(a, b *v1alpha1.NodeENI) int { return cmp.Compare(a.Name, b.Name) })
	const nobody = "preflight"
	tags := eni.Owner{
		ClusterID: c.cluster.ID, ClusterName: c.cluster.Name, NodeENIUID: string(n.UID), NodeENIName: n.Name, NodeName: nobody, Slot: plan.SlotOf(n),
	}.Tags()
	return eni.Probe{Create: eni.CreateRequest{
		SubnetID: n.Spec.SubnetID, SecurityGroupIDs: n.Spec.SecurityGroupIDs, Tags: tags, ClientToken: nobody + "-" + string(n.UID),
	}}, true
}

// something is an interface of ours, attached where there is one.
func (c *Controller) something() (eni.Probe, bool) {
	if found, ok := c.somethingAttached(); ok {
		return found, true
	}
	return c.subject(func(*eni.ObservedInterface) bool { return true })
}

func (c *Controller) somethingAttached() (eni.Probe, bool) {
	return c.subject(func(i *eni.ObservedInterface) bool { return i.Attachment != nil && i.Attachment.Status == eni.Attached })
}

// somethingToAttach is an interface of ours with the instance that it is for.
func (c *Controller) somethingToAttach() (eni.Probe, bool) {
	found, ok := c.subject(func(i *eni.ObservedInterface) bool {
		instance, known := c.inventory.Instance(i.Tags[eni.TagInstanceID])
		return known && !instance.NotFound && !instance.State.Dying()
	})
	if ok {
		owner, _ := eni.OwnerOf(found.Interface.Tags)
		found.InstanceID, found.Slot = owner.InstanceID, owner.Slot
	}
	return found, ok
}

// subject is the first interface of ours that fits, of those that EC2 is known to show and that are to stay: of one that
// is gone EC2 does not know any more that it was ours, and denies everything.
func (c *Controller) subject(fits func(*eni.ObservedInterface) bool) (eni.Probe, bool) {
	for _, id := range c.inventory.InstanceKeys() {
		there := c.inventory.InterfacesOf(id)
		for i := range there {
			if !there[i].Missing && there[i].LastOwner == nil && !there[i].RequesterManaged && c.staysOwned(&there[i]) && fits(&there[i]) {
				return eni.Probe{Interface: there[i].Interface}, true
			}
		}
	}
	return eni.Probe{}, false
}

// staysOwned reports whether the interface has a NodeENI that is not being deleted.
func (c *Controller) staysOwned(i *eni.ObservedInterface) bool {
	return slices.ContainsFunc(c.byUID(i.Tags[eni.TagNodeENIUID]), func(n *v1alpha1.NodeENI) bool { return n.DeletionTimestamp.IsZero() })
}
