// Command modelschema prints the OpenAPI document that applyconfiguration-gen needs to write
// structured-merge-diff types: what the API server publishes for our CRD, with the kind under the
// name that the generator derives from the Go type. With it the generated fake clientset merges
// applied lists by their keys, like a real server.
//
//	modelschema <CRD file> <Go package of the types>
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/kube-openapi/pkg/util"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: modelschema <CRD file> <Go package of the types>")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "modelschema:", err)
		os.Exit(1)
	}
}

func run(crdFile, goPackage string, out io.Writer) error {
	raw, err := os.ReadFile(crdFile)
	if err != nil {
		return err
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &crd); err != nil {
		return fmt.Errorf("%s: %w", crdFile, err)
	}
	if len(crd.Spec.Versions) == 0 {
		return fmt.Errorf("%s: no versions", crdFile)
	}
	swagger, err := publish(&crd, goPackage)
	if err != nil {
		return fmt.Errorf("%s: %w", crdFile, err)
	}
	return json.NewEncoder(out).Encode(swagger)
}

// publish builds the OpenAPI v2 document of a CRD's newest version and renames its kind.
func publish(crd *apiextensionsv1.CustomResourceDefinition, goPackage string) (*spec.Swagger, error) {
	version := crd.Spec.Versions[len(crd.Spec.Versions)-1].Name
	swagger, err := builder.BuildOpenAPIV2(crd, version, builder.Options{V2: true, StripValueValidation: true})
	if err != nil {
		return nil, err
	}
	for name, definition := range swagger.Definitions {
		if isKind(definition, crd.Spec.Names.Kind) {
			delete(swagger.Definitions, name)
			swagger.Definitions[util.ToRESTFriendlyName(goPackage+"."+crd.Spec.Names.Kind)] = definition
			return swagger, nil
		}
	}
	return nil, errors.New("the published document does not have the CRD's kind")
}

// isKind tells whether a definition says of itself that it is the kind.
func isKind(definition spec.Schema, kind string) bool {
	kinds, ok := definition.Extensions["x-kubernetes-group-version-kind"].([]any)
	if !ok {
		return false
	}
	for _, entry := range kinds {
		if gvk, ok := entry.(map[string]any); ok && gvk["kind"] == kind {
			return true
		}
	}
	return false
}
