package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// clusterIdentity is the identity that the flags ask for.
func clusterIdentity(ctx context.Context, kube kubernetes.Interface, o *Options) (plan.Cluster, error) {
	cluster := plan.Cluster{ID: o.ClusterID, Name: o.ClusterName, AlsoOwned: o.AlsoOwnedClusterIDs}
	if cluster.ID != "" {
		return cluster, nil
	}
	namespace, err := kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return cluster, fmt.Errorf("reading the UID of namespace %s, which is the cluster's identity when --cluster-id is not given: %w", metav1.NamespaceSystem, err)
	}
	cluster.ID = string(namespace.UID)
	return cluster, nil
}

// fixIdentity records the cluster's identity on our Lease at first use, and refuses another one later:
// under a changed identity every interface of ours would be somebody else's, and be made a second time.
func fixIdentity(ctx context.Context, kube kubernetes.Interface, namespace, name string, cluster plan.Cluster) error {
	fix := func(lease *coordinationv1.Lease) (changed bool, err error) {
		if changed, err = compare(lease, cluster); changed {
			inscribe(lease, cluster)
		}
		return changed, err
	}
	err := changeLease(ctx, kube, namespace, name, fix)
	if !apierrors.IsNotFound(err) {
		return err
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	inscribe(lease, cluster)
	switch _, err = kube.CoordinationV1().Leases(namespace).Create(ctx, lease, metav1.CreateOptions{}); {
	case apierrors.IsAlreadyExists(err):
		return changeLease(ctx, kube, namespace, name, fix) // another replica was first
	case err != nil:
		return fmt.Errorf("creating Lease %s/%s: %w", namespace, name, err)
	}
	return nil
}

// changeLease makes a change of our Lease, from the start again when somebody else has changed it in between, as the
// leader does at each renewal. change reports whether there is one to make.
func changeLease(ctx context.Context, kube kubernetes.Interface, namespace, name string, change func(*coordinationv1.Lease) (bool, error)) error {
	leases := kube.CoordinationV1().Leases(namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease, err := leases.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading Lease %s/%s: %w", namespace, name, err)
		}
		if changed, err := change(lease); err != nil || !changed {
			return err
		}
		if _, err := leases.Update(ctx, lease, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("recording the cluster's identity on Lease %s/%s: %w", namespace, name, err)
		}
		return nil
	})
}

// retryIdentity is how long after a read of the Lease failed it is read again.
const retryIdentity = 2 * time.Second

// underIdentity has run work only if the Lease that was won still has the given identity: another replica may have recorded
// a new one, and led under it, while this one stood by.
func underIdentity(kube kubernetes.Interface, namespace, name string, cluster plan.Cluster, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var lease *coordinationv1.Lease
		err := wait.PollUntilContextCancel(ctx, retryIdentity, true, func(ctx context.Context) (bool, error) {
			var err error
			if lease, err = kube.CoordinationV1().Leases(namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
				klog.FromContext(ctx).Error(err, "Reading the cluster's identity from the Lease that was just won, trying again", "lease", klog.KRef(namespace, name))
			}
			return err == nil, nil
		})
		if err != nil {
			return nil // told to stop, or the lease is lost, before it could be read
		}
		if _, err := compare(lease, cluster); err != nil {
			return fmt.Errorf("another identity was recorded while this replica stood by: %w", err)
		}
		return run(ctx)
	}
}

// compare reports whether the Lease has another identity than the given one, and an error when that is
// not to be replaced.
func compare(lease *coordinationv1.Lease, cluster plan.Cluster) (changed bool, err error) {
	id, name := lease.Annotations[eni.TagClusterID], lease.Annotations[eni.TagClusterName]
	if id != "" && id != cluster.ID && !slices.Contains(cluster.AlsoOwned, id) {
		return false, fmt.Errorf("this cluster's interfaces are tagged with cluster ID %q, and --cluster-id now is %q: start with --cluster-id=%s, or add --also-owned-cluster-ids=%s (recorded on Lease %s/%s)",
			id, cluster.ID, id, id, lease.Namespace, lease.Name)
	}
	if name != "" && name != cluster.Name && id == cluster.ID {
		return false, fmt.Errorf("this cluster's interfaces are tagged with cluster name %q, and --cluster-name now is %q: start with --cluster-name=%s, or remove the annotation %s from Lease %s/%s to rename it",
			name, cluster.Name, name, eni.TagClusterName, lease.Namespace, lease.Name)
	}
	formers := strings.Join(formersOf(lease, cluster), ",")
	return id != cluster.ID || name != cluster.Name || formers != lease.Annotations[annotationFormerIDs], nil
}

func inscribe(lease *coordinationv1.Lease, cluster plan.Cluster) {
	if formers := formersOf(lease, cluster); len(formers) > 0 {
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, annotationFormerIDs, strings.Join(formers, ","))
	}
	metav1.SetMetaDataAnnotation(&lease.ObjectMeta, eni.TagClusterID, cluster.ID)
	metav1.SetMetaDataAnnotation(&lease.ObjectMeta, eni.TagClusterName, cluster.Name)
}
