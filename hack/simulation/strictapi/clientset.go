package strictapi

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	applycoordinationv1 "k8s.io/client-go/applyconfigurations/coordination/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes"
	kubefake "k8s.io/client-go/kubernetes/fake"
	typedcoordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	fakecoordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1/fake"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	fakecorev1 "k8s.io/client-go/kubernetes/typed/core/v1/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	applyv1alpha1 "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/applyconfiguration/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
	versionedfake "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/fake"
	typedv1alpha1 "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/typed/networking/v1alpha1"
	fakev1alpha1 "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/typed/networking/v1alpha1/fake"
)

// kube is the generated fake clientset. Calls about kinds that are not ours it answers with 404, as a server does
// that does not know them.
type kube struct {
	*kubefake.Clientset
	client *Client
}

var _ kubernetes.Interface = kube{}

func newKube(c *Client) kube {
	base := &kubefake.Clientset{}
	refuseAll(&base.Fake)
	return kube{base, c}
}

// refuseAll has a fake know nothing. It does not wait, as a fake holds its lock while it reacts.
func refuseAll(f *clienttesting.Fake) {
	unserved := func(action clienttesting.Action) error {
		return (&request{resource: action.GetResource(), verb: action.GetVerb()}).unserved()
	}
	f.AddReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, unserved(action)
	})
	f.AddWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		return true, nil, unserved(action)
	})
}

// IsWatchListSemanticsUnSupported tells reflectors that they may ask for initial events, which they do not of
// the generated fakes.
func (kube) IsWatchListSemanticsUnSupported() bool { return false }

func (k kube) Discovery() discovery.DiscoveryInterfaces {
	return &fakediscovery.FakeDiscovery{Fake: &k.Fake}
}

func (k kube) CoreV1() typedcorev1.CoreV1Interface {
	return core{&fakecorev1.FakeCoreV1{Fake: &k.Fake}, k.client}
}

func (k kube) CoordinationV1() typedcoordinationv1.CoordinationV1Interface {
	return coordination{&fakecoordinationv1.FakeCoordinationV1{Fake: &k.Fake}, k.client}
}

type core struct {
	*fakecorev1.FakeCoreV1
	client *Client
}

func (c core) Nodes() typedcorev1.NodeInterface {
	with := func(ctx context.Context) typedcorev1.NodeInterface {
		return (&fakecorev1.FakeCoreV1{Fake: c.client.fake(ctx)}).Nodes()
	}
	return nodeCalls{statusCalls[*corev1.Node, *corev1.NodeList, *applycorev1.NodeApplyConfiguration, typedcorev1.NodeInterface]{
		calls[*corev1.Node, *corev1.NodeList, *applycorev1.NodeApplyConfiguration, typedcorev1.NodeInterface]{with},
	}}
}

func (c core) Namespaces() typedcorev1.NamespaceInterface {
	with := func(ctx context.Context) typedcorev1.NamespaceInterface {
		return (&fakecorev1.FakeCoreV1{Fake: c.client.fake(ctx)}).Namespaces()
	}
	return namespaceCalls{statusCalls[*corev1.Namespace, *corev1.NamespaceList, *applycorev1.NamespaceApplyConfiguration, typedcorev1.NamespaceInterface]{
		calls[*corev1.Namespace, *corev1.NamespaceList, *applycorev1.NamespaceApplyConfiguration, typedcorev1.NamespaceInterface]{with},
	}}
}

func (c core) Events(namespace string) typedcorev1.EventInterface {
	with := func(ctx context.Context) typedcorev1.EventInterface {
		return (&fakecorev1.FakeCoreV1{Fake: c.client.fake(ctx)}).Events(namespace)
	}
	return eventCalls{with(context.Background()), calls[*corev1.Event, *corev1.EventList, *applycorev1.EventApplyConfiguration, typedcorev1.EventInterface]{with}}
}

type coordination struct {
	*fakecoordinationv1.FakeCoordinationV1
	client *Client
}

func (c coordination) Leases(namespace string) typedcoordinationv1.LeaseInterface {
	with := func(ctx context.Context) typedcoordinationv1.LeaseInterface {
		return (&fakecoordinationv1.FakeCoordinationV1{Fake: c.client.fake(ctx)}).Leases(namespace)
	}
	return leaseCalls{calls[*coordinationv1.Lease, *coordinationv1.LeaseList, *applycoordinationv1.LeaseApplyConfiguration, typedcoordinationv1.LeaseInterface]{with}}
}

// own is the generated fake clientset of our group.
type own struct {
	*versionedfake.Clientset
	client *Client
}

var _ versioned.Interface = own{}

func newNodeENIs(c *Client) own {
	base := &versionedfake.Clientset{}
	refuseAll(&base.Fake)
	return own{base, c}
}

// IsWatchListSemanticsUnSupported is as with kube.
func (own) IsWatchListSemanticsUnSupported() bool { return false }

func (o own) Discovery() discovery.DiscoveryInterfaces {
	return &fakediscovery.FakeDiscovery{Fake: &o.Fake}
}

func (o own) NetworkingV1alpha1() typedv1alpha1.NetworkingV1alpha1Interface {
	return networking{&fakev1alpha1.FakeNetworkingV1alpha1{Fake: &o.Fake}, o.client}
}

type networking struct {
	*fakev1alpha1.FakeNetworkingV1alpha1
	client *Client
}

func (n networking) NodeENIs() typedv1alpha1.NodeENIInterface {
	with := func(ctx context.Context) typedv1alpha1.NodeENIInterface {
		return (&fakev1alpha1.FakeNetworkingV1alpha1{Fake: n.client.fake(ctx)}).NodeENIs()
	}
	return nodeENICalls{statusCalls[*v1alpha1.NodeENI, *v1alpha1.NodeENIList, *applyv1alpha1.NodeENIApplyConfiguration, typedv1alpha1.NodeENIInterface]{
		calls[*v1alpha1.NodeENI, *v1alpha1.NodeENIList, *applyv1alpha1.NodeENIApplyConfiguration, typedv1alpha1.NodeENIInterface]{with},
	}}
}
