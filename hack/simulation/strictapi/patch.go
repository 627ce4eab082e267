package strictapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// patch changes an object. A patch that bears a resourceVersion meets a conflict when that is not the present one.
func (s *Server) patch(client string, st *store, r *request) (object, error) {
	k := key{r.namespace, r.name}
	old := st.objects[k]
	if err := st.acceptsPatch(r.patchType); err != nil {
		return nil, err
	}
	if old == nil {
		return nil, apierrors.NewNotFound(st.resource.GroupResource(), r.name)
	}
	data, err := json.Marshal(old)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	if data, err = st.patched(r.patchType, data, r.patch); err != nil {
		return nil, err
	}
	o, err := st.decode(data)
	if err != nil {
		return nil, err
	}
	if o.GetName() != k.name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)", o.GetName(), k.name))
	}
	if err := st.place(o, r.namespace); err != nil {
		return nil, err
	}
	return s.replace(client, st, r, old, o)
}

func (k *kind) acceptsPatch(format types.PatchType) error {
	switch {
	case format == types.JSONPatchType, format == types.MergePatchType, format == types.StrategicMergePatchType && !k.custom:
		return nil
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: fmt.Sprintf("the body of the request was in an unknown format: %s", format),
	}}
}

// patched applies a patch to an object's JSON.
func (k *kind) patched(format types.PatchType, data, patch []byte) ([]byte, error) {
	switch format {
	case types.JSONPatchType:
		operations, err := jsonpatch.DecodePatch(patch)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if data, err = operations.Apply(data); err != nil {
			return nil, refused(err)
		}
		return data, nil
	case types.MergePatchType:
		merged, err := jsonpatch.MergePatch(data, patch)
		if errors.Is(err, jsonpatch.ErrBadJSONPatch) {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if err != nil {
			return nil, apierrors.NewInternalError(err)
		}
		return merged, nil
	default:
		merged, err := strategicpatch.StrategicMergePatch(data, patch, k.newObject())
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return merged, nil
	}
}

// refused is the answer to a JSON patch that does not fit the object, a failed test included.
func refused(err error) error {
	return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
}
