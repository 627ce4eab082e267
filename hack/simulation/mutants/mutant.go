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
	"strconv"
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

// kill is how a mutant ended.
type kill struct {
	// seed is 0 where the mutant's process crashed.
	seed int
	// why is what the simulation said.
	why string
}

func (k kill) String() string {
	if k.seed == 0 {
		return k.why
	}
	return fmt.Sprintf("killed at seed %d", k.seed)
}

// verdict is what the simulation ends with at a violation.
var verdict = regexp.MustCompile(`(?m)^\s*(\S.*)\n\s*killed at seed (\d+) after \d+ seeds?`)

// hunt has the simulation look for a mutant in seeds, from a first to a last one. A seed in which the product as it is
// violates the property, too, kills nobody: product is the simulation without a mutant.
func (m mutant) hunt(ctx context.Context, binary, product string, first, last int) (kill, error) {
	for first <= last {
		found, err := judge(simulate(ctx, binary, first, last-first+1, 1))
		if err != nil || found.seed == 0 {
			return found, err
		}
		if _, err := judge(simulate(ctx, product, found.seed, 1, 3)); errors.Is(err, errSurvived) {
			return found, nil
		} else if err != nil {
			return kill{}, fmt.Errorf("seed %d without the mutant: %w", found.seed, err)
		}
		first = found.seed + 1
	}
	return kill{}, errSurvived
}

// build compiles the simulation, with a mutant in it where there is an overlay.
func build(ctx context.Context, binary, overlay string) error {
	//nolint:gosec // Every argument is ours.
	command := exec.CommandContext(ctx, "go", "test", "-c", "-overlay="+overlay, "-o", binary, "./hack/simulation")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not compile: %w\n%s", err, output)
	}
	return nil
}

// simulate runs seeds.
func simulate(ctx context.Context, binary string, first, count, repeat int) ([]byte, error) {
	//nolint:gosec // Every argument is ours.
	test := exec.CommandContext(ctx, binary, "-test.run=^TestSeeds$", "-test.timeout=30m", fmt.Sprintf("-seeds=%d", count),
		fmt.Sprintf("-seed=%d", first), fmt.Sprintf("-repeat=%d", repeat), "-shrink=false")
	test.Dir = filepath.Join("hack", "simulation")
	return test.CombinedOutput()
}

// judge tells a mutant that was killed from one that survived and from a run that failed in another way: a crash of
// the mutant, too, is found by the simulation.
func judge(output []byte, err error) (kill, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return kill{}, errSurvived
	case !errors.As(err, &exit):
		return kill{}, err
	}
	if found := verdict.FindSubmatch(output); found != nil {
		seed, err := strconv.Atoi(string(found[2]))
		return kill{seed, string(found[1])}, err
	}
	if bytes.Contains(output, []byte("panic: ")) || bytes.Contains(output, []byte("DATA RACE")) {
		return kill{why: "killed by its own crash"}, nil
	}
	return kill{}, fmt.Errorf("the simulation ended without a verdict: %w\n%s", err, tail(output, 4000))
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
