package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
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
	if isAbsent(err) {
		return nil, nil
	}
	return updated, err
}

// addFinalizer adds ours beside those of others.
func addFinalizer(n *v1alpha1.NodeENI) []patchOperation {
	if len(n.Finalizers) > 0 {
		return []patchOperation{{"add", "/metadata/finalizers/-", v1alpha1.Finalizer}}
	}
	// There is no list to add to: make one, unless somebody else has meanwhile.
	return []patchOperation{sameVersion(n), {"add", "/metadata/finalizers", []string{v1alpha1.Finalizer}}}
}

// removeFinalizer removes ours, provided that it still is where the cache shows it.
func removeFinalizer(n *v1alpha1.NodeENI) []patchOperation {
	path := "/metadata/finalizers/" + strconv.Itoa(slices.Index(n.Finalizers, v1alpha1.Finalizer))
	return []patchOperation{{"test", path, v1alpha1.Finalizer}, {"remove", path, nil}}
}

func setAnnotation(n *v1alpha1.NodeENI, key, value string) []patchOperation {
	if len(n.Annotations) > 0 {
		return []patchOperation{{"add", "/metadata/annotations/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key), value}}
	}
	return []patchOperation{sameVersion(n), {"add", "/metadata/annotations", map[string]string{key: value}}}
}

// sameVersion lets a patch fail when anything was written since.
func sameVersion(n *v1alpha1.NodeENI) patchOperation {
	return patchOperation{"test", "/metadata/resourceVersion", n.ResourceVersion}
}
