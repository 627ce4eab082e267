package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// The product is two folders up of this one's folder.
func TestEveryMutantFindsItsLines(t *testing.T) {
	t.Chdir("../../..")
	seen := map[string]bool{}
	for _, m := range catalogue {
		if seen[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		seen[m.name] = true
		texts, err := m.texts()
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if len(texts) == 0 {
			t.Errorf("%s changes nothing", m.name)
		}
	}
	if len(catalogue) < 12 {
		t.Errorf("%d mutants, want at least 12", len(catalogue))
	}
}

func TestJudge(t *testing.T) {
	failed := exec.Command("false").Run()
	for _, test := range []struct {
		name, output string
		want         kill
		err          error
		survived     bool
	}{
		{name: "nothing found", output: "ok", survived: true},
		{name: "found", output: "  x_test.go:1: clause 1: x\n   killed at seed 17 after 17 seeds\nFAIL", err: failed, want: kill{17, "x_test.go:1: clause 1: x"}},
		{name: "crashed", output: "panic: assignment to entry in nil map", err: failed, want: kill{why: "killed by its own crash"}},
		{name: "failed otherwise", output: "flag provided but not defined", err: failed},
		{name: "not started", err: errors.New("no such file")},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := judge([]byte(test.output), test.err)
			if got != test.want || errors.Is(err, errSurvived) != test.survived || (err == nil) != (test.want != kill{}) {
				t.Errorf("verdict %+v, error %v", got, err)
			}
			if err != nil && !test.survived && !strings.Contains(err.Error(), test.output) {
				t.Errorf("error %v does not show the output", err)
			}
		})
	}
}
