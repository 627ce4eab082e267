package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test of which it is kept how it failed.
type recorder struct {
	testing.TB
	failures []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	path := filepath.Join("testdata", "a.txt")
	if err := os.Mkdir("testdata", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	if Check(r, "a.txt", "one\n"); len(r.failures) > 0 {
		t.Errorf("the same is another: %q", r.failures)
	}
	if Check(r, "a.txt", "two\n"); len(r.failures) != 1 || !strings.Contains(r.failures[0], path) {
		t.Errorf("another is the same: %q", r.failures)
	}
	*update = true
	defer func() { *update = false }()
	Check(r, "a.txt", "two\n")
	if text, err := os.ReadFile(path); err != nil || string(text) != "two\n" || len(r.failures) != 1 {
		t.Errorf("not written anew: %q, %v, %q", text, err, r.failures)
	}
}
