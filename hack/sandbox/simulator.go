package sandbox

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// Simulator is a running ec2-simulator.
type Simulator struct {
	*Process
	*Control
}

// StartSimulator starts the program with a world. Its files are in dir.
func StartSimulator(ctx context.Context, binaries Binaries, world ec2sim.World, dir string) (*Simulator, error) {
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
	address, err := process.waitForLine(ctx, "listening on ")
	if err != nil {
		return nil, errors.Join(err, process.Signal(syscall.SIGKILL))
	}
	return &Simulator{Process: process, Control: &Control{URL: address}}, nil
}
