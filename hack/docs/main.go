package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/hack/docs/markdown"
)

// parts are what can be written, by name.
var parts = map[string]func() (string, error){
	"flags":           controllerFlags,
	"flags-audit":     auditFlags,
	"flags-migrate":   migrateFlags,
	"reasons":         reasons,
	"events":          events,
	"fields-spec":     func() (string, error) { return fields("NodeENISpec") },
	"fields-status":   func() (string, error) { return fields("NodeENIStatus") },
	"fields-attached": func() (string, error) { return fields("Attachment") },
	"fields-released": func() (string, error) { return fields("Release") },
}

func main() {
	verify := flag.Bool("verify", false, "write nothing, and fail where something is stale")
	flag.Parse()
	if err := run(*verify); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(verify bool) error {
	files, err := markdown.Files(".")
	if err != nil {
		return err
	}
	written := map[string]bool{}
	var stale []string
	for _, path := range files {
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		after, err := renew(path, string(before), written)
		if err != nil {
			return err
		}
		if bytes.Equal(before, []byte(after)) {
			continue
		}
		stale = append(stale, path+"\n"+firstDifference(string(before), after))
		if !verify {
			if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
				return err
			}
		}
	}
	for name := range parts {
		if !written[name] {
			return fmt.Errorf("no Markdown file has the line %q, below which the part belongs", strings.TrimSpace(markdown.Begin(name)))
		}
	}
	if verify && len(stale) > 0 {
		return fmt.Errorf("stale: %s", strings.Join(stale, "\nstale: "))
	}
	return nil
}

// renew writes every known part of a text anew, and notes which parts it has.
func renew(path, text string, written map[string]bool) (string, error) {
	for name, part := range parts {
		if !strings.Contains(text, markdown.Begin(name)) {
			continue
		}
		content, err := part()
		if err != nil {
			return "", fmt.Errorf("writing the part %s of %s: %w", name, path, err)
		}
		if text, written[name], err = markdown.Replace(text, name, content); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	return text, nil
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(is, want string) string {
	a, b := strings.Split(is, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("-%s\n+%s", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

// code are the words that are set as code.
var code = regexp.MustCompile(`(?:--[a-z][a-z0-9-]+(?:=[a-z]+)?|\b(?:spec|status|metadata)\.[A-Za-z]+|networking\.k8s\.aws/[A-Za-z-]+|manifests/[a-z/.-]+[a-z]|nodes/status|\b(?:MAX_ENI|WARM_[A-Z]+_TARGET)\b)`)

// cell is a text as a cell of a table: a sentence on one line.
func cell(text string) string {
	text = strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(strings.TrimSpace(text))
	if first, _, _ := strings.Cut(text, " "); !strings.Contains(first, ".") {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return code.ReplaceAllString(text, "`$0`")
}
