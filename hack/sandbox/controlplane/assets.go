package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// AssetsEnv names a folder that holds the binaries already. It is the variable that envtest reads.
const AssetsEnv = "KUBEBUILDER_ASSETS"

// Ensure returns the folder with the binaries, and makes them first where it must. repo is the root
// of the project; what takes long is reported to progress.
func Ensure(ctx context.Context, repo string, progress io.Writer) (string, error) {
	if dir := os.Getenv(AssetsEnv); dir != "" {
		return given(dir)
	}
	versions, err := ReadVersions(filepath.Join(repo, "hack", "controlplane", "go.mod"))
	if err != nil {
		return "", err
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder: %w", err)
	}
	report := Reporter{Out: progress}
	cache := Cache{Dir: filepath.Join(user, "aws-multi-eni-controller", "controlplane"), Report: report}
	builder := Builder{Module: filepath.Join(repo, "hack", "controlplane"), Versions: versions, Report: report}
	downloader := Downloader{Version: versions.Kubernetes, Report: report}
	key := fmt.Sprintf("%s-%s-%s", versions, runtime.GOOS, runtime.GOARCH)
	return cache.Ensure(ctx, key, FirstOf(report, downloader.Fill, builder.Fill))
}

// given checks the folder that the user named.
func given(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for _, name := range Binaries() {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return "", fmt.Errorf("%s names a folder that lacks a binary: %w", AssetsEnv, err)
		}
		if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
			return "", fmt.Errorf("%s: %s is not an executable file", AssetsEnv, filepath.Join(dir, name))
		}
	}
	return dir, nil
}

// Fill puts the binaries into a folder.
type Fill func(ctx context.Context, dir string) error

// FirstOf tries one source after the other, each in an empty folder.
func FirstOf(report Reporter, sources ...Fill) Fill {
	return func(ctx context.Context, dir string) error {
		var failed []error
		for _, fill := range sources {
			err := fill(ctx, dir)
			if err == nil {
				return nil
			}
			failed = append(failed, err)
			if ctx.Err() != nil {
				break
			}
			report.Printf("%v", err)
			if err := emptyFolder(dir); err != nil {
				return err
			}
		}
		return errors.Join(failed...)
	}
}

func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Reporter tells the user what takes so long.
type Reporter struct {
	Out io.Writer
}

// Printf writes one line.
func (r Reporter) Printf(format string, args ...any) {
	if r.Out != nil {
		fmt.Fprintf(r.Out, "control plane: "+format+"\n", args...)
	}
}
