package migrate

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

// cluster is the way to the API server. NodeENIs are read as they are, for ours is not the only form that they have.
type cluster struct {
	core    kubernetes.Interface
	objects dynamic.NamespaceableResourceInterface
}

// connect makes the clients.
func connect(kubeconfig string) (*cluster, error) {
	config, err := rest.InClusterConfig()
	if kubeconfig != "" {
		config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server (give --kubeconfig, or run in a pod): %w", err)
	}
	rest.AddUserAgent(config, "multi-eni-controller-migrate/"+version.Get().GitVersion)
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the Kubernetes client: %w", err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the client of NodeENIs: %w", err)
	}
	return newCluster(core, client), nil
}

func newCluster(core kubernetes.Interface, client dynamic.Interface) *cluster {
	return &cluster{core, client.Resource(v1alpha1.SchemeGroupVersion.WithResource("nodeenis"))}
}

// list reads all NodeENIs. There are as many as people have written, so that one answer holds them.
func (c *cluster) list(ctx context.Context) ([]*unstructured.Unstructured, error) {
	list, err := c.objects.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing NodeENIs: %w", err)
	}
	var all []*unstructured.Unstructured
	for i := range list.Items {
		all = append(all, &list.Items[i])
	}
	return all, nil
}

// stopped is an error as long as the community controller runs, or it can not be told: two controllers of one object
// would each make their own interfaces of it.
func (c *cluster) stopped(ctx context.Context) error {
	found, err := c.deployments(ctx)
	if err != nil {
		return fmt.Errorf("%w; if you know that it does not run, give --old-controller-stopped", err)
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: the community controller runs: kubectl -n %s scale deployment/%s --replicas=0 (or give --old-controller-stopped, if that is not it)", errPerson, found[0].Namespace, found[0].Name)
	}
	leases, err := c.core.CoordinationV1().Leases(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + migrate.LeaseName})
	if err != nil {
		return fmt.Errorf("looking whether the community controller holds its Lease: %w; if you know that it does not run, give --old-controller-stopped", err)
	}
	for _, lease := range leases.Items {
		s := lease.Spec
		if lease.Name == migrate.LeaseName && s.RenewTime != nil && s.LeaseDurationSeconds != nil &&
			time.Since(s.RenewTime.Time) < time.Duration(*s.LeaseDurationSeconds)*time.Second {
			return fmt.Errorf("%w: the community controller holds Lease %s/%s: stop it, and wait until the Lease has expired", errPerson, lease.Namespace, lease.Name)
		}
	}
	return nil
}

// deployments are those of the community controller that have, or are to have, a replica.
func (c *cluster) deployments(ctx context.Context) ([]appsv1.Deployment, error) {
	list, err := c.core.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("looking for the community controller's Deployment: %w", err)
	}
	return slices.DeleteFunc(list.Items, func(d appsv1.Deployment) bool {
		wanted := d.Spec.Replicas == nil || *d.Spec.Replicas > 0
		return (!wanted && d.Status.Replicas == 0) || !slices.ContainsFunc(d.Spec.Template.Spec.Containers, isCommunity)
	}), nil
}

// isCommunity reports whether a container is the community controller. Our image may have the same name; but ours never
// runs without a cluster's name.
func isCommunity(container corev1.Container) bool {
	image, _, _ := strings.Cut(container.Image, "@")
	image, _, _ = strings.Cut(path.Base(image), ":")
	return image == migrate.ImageName && !slices.ContainsFunc(container.Args, func(arg string) bool { return strings.HasPrefix(arg, "--cluster-name") })
}

func sortedKeys(of map[string]string) []string { return slices.Sorted(maps.Keys(of)) }
