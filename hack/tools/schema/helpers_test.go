package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const (
	crdFile     = "../../../manifests/10-crd-nodeenis.yaml"
	exampleFile = "../../../manifests/examples/*.yaml"
)

func load(t *testing.T, path string) *Schema {
	t.Helper()
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files expands a pattern, which must name something.
func files(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no files %s", pattern)
	}
	return paths
}

// documents reads every YAML document of the files, by file and number.
func documents(t *testing.T, pattern string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, path := range files(t, pattern) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
		for i := 1; ; i++ {
			var object map[string]any
			if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			all[fmt.Sprintf("%s #%d", filepath.Base(path), i)] = object
		}
	}
	return all
}

// judge says what a server that has the schema says about an object; the object stays as it is.
func judge(s *Schema, object map[string]any) []string {
	object = runtime.DeepCopyJSON(object)
	var said []string
	for _, field := range s.Unknown(object) {
		said = append(said, fmt.Sprintf("unknown field %q", field))
	}
	s.Default(object)
	for _, err := range s.Validate(object) {
		said = append(said, err.Error())
	}
	return said
}

// nodeENI is a good NodeENI of the least fields, with fields of its spec changed; nil removes one.
func nodeENI(changes map[string]any) map[string]any {
	spec := map[string]any{
		"nodeSelector":     map[string]any{"ng": "multi-eni"},
		"subnetID":         "subnet-0f59b4f14737be9ad",
		"securityGroupIDs": []any{"sg-05da196f3314d4af8"},
	}
	for name, value := range changes {
		if value == nil {
			delete(spec, name)
			continue
		}
		spec[name] = value
	}
	return map[string]any{
		"apiVersion": "networking.k8s.aws/v1alpha1",
		"kind":       "NodeENI",
		"metadata":   map[string]any{"name": "nodeeni-subnet-a"},
		"spec":       spec,
	}
}

// groups are so many distinct security groups.
func groups(count int) []any {
	list := make([]any, count)
	for i := range list {
		list[i] = fmt.Sprintf("sg-%08x", i)
	}
	return list
}

// entries is a map of so many entries.
func entries(count int) map[string]any {
	m := map[string]any{}
	for i := range count {
		m[fmt.Sprintf("key-%d", i)] = "value"
	}
	return m
}

// one is a map of one entry.
func one(key, value string) map[string]any { return map[string]any{key: value} }

func repeat(s string, count int) string { return strings.Repeat(s, count) }
