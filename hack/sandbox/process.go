package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const pollInterval = 20 * time.Millisecond

// Process is a program that the sandbox has started. Its output goes to a file, so that nothing of
// it is lost when it is killed.
type Process struct {
	Name string
	// LogFile holds what the program wrote to stdout and stderr.
	LogFile string

	command *exec.Cmd
	ended   chan struct{}
	waitErr error // written before ended is closed
}

// StartProgram starts a program. Its log is in dir.
func StartProgram(dir, name, path string, args ...string) (*Process, error) {
	return program{name: name, path: path, args: args}.start(dir)
}

// program is what to start.
type program struct {
	name string
	path string
	args []string
	env  []string // beside the sandbox's own
}

// start starts the program in a process group of its own: an interrupt from the terminal is for the
// sandbox, which ends its programs in order.
func (p program) start(dir string) (*Process, error) {
	file, err := os.Create(filepath.Join(dir, p.name+".log"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	command := exec.Command(p.path, p.args...)
	command.Env = append(os.Environ(), p.env...)
	command.Stdout, command.Stderr = file, file
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	process := &Process{Name: p.name, LogFile: file.Name(), command: command, ended: make(chan struct{})}
	go func() {
		process.waitErr = command.Wait()
		close(process.ended)
	}()
	return process, nil
}

// Log is everything that the program has written so far.
func (p *Process) Log() string {
	data, err := os.ReadFile(p.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// Tail is the end of a log, which is where the trouble is.
func Tail(log string) string {
	const most = 150
	lines := strings.Split(log, "\n")
	return strings.Join(slices.Delete(lines, 0, max(0, len(lines)-most)), "\n")
}

// PID is the program's process ID.
func (p *Process) PID() int {
	return p.command.Process.Pid
}

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} {
	return p.ended
}

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal; to a program that has ended already that is no error.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending %s to %s: %w", signal, p.Name, err)
	}
	return nil
}

// Wait waits for the end of the program and returns its exit code: -1 when a signal ended it.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return 0, fmt.Errorf("%s still runs: %w", p.Name, ctx.Err())
	}
	if _, isExit := errors.AsType[*exec.ExitError](p.waitErr); p.waitErr != nil && !isExit {
		return 0, p.waitErr
	}
	return p.command.ProcessState.ExitCode(), nil
}

// Kill ends the program at once, as a crash does.
func (p *Process) Kill(ctx context.Context) error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_, err := p.Wait(ctx)
	return err
}

// Stop asks the program to end and waits; what does not end in time is killed, and that is an error.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	graceful, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if _, err := p.Wait(graceful); err != nil {
		return errors.Join(err, p.Signal(syscall.SIGKILL))
	}
	return nil
}

// WaitForLine waits for the first line of the log that starts with prefix, and returns its rest.
func (p *Process) WaitForLine(ctx context.Context, prefix string) (string, error) {
	var rest string
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(context.Context) (bool, error) {
		running := p.Running()
		lines := strings.Split(p.Log(), "\n")
		for _, line := range lines[:len(lines)-1] {
			if after, found := strings.CutPrefix(line, prefix); found {
				rest = after
				return true, nil
			}
		}
		if !running {
			return false, errors.New("it has ended")
		}
		return false, nil
	})
	if err != nil {
		return "", fmt.Errorf("%s does not say %q: %w\n%s", p.Name, prefix, err, p.Log())
	}
	return rest, nil
}
