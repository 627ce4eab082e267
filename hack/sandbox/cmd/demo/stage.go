package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox/controlplane"
)

const (
	clusterID    = "demo"
	closeTimeout = 30 * time.Second
	// grace is how long the controller may take to give its lease up.
	grace = 15 * time.Second
)

// stage is the sandbox that the demo plays on.
type stage struct {
	repo       string
	dir        string
	cluster    *sandbox.Cluster
	simulator  *sandbox.Simulator
	controller *sandbox.Controller
}

// start starts everything; where it fails, close ends what was started.
func (s *stage) start(ctx context.Context) (err error) {
	if s.repo, err = sandbox.RepoRoot(); err != nil {
		return err
	}
	title("Starting the sandbox")
	assets, err := controlplane.Ensure(ctx, s.repo, os.Stdout)
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "multi-eni-demo-"); err != nil {
		return err
	}
	binaries, err := s.buildAndStartCluster(ctx, assets)
	if err != nil {
		return err
	}
	say("kube-apiserver and etcd: %s", s.cluster.Config.Host)
	if err := s.cluster.Install(ctx); err != nil {
		return err
	}
	say("manifests applied: namespace, CRD, ServiceAccount, RBAC")
	latency := sandbox.Latency(2*time.Second, 3*time.Second, 50*time.Millisecond, 5*time.Second)
	if s.simulator, err = sandbox.StartSimulator(ctx, s.repo, binaries, sandbox.NewWorld(machines, latency), s.dir); err != nil {
		return err
	}
	say("EC2 simulator, with the IAM policy of the manifests in force: %s", s.simulator.URL)
	say("look on in a browser: %s", s.console())
	for _, machine := range machines {
		if err := s.cluster.AddNode(ctx, machine); err != nil {
			return err
		}
	}
	kubeconfig, err := s.cluster.ControllerKubeconfig(ctx)
	if err != nil {
		return err
	}
	s.controller, err = sandbox.StartController(binaries, sandbox.ControllerOptions{
		Name: "controller", Kubeconfig: kubeconfig, EC2: s.simulator.URL, ClusterID: clusterID,
	}, s.dir)
	if err != nil {
		return err
	}
	say("controller: process %d, as its ServiceAccount, log in %s", s.controller.PID(), s.controller.LogFile)
	return s.controller.WaitHealthy(ctx)
}

// buildAndStartCluster does both at a time.
func (s *stage) buildAndStartCluster(ctx context.Context, assets string) (sandbox.Binaries, error) {
	var binaries sandbox.Binaries
	var buildErr, startErr error
	var group sync.WaitGroup
	group.Go(func() { binaries, buildErr = sandbox.BuildBinaries(ctx, s.repo) })
	group.Go(func() { s.cluster, startErr = sandbox.StartCluster(s.repo, assets, s.dir) })
	group.Wait()
	return binaries, errors.Join(buildErr, startErr)
}

// close ends everything in order: the controller while its API server and EC2 are still there.
func (s *stage) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var errs []error
	if s.controller != nil {
		errs = append(errs, s.controller.Stop(ctx, grace))
	}
	if s.simulator != nil {
		errs = append(errs, s.simulator.Stop(ctx, grace))
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Stop())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// attend waits until the user has seen enough. A program that ends before is a failure.
func (s *stage) attend(ctx context.Context) error {
	ended := s.controller.Process
	select {
	case <-ctx.Done():
		return nil
	case <-s.controller.Ended():
	case <-s.simulator.Ended():
		ended = s.simulator.Process
	}
	code, err := ended.Wait(ctx)
	return errors.Join(fmt.Errorf("%s has ended by itself, exit code %d", ended.Name, code), err, lastWords(ended))
}

// lastWords is what a program said last, for a demo that failed.
func lastWords(process *sandbox.Process) error {
	const most = 40
	lines := strings.Split(strings.TrimSpace(process.Log()), "\n")
	return fmt.Errorf("the end of the log of %s:\n%s", process.Name, strings.Join(lines[max(0, len(lines)-most):], "\n"))
}

// console is the address of the page that draws what EC2 has.
func (s *stage) console() string { return s.simulator.URL + "/" }

// invite tells how to go on by hand.
func (s *stage) invite() {
	title("Your turn")
	fmt.Printf(`The sandbox stays up until Ctrl-C. In another terminal, in this folder:

  export KUBECONFIG=%s
  alias kubectl=%s

  kubectl get nodes --show-labels
  kubectl apply -f %s
  kubectl label node node3 --overwrite ng=multi-eni
  kubectl get nodeeni -w

What EC2 has, drawn as it changes: %s

  curl -s %s/_sim/world      # the same as JSON
  curl -s %[5]s/_sim/calls      # how it was called
  tail -f %s

`, s.cluster.Kubectl.Kubeconfig, s.cluster.Kubectl.Path, filepath.Join(s.repo, "manifests", "examples", "basic.yaml"),
		s.console(), s.simulator.URL, s.controller.LogFile)
}

func title(text string) {
	fmt.Printf("\n== %s\n", text)
}

func say(format string, args ...any) {
	fmt.Printf("   "+format+"\n", args...)
}
