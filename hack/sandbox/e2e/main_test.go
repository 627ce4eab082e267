// Package e2e proves the controller end to end: the real binary with its ServiceAccount's identity, a
// real kube-apiserver with the project's manifests, and the EC2 simulator over HTTP. What a test
// asserts is what the simulator's world shows; the controller's own report must agree with it.
//
// Each test has a simulator, a cluster ID and controllers of its own, and for as long as it runs one of a
// few control planes, since a NodeENI is cluster-scoped.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox/controlplane"
)

// shared is what all tests use.
var shared struct {
	repo     string
	binaries sandbox.Binaries
	// cluster may be used by any test that leaves no object behind.
	cluster *sandbox.Cluster
	// free are the control planes that no lab uses.
	free chan *sandbox.Cluster
}

// controlPlanes is how many tests run at a time, for they mostly wait.
const controlPlanes = 2

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	if shared.repo, err = sandbox.RepoRoot(); err != nil {
		return 0, err
	}
	assets, err := controlplane.Ensure(ctx, shared.repo, os.Stderr)
	if err != nil {
		return 0, err
	}
	if shared.binaries, err = sandbox.BuildRaceBinaries(ctx, shared.repo); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "multi-eni-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	clusters, err := startClusters(ctx, assets, dir)
	defer func() {
		for _, cluster := range clusters {
			err = errors.Join(err, cluster.Stop())
		}
	}()
	if err != nil {
		return 0, err
	}
	shared.cluster = clusters[0]
	shared.free = make(chan *sandbox.Cluster, len(clusters))
	for _, cluster := range clusters {
		shared.free <- cluster
	}
	return m.Run(), nil
}

// startClusters starts the control planes at once. What it has started it returns, also after an error.
func startClusters(ctx context.Context, assets, dir string) ([]*sandbox.Cluster, error) {
	var (
		group    sync.WaitGroup
		mu       sync.Mutex
		clusters []*sandbox.Cluster
		errs     []error
	)
	for i := range controlPlanes {
		group.Go(func() {
			cluster, err := startCluster(ctx, assets, filepath.Join(dir, fmt.Sprint(i)))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			if cluster != nil {
				clusters = append(clusters, cluster)
			}
		})
	}
	group.Wait()
	return clusters, errors.Join(errs...)
}

func startCluster(ctx context.Context, assets, dir string) (*sandbox.Cluster, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	cluster, err := sandbox.StartCluster(shared.repo, assets, dir)
	if err != nil {
		return nil, err
	}
	return cluster, cluster.Install(ctx)
}
