package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Kubectl runs the real kubectl.
type Kubectl struct {
	Path       string
	Kubeconfig string
}

// Run returns what kubectl prints; its error holds kubectl's own words.
func (k *Kubectl) Run(ctx context.Context, args ...string) (string, error) {
	return k.RunInput(ctx, "", args...)
}

// RunInput does so with something on stdin, for -f -.
func (k *Kubectl) RunInput(ctx context.Context, input string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, k.Path, args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+k.Kubeconfig)
	command.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
