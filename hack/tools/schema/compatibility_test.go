package schema

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

const storedSchemas = "testdata/v1alpha1-*.yaml"

// What users have stored stays valid: each release adds its CRD to testdata, under the release's date,
// and none of these files is changed again.
func TestNewestAcceptsWhatWasAccepted(t *testing.T) {
	newest := load(t, crdFile)
	objects := documents(t, filepath.Join("testdata", "objects", "*.yaml"))
	for _, path := range files(t, storedSchemas) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			stored := load(t, path)
			for _, narrowed := range Narrowed(stored.OpenAPI(), newest.OpenAPI()) {
				t.Error(narrowed)
			}
			for name, object := range objects {
				if errs := judge(stored, object); len(errs) > 0 {
					t.Errorf("%s is not accepted by the stored schema, so it shows nothing: %v", name, errs)
				}
				if errs := judge(newest, object); len(errs) > 0 {
					t.Errorf("%s is refused now: %v", name, errs)
				}
			}
		})
	}
}

// change alters a copy of the newest schema.
type change func(root, spec *apiextensionsv1.JSONSchemaProps)

// property alters one property of spec.
func property(name string, alter func(*apiextensionsv1.JSONSchemaProps)) change {
	return func(_, spec *apiextensionsv1.JSONSchemaProps) {
		p := spec.Properties[name]
		alter(&p)
		spec.Properties[name] = p
	}
}

func narrowedBy(t *testing.T, alter change) []string {
	t.Helper()
	older := load(t, crdFile).OpenAPI()
	newer := older.DeepCopy()
	spec := newer.Properties["spec"]
	alter(newer, &spec)
	newer.Properties["spec"] = spec
	return Narrowed(older, newer)
}

