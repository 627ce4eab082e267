package simulation

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
)

// accessKey is what the controller signs with.
const accessKey = "AKIDCONTROLLER"

// replica is one pod of the controller: a process, and what a kubelet does for it.
type replica struct {
	name string
	*run

	mu sync.Mutex
	// process is the one that lives; nil while none does.
	process *process
	// wanted says that the kubelet starts another one when it ends.
	wanted bool
	// faults are what is wrong with its connection to the API server, also after a restart.
	faults strictapi.Faults
}

// process is one life of the controller, from its start to its end.
type process struct {
	client *strictapi.Client
	// gate is what its calls to the API server pass.
	gate   gate
	wire   *wire
	cancel context.CancelFunc
	ended  chan struct{}
}

// restartPause is how long a kubelet takes to start a process that has ended by itself.
const restartPause = 10 * time.Second

func (r *replica) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = true
	if r.process == nil {
		r.begin()
	}
}

// begin starts a process with empty memory; the lock is held.
func (r *replica) begin() {
	r.trace.add(r.name, "starts")
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), r.logger(r.name)))
	p := &process{client: r.server.NewClient(r.name), cancel: cancel, ended: make(chan struct{})}
	began := time.Now()
	p.wire = &wire{
		name: r.name, next: r.sim.Transport(), kill: func() { r.die(p) }, tell: r.tally.add, flaw: r.seed.flaw,
		unleased: func() string { return r.watch.unleased(r.name, began) },
		before: func(action string, form url.Values, unleased string) {
			r.watch.before(r.name, action, form, unleased)
		},
		releases: func(action string, form url.Values, handed time.Time) {
			r.watch.releases(r.name, action, form, handed)
		},
		described: r.watch.described, delayed: r.delayed.by,
		after: func(action string, form url.Values, status int, err error) {
			r.watch.after(r.name, action, form, status, err)
		},
		dry: func(action string, form url.Values) { r.watch.dry(r.name, action, form) },
	}
	p.client.OnCall(func(call strictapi.Call) strictapi.Decision {
		r.watch.asked(call)
		p.gate.wait()
		return strictapi.Proceed
	})
	p.client.SetFaults(distant(r.faults))
	r.process = p
	go func() {
		select {
		case <-p.client.Killed(): // at a call
			r.die(p)
		case <-p.ended:
		}
	}()
	go r.live(ctx, p)
}

// live runs a process to its end, and has the kubelet start the next one.
func (r *replica) live(ctx context.Context, p *process) {
	err := r.product(p).Run(ctx)
	// What ends the process ends all that it has left behind.
	r.die(p)
	r.mu.Lock()
	if r.process == p {
		r.process = nil
		r.trace.add(r.name, "ended: %v", err)
	}
	r.mu.Unlock()
	close(p.ended)
	time.Sleep(restartPause)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wanted && r.process == nil {
		r.begin()
	}
}

// product is the controller as it is shipped, with other ways out.
func (r *replica) product(p *process) *app.Replica {
	o := app.NewOptions()
	o.ClusterName, o.ClusterID = clusterName, r.cluster
	o.ConcurrentAttachSyncs, o.ConcurrentCleanupSyncs = 3, 3
	o.ResyncPeriod = r.world.resync
	o.OnNodes.Taint, o.OnNodes.Retaint = r.world.onNodes.Taint, r.world.onNodes.Retaint
	o.OnNodes.Condition, o.OnNodes.Annotation = r.world.onNodes.Condition, r.world.onNodes.Annotation
	o.LeaderElection.ResourceNamespace = "kube-system"
	o.LeaderElection.LeaseDuration.Duration = leaseDuration
	o.LeaderElection.RenewDeadline.Duration = r.world.renewDeadline
	o.LeaderElection.RetryPeriod.Duration = leaseDuration / 4
	return &app.Replica{
		Options: o, Clients: app.Clients{Kube: p.client.Kube(), NodeENIs: p.client.NodeENIs()},
		EC2: func(_ context.Context, opts cloud.Options) (*cloud.Client, error) {
			return cloud.NewFromConfig(aws.Config{
				Region:      "us-east-1",
				Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
				HTTPClient:  &http.Client{Transport: p.wire},
			}, opts), nil
		},
	}
}

// leaseDuration is longer than the default, so that renewals do not make up most of what a seed costs.
const leaseDuration = 2 * time.Minute

// distant has every call to the API server be on its way for a little, drawn by its content: see wire.distance.
func distant(f strictapi.Faults) strictapi.Faults {
	f.Latency.Min = max(f.Latency.Min, time.Microsecond)
	f.Latency.Max = max(f.Latency.Max, time.Millisecond)
	return f
}

// setFaults has the connection to the API server go wrong, or be right again.
func (r *replica) setFaults(f strictapi.Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = f
	if r.process != nil {
		r.process.client.SetFaults(distant(f))
	}
}

// die ends a process at once, as SIGKILL does: none of its calls takes effect any more.
func (r *replica) die(p *process) {
	p.client.Kill()
	p.wire.gate.die()
	p.gate.open()
	p.cancel()
}

// crash kills the process that lives; the kubelet starts another.
func (r *replica) crash() {
	if p := r.living(); p != nil {
		r.trace.add(r.name, "is killed")
		r.die(p)
	}
}

// stop ends the process as SIGTERM does, and waits for its end.
func (r *replica) stop() {
	r.mu.Lock()
	r.wanted = false
	p := r.process
	r.mu.Unlock()
	if p == nil {
		return
	}
	r.trace.add(r.name, "is told to stop")
	p.cancel()
	<-p.ended
}

func (r *replica) living() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

// discard swallows logs.
var discard klog.Logger
