package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// rule is one thing that a schema demands of a field, in the API server's words for who breaks it.
type rule struct{ field, words string }

// bounds are the API server's words for the keywords that bound something.
var bounds = map[string]string{
	"minProperties": "should have at least %v properties",
	"maxProperties": "must have at most %v items",
	"minItems":      "should have at least %v items",
	"maxItems":      "must have at most %v items",
	"minLength":     "should be at least %v chars long",
	"maxLength":     "may not be more than %v bytes",
	"minimum":       "should be greater than or equal to %v",
	"maximum":       "should be less than or equal to %v",
}

// rulesOf lists all rules of a schema and of what is in it. A keyword that it does not know is an error:
// whoever makes a new kind of rule says here how a case of it looks.
func rulesOf(field string, schema map[string]any) (list []rule, err error) {
	into := func(field string, schema any) {
		inner, innerErr := rulesOf(field, schema.(map[string]any))
		list, err = append(list, inner...), errors.Join(err, innerErr)
	}
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		value := schema[keyword]
		words, isBound := bounds[keyword]
		switch {
		case isBound && keyword == "minLength" && value == 0.0:
			// every text is long enough
		case isBound:
			list = append(list, rule{field, fmt.Sprintf(words, value)})
		case keyword == "description", keyword == "default", keyword == "format":
			// refuses nothing that the bounds beside it do not refuse
		case keyword == "type":
			list = append(list, rule{field, fmt.Sprint("must be of type ", value)})
		case keyword == "required":
			for _, name := range value.([]any) {
				list = append(list, rule{fmt.Sprint(field, ".", name), "Required value"})
			}
		case keyword == "properties":
			for name, property := range value.(map[string]any) {
				into(field+"."+name, property)
			}
		case keyword == "additionalProperties":
			into(field+".*", value)
		case keyword == "items":
			into(field+"[*]", value)
		case keyword == "x-kubernetes-list-type" && value == "set":
			list = append(list, rule{field + "[*]", "Duplicate value"})
		case keyword == "x-kubernetes-validations":
			for _, validation := range value.([]any) {
				list = append(list, rule{field, validation.(map[string]any)["message"].(string)})
			}
		default:
			err = errors.Join(err, fmt.Errorf("%s: the keyword %s is not known here", field, keyword))
		}
	}
	return list, err
}

// specSchema is the schema of spec, as the API server has it from the manifests.
func specSchema(t *testing.T) map[string]any {
	t.Helper()
	output, err := shared.cluster.Kubectl.Run(t.Context(), "get", "crd", "nodeenis.networking.k8s.aws",
		"-o", "jsonpath={.spec.versions[0].schema.openAPIV3Schema.properties.spec}")
	var spec map[string]any
	if err == nil {
		err = json.Unmarshal([]byte(output), &spec)
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(spec, "type") // what is no object at all is not sent as one
	return spec
}

// Every rule of the schema has a case among the bad specs that breaks it.
func TestEveryRuleHasACase(t *testing.T) {
	rules, err := rulesOf("spec", specSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	// One element stands for all: spec.securityGroupIDs[1], spec.tags.costs.
	element := strings.NewReplacer("spec.tags.", "spec.tags.*", "spec.nodeSelector.", "spec.nodeSelector.*")
	index, rest := regexp.MustCompile(`\[\d+\]`), regexp.MustCompile(`\*.+`)
	var broken []rule
	for _, bad := range badSpecs {
		_, err := submit(t, withSpec(bad.spec))
		status, ok := errors.AsType[*apierrors.StatusError](err)
		if !ok || status.ErrStatus.Details == nil {
			continue
		}
		for _, cause := range status.ErrStatus.Details.Causes {
			field := index.ReplaceAllString(rest.ReplaceAllString(element.Replace(cause.Field), "*"), "[*]")
			broken = append(broken, rule{field, cause.Message})
		}
	}
	for _, want := range rules {
		if !slices.ContainsFunc(broken, func(b rule) bool {
			return b.field == want.field && strings.Contains(b.words, want.words)
		}) {
			t.Errorf("no case breaks this rule: %s %q", want.field, want.words)
		}
	}
	if len(rules) < 30 {
		t.Errorf("only %d rules were found", len(rules))
	}
}
