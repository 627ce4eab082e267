package migrate

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

const fieldManager = "multi-eni-controller-migrate"

// write is one object to be written.
type write struct {
	// live is the object as it is in the cluster; nil when there is none.
	live *unstructured.Unstructured
	// want is what it is to be; nil when only the finalizer is concerned.
	want *unstructured.Unstructured
	// release is true when the other controller's finalizer goes.
	release bool
}

// apply writes the new objects once it is certain that all of them may be written.
func (r *run) apply(ctx context.Context, objects []object) error {
	if !r.oldControllerStopped {
		if err := r.cluster.stopped(ctx); err != nil {
			return err
		}
	}
	writes, err := r.plan(ctx, objects)
	if err != nil {
		return err
	}
	for i, w := range writes {
		if err := r.write(ctx, w); err != nil {
			return fmt.Errorf("after %d of %d objects; the same command may be given again: %w", i, len(writes), err)
		}
	}
	return nil
}

// plan reads what is in the cluster. What an object becomes beside itself comes first: as long as the object is as it was,
// a run that failed halfway can be made again.
func (r *run) plan(ctx context.Context, objects []object) (writes []write, err error) {
	for _, o := range objects {
		if o.Deleting {
			o.news = nil
		}
		for _, extra := range o.extras() {
			live, err := r.cluster.get(ctx, extra.GetName())
			if err != nil {
				return nil, err
			}
			if live != nil && !sameSpec(live, extra) {
				return nil, fmt.Errorf("%w: %s would become %s, and there is another NodeENI of that name: rename or delete it", errPerson, o.Name, extra.GetName())
			}
			writes = append(writes, write{live: live, want: extra})
		}
		live, err := r.cluster.get(ctx, o.Name)
		if err != nil {
			return nil, err
		}
		w := write{live: live, release: r.removeOldFinalizer && live != nil && slices.Contains(live.GetFinalizers(), migrate.Finalizer)}
		if len(o.news) > 0 && (live == nil || live.GetDeletionTimestamp() == nil) {
			w.want = o.news[0]
			if field := edited(o.old, live, w.want); field != "" {
				return nil, fmt.Errorf("%w: spec.%s of %s is not what it was when %s was written: write a new backup", errPerson, field, o.Name, r.filename)
			}
		}
		writes = append(writes, w)
	}
	return writes, nil
}

// edited is a field that somebody has changed, added or taken away since the old object was read.
func edited(old, live, want *unstructured.Unstructured) string {
	if live == nil {
		return ""
	}
	for _, field := range append(migrate.Kept(), migrate.Fields()...) {
		was, is := spec(old)[field], spec(live)[field]
		if is == nil && slices.Contains(migrate.Fields(), field) {
			continue // what is written has none of these, and under our CustomResourceDefinition they are not to be seen
		}
		if !same(is, was) && !same(is, spec(want)[field]) {
			return field
		}
	}
	return ""
}

// get reads an object; nil when there is none.
func (c *cluster) get(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	live, err := c.objects.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading NodeENI %s: %w", name, err)
	}
	return live, nil
}

// write makes, changes or leaves one object, and says so.
func (r *run) write(ctx context.Context, w write) error {
	switch {
	case w.live == nil && w.want == nil:
		return nil
	case w.live == nil:
		_, err := r.cluster.objects.Create(ctx, w.want, metav1.CreateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict})
		if err != nil {
			return fmt.Errorf("creating NodeENI %s: %w", w.want.GetName(), err)
		}
		r.say("%s created", w.want.GetName())
		return nil
	}
	changed := w.live.DeepCopy()
	if w.want != nil {
		changed.Object["spec"] = w.want.Object["spec"]
	}
	if w.release {
		changed.SetFinalizers(slices.DeleteFunc(changed.GetFinalizers(), func(f string) bool { return f == migrate.Finalizer }))
	}
	if same(changed.Object, w.live.Object) {
		r.say("%s unchanged", w.live.GetName())
		return nil
	}
	return r.update(ctx, w.live, changed)
}

// update replaces the object, if it is still the one that was read. A status of the other controller's goes first: it
// tells of interfaces that are not ours, in a form that our CustomResourceDefinition refuses, and with it every change of
// the object. The backup has it.
func (r *run) update(ctx context.Context, live, changed *unstructured.Unstructured) error {
	if migrate.ForeignStatus(live) {
		bare := live.DeepCopy()
		delete(bare.Object, "status")
		wiped, err := r.cluster.objects.UpdateStatus(ctx, bare, metav1.UpdateOptions{FieldManager: fieldManager})
		if err != nil {
			return fmt.Errorf("wiping the status of NodeENI %s: %w", changed.GetName(), err)
		}
		delete(changed.Object, "status")
		changed.SetResourceVersion(wiped.GetResourceVersion())
	}
	_, err := r.cluster.objects.Update(ctx, changed, metav1.UpdateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return fmt.Errorf("updating NodeENI %s: %w", changed.GetName(), err)
	}
	r.say("%s changed", changed.GetName())
	return nil
}
