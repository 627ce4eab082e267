package e2e

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox/controlplane"
)

// demoTimeout is how long a demo may take to start, and to end.
const demoTimeout = 90 * time.Second

// However the demo ends, it ends what it has started; and a controller that dies does not go unnoticed.
func TestDemoEndsWhatItStarted(t *testing.T) {
	program := buildDemo(t)
	assets := modified(t)
	cases := map[string]struct {
		signal syscall.Signal
		to     func(demo *sandbox.Process, controller int) int
		code   int
		says   string
	}{
		"terminated":          {syscall.SIGTERM, theDemo, 0, ""},
		"terminal closed":     {syscall.SIGHUP, theDemo, 0, ""},
		"controller has died": {syscall.SIGKILL, theController, 1, "controller has ended by itself"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), demoTimeout)
			defer cancel()
			demo := startDemo(t, program)
			up, err := demo.WaitForLine(ctx, "   up in ")
			if err == nil {
				_, err = demo.WaitForLine(ctx, "== Your turn")
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("with all binaries in place, the sandbox is up in %s", up)
			parts := partsOf(t, demo)
			if err := syscall.Kill(test.to(demo, parts.controller), test.signal); err != nil {
				t.Fatal(err)
			}
			code, err := demo.Wait(ctx)
			if err != nil || code != test.code || !strings.Contains(demo.Log(), test.says) {
				t.Errorf("exit code %d, error %v, want %d and %q in\n%s", code, err, test.code, test.says, demo.Log())
			}
			parts.gone(t)
			if strings.Contains(demo.Log(), "control plane: ") {
				t.Errorf("a control plane was provided although it was there:\n%s", demo.Log())
			}
		})
	}
	if diff := gocmp.Diff(assets, modified(t)); diff != "" {
		t.Errorf("binaries were made again (-before +after):\n%s", diff)
	}
}

// Nor does anything stay when it ends half-way through its start.
func TestDemoEndsWhileStarting(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), demoTimeout)
	defer cancel()
	demo := startDemo(t, buildDemo(t))
	server, err := demo.WaitForLine(ctx, "   kube-apiserver and etcd: https://")
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, err := demo.Wait(ctx); err != nil || code != 0 || strings.Contains(demo.Log(), "up in") {
		t.Errorf("exit code %d, error %v, want 0 and no more than a start in\n%s", code, err, demo.Log())
	}
	if dial(strings.TrimSuffix(server, "/")) == nil {
		t.Error("kube-apiserver still answers")
	}
}

func theDemo(demo *sandbox.Process, _ int) int { return demo.PID() }

func theController(_ *sandbox.Process, controller int) int { return controller }

func buildDemo(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/demo")
	command.Dir = filepath.Join(shared.repo, "hack", "sandbox")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, output)
	}
	return program
}

// startDemo starts a sandbox that is left to the user at once.
func startDemo(t *testing.T, program string) *sandbox.Process {
	t.Helper()
	demo, err := sandbox.StartProgram(t.TempDir(), "demo", program, "--empty")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := demo.Stop(context.Background(), demoTimeout); err != nil {
			t.Error(err)
		}
	})
	return demo
}

// modified says when each binary of the control plane was made.
func modified(t *testing.T) map[string]time.Time {
	t.Helper()
	times := map[string]time.Time{}
	for _, name := range controlplane.Binaries() {
		info, err := os.Stat(filepath.Join(filepath.Dir(shared.cluster.Kubectl.Path), name))
		if err != nil {
			t.Fatal(err)
		}
		times[name] = info.ModTime()
	}
	return times
}

// demoParts are what a demo says that it has started.
type demoParts struct {
	apiServer, simulator string
	controller           int
	folder               string
}

func partsOf(t *testing.T, demo *sandbox.Process) demoParts {
	t.Helper()
	find := func(pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(demo.Log())
		if match == nil {
			t.Fatalf("the demo does not say %s:\n%s", pattern, demo.Log())
		}
		return match[1]
	}
	pid, err := strconv.Atoi(find(`controller: process (\d+)`))
	if err != nil {
		t.Fatal(err)
	}
	parts := demoParts{
		apiServer: find(`kube-apiserver and etcd: https://([^/\s]+)`), simulator: find(`in force: http://(\S+)`),
		controller: pid, folder: filepath.Dir(find(`log in (\S+)`)),
	}
	if err := errors.Join(dial(parts.apiServer), dial(parts.simulator), syscall.Kill(pid, 0)); err != nil {
		t.Fatalf("the demo is not up: %v", err)
	}
	return parts
}

// gone demands that nothing is left of them.
func (p demoParts) gone(t *testing.T) {
	t.Helper()
	if dial(p.apiServer) == nil {
		t.Error("kube-apiserver still answers")
	}
	if dial(p.simulator) == nil {
		t.Error("the simulator still answers")
	}
	if err := syscall.Kill(p.controller, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the controller is still there: %v", err)
	}
	if _, err := os.Stat(p.folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", p.folder, err)
	}
}

func dial(address string) error {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	return connection.Close()
}
