package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
	informers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/informers/externalversions/networking/v1alpha1"
	listers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/listers/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// drainTime is for how long calls in progress may go on after the controller was told to stop. It is
// shorter than the pod's termination grace.
const drainTime = 20 * time.Second

// Config is what a Controller is made of. Every field is required but Prober, Term, MassReleaseThreshold,
// CleanupDryRun, AllowAdoption and OnNodes.
type Config struct {
	Kube     kubernetes.Interface
	Client   versioned.Interface
	Nodes    coreinformers.TypedNodeInformer
	NodeENIs informers.TypedNodeENIInformer
	Cloud    Cloud
	Recorder record.EventRecorder
	Cluster  plan.Cluster
	// Prober is asked which calls are allowed; nil asks nobody.
	Prober Prober
	// Lease is ours, on which a person may approve a halted cleanup; MassReleaseThreshold the share of all
	// attached interfaces that may go unasked because their NodeENI, their Node or its labels vanished; 0 for any.
	Lease                types.NamespacedName
	MassReleaseThreshold float64
	// Term is asked once for the number of our lease, when Run begins; nil where there is none. Each leader's is another
	// than those of its predecessors, and one more than the last one's.
	Term func() int64
	// CleanupDryRun has what would be detached or deleted only told.
	CleanupDryRun bool
	// AllowAdoption has interfaces taken over that a NodeENI's annotation names.
	AllowAdoption bool
	// OnNodes is what Nodes are to show of their interfaces.
	OnNodes plan.NodeOptions
	// AttachWorkers and CleanupWorkers are how many instances are worked on at a time.
	AttachWorkers  int
	CleanupWorkers int
	// Resync is how often everything is read from EC2; Horizon is how long EC2's reads may lag behind our
	// writes; CreateDeadline is how long a create without an answer may still take effect.
	Resync         time.Duration
	Horizon        time.Duration
	CreateDeadline time.Duration
}

// Controller gives Nodes the interfaces that NodeENIs ask for.
type Controller struct {
	client    versioned.Interface
	cloud     Cloud
	recorder  record.EventRecorder
	cluster   plan.Cluster
	inventory *inventory.Inventory
	live      *liveReads

	nodes        corelisters.NodeLister
	nodeIndex    cache.TypedIndexer[*corev1.Node]
	nodeENIs     listers.NodeENILister
	nodeENIIndex cache.TypedIndexer[*v1alpha1.NodeENI]

	nodeInformer    coreinformers.TypedNodeInformer
	nodeENIInformer informers.TypedNodeENIInformer

	attachWorkers  int
	cleanupWorkers int
	attachQueue    workqueue.TypedRateLimitingInterface[string]
	cleanupQueue   workqueue.TypedRateLimitingInterface[string]
	statusQueue    workqueue.TypedRateLimitingInterface[string]
	nodeQueue      workqueue.TypedRateLimitingInterface[string]

	selections selections

	locks      keyedLock
	gone       goneNodes
	ownerless  ownerless
	confirmed  confirmed
	setbacks   setbacks
	tokens     tokenSteps
	term       func() int64
	told       told
	written    writtenStatuses
	statusRoom statusRoom
	exodus     exodus
	record     exodusRecord

	deselected deselected
	adoptions  adoptions
	contests   contests

	allowAdoption bool

	dryRun     bool
	withheld   withheld
	stuck      stuckAttaches
	complaints complaints
	preflight  *preflight
	refusals   readRefusals
	flights    flights
	leading    atomic.Bool

	nodeEdits nodeEdits

	// waits and tallies are there for metrics.
	waits   waits
	tallies tallies

	newcomers  newcomers
	ahead      ahead
	visibility visibility
	edits      edits

	stop <-chan struct{}
}

// New wires a controller. It starts nothing: that is for Run.
func New(config Config) (*Controller, error) {
	if err := config.Nodes.TypedInformer().AddTypedIndexers(cache.TypedIndexers[*corev1.Node]{instanceIndex: indexByInstance, unplacedIndex: indexUnplaced}); err != nil {
		return nil, fmt.Errorf("indexing Nodes by instance: %w", err)
	}
	if err := config.NodeENIs.TypedInformer().AddTypedIndexers(cache.TypedIndexers[*v1alpha1.NodeENI]{uidIndex: indexByUID}); err != nil {
		return nil, fmt.Errorf("indexing NodeENIs by UID: %w", err)
	}
	c := &Controller{
		client:          config.Client,
		cloud:           config.Cloud,
		recorder:        config.Recorder,
		cluster:         config.Cluster,
		live:            newLiveReads(config.Kube, config.Client, config.Lease.Namespace),
		exodus:          exodus{threshold: config.MassReleaseThreshold, lease: config.Lease},
		record:          exodusRecord{leases: config.Kube.CoordinationV1().Leases(config.Lease.Namespace), turn: newTurn()},
		nodes:           config.Nodes.Lister(),
		nodeIndex:       config.Nodes.TypedInformer().GetTypedIndexer(),
		nodeENIs:        config.NodeENIs.Lister(),
		nodeENIIndex:    config.NodeENIs.TypedInformer().GetTypedIndexer(),
		nodeInformer:    config.Nodes,
		nodeENIInformer: config.NodeENIs,
		contests:        contests{quiet: max(2*config.Resync+config.Horizon, leastQuiet)},
		attachWorkers:   config.AttachWorkers,
		cleanupWorkers:  config.CleanupWorkers,
		dryRun:          config.CleanupDryRun,
		allowAdoption:   config.AllowAdoption,
		nodeEdits:       nodeEdits{kube: config.Kube, options: config.OnNodes},
		term:            config.Term,
		preflight:       newPreflight(config.Prober),
		visibility:      visibility{most: config.Horizon},
	}
	c.inventory = inventory.New(config.Cloud, inventory.Options{
		ClusterIDs: append([]string{config.Cluster.ID}, config.Cluster.AlsoOwned...),
		Horizon:    config.Horizon,
		Resync:     config.Resync,

		CreateDeadline: config.CreateDeadline,
		Instances:      c.matchedInstances,
		Subnets:        c.wantedSubnets,
		UIDOf:          c.uidOf,
		Changed:        c.inventoryChanged,
		Read:           c.wasRead,
		Seen:           c.seen,
	})
	registerMetrics()
	return c, nil
}

