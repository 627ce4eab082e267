package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	testTimeout = 5 * time.Minute
	// patience is how long after the last trouble everything may take to be as it should. A connection that the
	// network has forgotten is noticed after 45 s.
	patience     = 100 * time.Second
	cleanTimeout = 30 * time.Second
	pollEvery    = 100 * time.Millisecond
	// resync is the shortest that the controller takes.
	resync = 5 * time.Second
)

// quickLease has a successor lead two seconds after a leader has died.
var quickLease = []string{"--leader-elect-lease-duration=2s", "--leader-elect-renew-deadline=1500ms", "--leader-elect-retry-period=300ms"}

// lab is what one test has for itself: a control plane, an EC2 and replicas.
type lab struct {
	*testing.T
	ctx      context.Context
	cluster  *sandbox.Cluster
	sim      *sandbox.Simulator
	id       string // of the cluster, in EC2
	dir      string
	foreign  ec2sim.Snapshot // what is not ours, as it was at the start
	replicas []*replica
	// denials are how many calls IAM may deny, by action.
	denials map[string]int
	// rolesUnknown says that the API server was started while the controller ran: it forbids everything until it has
	// read the roles.
	rolesUnknown bool

	mu       sync.Mutex
	tooEarly []string // finalizers that went while there was an interface
}

var notInID = regexp.MustCompile(`[^0-9A-Za-z._-]+`)

// newLab waits for a control plane, starts a simulator with three nodes, and makes their Nodes.
func newLab(t *testing.T) *lab {
	t.Helper()
	cluster := bench.Take()
	t.Cleanup(func() { bench.Give(cluster) })
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	l := &lab{T: t, ctx: ctx, cluster: cluster, dir: t.TempDir(), id: notInID.ReplaceAllString(t.Name(), ".")}
	t.Cleanup(l.clean)
	var err error
	l.sim, err = sandbox.StartSimulator(ctx, bench.Repo, bench.Binaries, world(), l.dir)
	l.must(err)
	for _, machine := range machines() {
		l.must(cluster.AddNode(ctx, machine))
	}
	l.foreign, err = l.sim.World(ctx)
	l.must(err)
	return l
}

// must fails the test at once.
func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// eventually waits until the check finds nothing wrong.
func (l *lab) eventually(what string, check func(context.Context) error) {
	l.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	last := errors.New("never checked")
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(context.Context) (bool, error) {
		last = check(l.ctx)
		return last == nil, nil
	})
	if err != nil {
		l.Fatalf("after %s still not %s: %v", time.Since(started).Round(time.Second), what, last)
	}
	l.Logf("%s after %s", what, time.Since(started).Round(10*time.Millisecond))
}

// saw looks at answers of the API server: when the last finalizer of a NodeENI is off, none of its interfaces may
// exist.
func (l *lab) saw(r *http.Request, status int, body []byte) {
	if r.Method != http.MethodPatch || status != http.StatusOK || !strings.Contains(r.URL.Path, "/nodeenis/") {
		return
	}
	var object v1alpha1.NodeENI
	err := json.Unmarshal(body, &object)
	if err == nil && (object.DeletionTimestamp == nil || slices.Contains(object.Finalizers, v1alpha1.Finalizer)) {
		return
	}
	world, worldErr := l.sim.World(context.Background())
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(err, worldErr); err != nil {
		l.tooEarly = append(l.tooEarly, err.Error())
	}
	for _, iface := range world.Interfaces {
		if iface.Tags[ownership.TagNodeENIUID] == string(object.UID) {
			l.tooEarly = append(l.tooEarly, fmt.Sprintf("%s went while there was %s %+v", object.Name, iface.ID, iface.Attachment))
		}
	}
}

// create makes a NodeENI.
func (l *lab) create(object *v1alpha1.NodeENI) {
	l.Helper()
	_, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Create(l.ctx, object, metav1.CreateOptions{})
	l.must(err)
}

// edit patches the spec of one.
func (l *lab) edit(name string, spec map[string]any) {
	l.Helper()
	patch, err := json.Marshal(map[string]any{"spec": spec})
	l.must(err)
	_, err = l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(l.ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	l.must(err)
}

// delete asks for the end of some.
func (l *lab) delete(names ...string) {
	l.Helper()
	for _, name := range names {
		l.must(l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Delete(l.ctx, name, metav1.DeleteOptions{}))
	}
}

// label sets a Node's labels; nil takes one off.
func (l *lab) label(node string, labels map[string]any) {
	l.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": labels}})
	l.must(err)
	_, err = l.cluster.Kube.CoreV1().Nodes().Patch(l.ctx, node, types.MergePatchType, patch, metav1.PatchOptions{})
	l.must(err)
}

// clean ends what the test started and removes what it made. After a failure it tells the story first.
func (l *lab) clean() {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
	defer cancel()
	if l.sim != nil {
		l.nothingDenied(ctx)
	}
	if l.Failed() {
		l.report(ctx)
	}
	for _, r := range l.replicas {
		if err := r.end(ctx); err != nil {
			l.Error(err)
		}
		for _, process := range r.processes {
			line := process.Complaint()
			if l.rolesUnknown {
				line = process.Bug()
			}
			if line != "" {
				l.Errorf("%s: %s%s", process.Name, line, sandbox.Tail(process.Log()))
			}
		}
	}
	if err := l.cluster.Empty(ctx); err != nil {
		l.Errorf("cleaning up: %v", err)
	}
	if l.sim != nil {
		if err := l.sim.Kill(ctx); err != nil {
			l.Error(err)
		}
	}
}

// nothingDenied demands that the IAM policy of the manifests is enough.
func (l *lab) nothingDenied(ctx context.Context) {
	calls, err := l.sim.Calls(ctx)
	if err != nil {
		l.Error(err)
	}
	for action, codes := range calls {
		if denied := codes["UnauthorizedOperation"] + codes["AuthFailure"]; denied > l.denials[action] {
			l.Errorf("%s was denied %d times, want %d at most", action, denied, l.denials[action])
		}
	}
}

// report prints what helps to understand a failure.
func (l *lab) report(ctx context.Context) {
	if objects, err := l.cluster.Kubectl.Run(ctx, "get", "nodeeni", "-o", "yaml"); err == nil {
		l.Logf("NodeENIs:\n%s", objects)
	}
	if l.sim != nil {
		if world, err := l.sim.World(ctx); err == nil {
			for _, iface := range ours(world, l.id).Interfaces {
				l.Logf("in EC2: %s %s %+v groups %v description %q tags %v", iface.ID, iface.Subnet, iface.Attachment, iface.SecurityGroups, iface.Description, iface.Tags)
			}
		}
		if calls, err := l.sim.Calls(ctx); err == nil {
			l.Logf("calls: %v", calls)
		}
	}
	for _, r := range l.replicas {
		l.Logf("%s: %v", r.name, r.counts())
		for _, process := range r.processes {
			l.Logf("%s:\n%s", process.Name, sandbox.Tail(process.Log()))
		}
	}
}
