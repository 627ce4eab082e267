package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every reason that status can give says its cause and its cure, and every annotation that a person may set is explained
// where people look.
func TestEveryReasonIsExplained(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "constants.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	explained := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		if name := spec.Names[0].Name; !regexp.MustCompile(`(?s)^` + name + `: .{10,}\.\nCure: .{10,}\.\n$`).MatchString(spec.Doc.Text()) {
			t.Errorf("%s does not say its cause and its cure: %q", name, spec.Doc.Text())
		}
		explained++
		return true
	})
	if explained < 30 {
		t.Errorf("%d reasons found in constants.go, want all of them", explained)
	}
	for _, annotation := range []string{AnnotationAllowReleaseUntil, AnnotationForceDetachUntil, AnnotationAdopt, AnnotationENIs} {
		if !strings.Contains(string(doc), annotation) {
			t.Errorf("doc.go does not explain the annotation %s", annotation)
		}
	}
}
