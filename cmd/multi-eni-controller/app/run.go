package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
)

const (
	programName = "multi-eni-controller"
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2

	// watchdogTolerance is for how long a leader may fail to renew before /healthz says so.
	watchdogTolerance = 20 * time.Second
)

// otherCommands ends the usage of the controller; main.go has them.
const otherCommands = `
Commands, in place of the controller (each has its own --help):
  multi-eni-controller audit     tells which interfaces hold a security group, a subnet or a VPC, and whose they are
  multi-eni-controller migrate   moves the NodeENIs of the community controller to this one
`

// Main runs the controller as a process and returns its exit code: 0 after SIGTERM, SIGINT or --version, 1
// when it could not work, 2 when the flags are wrong.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := NewOptions()
	fs := pflag.NewFlagSet(programName, pflag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = fmt.Fprintf(stdout, "Usage of %s:\n%s%s", programName, fs.FlagUsagesWrapped(100), otherCommands)
	}
	o.AddFlags(fs)
	switch err := parse(fs, o, args); {
	case errors.Is(err, pflag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %s (see --help)\n", programName, strings.ReplaceAll(err.Error(), "\n", "; "))
		return exitUsage
	case o.ShowVersion:
		_, _ = fmt.Fprintln(stdout, programName, version.Get())
		return exitOK
	}
	defer logs.FlushLogs()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := klog.Background()
	if err := run(klog.NewContext(ctx, logger), o); err != nil && !toldToStop(ctx, err) {
		logger.Error(err, "Ending")
		return exitFailure
	}
	logger.V(2).Info("Ended")
	return exitOK
}

// toldToStop reports whether an error is only that a call was given up because the process was told to stop,
// before there was anything to finish.
func toldToStop(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

// parse reads the flags and sets logging up.
func parse(fs *pflag.FlagSet, o *Options, args []string) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: beside flags there are the commands audit and migrate, as the first argument", fs.Arg(0))
	}
	if o.ShowVersion {
		return nil
	}
	if err := o.Validate(); err != nil {
		return err
	}
	return logsapi.ValidateAndApply(o.Logging, nil)
}

// run makes the clients of a process and works until ctx ends.
func run(ctx context.Context, o *Options) error {
	klog.FromContext(ctx).Info("Starting", "version", version.Get().GitVersion, "clusterName", o.ClusterName)
	clients, err := newClients(o)
	if err != nil {
		return err
	}
	go trimMemory(ctx)
	r := &Replica{Options: o, Clients: clients, EC2: cloud.New, serve: serveProcess}
	return r.Run(ctx)
}
