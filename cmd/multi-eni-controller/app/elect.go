package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/component-base/config"
	"k8s.io/klog/v2"
)

// errLeaseLost ends the process: what a deposed leader has in memory is worth nothing.
var errLeaseLost = errors.New("the lease was lost to another replica, or could not be renewed")

// podNamespaceFile is where a pod finds the name of its namespace.
const podNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// electionNamespace is the namespace of the Lease: the flag's, else the pod's own, else kube-system.
func electionNamespace(flag string) string {
	if flag != "" {
		return flag
	}
	if data, err := os.ReadFile(podNamespaceFile); err == nil {
		if namespace := strings.TrimSpace(string(data)); namespace != "" {
			return namespace
		}
	}
	return "kube-system"
}

// newFence makes the lock that replicas compete for.
func newFence(kube kubernetes.Interface, e config.LeaderElectionConfiguration) (*fence, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("reading the host name, which is part of the leader's identity: %w", err)
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, e.ResourceNamespace, e.ResourceName,
		kube.CoreV1(), kube.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())})
	if err != nil {
		return nil, fmt.Errorf("making the leader election lock: %w", err)
	}
	// The Lease says its duration in whole seconds; others go by what it says.
	return &fence{Interface: lock, duration: e.LeaseDuration.Duration.Truncate(time.Second)}, nil
}

// lead waits for the lease, then runs run under it. When ctx ends, run is let finish before the lease is
// given up, so that the next leader finds no call in progress. It returns errLeaseLost when the lease ends
// first.
func lead(ctx context.Context, f *fence, e config.LeaderElectionConfiguration, watchdog *leaderelection.HealthzAdaptor,
	run func(context.Context) error,
) error {
	// The election outlives ctx while run is finishing.
	election, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()

	finished := make(chan error, 1)
	started := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            f,
		LeaseDuration:   e.LeaseDuration.Duration,
		RenewDeadline:   e.RenewDeadline.Duration,
		RetryPeriod:     e.RetryPeriod.Duration,
		ReleaseOnCancel: true,
		Name:            e.ResourceName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				close(started)
				finished <- runUntilEither(ctx, leading, run)
				f.releasable.Store(true)
				giveUp()
			},
			OnStoppedLeading: func() {},
			OnNewLeader: func(identity string) {
				klog.FromContext(ctx).V(2).Info("Leader elected", "leader", identity, "self", f.Identity())
			},
		},
	})
	if err != nil {
		return fmt.Errorf("setting up leader election: %w", err)
	}
	watchdog.SetLeaderElection(elector)
	stopWaiting := context.AfterFunc(ctx, func() {
		select {
		case <-started:
		default:
			giveUp() // not leading: nothing to finish
		}
	})
	defer stopWaiting()
	elector.Run(election)
	return outcome(ctx, started, finished)
}

// runUntilEither runs run until one of the contexts ends.
func runUntilEither(stop, leading context.Context, run func(context.Context) error) error {
	running, cancel := context.WithCancel(leading)
	defer cancel()
	defer context.AfterFunc(stop, cancel)()
	return run(running)
}

// outcome says how leading ended once the elector has returned.
func outcome(ctx context.Context, started <-chan struct{}, finished <-chan error) error {
	select {
	case <-started:
	default:
		return nil // told to stop while waiting for the lease
	}
	select {
	case err := <-finished:
		if err == nil && ctx.Err() == nil {
			return errLeaseLost
		}
		return err
	default:
		return errLeaseLost // run is cut off with the process; the fence stops its calls
	}
}
