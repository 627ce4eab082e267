// Command demo shows the controller at work: it starts a sandbox, plays the two classic set-ups on it and
// then leaves it to the user until an interrupt comes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	once := flag.Bool("once", false, "end after the last step; the exit code tells whether every step really converged")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, *once)
	if err == nil || errors.Is(err, context.Canceled) && !*once {
		return // the user has seen enough
	}
	fmt.Fprintln(os.Stderr, "demo failed:", err)
	os.Exit(1)
}

func run(ctx context.Context, once bool) (err error) {
	stage, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	if err := play(ctx, stage); err != nil {
		return errors.Join(err, stage.explain())
	}
	if once {
		title("Every step converged")
		return nil
	}
	stage.invite()
	<-ctx.Done()
	return nil
}
