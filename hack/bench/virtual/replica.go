package virtual

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
)

// process is one life of the controller, as it is shipped and with its default flags.
type process struct {
	name   string
	began  time.Time
	client *strictapi.Client
	dead   atomic.Bool
	stop   context.CancelFunc
	// ended is closed when it has ended, with what is in err.
	ended chan struct{}
	err   error
}

// start starts a replica.
func (l *lab) start(name string) *process {
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), l.logger))
	p := &process{name: name, began: time.Now(), client: l.server.NewClient(name), stop: cancel, ended: make(chan struct{})}
	p.client.SetFaults(strictapi.Faults{Latency: strictapi.Range{Min: time.Millisecond, Max: 5 * time.Millisecond}})
	o := app.NewOptions()
	o.ClusterName, o.ClusterID = "prod", clusterID
	o.LeaderElection.ResourceNamespace = "kube-system"
	replica := &app.Replica{
		Options: o, Clients: app.Clients{Kube: p.client.Kube(), NodeENIs: p.client.NodeENIs()},
		EC2: func(_ context.Context, opts cloud.Options) (*cloud.Client, error) {
			return cloud.NewFromConfig(aws.Config{
				Region:      "us-east-1",
				Credentials: credentials.NewStaticCredentialsProvider("AKIDCONTROLLER", "secret", ""),
				HTTPClient:  &http.Client{Transport: &wire{lab: l, process: p}},
			}, opts), nil
		},
	}
	go func() {
		p.err = replica.Run(ctx)
		p.client.Kill()
		close(p.ended)
	}()
	return p
}

// end has the process end as SIGTERM does.
func (p *process) end() error {
	p.stop()
	<-p.ended
	return p.err
}

// crash has it end as SIGKILL does: none of its calls takes effect any more.
func (p *process) crash() {
	p.dead.Store(true)
	p.client.Kill()
	p.stop()
	<-p.ended
}
