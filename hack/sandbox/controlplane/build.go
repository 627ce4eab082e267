package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	kubernetesModule = "k8s.io/kubernetes"
	etcdModule       = "go.etcd.io/etcd/server/v3"

	progressInterval = 15 * time.Second
)

// Builder builds the binaries from the Go modules that Module pins.
type Builder struct {
	Module   string
	Versions Versions
	Report   Reporter
}

// Fill builds into dir.
func (b Builder) Fill(ctx context.Context, dir string) error {
	b.Report.Printf("building Kubernetes %s and etcd %s from their Go modules: 6 to 10 minutes on 2 cores, once for every clone on this machine",
		b.Versions.Kubernetes, b.Versions.Etcd)
	started := time.Now()
	for i, name := range Binaries() {
		if err := b.build(ctx, dir, name, fmt.Sprintf("%s (%d of %d)", name, i+1, len(Binaries())), started); err != nil {
			return err
		}
	}
	b.Report.Printf("built in %s", elapsed(started))
	return nil
}

// build runs one go build and says every so often that it still runs.
func (b Builder) build(ctx context.Context, dir, name, title string, started time.Time) error {
	b.Report.Printf("building %s, %s elapsed", title, elapsed(started))
	command := b.command(ctx, dir, name)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.Report.Printf("still building %s, %s elapsed", title, elapsed(started))
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("building %s: %w\n%s", name, err, output.Bytes())
			}
			return nil
		}
	}
}

func (b Builder) command(ctx context.Context, dir, name string) *exec.Cmd {
	packages := map[string]string{
		"kube-apiserver": kubernetesModule + "/cmd/kube-apiserver",
		"kubectl":        kubernetesModule + "/cmd/kubectl",
		"etcd":           etcdModule,
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags="+b.ldflags(name),
		"-o", filepath.Join(dir, name), packages[name])
	command.Dir = b.Module
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS=", "GOARCH=")
	command.WaitDelay = 5 * time.Second
	return command
}

// ldflags strip the binary; those of Kubernetes do not know their version unless they are told.
func (b Builder) ldflags(name string) string {
	flags := "-s -w"
	if name == "etcd" {
		return flags
	}
	major, minor := b.Versions.majorMinor()
	const base, client = "k8s.io/component-base/version", "k8s.io/client-go/pkg/version"
	return flags + fmt.Sprintf(" -X %[1]s.gitVersion=%[3]s -X %[1]s.gitMajor=%[4]s -X %[1]s.gitMinor=%[5]s -X %[2]s.gitVersion=%[3]s",
		base, client, b.Versions.Kubernetes, major, minor)
}

func elapsed(since time.Time) time.Duration {
	return time.Since(since).Round(time.Second)
}
