package strictapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	optionsvalidation "k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// get reads one object. Only who asks for resourceVersion 0 can get an outdated one.
func (s *Server) get(st *store, r *request, stale time.Duration) (object, error) {
	k := key{r.namespace, r.name}
	o := st.objects[k]
	if r.getOptions.ResourceVersion == "0" {
		o = st.at(st.before(stale, s.version))[k]
	} else if version, err := parse(r.getOptions.ResourceVersion); err != nil || version > s.version {
		return nil, s.badVersion(version, err)
	}
	if o == nil {
		return nil, apierrors.NewNotFound(st.resource.GroupResource(), r.name)
	}
	return copyOf(o), nil
}

// selection is what a list or a watch asks for.
type selection struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
}

// options checks list options as the API server does, and returns what they select.
func (st *store) options(namespace string, o metav1.ListOptions, watchList bool) (selection, error) {
	var internal internalversion.ListOptions
	if err := internalversion.Convert_v1_ListOptions_To_internalversion_ListOptions(&o, &internal, nil); err != nil {
		return selection{}, apierrors.NewBadRequest(err.Error())
	}
	if errs := optionsvalidation.ValidateListOptions(&internal, watchList); len(errs) > 0 {
		return selection{}, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	sel := selection{namespace: namespace, labels: internal.LabelSelector, fields: internal.FieldSelector}
	if sel.labels == nil {
		sel.labels = labels.Everything()
	}
	if sel.fields == nil {
		sel.fields = fields.Everything()
	}
	known := st.fieldsOf(st.newObject())
	for _, requirement := range sel.fields.Requirements() {
		if !known.Has(requirement.Field) {
			return sel, apierrors.NewBadRequest(fmt.Sprintf("field label not supported: %s", requirement.Field))
		}
	}
	return sel, nil
}

func (st *store) fieldsOf(o object) fields.Set {
	set := fields.Set{}
	if st.fields != nil {
		set = st.fields(o)
	}
	set["metadata.name"], set["metadata.namespace"] = o.GetName(), o.GetNamespace()
	return set
}

// selects reports whether an object, which may be nil, is among those asked for.
func (st *store) selects(sel selection, o object) bool {
	switch {
	case o == nil, sel.namespace != "" && o.GetNamespace() != sel.namespace:
		return false
	case !sel.labels.Matches(labels.Set(o.GetLabels())):
		return false
	}
	return sel.fields.Empty() || sel.fields.Matches(st.fieldsOf(o))
}

// page says from where a list goes on.
type page struct {
	Version          uint64
	Namespace, After string
}

func (p page) encode() string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // a struct of strings and a number
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func decodePage(token string) (p page, err error) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		return p, apierrors.NewBadRequest("continue key is not valid: " + err.Error())
	}
	return p, nil
}

// list lists the objects that the options select, sorted by namespace and name.
func (s *Server) list(st *store, r *request, stale time.Duration) (runtime.Object, error) {
	options := r.listOptions
	sel, err := st.options(r.namespace, options, true)
	if err != nil {
		return nil, err
	}
	from := page{}
	if options.Continue != "" {
		if from, err = decodePage(options.Continue); err != nil {
			return nil, err
		}
		if from.Version < st.floor {
			return nil, apierrors.NewResourceExpired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.")
		}
	} else if from.Version, err = s.listVersion(st, options, stale); err != nil {
		return nil, err
	}
	items := st.sorted(sel, from.Version)
	if options.Continue != "" {
		after := key{from.Namespace, from.After}
		items = slices.DeleteFunc(items, func(o object) bool {
			return compareKeys(key{o.GetNamespace(), o.GetName()}, after) <= 0
		})
	}
	meta := metav1.ListMeta{ResourceVersion: format(from.Version)}
	// A list from the cache is not cut into pages.
	if limit := int(options.Limit); limit > 0 && limit < len(items) && options.ResourceVersion != "0" {
		if sel.labels.Empty() && sel.fields.Empty() {
			meta.RemainingItemCount = new(int64(len(items) - limit))
		}
		items = items[:limit]
		last := items[limit-1]
		meta.Continue = page{from.Version, last.GetNamespace(), last.GetName()}.encode()
	}
	return st.newList(items, meta), nil
}

// listVersion is the version of the state that a list, or a watch that begins with one, shows.
func (s *Server) listVersion(st *store, options metav1.ListOptions, stale time.Duration) (uint64, error) {
	version, err := parse(options.ResourceVersion)
	switch {
	case err != nil || version > s.version:
		return 0, s.badVersion(version, err)
	case options.ResourceVersion == "":
		return s.version, nil
	case options.ResourceVersionMatch == metav1.ResourceVersionMatchExact:
		if version < st.floor {
			return 0, apierrors.NewResourceExpired("The resourceVersion for the provided list is too old.")
		}
		return version, nil
	}
	shown := max(version, st.before(stale, s.version))
	if shown < s.version {
		s.strike("stale list")
	}
	return shown, nil
}

// badVersion is the answer to a resourceVersion that is none, or that lies in the future.
func (s *Server) badVersion(version uint64, err error) error {
	if err != nil {
		return apierrors.NewBadRequest("invalid resource version: " + err.Error())
	}
	tooLarge := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", version, s.version), 1)
	tooLarge.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"}}
	return tooLarge
}

// parse reads a resourceVersion. None is 0.
func parse(version string) (uint64, error) {
	if version == "" {
		return 0, nil
	}
	return strconv.ParseUint(version, 10, 64)
}

// before is the version of the state of some time ago, or the oldest one known.
func (st *store) before(stale time.Duration, present uint64) uint64 {
	if stale <= 0 {
		return present
	}
	limit := time.Now().Add(-stale)
	for _, c := range st.history {
		if c.at.After(limit) {
			return c.version - 1
		}
	}
	return present
}

// at is the state at a version.
func (st *store) at(version uint64) map[key]object {
	if version >= st.newest() {
		return st.objects
	}
	state := make(map[key]object, len(st.objects))
	for k, o := range st.objects {
		state[k] = o
	}
	for _, c := range slices.Backward(st.history) {
		if c.version <= version {
			break
		}
		if c.before == nil {
			delete(state, c.key)
		} else {
			state[c.key] = c.before
		}
	}
	return state
}

// sorted is what is selected of the state at a version.
func (st *store) sorted(sel selection, version uint64) (items []object) {
	keys, state := st.keys, st.at(version)
	if version < st.newest() {
		keys = keys[:0:0]
		for k := range state {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, compareKeys)
	}
	for _, k := range keys {
		if o := state[k]; st.selects(sel, o) {
			items = append(items, o)
		}
	}
	return items
}
