package strictapi

import (
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// object is what every stored object is. A stored object is never changed, it is replaced.
type object interface {
	runtime.Object
	metav1.Object
}

// kind says how the objects of one resource behave.
type kind struct {
	resource   schema.GroupVersionResource
	name       string
	namespaced bool
	// custom: the resource is defined by a CRD. Its objects have a generation, their status is dropped from
	// all but writes of the status, which change nothing else, and strategic merge patches are refused.
	custom bool
	// unconditional: an update may come without a resourceVersion.
	unconditional bool
	// createOnUpdate: an update of what is not there creates it.
	createOnUpdate bool
	// lives is after how long without a write an object goes by itself.
	lives time.Duration

	newObject func() object
	newList   func(items []object, meta metav1.ListMeta) runtime.Object
	// setDefaults does what the schema's defaults do.
	setDefaults func(object)
	// valid and validUpdate are rules beyond those for all objects, nil where there are none.
	valid       func(object) field.ErrorList
	validUpdate func(o, old object) field.ErrorList
	// keepStatus copies the status, and keepSpec all else but the metadata. They are nil for kinds without a
	// status.
	keepStatus, keepSpec func(to, from object)
	// spec is all but metadata and status.
	spec func(object) any
	// fields are what field selectors select by, beside the name and the namespace.
	fields func(object) fields.Set
}

func (k *kind) groupKind() schema.GroupKind {
	return schema.GroupKind{Group: k.resource.Group, Kind: k.name}
}

func kinds() []*kind {
	return []*kind{nodeENIs(), nodes(), namespaces(), leases(), events()}
}

func nodeENIs() *kind {
	return &kind{
		resource: v1alpha1.SchemeGroupVersion.WithResource("nodeenis"), name: "NodeENI", custom: true,
		newObject: func() object { return &v1alpha1.NodeENI{} },
		newList: func(items []object, meta metav1.ListMeta) runtime.Object {
			return &v1alpha1.NodeENIList{ListMeta: meta, Items: copies[v1alpha1.NodeENI](items)}
		},
		setDefaults: func(o object) {
			spec := &o.(*v1alpha1.NodeENI).Spec
			if spec.DeviceIndex == 0 {
				spec.DeviceIndex = 1
			}
			if spec.DeleteOnTermination == nil {
				spec.DeleteOnTermination = new(true)
			}
		},
		keepStatus: func(to, from object) { to.(*v1alpha1.NodeENI).Status = from.(*v1alpha1.NodeENI).Status },
		keepSpec:   func(to, from object) { to.(*v1alpha1.NodeENI).Spec = from.(*v1alpha1.NodeENI).Spec },
		spec:       func(o object) any { return o.(*v1alpha1.NodeENI).Spec },
	}
}

func nodes() *kind {
	return &kind{
		resource: corev1.SchemeGroupVersion.WithResource("nodes"), name: "Node", unconditional: true,
		newObject: func() object { return &corev1.Node{} },
		newList: func(items []object, meta metav1.ListMeta) runtime.Object {
			return &corev1.NodeList{ListMeta: meta, Items: copies[corev1.Node](items)}
		},
		validUpdate: func(o, old object) field.ErrorList {
			if is, was := o.(*corev1.Node).Spec.ProviderID, old.(*corev1.Node).Spec.ProviderID; was != "" && is != was {
				return field.ErrorList{field.Forbidden(field.NewPath("spec", "providerID"), "may not be changed once it is set")}
			}
			return nil
		},
		valid:      func(o object) field.ErrorList { return validTaints(o.(*corev1.Node).Spec.Taints) },
		keepStatus: func(to, from object) { to.(*corev1.Node).Status = from.(*corev1.Node).Status },
		keepSpec:   func(to, from object) { to.(*corev1.Node).Spec = from.(*corev1.Node).Spec },
	}
}

// validTaints wants an effect, and each pair of key and effect once.
func validTaints(taints []corev1.Taint) (errs field.ErrorList) {
	type pair struct {
		key    string
		effect corev1.TaintEffect
	}
	seen := map[pair]bool{}
	effects := []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}
	for i, taint := range taints {
		at, is := field.NewPath("spec", "taints").Index(i), pair{taint.Key, taint.Effect}
		if !slices.Contains(effects, taint.Effect) {
			errs = append(errs, field.NotSupported(at.Child("effect"), taint.Effect, effects))
		}
		if seen[is] {
			errs = append(errs, field.Duplicate(at, is))
		}
		seen[is] = true
	}
	return errs
}

func namespaces() *kind {
	return &kind{
		resource: corev1.SchemeGroupVersion.WithResource("namespaces"), name: "Namespace", unconditional: true,
		newObject: func() object { return &corev1.Namespace{} },
		newList: func(items []object, meta metav1.ListMeta) runtime.Object {
			return &corev1.NamespaceList{ListMeta: meta, Items: copies[corev1.Namespace](items)}
		},
		keepStatus: func(to, from object) { to.(*corev1.Namespace).Status = from.(*corev1.Namespace).Status },
		keepSpec:   func(to, from object) { to.(*corev1.Namespace).Spec = from.(*corev1.Namespace).Spec },
	}
}

func leases() *kind {
	return &kind{
		resource: coordinationv1.SchemeGroupVersion.WithResource("leases"), name: "Lease", namespaced: true, createOnUpdate: true,
		newObject: func() object { return &coordinationv1.Lease{} },
		newList: func(items []object, meta metav1.ListMeta) runtime.Object {
			return &coordinationv1.LeaseList{ListMeta: meta, Items: copies[coordinationv1.Lease](items)}
		},
	}
}

func events() *kind {
	return &kind{
		resource: corev1.SchemeGroupVersion.WithResource("events"), name: "Event", namespaced: true, unconditional: true, createOnUpdate: true,
		lives:     time.Hour, // the default of kube-apiserver's --event-ttl
		newObject: func() object { return &corev1.Event{} },
		newList: func(items []object, meta metav1.ListMeta) runtime.Object {
			return &corev1.EventList{ListMeta: meta, Items: copies[corev1.Event](items)}
		},
		valid: func(o object) field.ErrorList {
			event := o.(*corev1.Event)
			about, in := event.InvolvedObject.Namespace, event.Namespace
			if about == in || about == "" && (in == metav1.NamespaceDefault || in == metav1.NamespaceSystem) {
				return nil
			}
			return field.ErrorList{field.Invalid(field.NewPath("involvedObject", "namespace"), about, "does not match event.namespace")}
		},
		fields: func(o object) fields.Set {
			event := o.(*corev1.Event)
			return fields.Set{
				"involvedObject.kind": event.InvolvedObject.Kind, "involvedObject.namespace": event.InvolvedObject.Namespace,
				"involvedObject.name": event.InvolvedObject.Name, "involvedObject.uid": string(event.InvolvedObject.UID),
				"reason": event.Reason, "type": event.Type,
			}
		},
	}
}

// copies returns deep copies of the items, as the value slice of a typed list.
func copies[T any](items []object) []T {
	list := make([]T, 0, len(items))
	for _, item := range items {
		list = append(list, *any(item.DeepCopyObject()).(*T))
	}
	return slices.Clip(list)
}

func copyOf(o object) object { return o.DeepCopyObject().(object) }
