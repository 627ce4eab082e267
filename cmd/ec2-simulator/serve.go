package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// errUsage marks what is wrong with the flags or with the world file.
var errUsage = errors.New("cannot start")

// closing is how long calls in progress may take to end after a signal.
const closing = 2 * time.Second

type options struct {
	listen, world string
	seed          int64
	// clock is nil for real time.
	clock ec2sim.Clock
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("ec2-simulator", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:4566", "address to serve on; port 0 takes a free one and prints it")
	flags.StringVar(&o.world, "world", "", "world file (YAML); required")
	flags.Func("virtual-time", "stand still at this time (like 2026-01-02T15:04:05Z): time moves only by POST /_sim/clock, and the same calls get the same answers", func(s string) error {
		at, err := time.Parse(time.RFC3339, s)
		o.clock = ec2sim.StillClock{At: at}
		return err
	})
	flags.Int64Var(&o.seed, "seed", 0, "seed of all randomness; 0 takes the world file's")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	}
	if o.world == "" {
		return o, fmt.Errorf("%w: --world is missing; name a world file", errUsage)
	}
	return o, nil
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return usage(err)
	}
	world, err := ec2sim.LoadWorld(o.world)
	if err != nil {
		return usage(err)
	}
	sim, err := ec2sim.New(world, ec2sim.Options{Seed: o.seed, Clock: o.clock})
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errUsage, o.world, err)
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
	return serve(ctx, sim, listener)
}

// serve ends calls that hang by ending the context that they all hang on.
func serve(ctx context.Context, handler http.Handler, listener net.Listener) error {
	calls, hangUp := context.WithCancel(context.Background())
	server := &http.Server{Handler: handler, BaseContext: func(net.Listener) context.Context { return calls }, ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		hangUp()
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	defer hangUp()
	if err := server.Shutdown(grace); err != nil {
		hangUp()
		return server.Close()
	}
	return nil
}

// usage marks an error once.
func usage(err error) error {
	if errors.Is(err, errUsage) {
		return err
	}
	return fmt.Errorf("%w: %w", errUsage, err)
}
