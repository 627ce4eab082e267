package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every reason that status can give, and every annotation that a person may set, is explained where people look.
func TestEveryReasonIsExplained(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "constants.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	explained := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)^//\t.*\b` + value + `\b`).Match(doc) {
			t.Errorf("doc.go does not explain the reason %s", value)
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
