// Command demo shows the controller at work: it starts a sandbox, plays the two classic set-ups on it and
// then leaves it to the user until an interrupt comes. However it ends, it ends what it has started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// started is when the user began to wait.
var started = time.Now()

// endings are the signals at which the demo ends: an interrupt, a kill, a terminal that is closed, a reader of
// its output that is gone.
var endings = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}

func main() {
	once := flag.Bool("once", false, "end after the last step; the exit code tells whether every step really converged")
	empty := flag.Bool("empty", false, "play nothing: leave the sandbox to the user at once")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "demo: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	if *once && *empty {
		fmt.Fprintln(os.Stderr, "demo: --once and --empty leave nothing to do")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), endings...)
	defer stop()
	if err := run(ctx, *once, *empty); err != nil {
		fmt.Fprintln(os.Stderr, "demo failed:", err)
		os.Exit(1)
	}
}

// run shows the demo, and ends all that it has started, however far it came.
func run(ctx context.Context, once, empty bool) (err error) {
	s := &stage{}
	defer func() { err = errors.Join(err, s.close()) }()
	err = show(ctx, s, once, empty)
	if ctx.Err() != nil && !once {
		return nil // the user has seen enough; what failed was cut off
	}
	return err
}

func show(ctx context.Context, s *stage, once, empty bool) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	say("up in %s", time.Since(started).Round(100*time.Millisecond))
	if !empty {
		if err := play(ctx, s); err != nil {
			return errors.Join(err, lastWords(s.controller.Process))
		}
	}
	if once {
		title("Every step converged")
		return nil
	}
	s.invite()
	return s.attend(ctx)
}
