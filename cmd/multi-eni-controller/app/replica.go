package app

import (
	"context"
	"net/http"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
)

// Replica is one replica of the controller, without the process around it: it binds no port, heeds no signal and
// ends no process. Several may run in one process; a simulation has them.
type Replica struct {
	Options *Options
	Clients Clients
	// EC2 makes the adapter; cloud.New in a process.
	EC2 func(context.Context, cloud.Options) (*cloud.Client, error)
	// Metrics, if it is not nil, is given what serves this replica's metrics, before anything works.
	Metrics func(http.Handler)
	// serve offers health and metrics until the returned function is called; nil offers none.
	serve func(context.Context, *Options, *leaderelection.HealthzAdaptor, *parts) (stop func(), err error)
}

// Run wires everything together and works until ctx ends. After an error the process is to end: what it had in
// memory is worth nothing, and a lost lease may leave workers behind whose calls the fence stops.
func (r *Replica) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	kube, election := r.Clients.Kube, r.Options.LeaderElection
	cluster, err := clusterIdentity(ctx, kube, r.Options)
	if err != nil {
		return err
	}
	r.Options.LeaderElection.ResourceNamespace = electionNamespace(election.ResourceNamespace)
	election = r.Options.LeaderElection
	if err := fixIdentity(ctx, kube, election.ResourceNamespace, election.ResourceName, cluster); err != nil {
		return err
	}
	logger.V(2).Info("Cluster identity", "clusterID", cluster.ID, "alsoOwned", cluster.AlsoOwned)

	lock, err := newFence(kube, election)
	if err != nil {
		return err
	}
	parts, err := r.build(ctx, cluster, lock)
	if err != nil {
		return err
	}
	if err := dropFormers(ctx, kube, parts.ec2, election.ResourceNamespace, election.ResourceName, cluster); err != nil {
		parts.broadcaster.Shutdown() // which nobody else ends that never started
		return err
	}
	if r.Metrics != nil {
		r.Metrics(parts.metrics())
	}
	defer parts.start(ctx)()
	watchdog := leaderelection.NewLeaderHealthzAdaptor(watchdogTolerance)
	if r.serve != nil {
		stop, err := r.serve(ctx, r.Options, watchdog, parts)
		if err != nil {
			return err
		}
		defer stop()
	}
	if !election.LeaderElect {
		return parts.controller.Run(ctx)
	}
	run := underIdentity(kube, election.ResourceNamespace, election.ResourceName, cluster, parts.controller.Run)
	return lead(ctx, lock, election, watchdog, run)
}
