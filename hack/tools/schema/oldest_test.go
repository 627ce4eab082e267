package schema

import (
	"os"
	"strings"
	"testing"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// oldest is the oldest Kubernetes that the README promises to work with.
const oldest = "1.27"

// The rules are written with what CEL had in the oldest Kubernetes.
func TestRulesCompileOnOldest(t *testing.T) {
	env := environment.MustBaseEnvSet(version.MustParseGeneric(oldest))
	if compiled := compileRules(t, env, load(t, crdFile).structural); compiled < 6 {
		t.Errorf("only %d rules were compiled", compiled)
	}
}

// The environment above is really an old one: what came later does not compile.
func TestOldestLacksLaterFunctions(t *testing.T) {
	env := environment.MustBaseEnvSet(version.MustParseGeneric(oldest))
	newer := structuralschema.Structural{Generic: structuralschema.Generic{Type: "string"}}
	newer.XValidations = append(newer.XValidations, load(t, crdFile).structural.Properties["spec"].Properties["subnetID"].XValidations...)
	newer.XValidations[0].Rule = "isIP(self)" // since 1.30
	results, err := cel.Compile(&newer, model.SchemaDeclType(&newer, false), celconfig.PerCallLimit, env, cel.NewExpressionsEnvLoader())
	if err != nil || len(results) != 1 || results[0].Error == nil {
		t.Errorf("got %+v, error %v", results, err)
	}
}

// compileRules compiles the rules of a schema and of what is in it, and counts them.
func compileRules(t *testing.T, env *environment.EnvSet, s *structuralschema.Structural) (compiled int) {
	t.Helper()
	if len(s.XValidations) > 0 {
		results, err := cel.Compile(s, model.SchemaDeclType(s, false), celconfig.PerCallLimit, env, cel.NewExpressionsEnvLoader())
		if err != nil {
			t.Fatal(err)
		}
		for i, result := range results {
			compiled++
			if result.Error != nil {
				t.Errorf("%s: %v", s.XValidations[i].Rule, result.Error)
			}
		}
	}
	for _, property := range s.Properties {
		compiled += compileRules(t, env, &property)
	}
	if s.Items != nil {
		compiled += compileRules(t, env, s.Items)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil {
		compiled += compileRules(t, env, s.AdditionalProperties.Structural)
	}
	return compiled
}

// The README names the same version.
func TestReadmeNamesOldest(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "Kubernetes "+oldest+" or newer") {
		t.Errorf("README.md does not promise Kubernetes %s", oldest)
	}
}
