package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// fieldManager is the name under which our writes appear in managedFields.
const fieldManager = "multi-eni-controller"

// patchOperation is one operation of a JSON Patch.
// Source: RFC 6902.
type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patch patches the very NodeENI that n is: one made again under its name is left alone. It returns nil when
// the NodeENI is gone.
func (c *Controller) patch(ctx context.Context, n *v1alpha1.NodeENI, operations []patchOperation, subresources ...string) (*v1alpha1.NodeENI, error) {
	data, err := json.Marshal(append([]patchOperation{{"test", "/metadata/uid", n.UID}}, operations...))
	if err != nil {
		return nil, fmt.Errorf("encoding the patch: %w", err)
	}
	updated, err := c.client.NetworkingV1alpha1().NodeENIs().Patch(ctx, n.Name, types.JSONPatchType, data,
		metav1.PatchOptions{FieldManager: fieldManager}, subresources...)
	switch {
	case isAbsent(err):
		return nil, nil
	case isOutdated(err):
		return nil, fmt.Errorf("the object is not as the cache shows it: %w", eni.KindNotSent)
	}
	return updated, err
}

// isOutdated reports whether a test of the patch failed. An object that its schema refuses is refused with causes.
func isOutdated(err error) bool { return apierrors.IsInvalid(err) && causesOf(err) == 0 }

// isRefused reports whether the schema refuses the object as it would be, for what the patch changes or for what was
// stored before the schema was as it is.
func isRefused(err error) bool { return apierrors.IsInvalid(err) && causesOf(err) > 0 }

func causesOf(err error) int {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return 0
	}
	return len(status.Status().Details.Causes)
}

// addFinalizer adds ours beside those of others, provided that the cache shows them as they are: else it could
// add ours twice, or make a list where somebody else has made one meanwhile.
func addFinalizer(n *v1alpha1.NodeENI) []patchOperation {
	if len(n.Finalizers) > 0 {
		return []patchOperation{sameVersion(n), {"add", "/metadata/finalizers/-", v1alpha1.Finalizer}}
	}
	return []patchOperation{sameVersion(n), {"add", "/metadata/finalizers", []string{v1alpha1.Finalizer}}}
}

// removeFinalizer removes ours, provided that it still is where the cache shows it.
func removeFinalizer(n *v1alpha1.NodeENI) []patchOperation {
	path := "/metadata/finalizers/" + strconv.Itoa(slices.Index(n.Finalizers, v1alpha1.Finalizer))
	return []patchOperation{{"test", path, v1alpha1.Finalizer}, {"remove", path, nil}}
}

// setAnnotations sets annotations beside those of others.
func setAnnotations(n *v1alpha1.NodeENI, wanted map[string]string) (operations []patchOperation) {
	if len(n.Annotations) == 0 && len(wanted) > 0 {
		return []patchOperation{sameVersion(n), {"add", "/metadata/annotations", wanted}}
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		operations = append(operations, patchOperation{"add", "/metadata/annotations/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key), wanted[key]})
	}
	return operations
}

// sameVersion lets a patch fail when anything was written since.
func sameVersion(n *v1alpha1.NodeENI) patchOperation {
	return patchOperation{"test", "/metadata/resourceVersion", n.ResourceVersion}
}
