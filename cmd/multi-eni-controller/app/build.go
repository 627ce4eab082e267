package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/version"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/controller"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
	nodeeniinformers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/informers/externalversions"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// Clients are the ways to the API server.
type Clients struct {
	Kube     kubernetes.Interface
	NodeENIs versioned.Interface
}

func newClients(o *Options) (Clients, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return Clients{}, fmt.Errorf("finding the API server (give --kubeconfig, or run in a pod): %w", err)
	}
	config.QPS, config.Burst = o.KubeAPIQPS, o.KubeAPIBurst
	rest.AddUserAgent(config, programName+"/"+version.Get().GitVersion)
	nodeENIs, err := versioned.NewForConfig(config)
	if err != nil {
		return Clients{}, fmt.Errorf("making the NodeENI client: %w", err)
	}
	// Nodes are large and many, so they come as protobuf; custom resources speak JSON only.
	config = rest.CopyConfig(config)
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON, runtime.ContentTypeProtobuf
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return Clients{}, fmt.Errorf("making the Kubernetes client: %w", err)
	}
	return Clients{kube, nodeENIs}, nil
}

// parts are the controller and what must run beside it.
type parts struct {
	controller  *controller.Controller
	ec2         finder
	core        informers.SharedInformerFactory
	own         nodeeniinformers.SharedInformerFactory
	broadcaster record.EventBroadcaster
	kube        kubernetes.Interface
	nodes       cache.InformerSynced
	nodeENIs    cache.InformerSynced
	// metrics makes, once, what serves the process's metrics and this replica's.
	metrics func() http.Handler
}

// build wires the controller to the API server and to EC2. It starts nothing.
func (r *Replica) build(ctx context.Context, cluster plan.Cluster, lock *fence) (*parts, error) {
	o, k := r.Options, r.Clients
	options := cloud.Options{
		ClusterIDs: append([]string{cluster.ID}, cluster.AlsoOwned...),
		Quotas:     o.EC2Quotas,
		Version:    version.Get().GitVersion,
	}
	if o.LeaderElection.LeaderElect {
		options.Fence = lock.leased
	}
	ec2, err := r.EC2(ctx, options)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), coordinationv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("making the scheme that events refer by: %w", err)
	}
	p := &parts{
		core:        informers.NewSharedInformerFactoryWithOptions(k.Kube, 0, informers.WithTransform(trimNode)),
		own:         nodeeniinformers.NewSharedInformerFactoryWithOptions(k.NodeENIs, 0, nodeeniinformers.WithTransform(trimNodeENI)),
		broadcaster: record.NewBroadcaster(record.WithContext(context.WithoutCancel(ctx))),
		kube:        k.Kube,
		ec2:         ec2,
	}
	p.controller, err = controller.New(controller.Config{
		Kube:           k.Kube,
		Client:         k.NodeENIs,
		Nodes:          p.core.Core().V1().Nodes(),
		NodeENIs:       p.own.Networking().V1alpha1().NodeENIs(),
		Cloud:          ec2,
		Recorder:       p.broadcaster.NewRecorder(scheme, corev1.EventSource{Component: programName}),
		Cluster:        cluster,
		Term:           lock.term, // 0 for good when no lease is asked for
		Prober:         ec2,
		Lease:          types.NamespacedName{Namespace: o.LeaderElection.ResourceNamespace, Name: o.LeaderElection.ResourceName},
		AttachWorkers:  o.ConcurrentAttachSyncs,
		CleanupWorkers: o.ConcurrentCleanupSyncs,
		Resync:         o.ResyncPeriod,
		Horizon:        o.VisibilityHorizon,
		CreateDeadline: o.CreateDeadline,

		MassReleaseThreshold: float64(o.MassReleaseThreshold),
		CleanupDryRun:        o.CleanupDryRun,
		AllowAdoption:        o.AllowAdoption,
		OnNodes:              o.OnNodes,
	})
	if err != nil {
		return nil, err
	}
	p.metrics = sync.OnceValue(func() http.Handler {
		return metricsHandler(append(p.controller.Collectors(), ec2.Collector())...)
	})
	p.nodes = p.core.Core().V1().Nodes().Informer().HasSynced
	p.nodeENIs = p.own.Networking().V1alpha1().NodeENIs().Informer().HasSynced
	return p, nil
}

// start starts the informers - on standby replicas too, so that a new leader finds them filled - and the
// writing of events. It returns what ends them; they outlive ctx while the controller finishes.
func (p *parts) start(ctx context.Context) (stop func()) {
	p.broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: p.kube.CoreV1().Events("")})
	informing, stopInforming := context.WithCancel(context.WithoutCancel(ctx))
	p.core.StartWithContext(informing)
	p.own.StartWithContext(informing)
	return func() {
		stopInforming()
		p.core.Shutdown()
		p.own.Shutdown()
		p.broadcaster.Shutdown()
	}
}

// ready are the checks of /readyz.
func (p *parts) ready() []check {
	synced := func(of cache.InformerSynced) func(*http.Request) error {
		return func(*http.Request) error {
			if !of() {
				return errors.New("the first list has not arrived")
			}
			return nil
		}
	}
	reads := func(*http.Request) error { return p.controller.ReadsDenied() }
	return []check{{"nodes", synced(p.nodes)}, {"nodeenis", synced(p.nodeENIs)}, {"ec2-permissions", reads}}
}
