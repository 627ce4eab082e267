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
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// shared is what all tests use.
var shared struct {
	*sandbox.Bench
	repo     string
	binaries sandbox.Binaries
	// cluster may be used by any test that leaves no object behind.
	cluster *sandbox.Cluster
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
	if shared.Bench, err = sandbox.NewBench(ctx, controlPlanes); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	shared.repo, shared.binaries, shared.cluster = shared.Repo, shared.Binaries, shared.Clusters[0]
	code = m.Run()
	if code != 0 {
		return code, nil
	}
	return code, judgePermissions(ctx, shared.Clusters, everyTestRuns())
}
