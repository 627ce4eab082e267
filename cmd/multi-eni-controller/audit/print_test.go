package audit

import (
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/internal/golden"
)

// What a person reads is held to the letter.
func TestTables(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		none bool
		want int
	}{
		"group":          {[]string{"--security-group=" + group}, false, exitFindings},
		"group-tags":     {[]string{"--security-group=" + group, "--cluster-name=prod"}, true, exitFindings},
		"group-free":     {[]string{"--subnet=" + emptyNet}, true, exitClean},
		"cluster-wanted": {[]string{"--cluster-name=prod"}, false, exitFindings},
		"help":           {[]string{"--help"}, true, exitClean},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.none = test.none
			code, stdout, stderr := l.run(test.args...)
			if code != test.want || stderr != "" {
				t.Fatalf("exit code %d, want %d; stderr %q", code, test.want, stderr)
			}
			golden.Check(t, name+".txt", stdout)
		})
	}
}

func TestTagsCanNotSteerATerminal(t *testing.T) {
	if got := printable("a\x1b[31mb\nc\u202ed é"); got != "a?[31mb?c?d é" {
		t.Errorf("%q", got)
	}
}
