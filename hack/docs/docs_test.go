package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/audit"
	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/migrate"
	"github.com/multi-eni/aws-multi-eni-controller/hack/docs/markdown"
)

// atRoot has a test work in the project's root, as the program does.
func atRoot(t *testing.T) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// documents are all Markdown files, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	files, err := markdown.Files(".")
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]string{}
	for _, path := range files {
		documents[path] = read(t, path)
	}
	if len(documents) < 8 {
		t.Fatalf("only %d documents were found", len(documents))
	}
	return documents
}

func TestNothingIsStale(t *testing.T) {
	atRoot(t)
	if err := run(true); err != nil {
		t.Error(err)
	}
}

func TestStalePartsAreFound(t *testing.T) {
	atRoot(t)
	const text = "# A\n<!-- flags-audit: written by make update -->\nold\n<!-- flags-audit: end -->\nrest\n"
	written := map[string]bool{}
	renewed, err := renew("x.md", text, written)
	if err != nil || renewed == text || !strings.HasPrefix(renewed, "# A\n") || !strings.HasSuffix(renewed, "end -->\nrest\n") || !written["flags-audit"] {
		t.Errorf("renewed to %q, %v", renewed, err)
	}
	if again, err := renew("x.md", renewed, written); err != nil || again != renewed {
		t.Errorf("renewed twice: %q, %v", again, err)
	}
	if _, err := renew("x.md", strings.ReplaceAll(text, ": end", ": END"), written); err == nil {
		t.Error("a part without an end is no mistake")
	}
}

// sources are the Go files of a folder, without tests.
func sources(t *testing.T, folder string) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Whatever reason or event is declared, in whichever file, has a row in the README, and one anchor.
func TestNoReasonAndNoEventIsMissing(t *testing.T) {
	atRoot(t)
	readme := read(t, "README.md")
	names := regexp.MustCompile(`^(Reason|Notice|event)[A-Z]`)
	found := 0
	for _, folder := range []string{"pkg/apis/networking/v1alpha1", "pkg/plan", "pkg/controller"} {
		for path, file := range sources(t, folder) {
			for name, value := range constants(file) {
				if !names.MatchString(name) {
					continue
				}
				found++
				if !strings.Contains(readme, "`"+value+"` | ") {
					t.Errorf("%s: the README has no row for %s", path, value)
				}
				if anchors := strings.Count(readme, anchor(value)); anchors != 1 {
					t.Errorf("%s: the README has %d anchors for %s", path, anchors, value)
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d reasons and events were found", found)
	}
}

// constants are those of a file that are strings.
func constants(file *ast.File) map[string]string {
	values := map[string]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != len(spec.Names) {
			return true
		}
		for i, name := range spec.Names {
			if literal, ok := spec.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				values[name.Name], _ = strconv.Unquote(literal.Value)
			}
		}
		return true
	})
	return values
}

// The reason of every event that is emitted is one of the constants, or comes from package plan, whose are.
func TestEveryEventHasANamedReason(t *testing.T) {
	atRoot(t)
	emitted := 0
	for path, file := range sources(t, "pkg/controller") {
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || (method.Sel.Name != "Event" && method.Sel.Name != "Eventf") {
				return true
			}
			emitted++
			switch reason := call.Args[2].(type) {
			case *ast.Ident:
				// "reason" is a parameter, given below in the same file.
				if !strings.HasPrefix(reason.Name, "event") && reason.Name != "reason" {
					t.Errorf("%s: an event with the reason %s", path, reason.Name)
				}
			case *ast.SelectorExpr:
				if name := reason.Sel.Name; !strings.HasPrefix(name, "Notice") && name != "Reason" {
					t.Errorf("%s: an event with the reason %s", path, name)
				}
			default:
				t.Errorf("%s: an event whose reason is no constant", path)
			}
			return true
		})
	}
	if emitted < 8 {
		t.Errorf("only %d events were found", emitted)
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	id      = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// anchorsOf are what links into a document may lead to, by GitHub's rules.
func anchorsOf(text string) map[string]bool {
	anchors := map[string]bool{}
	text = fence.ReplaceAllString(text, "")
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		slug := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(found[1]), "")
		anchors[strings.ReplaceAll(slug, " ", "-")] = true
	}
	for _, found := range id.FindAllStringSubmatch(text, -1) {
		anchors[found[1]] = true
	}
	return anchors
}

// Every link within the project leads to a file or folder that is there, and to a heading or an anchor in it.
func TestLinksLeadSomewhere(t *testing.T) {
	atRoot(t)
	documents := documents(t)
	checked := 0
	for path, text := range documents {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
				continue
			}
			checked++
			file, fragment, _ := strings.Cut(found[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link %s leads nowhere", path, found[1])
				continue
			}
			if fragment != "" && !anchorsOf(documents[target])[fragment] {
				t.Errorf("%s: the link %s leads to no heading", path, found[1])
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links were found", checked)
	}
}

// Every test that a document names is there: what a document claims can be looked up.
func TestNamedTestsExist(t *testing.T) {
	atRoot(t)
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, found := range declared.FindAllStringSubmatch(read(t, path), -1) {
			tests[found[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for path, text := range documents(t) {
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(text, -1) {
			named++
			if !tests[name] {
				t.Errorf("%s: there is no test %s", path, name)
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d tests are named in documents", named)
	}
}

// Every target of make that a document names is there.
func TestNamedTargetsExist(t *testing.T) {
	atRoot(t)
	targets := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[found[1]] = true
	}
	named := 0
	for path, text := range documents(t) {
		for _, found := range regexp.MustCompile("(?m)(?:`|^ *)make ([a-z][a-z0-9-]*)").FindAllStringSubmatch(text, -1) {
			named++
			if !targets[found[1]] {
				t.Errorf("%s: there is no target %s", path, found[1])
			}
		}
	}
	if named < 15 {
		t.Errorf("only %d targets are named in documents", named)
	}
}

// othersFlags are flags of other programs that documents set as code.
var othersFlags = []string{"node-ip", "provider-id", "help", "startup-taint", "ignore-taint", "disable-session-tags"}

// Every flag that a document names is one of ours, or named above.
func TestNamedFlagsExist(t *testing.T) {
	atRoot(t)
	known := map[string]bool{}
	for _, add := range []func(*pflag.FlagSet){app.NewOptions().AddFlags, audit.AddFlags, migrate.AddFlags} {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		add(set)
		set.VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	named := map[string]bool{}
	for path, text := range documents(t) {
		for _, found := range regexp.MustCompile("`--([a-z][a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			named[found[1]] = true
			if !known[found[1]] && !slices.Contains(othersFlags, found[1]) {
				t.Errorf("%s: there is no flag --%s", path, found[1])
			}
		}
	}
	for _, flag := range othersFlags {
		if !named[flag] {
			t.Errorf("no document names --%s any more: take it off the list", flag)
		}
	}
}

// Every folder of code has a row in the table of the README that says where what lives.
func TestEveryFolderHasARow(t *testing.T) {
	atRoot(t)
	readme := read(t, "README.md")
	found := 0
	for _, parent := range []string{"cmd", "pkg", "hack"} {
		entries, err := os.ReadDir(parent)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if !entry.IsDir() {
				continue
			}
			found++
			if !regexp.MustCompile("(?m)^\\| .*`" + parent + "/" + entry.Name() + "`.* \\| .+ \\|$").MatchString(readme) {
				t.Errorf("the README does not say what lives in %s/%s", parent, entry.Name())
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d folders were found", found)
	}
}
