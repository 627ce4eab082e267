package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// mutant is a fault that is planted into the product.
type mutant struct {
	// name is its file name; fault says what the product then does wrong.
	name, fault string
	edits       []edit
}

// edit replaces text that a file, named from the module's root, has exactly once.
type edit struct{ file, old, now string }

// errSurvived means that the simulation found nothing.
var errSurvived = errors.New("the simulation found nothing")

// verdict is the line with which the simulation ends at a violation.
var verdict = regexp.MustCompile(`(?m)killed at seed \d+ after \d+ seeds?`)

// try compiles the simulation with the mutant in it and runs it.
func try(ctx context.Context, folder string, m mutant, seeds, seed int, check bool) (string, error) {
	overlay, err := m.plant(folder)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, m.name+".test")
	defer func() { _ = os.Remove(binary) }()
	//nolint:gosec // Every argument is ours.
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay="+overlay, "-o", binary, "./hack/simulation")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not compile: %w\n%s", err, output)
	}
	if check {
		return "compiles", nil
	}
	//nolint:gosec // Every argument is ours.
	test := exec.CommandContext(ctx, binary, "-test.run=^TestSeeds$", "-test.timeout=15m", fmt.Sprintf("-seeds=%d", seeds), fmt.Sprintf("-seed=%d", seed), "-shrink=false")
	test.Dir = filepath.Join("hack", "simulation")
	output, err := test.CombinedOutput()
	return judge(output, err)
}

// judge tells a mutant that was killed from one that survived and from a run that failed in another way: a crash of
// the mutant, too, is found by the simulation.
func judge(output []byte, err error) (string, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "", errSurvived
	case !errors.As(err, &exit):
		return "", err
	}
	if found := verdict.Find(output); found != nil {
		return string(found), nil
	}
	if bytes.Contains(output, []byte("panic: ")) || bytes.Contains(output, []byte("DATA RACE")) {
		return "killed by its own crash", nil
	}
	return "", fmt.Errorf("the simulation ended without a verdict: %w\n%s", err, tail(output, 4000))
}

func tail(output []byte, size int) []byte { return output[max(0, len(output)-size):] }

// plant writes the changed copies and returns the file for -overlay.
func (m mutant) plant(folder string) (string, error) {
	texts, err := m.texts()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range texts {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		changed := filepath.Join(folder, m.name+"-"+strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[absolute] = changed
	}
	body, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(folder, m.name+".json")
	return overlay, os.WriteFile(overlay, body, 0o600)
}

// texts are the changed files, by name.
func (m mutant) texts() (map[string]string, error) {
	texts := map[string]string{}
	for _, e := range m.edits {
		text, ok := texts[e.file]
		if !ok {
			body, err := os.ReadFile(e.file)
			if err != nil {
				return nil, err
			}
			text = string(body)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has these lines %d times, want once; bring the catalogue up to date:\n%s", e.file, n, e.old)
		}
		texts[e.file] = strings.Replace(text, e.old, e.now, 1)
	}
	return texts, nil
}
