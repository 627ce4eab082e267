package strictapi

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// create stores a new object.
func (s *Server) create(client string, st *store, r *request) (object, error) {
	o, err := st.received(r.object)
	if err != nil {
		return nil, err
	}
	if o.GetResourceVersion() != "" {
		return nil, apierrors.NewInternalError(fmt.Errorf("resourceVersion should not be set on objects to be created"))
	}
	if err := st.place(o, r.namespace); err != nil {
		return nil, err
	}
	if o.GetName() == "" && o.GetGenerateName() != "" {
		k := key{r.namespace, o.GetGenerateName()}
		st.born[k]++
		o.SetName(o.GetGenerateName() + s.uid(st, k)[:5])
	}
	st.setApart(o)
	s.mark(st, o)
	if st.custom {
		st.keepStatus(o, st.newObject())
	}
	if errs := st.validate(o); len(errs) > 0 {
		return nil, apierrors.NewInvalid(st.groupKind(), o.GetName(), errs)
	}
	if err := s.namespaceExists(o.GetNamespace()); err != nil {
		return nil, err
	}
	k := key{o.GetNamespace(), o.GetName()}
	if st.objects[k] != nil {
		return nil, apierrors.NewAlreadyExists(st.resource.GroupResource(), k.name)
	}
	s.expire(st)
	s.put(st, k, o)
	s.record(st.describe(Write{Client: client, Verb: r.verb, New: o}, o))
	return copyOf(o), nil
}

// setApart gives an event another name when its own is taken by one that says something else. client-go makes the name
// of the object and the nanosecond, and takes a name that is taken for an event that is known; in virtual time, which
// stands still while things happen, two events of one object often fall on the same nanosecond.
func (st *store) setApart(o object) {
	e, ok := o.(*corev1.Event)
	if !ok {
		return
	}
	for name, i := e.Name, 1; ; i++ {
		there, taken := st.objects[key{e.Namespace, e.Name}].(*corev1.Event)
		if !taken || (there.Reason == e.Reason && there.Message == e.Message) {
			return
		}
		e.Name = fmt.Sprintf("%s-%d", name, i)
	}
}

// mark gives a new object what the server alone gives.
func (s *Server) mark(st *store, o object) {
	k := key{o.GetNamespace(), o.GetName()}
	st.born[k]++
	o.SetUID(types.UID(s.uid(st, k)))
	o.SetCreationTimestamp(metav1.Now().Rfc3339Copy())
	o.SetDeletionTimestamp(nil)
	o.SetDeletionGracePeriodSeconds(nil)
	o.SetSelfLink("")
	o.SetGeneration(0)
	if st.custom {
		o.SetGeneration(1)
	}
}

// uid is the identity of the latest object of a name: the same in every run of one seed, whatever is created
// around it.
func (s *Server) uid(st *store, k key) string {
	d := newDice(s.seed, st.born[k], "uid", st.resource.Resource, k.namespace, k.name)
	high, low := d.Uint64(), d.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", high>>32, high>>16&0xffff, high&0xfff, low>>48&0x3fff|0x8000, low&0xffffffffffff)
}

// received is what arrives of an object on the wire, with the schema's defaults.
func (k *kind) received(o object) (object, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return k.decode(data)
}

func (k *kind) decode(data []byte) (object, error) {
	o := k.newObject()
	if err := json.Unmarshal(data, o); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	o.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	o.SetManagedFields(nil)
	if k.setDefaults != nil {
		k.setDefaults(o)
	}
	return o, nil
}

