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

// BuildBinaries builds them as users do, with the project's own Makefile.
func BuildBinaries(ctx context.Context, repo string) (Binaries, error) {
	return build(ctx, repo, filepath.Join(repo, ".bin", "multi-eni-controller"), "build")
}

// BuildRaceBinaries builds a controller that tells of data races in its log.
func BuildRaceBinaries(ctx context.Context, repo string) (Binaries, error) {
	return build(ctx, repo, filepath.Join(repo, ".bin", "race", "multi-eni-controller"), "build", "build-race")
}

func build(ctx context.Context, repo, controller string, targets ...string) (Binaries, error) {
	command := exec.CommandContext(ctx, "make", append([]string{"--no-print-directory"}, targets...)...)
	command.Dir = repo
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "MAKE") // this make is nobody's child
	})
	if output, err := command.CombinedOutput(); err != nil {
		return Binaries{}, fmt.Errorf("make %s: %w\n%s", strings.Join(targets, " "), err, output)
	}
	return Binaries{
		Controller: controller,
		Simulator:  filepath.Join(repo, ".bin", "ec2-simulator"),
	}, nil
}