func TestNarrowedFindsWhatBreaks(t *testing.T) {
	cases := map[string]struct {
		alter change
		want  string
	}{
		"field removed": {func(_, spec *apiextensionsv1.JSONSchemaProps) { delete(spec.Properties, "tags") }, ".spec.tags: removed"},
		"field required": {func(_, spec *apiextensionsv1.JSONSchemaProps) {
			spec.Required = append(slices.Clone(spec.Required), "description")
		}, ".spec.description: became required"},
		"new field required": {func(_, spec *apiextensionsv1.JSONSchemaProps) {
			spec.Properties["mtu"] = apiextensionsv1.JSONSchemaProps{Type: "integer"}
			spec.Required = append(slices.Clone(spec.Required), "mtu")
		}, ".spec.mtu: became required"},
		"status gone": {func(root, _ *apiextensionsv1.JSONSchemaProps) { delete(root.Properties, "status") }, ".status: removed"},
		"type": {property("deviceIndex", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Type = "string"
		}), ".spec.deviceIndex: type changed"},
		"default": {property("deviceIndex", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Default = &apiextensionsv1.JSON{Raw: []byte("2")}
		}), ".spec.deviceIndex: default changed"},
		"maximum": {property("deviceIndex", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Maximum = new(15.0)
		}), ".spec.deviceIndex: maximum fell to 15"},
		"minimum": {property("deviceIndex", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Minimum = new(2.0)
		}), ".spec.deviceIndex: minimum rose to 2"},
		"length": {property("description", func(p *apiextensionsv1.JSONSchemaProps) {
			p.MaxLength = new(int64(200))
		}), ".spec.description: maxLength fell to 200"},
		"least length": {property("description", func(p *apiextensionsv1.JSONSchemaProps) {
			p.MinLength = new(int64(1))
		}), ".spec.description: minLength rose to 1"},
		"items": {property("securityGroupIDs", func(p *apiextensionsv1.JSONSchemaProps) {
			p.MaxItems = new(int64(5))
		}), ".spec.securityGroupIDs: maxItems fell to 5"},
		"length of an item": {property("securityGroupIDs", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Items.Schema.MaxLength = new(int64(11))
		}), ".spec.securityGroupIDs[]: maxLength fell to 11"},
		"length of a value": {property("tags", func(p *apiextensionsv1.JSONSchemaProps) {
			p.AdditionalProperties.Schema.MaxLength = new(int64(10))
		}), ".spec.tags{}: maxLength fell to 10"},
		"properties": {property("tags", func(p *apiextensionsv1.JSONSchemaProps) {
			p.MaxProperties = new(int64(10))
		}), ".spec.tags: maxProperties fell to 10"},
		"pattern": {property("description", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Pattern = "^[a-z]*$"
		}), ".spec.description: pattern added or changed"},
		"enum": {property("description", func(p *apiextensionsv1.JSONSchemaProps) {
			p.Enum = []apiextensionsv1.JSON{{Raw: []byte(`"a"`)}}
		}), ".spec.description: enum added"},
		"rule": {property("subnetID", func(p *apiextensionsv1.JSONSchemaProps) {
			p.XValidations = append(slices.Clone(p.XValidations), apiextensionsv1.ValidationRule{Rule: "size(self) == 24"})
		}), ".spec.subnetID: rule added or changed: size(self) == 24"},
		"list type": {property("securityGroupIDs", func(p *apiextensionsv1.JSONSchemaProps) {
			p.XListType = new("atomic")
		}), ".spec.securityGroupIDs: list type changed"},
		"value of an enum": {func(root, _ *apiextensionsv1.JSONSchemaProps) {
			attachments := root.Properties["status"].Properties["attachments"]
			state := attachments.Items.Schema.Properties["state"]
			state.Enum = state.Enum[1:]
			attachments.Items.Schema.Properties["state"] = state
		}, `.status.attachments[].state: enum value "Creating" removed`},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			if got := narrowedBy(t, test.alter); !slices.Equal(got, []string{test.want}) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNarrowedAllowsWhatDoesNotBreak(t *testing.T) {
	cases := map[string]change{
		"nothing": func(_, _ *apiextensionsv1.JSONSchemaProps) {},
		"new field": func(_, spec *apiextensionsv1.JSONSchemaProps) {
			spec.Properties["mtu"] = apiextensionsv1.JSONSchemaProps{Type: "integer", Minimum: new(68.0)}
		},
		"new field, required, with a default": func(_, spec *apiextensionsv1.JSONSchemaProps) {
			spec.Properties["mtu"] = apiextensionsv1.JSONSchemaProps{Type: "integer", Default: &apiextensionsv1.JSON{Raw: []byte("9001")}}
			spec.Required = append(slices.Clone(spec.Required), "mtu")
		},
		"field no longer required": func(_, spec *apiextensionsv1.JSONSchemaProps) {
			spec.Required = slices.DeleteFunc(slices.Clone(spec.Required), func(name string) bool { return name == "subnetID" })
		},
		"wider bounds":  property("deviceIndex", func(p *apiextensionsv1.JSONSchemaProps) { p.Minimum, p.Maximum = new(0.0), nil }),
		"longer":        property("description", func(p *apiextensionsv1.JSONSchemaProps) { p.MaxLength = new(int64(1000)) }),
		"rule dropped":  property("subnetID", func(p *apiextensionsv1.JSONSchemaProps) { p.XValidations = nil }),
		"other message": property("subnetID", func(p *apiextensionsv1.JSONSchemaProps) { p.XValidations[0].Message = "must be a subnet" }),
		"description":   property("subnetID", func(p *apiextensionsv1.JSONSchemaProps) { p.Description = strings.ToUpper(p.Description) }),
		"null allowed":  property("tags", func(p *apiextensionsv1.JSONSchemaProps) { p.Nullable = true }),
	}
	for name, alter := range cases {
		t.Run(name, func(t *testing.T) {
			if got := narrowedBy(t, alter); len(got) > 0 {
				t.Errorf("got %q", got)
			}
		})
	}
}
