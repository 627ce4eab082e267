// Package schema judges objects as the API server does: by the structural schema and the CEL rules of
// the project's CustomResourceDefinition, without a server. Its tests hold what the schema promises:
// every rule of the API with its message, and that nothing which was ever accepted is refused later.
package schema

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Schema is one version of a CustomResourceDefinition.
type Schema struct {
	crd        *apiextensionsv1.CustomResourceDefinition
	structural *structuralschema.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator
}

// Load reads a CustomResourceDefinition of one version and compiles it. It refuses what the API server
// would refuse to install, CEL rules above the cost limits among it.
func Load(path string) (*Schema, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(raw, crd); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s, err := compile(crd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func compile(crd *apiextensionsv1.CustomResourceDefinition) (*Schema, error) {
	if len(crd.Spec.Versions) != 1 {
		return nil, fmt.Errorf("has %d versions, want 1", len(crd.Spec.Versions))
	}
	apiextensionsv1.SetObjectDefaults_CustomResourceDefinition(crd)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal, nil); err != nil {
		return nil, err
	}
	// The server fills this in when it stores the definition.
	internal.Status.StoredVersions = []string{crd.Spec.Versions[0].Name}
	if errs := crdvalidation.ValidateCustomResourceDefinition(context.Background(), internal); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	root := internal.Spec.Validation
	if root == nil || root.OpenAPIV3Schema == nil {
		return nil, fmt.Errorf("has no schema")
	}
	structural, err := structuralschema.NewStructural(root.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	values, _, err := validation.NewSchemaValidator(root.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &Schema{
		crd:        crd,
		structural: structural,
		values:     values,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// OpenAPI is the schema as it stands in the definition.
func (s *Schema) OpenAPI() *apiextensionsv1.JSONSchemaProps {
	return s.crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// Default fills in the defaults, as the server does before it validates.
func (s *Schema) Default(object map[string]any) {
	defaulting.Default(object, s.structural)
}

// Unknown names the fields that the schema does not have; kubectl refuses them.
func (s *Schema) Unknown(object map[string]any) []string {
	return pruning.PruneWithOptions(object, s.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
}

// Validate judges an object to be created. The object must have its defaults. Values and rules are
// both judged, although the server leaves the rules out when, for example, a required field lacks.
func (s *Schema) Validate(object map[string]any) field.ErrorList {
	errs := validation.ValidateCustomResource(nil, object, s.values)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	ruleErrs, _ := s.rules.Validate(context.Background(), nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, ruleErrs...)
}
