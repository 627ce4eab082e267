package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

const typesFile = "pkg/apis/networking/v1alpha1/types.go"

// fields has a row for each field of a struct of the API.
func fields(name string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), typesFile, nil, parser.ParseComments)
	if err != nil {
		return "", err
	}
	structure := structOf(file, name)
	if structure == nil {
		return "", fmt.Errorf("%s has no struct %s", typesFile, name)
	}
	var table strings.Builder
	table.WriteString("| field | type | | |\n| --- | --- | --- | --- |\n")
	for _, field := range structure.Fields.List {
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			return "", err
		}
		key, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		text, bounds := told(field.Doc)
		about, ok := strings.CutPrefix(text, key+" ")
		if !ok {
			return "", fmt.Errorf("%s: the comment above %s.%s does not begin with %q", typesFile, name, key, key)
		}
		about = strings.TrimPrefix(strings.TrimPrefix(about, "is "), "are ")
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", key, typeOf(field.Type), bounds, cell(about))
	}
	return table.String(), nil
}

// structOf finds a struct by its name.
func structOf(file *ast.File, name string) (found *ast.StructType) {
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.TypeSpec); ok && spec.Name.Name == name {
			found, _ = spec.Type.(*ast.StructType)
		}
		return found == nil
	})
	return found
}

// told are the text of a comment, and what its markers say of the values that the field takes.
func told(comment *ast.CommentGroup) (text, bounds string) {
	var lines, rules []string
	for _, line := range strings.Split(comment.Text(), "\n") {
		if !strings.HasPrefix(line, "+") {
			lines = append(lines, line)
			continue
		}
		if rule := ruleOf(line); rule != "" {
			rules = append(rules, rule)
		}
	}
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " "), strings.Join(rules, "; ")
}

var marker = regexp.MustCompile(`^\+(?:kubebuilder:validation:)?(required|default|Minimum|Maximum|MaxItems|MaxLength|MaxProperties|Enum)(?:=(.*))?$`)

// ruleOf says what a marker says, where that is of use to who writes an object.
func ruleOf(line string) string {
	found := marker.FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	switch found[1] {
	case "required":
		return "required"
	case "default":
		return "default " + found[2]
	case "Minimum":
		return "at least " + found[2]
	case "Enum":
		return strings.ReplaceAll(found[2], ";", ", ")
	case "MaxLength":
		return "at most " + found[2] + " characters"
	}
	return "at most " + found[2]
}

// typeOf is a type in the words of JSON.
func typeOf(expression ast.Expr) string {
	switch t := expression.(type) {
	case *ast.StarExpr:
		return typeOf(t.X)
	case *ast.ArrayType:
		return "list of " + typeOf(t.Elt)
	case *ast.MapType:
		return "map of " + typeOf(t.Value)
	case *ast.SelectorExpr:
		return t.Sel.Name
	case *ast.Ident:
		switch t.Name {
		case "int32", "int64":
			return "integer"
		case "bool":
			return "boolean"
		case "AttachmentState", "ReleaseState":
			return "string"
		}
		return t.Name
	}
	return ""
}
