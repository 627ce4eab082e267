package sandbox

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell starts a shell script as a program of the sandbox.
func shell(t *testing.T, script string) *Process {
	t.Helper()
	process, err := program{name: "script", path: "/bin/sh", args: []string{"-c", script}, env: []string{"WORD=hello"}}.start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Kill(context.Background()) })
	return process
}

func TestProcessEnds(t *testing.T) {
	process := shell(t, `echo "$WORD"; echo trouble >&2; exit 3`)
	code, err := process.Wait(t.Context())
	if err != nil || code != 3 {
		t.Errorf("exit code %d, error %v", code, err)
	}
	if got := process.Log(); got != "hello\ntrouble\n" {
		t.Errorf("log %q", got)
	}
	if process.Running() {
		t.Error("it still runs")
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("a signal to a program that has ended: %v", err)
	}
}

func TestProcessIsKilled(t *testing.T) {
	process := shell(t, `trap '' TERM; echo ready; while :; do sleep 1; done`)
	if _, err := process.WaitForLine(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	if err := process.Stop(t.Context(), 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a program that does not stop gives the error %v", err)
	}
	if code, err := process.Wait(t.Context()); err != nil || code != -1 {
		t.Errorf("exit code %d, error %v", code, err)
	}
}

func TestWaitForLine(t *testing.T) {
	process := shell(t, `echo first; echo "listening on http://127.0.0.1:1"; exec sleep 60`)
	if rest, err := process.WaitForLine(t.Context(), "listening on "); err != nil || rest != "http://127.0.0.1:1" {
		t.Errorf("line %q, error %v", rest, err)
	}
	ended := shell(t, `echo "no such file"; exit 1`)
	if _, err := ended.WaitForLine(t.Context(), "listening on "); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v, want the program's own words", err)
	}
}
