package ec2sim

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestDocumentation: the command's documentation has a world that loads and holds every
// key, and names every variant with its values and every field and effect of a fault.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../cmd/ec2-simulator/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(source)
	part := func(title string) string {
		t.Helper()
		_, rest, ok := strings.Cut(doc, "// # "+title+"\n")
		if !ok {
			t.Fatalf("there is no part %q", title)
		}
		text, _, _ := strings.Cut(rest, "\n// # ")
		return text
	}
	var world strings.Builder
	for line := range strings.Lines(part("The world file")) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			world.WriteString(code)
		}
	}
	if _, err := ParseWorld("doc.go", []byte(world.String())); err != nil {
		t.Errorf("the documented world: %v", err)
	}
	for _, form := range []any{World{}, Subnet{}, SecurityGroup{}, Interface{}, Attachment{}, Latency{}, Quotas{}, Principal{}} {
		for _, key := range keysOf(reflect.TypeOf(form)) {
			if !strings.Contains(world.String(), key) && key != "description" {
				t.Errorf("the documented world lacks %s of %T", key, form)
			}
		}
	}
	for _, c := range new(Variants).choices() {
		_, line, _ := strings.Cut(part("Variants"), "\t"+c.key+" ")
		line, _, _ = strings.Cut(line, "\n")
		for _, v := range c.values {
			if !strings.Contains(line, v) {
				t.Errorf("variant %s: %s is not documented", c.key, v)
			}
		}
	}
	for _, word := range append(keysOf(reflect.TypeFor[Fault]()), effects...) {
		if !strings.Contains(part("Faults"), word) {
			t.Errorf("%s of a fault is not documented", word)
		}
	}
}
