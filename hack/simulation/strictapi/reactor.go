package strictapi

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"
)

// errNoName is what a real client says without asking the server.
var errNoName = errors.New("resource name may not be empty")

// fake is what one call of a generated fake goes through. It serves no other call: a fake holds its lock while it
// reacts, and remembers all that it was asked.
func (c *Client) fake(ctx context.Context) *clienttesting.Fake {
	f := &clienttesting.Fake{}
	f.AddReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		answer, err := c.react(ctx, action)
		return true, answer, err
	})
	f.AddWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		w, err := c.open(ctx, action)
		if err != nil {
			return true, nil, err
		}
		return true, w, nil
	})
	return f
}

// newRequest reads what a fake was asked.
func newRequest(action clienttesting.Action) (*request, error) {
	r := &request{
		resource: action.GetResource(), verb: action.GetVerb(), subresource: action.GetSubresource(), namespace: action.GetNamespace(),
	}
	named := true
	switch a := action.(type) {
	case clienttesting.GetActionImpl:
		r.name, r.getOptions = a.Name, a.GetOptions
	case clienttesting.PatchActionImpl:
		r.name, r.patchType, r.patch = a.Name, a.PatchType, a.Patch
	case clienttesting.DeleteActionImpl:
		r.name, r.deleteOptions = a.Name, a.DeleteOptions
	case clienttesting.UpdateActionImpl:
		r.object, _ = a.Object.(object)
	case clienttesting.CreateActionImpl:
		r.object, _ = a.Object.(object)
		named = a.Name != ""
	case clienttesting.ListActionImpl:
		r.listOptions, named = a.ListOptions, false
	case clienttesting.WatchActionImpl:
		r.listOptions, named = a.ListOptions, false
	case clienttesting.DeleteCollectionActionImpl:
		r.listOptions, r.deleteOptions, named = a.ListOptions, a.DeleteOptions, false
	default:
		return nil, fmt.Errorf("%s of %s is not modelled", r.verb, r.resource.Resource)
	}
	if r.object != nil {
		r.name = r.object.GetName()
	}
	if named && r.name == "" {
		return nil, errNoName
	}
	return r, nil
}

// react serves all calls but watches.
func (c *Client) react(ctx context.Context, action clienttesting.Action) (runtime.Object, error) {
	r, err := newRequest(action)
	if err != nil {
		return nil, err
	}
	s, st := c.server, c.server.stores[r.resource]
	return c.do(ctx, r, func(f fate) (runtime.Object, error) {
		if r.subresource != "" && (r.subresource != "status" || st.keepStatus == nil) {
			return nil, r.unserved()
		}
		switch r.verb {
		case "get":
			return answer(s.get(st, r, f.stale))
		case "list":
			return s.list(st, r, f.stale)
		case "create":
			return answer(s.create(c.name, st, r))
		case "update":
			return answer(s.update(c.name, st, r))
		case "patch":
			return answer(s.patch(c.name, st, r))
		case "delete":
			return nil, s.delete(c.name, st, r)
		case "delete-collection":
			return nil, s.deleteAll(c.name, st, r)
		}
		return nil, fmt.Errorf("%s of %s is not modelled", r.verb, r.resource.Resource)
	})
}

// answer keeps a missing object from being an interface that is not nil.
func answer(o object, err error) (runtime.Object, error) {
	if err != nil {
		return nil, err
	}
	return o, nil
}

// deleteAll deletes what list options select.
func (s *Server) deleteAll(client string, st *store, r *request) error {
	sel, err := st.options(r.namespace, r.listOptions, true)
	if err != nil {
		return err
	}
	for _, o := range st.sorted(sel, s.version) {
		one := &request{resource: r.resource, verb: "delete", namespace: o.GetNamespace(), name: o.GetName(), deleteOptions: r.deleteOptions}
		if err := s.delete(client, st, one); err != nil {
			return err
		}
	}
	return nil
}

// open opens a watch. A watch whose answer gets lost ends.
func (c *Client) open(ctx context.Context, action clienttesting.Action) (watch.Interface, error) {
	r, err := newRequest(action)
	if err != nil {
		return nil, err
	}
	var w *watcher
	_, err = c.do(ctx, r, func(f fate) (_ runtime.Object, err error) {
		w, err = c.server.watch(ctx, c, c.server.stores[r.resource], r, f.stale)
		return &metav1.Status{}, err
	})
	if err != nil {
		if w != nil {
			w.drop()
		}
		return nil, err
	}
	return w, nil
}
