package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func parseFile(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// reasonsByGroup are the values of the reasons in constants.go, by the comment of their group.
func reasonsByGroup(t *testing.T) map[string][]string {
	t.Helper()
	groups := map[string][]string{}
	for _, decl := range parseFile(t, "constants.go").Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			constant := spec.(*ast.ValueSpec)
			if !strings.HasPrefix(constant.Names[0].Name, "Reason") {
				continue
			}
			value, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value)
			if err != nil || constant.Names[0].Name != "Reason"+value {
				t.Errorf("%s is %q", constant.Names[0].Name, value)
			}
			title := strings.TrimSpace(group.Doc.Text())
			groups[title] = append(groups[title], value)
		}
	}
	return groups
}

// What a status may say, the documentation of the package explains: a reason of a condition in the table of
// the conditions, every other one on a line of its own.
func TestEveryReasonIsListed(t *testing.T) {
	doc := parseFile(t, "doc.go").Doc.Text()
	table, lists, found := strings.Cut(doc, "# Reasons of a blocked attachment")
	if !found {
		t.Fatal("the lists of reasons are not where they were")
	}
	listed := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^\t([A-Z]\w+)  +\S`).FindAllStringSubmatch(lists, -1) {
		listed[line[1]] = true
	}
	groups := reasonsByGroup(t)
	for title, reasons := range groups {
		for _, reason := range reasons {
			switch {
			case title != "Reasons of conditions.":
				if !listed[reason] {
					t.Errorf("%s %s has no line in doc.go", title, reason)
				}
				delete(listed, reason)
			case !regexp.MustCompile(`\b` + reason + `\b`).MatchString(table):
				t.Errorf("%s is not in the table of the conditions in doc.go", reason)
			}
		}
	}
	for reason := range listed {
		t.Errorf("doc.go explains %s, which does not exist", reason)
	}
	if len(groups) != 4 {
		t.Errorf("want the reasons of conditions, blocked attachments, held releases and releases, got %d groups", len(groups))
	}
}
