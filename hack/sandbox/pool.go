package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox/controlplane"
)

// Bench is what the tests of a package share: the programs, and a few control planes with the project's
// manifests. A NodeENI is cluster-scoped, so a test has a control plane for itself as long as it runs.
type Bench struct {
	Repo     string
	Binaries Binaries
	Clusters []*Cluster

	dir  string
	free chan *Cluster
}

// NewBench builds the programs and starts the control planes, all at once.
func NewBench(ctx context.Context, controlPlanes int) (*Bench, error) {
	b := &Bench{free: make(chan *Cluster, controlPlanes)}
	var err error
	if b.Repo, err = RepoRoot(); err != nil {
		return nil, err
	}
	assets, err := controlplane.Ensure(ctx, b.Repo, os.Stderr)
	if err != nil {
		return nil, err
	}
	if b.Binaries, err = BuildRaceBinaries(ctx, b.Repo); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "multi-eni-sandbox-"); err != nil {
		return nil, err
	}
	if err := b.start(ctx, assets, controlPlanes); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	for _, cluster := range b.Clusters {
		b.free <- cluster
	}
	return b, nil
}

func (b *Bench) start(ctx context.Context, assets string, controlPlanes int) error {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		errs  []error
	)
	for i := range controlPlanes {
		group.Go(func() {
			cluster, err := b.startOne(ctx, assets, filepath.Join(b.dir, fmt.Sprint(i)))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			if cluster != nil {
				b.Clusters = append(b.Clusters, cluster)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (b *Bench) startOne(ctx context.Context, assets, dir string) (*Cluster, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	cluster, err := StartCluster(b.Repo, assets, dir)
	if err != nil {
		return nil, err
	}
	return cluster, cluster.Install(ctx)
}

// Take waits for a control plane that nobody uses.
func (b *Bench) Take() *Cluster {
	return <-b.free
}

// Give hands it back.
func (b *Bench) Give(cluster *Cluster) {
	b.free <- cluster
}

// Close ends the control planes and removes their files.
func (b *Bench) Close() error {
	var errs []error
	for _, cluster := range b.Clusters {
		errs = append(errs, cluster.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}
