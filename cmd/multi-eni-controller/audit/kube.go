package audit

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	leaseName = "multi-eni-controller"
	// pageSize keeps lists of thousands of Nodes from being one answer.
	pageSize = 500
)

// kube asks a cluster.
type kube struct {
	core     kubernetes.Interface
	nodeENIs versioned.Interface
}

// connectKube makes the clients; nil where neither a kubeconfig is given nor a service account at hand.
func connectKube(kubeconfig string) (*kube, error) {
	if kubeconfig == "" && os.Getenv("KUBERNETES_SERVICE_HOST") == "" {
		return nil, nil
	}
	config, err := rest.InClusterConfig()
	if kubeconfig != "" {
		config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	rest.AddUserAgent(config, "multi-eni-controller-audit/"+version.Get().GitVersion)
	k := &kube{}
	if k.core, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("making the Kubernetes client: %w", err)
	}
	if k.nodeENIs, err = versioned.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("making the NodeENI client: %w", err)
	}
	return k, nil
}

// identity is under which identity the cluster's controller works: given by hand, recorded on its Lease, or else the
// UID of namespace kube-system; and whether a replica leads. Who may not read the Lease is not told the latter.
func (k *kube) identity(ctx context.Context, namespace string, given plan.Cluster) (plan.Cluster, audit.ControllerState, error) {
	state := audit.ControllerUnknown
	lease, err := k.core.CoordinationV1().Leases(namespace).Get(ctx, leaseName, metav1.GetOptions{})
	switch {
	case err == nil:
		state = stateOf(lease, time.Now())
		given.ID = cmp.Or(given.ID, lease.Annotations[eni.TagClusterID])
		given.Name = cmp.Or(lease.Annotations[eni.TagClusterName], given.Name)
	case apierrors.IsNotFound(err):
		state = audit.ControllerAway
	case !apierrors.IsForbidden(err):
		return given, state, fmt.Errorf("reading Lease %s/%s: %w", namespace, leaseName, err)
	}
	if given.ID != "" {
		return given, state, nil
	}
	system, err := k.core.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return given, state, fmt.Errorf("reading the UID of namespace %s, which is the cluster's identity when neither --cluster-id nor the controller's Lease gives another: %w", metav1.NamespaceSystem, err)
	}
	given.ID = string(system.UID)
	return given, state, nil
}

// stateOf says whether somebody holds the Lease.
func stateOf(lease *coordinationv1.Lease, now time.Time) audit.ControllerState {
	spec := lease.Spec
	if spec.RenewTime == nil || spec.LeaseDurationSeconds == nil || spec.HolderIdentity == nil || *spec.HolderIdentity == "" {
		return audit.ControllerAway
	}
	if now.After(spec.RenewTime.Add(time.Duration(*spec.LeaseDurationSeconds) * time.Second)) {
		return audit.ControllerAway
	}
	return audit.ControllerLeads
}

// askObjects lists what the plan needs. A cluster that does not serve NodeENIs, or no more, wants nothing.
func (k *kube) askObjects(ctx context.Context, c *audit.Cluster) error {
	for page := (metav1.ListOptions{Limit: pageSize}); ; {
		list, err := k.nodeENIs.NetworkingV1alpha1().NodeENIs().List(ctx, page)
		if apierrors.IsNotFound(err) {
			break
		}
		if err != nil {
			return fmt.Errorf("listing NodeENIs: %w", err)
		}
		for i := range list.Items {
			c.NodeENIs = append(c.NodeENIs, &list.Items[i])
		}
		if page.Continue = list.Continue; page.Continue == "" {
			break
		}
	}
	for page := (metav1.ListOptions{Limit: pageSize}); ; {
		list, err := k.core.CoreV1().Nodes().List(ctx, page)
		if err != nil {
			return fmt.Errorf("listing Nodes: %w", err)
		}
		for i := range list.Items {
			c.Nodes = append(c.Nodes, &list.Items[i])
		}
		if page.Continue = list.Continue; page.Continue == "" {
			return nil
		}
	}
}
