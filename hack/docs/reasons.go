package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// explained is a constant whose comment says its cause and its cure.
type explained struct{ value, cause, cure string }

// group is a block of such constants; about is the comment above it.
type group struct {
	about string
	rows  []explained
}

const (
	reasonsFile      = "pkg/apis/networking/v1alpha1/constants.go"
	planEvents       = "pkg/plan/notices.go"
	controllerEvents = "pkg/controller/events.go"
)

// reasons has a table for each block of reasons. A reason's anchor is its name in lower case.
func reasons() (string, error) {
	groups, err := groupsOf(reasonsFile, "Reason")
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, g := range groups {
		title, rest, _ := strings.Cut(g.about, ".")
		fmt.Fprintf(&text, "\n#### %s\n\n", title)
		if rest != "" {
			fmt.Fprintf(&text, "%s\n\n", cell(rest))
		}
		text.WriteString(table(g.rows, func(e explained) string { return anchor(e.value) }))
	}
	text.WriteString("\n")
	return text.String(), nil
}

// events has one table of all events. One that is called as a reason is has no anchor: it would be the same.
func events() (string, error) {
	reasons, err := groupsOf(reasonsFile, "Reason")
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, g := range reasons {
		for _, e := range g.rows {
			taken[e.value] = true
		}
	}
	var rows []explained
	for _, source := range []struct{ file, prefix string }{{planEvents, "Notice"}, {controllerEvents, "event"}} {
		groups, err := groupsOf(source.file, source.prefix)
		if err != nil {
			return "", err
		}
		for _, g := range groups {
			rows = append(rows, g.rows...)
		}
	}
	return table(rows, func(e explained) string {
		if taken[e.value] {
			return ""
		}
		return anchor(e.value)
	}), nil
}

func anchor(value string) string { return `<a id="` + strings.ToLower(value) + `"></a>` }

func table(rows []explained, anchorOf func(explained) string) string {
	var b strings.Builder
	b.WriteString("| reason | cause | cure |\n| --- | --- | --- |\n")
	for _, e := range rows {
		fmt.Fprintf(&b, "| %s`%s` | %s | %s |\n", anchorOf(e), e.value, cell(e.cause), cell(e.cure))
	}
	return b.String()
}

// groupsOf are the blocks of a file in which constants have a name with the prefix.
func groupsOf(path, prefix string) (groups []group, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, declaration := range file.Decls {
		block, ok := declaration.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		g := group{about: strings.Join(strings.Fields(block.Doc.Text()), " ")}
		for _, spec := range block.Specs {
			constant := spec.(*ast.ValueSpec)
			if !strings.HasPrefix(constant.Names[0].Name, prefix) {
				continue
			}
			e, err := explanationOf(constant)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			g.rows = append(g.rows, e)
		}
		if len(g.rows) > 0 {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// explanationOf reads "NAME: cause.\nCure: cure." above a constant.
func explanationOf(constant *ast.ValueSpec) (explained, error) {
	name := constant.Names[0].Name
	literal, ok := constant.Values[0].(*ast.BasicLit)
	if !ok {
		return explained{}, fmt.Errorf("the value of %s is no literal", name)
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return explained{}, err
	}
	text, named := strings.CutPrefix(constant.Doc.Text(), name+": ")
	cause, cure, cured := strings.Cut(text, "\nCure: ")
	if !named || !cured {
		return explained{}, fmt.Errorf("the comment above %s must be %q and, on a new line, %q", name, name+": its cause.", "Cure: what to do.")
	}
	return explained{value, strings.Join(strings.Fields(cause), " "), strings.Join(strings.Fields(cure), " ")}, nil
}
