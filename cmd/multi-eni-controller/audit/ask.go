package audit

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

var properties = map[audit.SubjectKind]cloud.Property{
	audit.SecurityGroup: cloud.BySecurityGroup,
	audit.Subnet:        cloud.BySubnet,
	audit.VPC:           cloud.ByVPC,
	audit.ClusterName:   cloud.ByClusterName,
}

// ask reads everything that the audit is judged from; k is nil when there is no cluster to be asked. EC2 comes first: an
// interface is younger than the NodeENI that wants it, so that none looks as if nobody had wanted it.
func ask(ctx context.Context, o *options, subject audit.Subject, client ec2, k *kube) (audit.Facts, error) {
	facts := audit.Facts{Subject: subject, Identity: plan.Cluster{ID: o.clusterID, Name: o.clusterName, AlsoOwned: o.alsoOwnedClusterIDs}}
	controller := audit.ControllerUnknown
	if k != nil {
		var err error
		if facts.Identity, controller, err = k.identity(ctx, o.namespace, facts.Identity); err != nil {
			return facts, err
		}
	}
	var err error
	if facts.Interfaces, err = client.FindInterfaces(ctx, properties[subject.Kind], subject.ID); err != nil {
		return facts, fmt.Errorf("finding the interfaces of %s: %w", subject.ID, err)
	}
	if len(facts.Interfaces) == 0 && subject.Kind == audit.Subnet {
		if err := subnetExists(ctx, client, subject.ID); err != nil {
			return facts, err
		}
	}
	if k == nil {
		return facts, nil
	}
	facts.Cluster = &audit.Cluster{Now: time.Now(), Controller: controller, Namespace: o.namespace}
	if err := askEC2OfOurs(ctx, client, facts.Identity, facts.Cluster); err != nil {
		return facts, err
	}
	return facts, k.askObjects(ctx, facts.Cluster)
}

// subnetExists keeps a mistyped subnet, or one of another Region, from passing for an empty one. For security groups
// and VPCs the controller's policy has no such call.
func subnetExists(ctx context.Context, client ec2, id string) error {
	subnets, err := client.DescribeSubnets(ctx, []string{id})
	if err != nil {
		return fmt.Errorf("describing subnet %s: %w", id, err)
	}
	if len(subnets) == 0 {
		return fmt.Errorf("there is no subnet %s in Region %s: check the ID, AWS_REGION and the account", id, client.Region())
	}
	return nil
}

// askEC2OfOurs reads all interfaces of the cluster, and the instances that these name.
func askEC2OfOurs(ctx context.Context, client ec2, identity plan.Cluster, c *audit.Cluster) (err error) {
	ids := append([]string{identity.ID}, identity.AlsoOwned...)
	if c.Ours, err = client.ListInterfaces(ctx, ids, nil); err != nil {
		return fmt.Errorf("listing the interfaces of cluster %s: %w", cmp.Or(identity.Name, identity.ID), err)
	}
	var instances []string
	for _, iface := range c.Ours {
		instances = append(instances, iface.Tags[eni.TagInstanceID])
		if iface.Attachment != nil {
			instances = append(instances, iface.Attachment.InstanceID)
		}
	}
	if c.Instances, err = client.DescribeInstances(ctx, named(instances)); err != nil {
		return fmt.Errorf("describing the instances that interfaces of cluster %s are for: %w", cmp.Or(identity.Name, identity.ID), err)
	}
	return nil
}

// named are the IDs that are none for want of a name.
func named(ids []string) (kept []string) {
	for _, id := range ids {
		if id != "" {
			kept = append(kept, id)
		}
	}
	return kept
}
