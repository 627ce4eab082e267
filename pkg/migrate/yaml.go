package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// Unstructured is a new object as it is submitted: without what only a server fills in.
func Unstructured(n *v1alpha1.NodeENI) (*unstructured.Unstructured, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(n)
	if err != nil {
		return nil, fmt.Errorf("converting NodeENI %s: %w", n.Name, err)
	}
	delete(object, "status")
	unstructured.RemoveNestedField(object, "metadata", "creationTimestamp")
	return &unstructured.Unstructured{Object: object}, nil
}

// WriteYAML writes objects as YAML documents.
func WriteYAML(objects []*unstructured.Unstructured) ([]byte, error) {
	var text bytes.Buffer
	serializer := json.NewSerializerWithOptions(json.DefaultMetaFactory, nil, nil, json.SerializerOptions{Yaml: true})
	for _, object := range objects {
		text.WriteString("---\n")
		if err := serializer.Encode(object, &text); err != nil {
			return nil, fmt.Errorf("writing NodeENI %s as YAML: %w", object.GetName(), err)
		}
	}
	return text.Bytes(), nil
}

// ReadYAML reads the NodeENIs in YAML or JSON documents, lists among them. Other kinds are passed over.
func ReadYAML(in io.Reader) (objects []*unstructured.Unstructured, err error) {
	decoder := yaml.NewYAMLOrJSONDecoder(in, 4096)
	for {
		document := &unstructured.Unstructured{}
		if err := decoder.Decode(&document.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
		if !document.IsList() {
			objects = appendNodeENI(objects, document)
			continue
		}
		list, err := document.ToList()
		if err != nil {
			return nil, fmt.Errorf("reading a list: %w", err)
		}
		for i := range list.Items {
			objects = appendNodeENI(objects, &list.Items[i])
		}
	}
}

func appendNodeENI(objects []*unstructured.Unstructured, object *unstructured.Unstructured) []*unstructured.Unstructured {
	if object.GetKind() == "NodeENI" && object.GroupVersionKind().Group == v1alpha1.GroupName {
		return append(objects, object)
	}
	return objects
}
