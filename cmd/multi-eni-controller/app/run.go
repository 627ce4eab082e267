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
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
)

const (
	programName = "multi-eni-controller"
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2

	// watchdogTolerance is for how long a leader may fail to renew before /healthz says so.
	watchdogTolerance = 20 * time.Second
)

// Main runs the controller as a process and returns its exit code: 0 after SIGTERM, SIGINT or --version, 1
// when it could not work, 2 when the flags are wrong.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := NewOptions()
	fs := pflag.NewFlagSet(programName, pflag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = fmt.Fprintf(stdout, "Usage of %s:\n%s", programName, fs.FlagUsagesWrapped(100)) }
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
		return fmt.Errorf("unexpected argument %q: only flags are understood", fs.Arg(0))
	}
	if o.ShowVersion {
		return nil
	}
	if err := o.Validate(); err != nil {
		return err
	}
	return logsapi.ValidateAndApply(o.Logging, nil)
}

// run wires everything together and works until ctx ends.
func run(ctx context.Context, o *Options) error {
	logger := klog.FromContext(ctx)
	logger.Info("Starting", "version", version.Get().GitVersion, "clusterName", o.ClusterName)
	clients, err := newClients(o)
	if err != nil {
		return err
	}
	cluster, err := clusterIdentity(ctx, clients.kube, o)
	if err != nil {
		return err
	}
	o.LeaderElection.ResourceNamespace = electionNamespace(o.LeaderElection.ResourceNamespace)
	if err := fixIdentity(ctx, clients.kube, o.LeaderElection.ResourceNamespace, o.LeaderElection.ResourceName, cluster); err != nil {
		return err
	}
	logger.V(2).Info("Cluster identity", "clusterID", cluster.ID, "alsoOwned", cluster.AlsoOwned)

	lock, err := newFence(clients.kube, o.LeaderElection)
	if err != nil {
		return err
	}
	parts, err := build(ctx, o, clients, cluster, lock)
	if err != nil {
		return err
	}
	defer parts.start(ctx)()
	watchdog := leaderelection.NewLeaderHealthzAdaptor(watchdogTolerance)
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	wait, err := serve(serving, o.HTTPBindAddress, []check{{watchdog.Name(), watchdog.Check}}, parts.ready())
	if err != nil {
		stopServing()
		return err
	}
	defer func() {
		stopServing()
		if err := wait(); err != nil {
			logger.Error(err, "Health and metrics endpoint failed")
		}
	}()
	if !o.LeaderElection.LeaderElect {
		return parts.controller.Run(ctx)
	}
	return lead(ctx, lock, o.LeaderElection, watchdog, parts.controller.Run)
}
