package chaos

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// backOff is how long a replica that ended by itself stays down.
const backOff = time.Second

// replica is a controller that is started again whenever it ends, as a kubelet does.
type replica struct {
	*ledger
	name      string
	kube, ec2 *proxy

	start   func(n int) (*sandbox.Controller, error)
	retired context.Context
	retire  context.CancelFunc
	done    chan struct{} // closed when it is not started any more

	mu        sync.Mutex
	err       error
	processes []*sandbox.Controller // the last one runs
	killed    bool                  // the last one, by us
}

// newReplica makes the proxies of one, and starts it.
func (l *lab) newReplica(args ...string) *replica {
	l.Helper()
	r := &replica{ledger: &ledger{}, name: fmt.Sprintf("controller-%c", 'a'+len(l.replicas)), done: make(chan struct{})}
	r.retired, r.retire = context.WithCancel(context.Background())
	l.replicas = append(l.replicas, r)
	l.must(r.connect(l))
	kubeconfig := filepath.Join(l.dir, r.name+".kubeconfig")
	l.must(l.cluster.WriteControllerKubeconfig(l.ctx, kubeconfig, r.kube.server.URL, r.kube.authority()))
	r.start = func(n int) (*sandbox.Controller, error) {
		return sandbox.StartController(bench.Binaries, sandbox.ControllerOptions{
			Name:       fmt.Sprintf("%s-%d", r.name, n),
			Kubeconfig: kubeconfig,
			EC2:        r.ec2.server.URL,
			ClusterID:  l.id,
			Args:       append([]string{"--ec2-resync-period=" + resync.String()}, args...),
		}, l.dir)
	}
	process, err := r.start(1)
	l.must(err)
	r.processes = []*sandbox.Controller{process}
	go r.supervise(process)
	return r
}

func (r *replica) connect(l *lab) error {
	address, err := url.Parse(l.cluster.Config.Host)
	if err != nil {
		return err
	}
	// The proxy trusts the API server as the controller would; whose token it is, is the controller's affair.
	transport, err := rest.TransportFor(&rest.Config{Host: l.cluster.Config.Host, TLSClientConfig: rest.TLSClientConfig{CAData: l.cluster.Config.CAData}})
	if err != nil {
		return err
	}
	if r.kube, err = newProxy(address, transport, r.ledger, verbOf); err != nil {
		return err
	}
	r.kube.saw = l.saw
	if address, err = url.Parse(l.sim.URL); err != nil {
		return err
	}
	r.ec2, err = newProxy(address, http.DefaultTransport.(*http.Transport).Clone(), r.ledger, actionOf)
	return err
}

// supervise starts the controller again and again.
func (r *replica) supervise(process *sandbox.Controller) {
	defer close(r.done)
	for {
		<-process.Ended()
		if r.retired.Err() != nil {
			return
		}
		r.mu.Lock()
		killed := r.killed
		r.mu.Unlock()
		if !killed {
			wait, cancel := context.WithTimeout(r.retired, backOff)
			<-wait.Done()
			cancel()
		}
		next, err := r.start(len(r.processes) + 1)
		r.mu.Lock()
		if err != nil {
			r.err = err
			r.mu.Unlock()
			return
		}
		r.processes, r.killed = append(r.processes, next), false
		r.mu.Unlock()
		if r.retired.Err() != nil {
			_ = next.Signal(syscall.SIGKILL) // end has looked at its predecessor
		}
		process = next
	}
}

// process is the one that runs, or ran last.
func (r *replica) process() *sandbox.Controller {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes[len(r.processes)-1]
}

// starts is how often it was started.
func (r *replica) starts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.processes)
}

// kill ends the process as a crash does, and returns when it is dead. The next is started at once.
func (r *replica) kill() {
	r.mu.Lock()
	process := r.processes[len(r.processes)-1]
	r.killed = true
	r.mu.Unlock()
	if err := process.Kill(context.Background()); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.err = err
	}
}

// signal sends one to the process.
func (r *replica) signal(signal syscall.Signal) error {
	return r.process().Signal(signal)
}

// end ends the replica for good.
func (r *replica) end(ctx context.Context) error {
	r.retire()
	if len(r.processes) > 0 {
		if err := r.process().Kill(ctx); err != nil {
			return err
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return fmt.Errorf("%s does not end: %w", r.name, ctx.Err())
		}
	}
	for _, p := range []*proxy{r.kube, r.ec2} {
		if p != nil {
			p.close()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}