// place sees to it that an object is in the namespace of the request.
func (st *store) place(o object, namespace string) error {
	if o.GetNamespace() == "" {
		o.SetNamespace(namespace)
	}
	switch {
	case st.namespaced && namespace == "":
		return apierrors.NewBadRequest("an empty namespace may not be set during creation")
	case o.GetNamespace() != namespace:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}

func (st *store) validate(o object) field.ErrorList {
	valid := validation.NameIsDNSSubdomain
	if st.name == "Namespace" {
		valid = validation.NameIsDNSLabel
	}
	errs := validation.ValidateObjectMetaAccessor(o, st.namespaced, valid, field.NewPath("metadata"))
	if st.valid != nil {
		errs = append(errs, st.valid(o)...)
	}
	return errs
}

func (s *Server) namespaceExists(name string) error {
	st := s.stores[corev1.SchemeGroupVersion.WithResource("namespaces")]
	if name != "" && st.objects[key{name: name}] == nil {
		return apierrors.NewNotFound(st.resource.GroupResource(), name)
	}
	return nil
}

// update replaces an object, or its status.
func (s *Server) update(client string, st *store, r *request) (object, error) {
	o, err := st.received(r.object)
	if err != nil {
		return nil, err
	}
	if err := st.place(o, r.namespace); err != nil {
		return nil, err
	}
	k := key{r.namespace, o.GetName()}
	old := st.objects[k]
	switch {
	case k.name == "":
		return nil, apierrors.NewBadRequest("name must be provided")
	case old == nil && !st.createOnUpdate:
		return nil, apierrors.NewNotFound(st.resource.GroupResource(), k.name)
	case old == nil && o.GetUID() != "":
		return nil, st.conflict(k, fmt.Errorf("precondition failed: UID in precondition: %s, UID in object meta: ", o.GetUID()))
	case old == nil:
		r.object.SetResourceVersion("")
		return s.create(client, st, r)
	case o.GetUID() != "" && o.GetUID() != old.GetUID():
		return nil, st.conflict(k, fmt.Errorf("precondition failed: UID in precondition: %s, UID in object meta: %s", o.GetUID(), old.GetUID()))
	}
	return s.replace(client, st, r, old, o)
}

func (st *store) conflict(k key, err error) error {
	return apierrors.NewConflict(st.resource.GroupResource(), k.name, err)
}

// replace writes an object in the place of another.
func (s *Server) replace(client string, st *store, r *request, old, o object) (object, error) {
	k := key{old.GetNamespace(), old.GetName()}
	switch version := o.GetResourceVersion(); {
	case version == "" && st.unconditional:
		o.SetResourceVersion(old.GetResourceVersion())
	case version == "":
		return nil, apierrors.NewInvalid(st.groupKind(), k.name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "resourceVersion"), 0, "must be specified for an update"),
		})
	case version != old.GetResourceVersion():
		return nil, st.conflict(k, fmt.Errorf("the object has been modified; please apply your changes to the latest version and try again"))
	}
	o = st.prepare(r.subresource, old, o)
	errs := validation.ValidateObjectMetaAccessorUpdate(o, old, field.NewPath("metadata"))
	if st.validUpdate != nil {
		errs = append(errs, st.validUpdate(o, old)...)
	}
	if errs = append(errs, st.validate(o)...); len(errs) > 0 {
		return nil, apierrors.NewInvalid(st.groupKind(), k.name, errs)
	}
	w := Write{Client: client, Verb: r.verb, Subresource: r.subresource, Old: old, New: o}
	switch {
	case old.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) == 0:
		// The object goes as it was stored; who wrote gets what it asked for.
		gone := copyOf(old)
		s.remove(st, k, gone)
		w.Gone, w.New = true, nil
		s.record(st.describe(w, gone))
		return o, nil
	case equality.Semantic.DeepEqual(old, o):
		w.NoOp = true
		s.record(st.describe(w, old))
		return copyOf(old), nil
	}
	s.expire(st)
	s.put(st, k, o)
	s.record(st.describe(w, o))
	return copyOf(o), nil
}

// prepare takes back what a write may not change, and counts generations.
func (st *store) prepare(subresource string, old, o object) object {
	o.SetGeneration(old.GetGeneration())
	switch {
	case st.custom && subresource == "status":
		updated := copyOf(old)
		st.keepStatus(updated, o)
		return updated
	case subresource == "status":
		st.keepSpec(o, old)
	case st.keepStatus != nil:
		st.keepStatus(o, old)
	}
	if st.custom && !equality.Semantic.DeepEqual(st.spec(o), st.spec(old)) {
		o.SetGeneration(old.GetGeneration() + 1)
	}
	if o.GetUID() == "" {
		o.SetUID(old.GetUID())
	}
	o.SetCreationTimestamp(old.GetCreationTimestamp())
	if old.GetDeletionTimestamp() != nil {
		o.SetDeletionTimestamp(old.GetDeletionTimestamp())
	}
	if o.GetDeletionGracePeriodSeconds() == nil {
		o.SetDeletionGracePeriodSeconds(old.GetDeletionGracePeriodSeconds())
	}
	return o
}

// delete deletes an object, or marks it as being deleted when it has finalizers.
func (s *Server) delete(client string, st *store, r *request) error {
	k := key{r.namespace, r.name}
	old := st.objects[k]
	if old == nil {
		return apierrors.NewNotFound(st.resource.GroupResource(), r.name)
	}
	if err := st.deletable(old, r.deleteOptions); err != nil {
		return err
	}
	w := Write{Client: client, Verb: r.verb, Old: old}
	switch {
	case len(old.GetFinalizers()) == 0:
		gone := copyOf(old)
		s.remove(st, k, gone)
		w.Gone = true
		s.record(st.describe(w, gone))
	case old.GetDeletionTimestamp() != nil:
		w.NoOp, w.New = true, old
		s.record(st.describe(w, old))
	default:
		o := copyOf(old)
		now := metav1.Now().Rfc3339Copy()
		o.SetDeletionTimestamp(&now)
		o.SetDeletionGracePeriodSeconds(new(int64(0)))
		if o.GetGeneration() > 0 {
			o.SetGeneration(o.GetGeneration() + 1)
		}
		s.put(st, k, o)
		w.New = o
		s.record(st.describe(w, o))
	}
	return nil
}

// deletable checks the conditions of a deletion.
func (st *store) deletable(o object, options metav1.DeleteOptions) error {
	k := key{o.GetNamespace(), o.GetName()}
	if p := options.Preconditions; p != nil {
		if p.UID != nil && *p.UID != o.GetUID() {
			return st.conflict(k, fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). The object might have been deleted and then recreated", *p.UID, o.GetUID()))
		}
		if p.ResourceVersion != nil && *p.ResourceVersion != o.GetResourceVersion() {
			return st.conflict(k, fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). The object might have been modified", *p.ResourceVersion, o.GetResourceVersion()))
		}
	}
	if p := options.PropagationPolicy; p != nil && *p != metav1.DeletePropagationBackground {
		return apierrors.NewBadRequest("no garbage collector is here for propagation policy " + string(*p))
	}
	if st.name == "Namespace" {
		return apierrors.NewForbidden(st.resource.GroupResource(), k.name, fmt.Errorf("no namespace controller is here to empty it"))
	}
	return nil
}
