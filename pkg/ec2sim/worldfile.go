package ec2sim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FieldError says what is wrong with one field of a world: where it is, what it holds
// and what would be right. File and Line are known for worlds that come from a file.
type FieldError struct {
	File    string
	Line    int
	Field   string
	Value   string
	Problem string
}

// Error is one line: file:line: field: value problem.
func (e *FieldError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		b.WriteString(strconv.Itoa(e.Line) + ":")
	}
	if b.Len() > 0 {
		b.WriteString(" ")
	}
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "%q ", e.Value)
	}
	b.WriteString(e.Problem)
	return b.String()
}

func fieldError(n *yaml.Node, problem string) error {
	return &FieldError{Line: n.Line, Value: n.Value, Problem: problem}
}

// LoadWorld reads a world file and the policy files it names (relative to itself).
func LoadWorld(path string) (World, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return World{}, fmt.Errorf("read world file: %w", err)
	}
	w, err := ParseWorld(path, data)
	if err != nil {
		return World{}, err
	}
	for i := range w.Principals {
		if err := w.Principals[i].readPolicies(filepath.Dir(path)); err != nil {
			return World{}, fmt.Errorf("%s: principals[%d].policies: %w", path, i, err)
		}
	}
	return w, nil
}

func (p *Principal) readPolicies(dir string) error {
	for _, name := range p.Policies {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		doc, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		p.Documents = append(p.Documents, string(doc))
	}
	return nil
}

// ParseWorld reads a world from YAML; file is only what errors call it.
func ParseWorld(file string, data []byte) (World, error) {
	var doc yaml.Node
	var w World
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return w, inFile(file, nil, err)
	}
	if len(doc.Content) == 0 {
		return w, nil
	}
	if err := decodeStrictly(doc.Content[0], &w); err != nil {
		return w, inFile(file, doc.Content[0], err)
	}
	// What only building the world can show (no address left, a slot taken) is told here
	// too, where the lines are known.
	if _, err := New(w, Options{}); err != nil {
		return w, inFile(file, doc.Content[0], err)
	}
	return w, nil
}

// inFile completes an error with the file's name and, where only the field is known,
// the line that the field stands in.
func inFile(file string, root *yaml.Node, err error) error {
	fe, ok := errors.AsType[*FieldError](err)
	if !ok {
		fe = yamlError(err)
	}
	fe.File = file
	if fe.Line == 0 && root != nil {
		fe.Line = lineOf(root, fe.Field)
	}
	return fe
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// yamlError puts the first complaint of the YAML package into our form.
func yamlError(err error) *FieldError {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return &FieldError{Problem: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	line, _ := strconv.Atoi(m[1])
	return &FieldError{Line: line, Problem: m[2]}
}

var pathStep = regexp.MustCompile(`[^.\[\]]+`)

// lineOf walks a field such as instances[2].subnet down the document, as far as it goes.
func lineOf(n *yaml.Node, field string) int {
	for _, step := range pathStep.FindAllString(field, -1) {
		next := descend(n, step)
		if next == nil {
			break
		}
		n = next
	}
	return n.Line
}

func descend(n *yaml.Node, step string) *yaml.Node {
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1]
		}
	}
	return nil
}

// decodeStrictly decodes a node after refusing every key that the target does not
// have. Nodes that are decoded by themselves would let unknown keys pass, which is why
// the check is made here and not left to the decoder.
func decodeStrictly(n *yaml.Node, target any) error {
	if err := checkShape(n, reflect.TypeOf(target).Elem(), ""); err != nil {
		return err
	}
	return n.Decode(target)
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

func checkShape(n *yaml.Node, t reflect.Type, path string) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Tag == "!!null" || reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return checkKeys(n, t, path)
	case reflect.Slice:
		return checkMembers(n, t, path)
	case reflect.Map:
		if n.Kind != yaml.MappingNode {
			return &FieldError{Line: n.Line, Field: path, Value: n.Value, Problem: "must be a map, like {key: value}"}
		}
		return nil
	}
	return checkScalar(n, t, path)
}

func checkMembers(n *yaml.Node, t reflect.Type, path string) error {
	if n.Kind != yaml.SequenceNode {
		return &FieldError{Line: n.Line, Field: path, Value: n.Value, Problem: "must be a list, like [a, b]"}
	}
	for i, m := range n.Content {
		if err := checkShape(m, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

func checkScalar(n *yaml.Node, t reflect.Type, path string) error {
	if n.Kind == yaml.ScalarNode && n.Decode(reflect.New(t).Interface()) == nil {
		return nil
	}
	want := map[reflect.Kind]string{reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number"}[t.Kind()]
	return &FieldError{Line: n.Line, Field: path, Value: n.Value, Problem: "must be " + orDefault(want, "a text")}
}

func checkKeys(n *yaml.Node, t reflect.Type, path string) error {
	if n.Kind != yaml.MappingNode {
		return &FieldError{Line: n.Line, Field: path, Value: n.Value, Problem: "must be a map with the keys " + strings.Join(keysOf(t), ", ")}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		field, ok := fieldOf(t, key.Value)
		if !ok {
			return &FieldError{Line: key.Line, Field: join(path, key.Value), Problem: "is not a known key; known here: " + strings.Join(keysOf(t), ", ")}
		}
		if err := checkShape(n.Content[i+1], field.Type, join(path, key.Value)); err != nil {
			return err
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func yamlKey(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if yamlKey(f) == key && key != "-" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func keysOf(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		if k := yamlKey(f); k != "" && k != "-" {
			out = append(out, k)
		}
	}
	return slices.Clip(out)
}
