// Command controlplane makes sure that the binaries of a control plane are there, and prints their
// folder.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox/controlplane"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	repo, err := sandbox.RepoRoot()
	if err != nil {
		return err
	}
	dir, err := controlplane.Ensure(ctx, repo, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(dir)
	return nil
}
