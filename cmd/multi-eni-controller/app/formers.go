package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// annotationFormerIDs has, on our Lease, the earlier identities of the cluster, under which interfaces of ours may still
// be tagged.
const annotationFormerIDs = eni.TagPrefix + "former-cluster-ids"

// finder finds interfaces of anybody's.
type finder interface {
	FindInterfaces(ctx context.Context, by cloud.Property, value string) ([]eni.FoundInterface, error)
}

// formersOn are the earlier identities that the Lease has.
func formersOn(lease *coordinationv1.Lease) []string {
	return strings.FieldsFunc(lease.Annotations[annotationFormerIDs], func(r rune) bool { return r == ',' })
}

// formersOf are the earlier identities that are to be on the Lease: those that are there, the one that is replaced now,
// and those of the flag.
func formersOf(lease *coordinationv1.Lease, cluster plan.Cluster) []string {
	formers := slices.Concat(formersOn(lease), cluster.AlsoOwned, []string{lease.Annotations[eni.TagClusterID]})
	formers = slices.DeleteFunc(formers, func(id string) bool { return id == "" || id == cluster.ID })
	slices.Sort(formers)
	return slices.Compact(formers)
}

// disowned are those of the recorded identities that the flags do not name any more.
func disowned(lease *coordinationv1.Lease, cluster plan.Cluster) []string {
	return slices.DeleteFunc(formersOn(lease), func(id string) bool { return id == cluster.ID || slices.Contains(cluster.AlsoOwned, id) })
}

// dropFormers lets go of the earlier identities that the flags do not name any more, unless an interface bears one: it
// would be somebody else's from now on, hold its slot against its own NodeENI, and be left behind when that goes.
func dropFormers(ctx context.Context, kube kubernetes.Interface, ec2 finder, namespace, name string, cluster plan.Cluster) error {
	var dropped []string
	err := changeLease(ctx, kube, namespace, name, func(lease *coordinationv1.Lease) (changed bool, err error) {
		dropped = disowned(lease, cluster)
		for _, id := range dropped {
			if err := unused(ctx, ec2, lease, id); err != nil {
				return false, err
			}
		}
		left := slices.DeleteFunc(formersOn(lease), func(id string) bool { return slices.Contains(dropped, id) })
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, annotationFormerIDs, strings.Join(left, ","))
		return len(dropped) > 0, nil
	})
	if err != nil || len(dropped) == 0 {
		return err
	}
	klog.FromContext(ctx).V(2).Info("No interface has these earlier cluster IDs any more", "clusterIDs", dropped)
	return nil
}

// unused is an error unless no interface bears an earlier identity that the flags do not name.
func unused(ctx context.Context, ec2 finder, lease *coordinationv1.Lease, id string) error {
	found, err := ec2.FindInterfaces(ctx, cloud.ByClusterID, id)
	if err != nil {
		return fmt.Errorf("looking for interfaces with the earlier cluster ID %q, which --also-owned-cluster-ids does not name any more: %w", id, err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%d interfaces, %s for one, are tagged with cluster ID %q, an earlier one of this cluster: start with --also-owned-cluster-ids=%s until they are gone; or, if they are those of another cluster, of which this one is a copy, remove the annotation %s from Lease %s/%s",
			len(found), found[0].ID, id, strings.Join(formersOn(lease), ","), annotationFormerIDs, lease.Namespace, lease.Name)
	}
	return nil
}
