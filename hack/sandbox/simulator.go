package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// Simulator is a running ec2-simulator.
type Simulator struct {
	*Process
	*Control
}

// Access keys of who calls the simulator.
const (
	controllerKey = "sandbox-controller"
	adopterKey    = "sandbox-adopter"
	SomebodyKey   = "sandbox-somebody"
)

// everything is the policy of an administrator.
const everything = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`

// StartSimulator starts the program with a world, in which the controller may do what the IAM policy of the
// manifests allows, and nothing else. Its files are in dir.
func StartSimulator(ctx context.Context, repo string, binaries Binaries, world ec2sim.World, dir string) (*Simulator, error) {
	principals, err := writePolicies(repo, dir)
	if err != nil {
		return nil, err
	}
	world.Principals = principals
	file := filepath.Join(dir, "world.yaml")
	if err := writeWorld(file, world); err != nil {
		return nil, err
	}
	process, err := program{
		name: "ec2-simulator",
		path: binaries.Simulator,
		args: []string{"--listen=127.0.0.1:0", "--world=" + file},
	}.start(dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	address, err := process.WaitForLine(ctx, "listening on ")
	if err != nil {
		return nil, errors.Join(err, process.Signal(syscall.SIGKILL))
	}
	return &Simulator{Process: process, Control: &Control{URL: address}}, nil
}

// writePolicies puts the cluster's name into the policy that the project ships, as its users do.
func writePolicies(repo, dir string) ([]ec2sim.Principal, error) {
	policies := map[string]string{"somebody-policy.json": everything}
	for name, file := range map[string]string{"controller-policy.json": "policy.json", "adopter-policy.json": "adoption-policy.json"} {
		shipped, err := os.ReadFile(filepath.Join(repo, "manifests", "iam", file))
		if err != nil {
			return nil, err
		}
		policies[name] = strings.ReplaceAll(string(shipped), "CLUSTER_NAME", ClusterName)
	}
	for name, policy := range policies {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(policy), 0o644); err != nil {
			return nil, err
		}
	}
	return []ec2sim.Principal{
		{Name: "controller", AccessKey: controllerKey, Policies: []string{"controller-policy.json"}},
		{Name: "adopter", AccessKey: adopterKey, Policies: []string{"controller-policy.json", "adopter-policy.json"}},
		{Name: "somebody", AccessKey: SomebodyKey, Policies: []string{"somebody-policy.json"}},
	}, nil
}
