package schema

import (
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

func TestNames(t *testing.T) {
	spec := load(t, crdFile).crd.Spec
	if spec.Group != "networking.k8s.aws" || spec.Versions[0].Name != "v1alpha1" || spec.Scope != apiextensionsv1.ClusterScoped {
		t.Errorf("got %s/%s, scope %s", spec.Group, spec.Versions[0].Name, spec.Scope)
	}
	names := spec.Names
	if names.Kind != "NodeENI" || names.Plural != "nodeenis" || names.Singular != "nodeeni" ||
		!slices.Equal(names.ShortNames, []string{"neni"}) || !slices.Equal(names.Categories, []string{"aws"}) {
		t.Errorf("got %+v", names)
	}
	if subresources := spec.Versions[0].Subresources; subresources == nil || subresources.Status == nil {
		t.Error("status is no subresource")
	}
}

func TestColumns(t *testing.T) {
	var always, wide []string
	for _, column := range load(t, crdFile).crd.Spec.Versions[0].AdditionalPrinterColumns {
		if column.Priority == 0 {
			always = append(always, column.Name)
		} else {
			wide = append(wide, column.Name)
		}
	}
	if want := []string{"Subnet", "Index", "Nodes", "Attached", "Ready", "Age"}; !slices.Equal(always, want) {
		t.Errorf("got columns %q, want %q", always, want)
	}
	if want := []string{"Pending", "Blocked", "Releasing", "Zone", "Reason"}; !slices.Equal(wide, want) {
		t.Errorf("got columns %q with -o wide, want %q", wide, want)
	}
}

// kubectl explain has an answer for every field of spec and status.
func TestEveryFieldExplained(t *testing.T) {
	root := load(t, crdFile).OpenAPI()
	for _, part := range []string{"spec", "status"} {
		explained(t, part, root.Properties[part])
	}
}

func explained(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	if schema.Description == "" {
		t.Errorf("%s has no description", path)
	}
	properties := schema.Properties
	if schema.Items != nil {
		properties = schema.Items.Schema.Properties
	}
	for name, property := range properties {
		explained(t, path+"."+name, property)
	}
}
