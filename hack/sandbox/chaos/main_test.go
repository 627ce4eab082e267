// Package chaos treats the real controller badly: killed at every call that it makes, cut off from the API server or
// from EC2, paused, throttled. Once the trouble is over, one property must hold (property_test.go).
//
// Between each replica and its two servers stands a proxy (proxy_test.go). It counts the calls, can hold the n-th of
// a kind while something happens to the replica, and then lets it pass or not.
//
// In full, the crash matrix kills the controller at each call that may change something, before it arrives and after it
// took effect; at calls that only read, and at renewals of the lease, once in each gap between two changes (cells in
// matrix_test.go). The replicas of the matrix write to Nodes all that they can, so that these writes are among the calls.
//
// By itself the package runs a representative part, with short outages. With -all it runs everything, and an
// outage takes a minute; -parallel says with how many control planes.
package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

var all = flag.Bool("all", false, "run the whole crash matrix, and outages of a minute")

// bench is what all tests share.
var bench *sandbox.Bench

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	parallel, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String())
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	if bench, err = sandbox.NewBench(ctx, parallel); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, bench.Close()) }()
	for _, cluster := range bench.Clusters {
		// Leave to write Nodes, which only those use that are told to.
		roles := filepath.Join(bench.Repo, "manifests", "examples", "node-readiness")
		if _, err := cluster.Kubectl.Run(ctx, "apply", "-f", filepath.Join(roles, "rbac.yaml"), "-f", filepath.Join(roles, "rbac-condition.yaml")); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// outage is how long one lasts.
func outage() time.Duration {
	if *all {
		return time.Minute
	}
	return 6 * time.Second
}