// Run works until ctx ends. The informers must be started by the caller. When Run returns, every goroutine
// that it started has ended and no call is in progress; its error says why it could not work.
func (c *Controller) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	c.openQueues(ctx)
	defer c.closeQueues()

	handlers, remove, err := c.addHandlers()
	if err != nil {
		return err
	}
	defer remove()

	c.beginTerm()
	// Calls in progress outlive ctx by drainTime, so that what EC2 did is known when the lease is given up.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()

	reading, stopReading := context.WithCancel(work)
	defer stopReading()
	group.Go(func() {
		// Whose an interface is that has lost its tags, the NodeENIs tell.
		if cache.WaitForCacheSync(reading.Done(), c.nodeENIInformer.Informer().HasSynced) {
			c.inventory.Run(reading)
		}
	})
	group.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), c.nodeENIInformer.Informer().HasSynced) { // it asks about what is read then
			c.runPreflight(ctx)
		}
	})

	defer c.leading.Store(false)
	var workers sync.WaitGroup
	defer c.finish(ctx, &workers, cancel)
	// Before there is anything else to say, those of the statuses say that EC2 may not be read.
	start(&workers, work, statusWorkers, &worker[string]{queue: c.statusQueue, sync: c.syncStatus, named: namedNodeENI})

	synced := []cache.InformerSynced{
		c.nodeInformer.Informer().HasSynced, c.nodeENIInformer.Informer().HasSynced, c.inventory.HasSynced,
	}
	if !cache.WaitForCacheSync(ctx.Done(), append(synced, handlers...)...) {
		return nil // told to stop before there was anything to do
	}
	logger.V(2).Info("Caches are complete, starting workers", "attachWorkers", c.attachWorkers, "cleanupWorkers", c.cleanupWorkers)
	if err := c.loadExodus(ctx); err != nil {
		return nil // told to stop, too
	}
	c.resumeEdits()
	if err := c.primeExodus(work); err != nil {
		return err
	}
	group.Go(func() { c.keepRecord(ctx) })
	c.leading.Store(true)
	c.enqueueStatuses() // which have been looked at in vain
	start(&workers, work, c.attachWorkers, &worker[string]{queue: c.attachQueue, sync: c.syncAttach, named: namedInstance})
	start(&workers, work, c.cleanupWorkers, &worker[string]{queue: c.cleanupQueue, sync: c.syncCleanup, named: namedInstance})
	start(&workers, work, nodeWorkers, &worker[string]{queue: c.nodeQueue, sync: c.syncNode, named: namedNode})
	<-ctx.Done()
	logger.V(2).Info("Stopping, finishing the calls in progress")
	return nil
}

// beginTerm has creates bear the client tokens of our lease.
func (c *Controller) beginTerm() {
	var term int64
	if c.term != nil {
		term = c.term()
	}
	c.tokens.begin(term, c.inventory.ShowsPredecessors)
}

// finish has the workers finish what they are at. Who is late has his calls cut off: when it returns, none is in
// progress.
func (c *Controller) finish(ctx context.Context, workers *sync.WaitGroup, cutOff func()) {
	c.closeQueues()
	drained := make(chan struct{})
	go func() { workers.Wait(); close(drained) }()
	late := time.NewTimer(drainTime)
	defer late.Stop()
	select {
	case <-drained:
	case <-late.C:
		klog.FromContext(ctx).Error(errors.New("workers are late"), "Cutting off the calls that are still in progress after the drain time", "drainTime", drainTime)
		cutOff()
		<-drained
	}
}

func start[K comparable](group *sync.WaitGroup, ctx context.Context, count int, w *worker[K]) {
	for range count {
		group.Go(func() { w.run(ctx) })
	}
}

// openQueues makes the queues. Not in New, because a queue has goroutines of its own.
func (c *Controller) openQueues(ctx context.Context) {
	c.stop = ctx.Done()
	c.attachQueue = newQueue("attach", &fairQueue[string]{isNewcomer: c.newcomers.has})
	c.cleanupQueue = newQueue("cleanup", &fairQueue[string]{others: deque[string]{newest: cleanupNewest}})
	c.statusQueue = newQueue("status", &fairQueue[string]{})
	c.nodeQueue = newQueue("node", &fairQueue[string]{})
}

func (c *Controller) closeQueues() {
	c.attachQueue.ShutDown()
	c.cleanupQueue.ShutDown()
	c.statusQueue.ShutDown()
	c.nodeQueue.ShutDown()
}

// stopping reports whether the controller was told to stop: nothing new is begun then.
func (c *Controller) stopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}
