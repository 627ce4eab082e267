package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Binaries are the programs under test.
type Binaries struct {
	Controller string
	Simulator  string
}

// BuildBinaries builds them as the project's own Makefile does.
func BuildBinaries(ctx context.Context, repo string) (Binaries, error) {
	command := exec.CommandContext(ctx, "make", "--no-print-directory", "build")
	command.Dir = repo
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "MAKE") // this make is nobody's child
	})
	if output, err := command.CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("make build: %w\n%s", err, output)
	}
	return Binaries{
		Controller: filepath.Join(repo, ".bin", "multi-eni-controller"),
		Simulator:  filepath.Join(repo, ".bin", "ec2-simulator"),
	}, nil
}
