package strictapi

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	applycoordinationv1 "k8s.io/client-go/applyconfigurations/coordination/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	typedcoordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	applyv1alpha1 "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/applyconfiguration/networking/v1alpha1"
	typedv1alpha1 "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/typed/networking/v1alpha1"
)

// api are the calls that the typed clients of all kinds have.
type api[T, L, A any] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Update(context.Context, T, metav1.UpdateOptions) (T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	Get(context.Context, string, metav1.GetOptions) (T, error)
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (T, error)
	Apply(context.Context, A, metav1.ApplyOptions) (T, error)
}

// calls makes a generated fake for each call, as the fakes have no context and hold their lock while they react.
type calls[T, L, A any, I api[T, L, A]] struct {
	with func(context.Context) I
}

func (c calls[T, L, A, I]) Create(ctx context.Context, o T, options metav1.CreateOptions) (T, error) {
	return c.with(ctx).Create(ctx, o, options)
}

func (c calls[T, L, A, I]) Update(ctx context.Context, o T, options metav1.UpdateOptions) (T, error) {
	return c.with(ctx).Update(ctx, o, options)
}

func (c calls[T, L, A, I]) Delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	return c.with(ctx).Delete(ctx, name, options)
}

func (c calls[T, L, A, I]) Get(ctx context.Context, name string, options metav1.GetOptions) (T, error) {
	return c.with(ctx).Get(ctx, name, options)
}

func (c calls[T, L, A, I]) List(ctx context.Context, options metav1.ListOptions) (L, error) {
	return c.with(ctx).List(ctx, options)
}

func (c calls[T, L, A, I]) Watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return c.with(ctx).Watch(ctx, options)
}

func (c calls[T, L, A, I]) Patch(ctx context.Context, name string, format types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (T, error) {
	return c.with(ctx).Patch(ctx, name, format, data, options, subresources...)
}

func (c calls[T, L, A, I]) Apply(ctx context.Context, o A, options metav1.ApplyOptions) (T, error) {
	return c.with(ctx).Apply(ctx, o, options)
}

// statusAPI is that of the kinds with a status.
type statusAPI[T, L, A any] interface {
	api[T, L, A]
	UpdateStatus(context.Context, T, metav1.UpdateOptions) (T, error)
	ApplyStatus(context.Context, A, metav1.ApplyOptions) (T, error)
}

type statusCalls[T, L, A any, I statusAPI[T, L, A]] struct {
	calls[T, L, A, I]
}

func (c statusCalls[T, L, A, I]) UpdateStatus(ctx context.Context, o T, options metav1.UpdateOptions) (T, error) {
	return c.with(ctx).UpdateStatus(ctx, o, options)
}

func (c statusCalls[T, L, A, I]) ApplyStatus(ctx context.Context, o A, options metav1.ApplyOptions) (T, error) {
	return c.with(ctx).ApplyStatus(ctx, o, options)
}

type nodeENICalls struct {
	statusCalls[*v1alpha1.NodeENI, *v1alpha1.NodeENIList, *applyv1alpha1.NodeENIApplyConfiguration, typedv1alpha1.NodeENIInterface]
}

func (c nodeENICalls) DeleteCollection(ctx context.Context, options metav1.DeleteOptions, of metav1.ListOptions) error {
	return c.with(ctx).DeleteCollection(ctx, options, of)
}

type nodeCalls struct {
	statusCalls[*corev1.Node, *corev1.NodeList, *applycorev1.NodeApplyConfiguration, typedcorev1.NodeInterface]
}

func (c nodeCalls) DeleteCollection(ctx context.Context, options metav1.DeleteOptions, of metav1.ListOptions) error {
	return c.with(ctx).DeleteCollection(ctx, options, of)
}

func (c nodeCalls) PatchStatus(ctx context.Context, name string, data []byte) (*corev1.Node, error) {
	return c.with(ctx).PatchStatus(ctx, name, data)
}

type namespaceCalls struct {
	statusCalls[*corev1.Namespace, *corev1.NamespaceList, *applycorev1.NamespaceApplyConfiguration, typedcorev1.NamespaceInterface]
}

func (c namespaceCalls) Finalize(ctx context.Context, o *corev1.Namespace, options metav1.UpdateOptions) (*corev1.Namespace, error) {
	return c.with(ctx).Finalize(ctx, o, options)
}

type leaseCalls struct {
	calls[*coordinationv1.Lease, *coordinationv1.LeaseList, *applycoordinationv1.LeaseApplyConfiguration, typedcoordinationv1.LeaseInterface]
}

func (c leaseCalls) DeleteCollection(ctx context.Context, options metav1.DeleteOptions, of metav1.ListOptions) error {
	return c.with(ctx).DeleteCollection(ctx, options, of)
}

// eventCalls has the methods of an event sink as well. EventExpansion is for GetFieldSelector, which calls nobody.
type eventCalls struct {
	typedcorev1.EventExpansion
	calls[*corev1.Event, *corev1.EventList, *applycorev1.EventApplyConfiguration, typedcorev1.EventInterface]
}

func (c eventCalls) DeleteCollection(ctx context.Context, options metav1.DeleteOptions, of metav1.ListOptions) error {
	return c.with(ctx).DeleteCollection(ctx, options, of)
}

func (c eventCalls) CreateWithEventNamespaceWithContext(ctx context.Context, event *corev1.Event) (*corev1.Event, error) {
	return c.with(ctx).CreateWithEventNamespaceWithContext(ctx, event)
}

func (c eventCalls) UpdateWithEventNamespaceWithContext(ctx context.Context, event *corev1.Event) (*corev1.Event, error) {
	return c.with(ctx).UpdateWithEventNamespaceWithContext(ctx, event)
}

func (c eventCalls) PatchWithEventNamespaceWithContext(ctx context.Context, event *corev1.Event, data []byte) (*corev1.Event, error) {
	return c.with(ctx).PatchWithEventNamespaceWithContext(ctx, event, data)
}

func (c eventCalls) SearchWithContext(ctx context.Context, scheme *runtime.Scheme, about runtime.Object) (*corev1.EventList, error) {
	return c.with(ctx).SearchWithContext(ctx, scheme, about)
}

func (c eventCalls) CreateWithEventNamespace(event *corev1.Event) (*corev1.Event, error) {
	return c.CreateWithEventNamespaceWithContext(context.Background(), event)
}

func (c eventCalls) UpdateWithEventNamespace(event *corev1.Event) (*corev1.Event, error) {
	return c.UpdateWithEventNamespaceWithContext(context.Background(), event)
}

func (c eventCalls) PatchWithEventNamespace(event *corev1.Event, data []byte) (*corev1.Event, error) {
	return c.PatchWithEventNamespaceWithContext(context.Background(), event, data)
}

func (c eventCalls) Search(scheme *runtime.Scheme, about runtime.Object) (*corev1.EventList, error) {
	return c.SearchWithContext(context.Background(), scheme, about)
}
