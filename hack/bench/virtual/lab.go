package virtual

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// user is who does everything that the controller does not.
const user = "user"

// lab is a world in which something is measured.
type lab struct {
	World
	sim    *ec2sim.Simulator
	server *strictapi.Server
	user   *strictapi.Client
	meter  *meter
	logger klog.Logger
	rows   []report.Row
	// selected are the numbers of the Nodes that bear the label, next is the number of the next Node.
	selected map[int]bool
	next     int
	// processes are all that were started.
	processes []*process
	leader    *process
}

// newLab makes a world of Nodes that all bear the label, and no NodeENI, with one replica that has begun to lead.
func newLab(w World, logger klog.Logger) (*lab, error) {
	l := &lab{World: w, server: strictapi.New(1), meter: newMeter(), logger: logger, selected: map[int]bool{}}
	l.user = l.server.NewClient(user)
	l.server.OnWrite(l.meter.wrote)
	account := w.ec2()
	for i := range w.Nodes {
		account.Instances = append(account.Instances, newInstance(i))
	}
	var err error
	if l.sim, err = ec2sim.New(account, ec2sim.Options{KeepCalls: 10}); err != nil {
		return nil, err
	}
	for l.next < w.Nodes {
		if err := l.addNode(true); err != nil {
			return nil, err
		}
	}
	l.leader = l.newProcess()
	return l, l.pass(time.Minute)
}

func (l *lab) newProcess() *process {
	p := l.start(fmt.Sprintf("replica-%d", len(l.processes)+1))
	l.processes = append(l.processes, p)
	return p
}

// crashAll leaves nothing behind when a phase has failed.
func (l *lab) crashAll() {
	for _, p := range l.processes {
		p.crash()
	}
	time.Sleep(5 * time.Minute)
}

// addNode makes the next Node, whose instance exists.
func (l *lab) addNode(selected bool) error {
	_, err := l.user.Kube().CoreV1().Nodes().Create(context.Background(), newNode(l.next, selected), metav1.CreateOptions{})
	if selected {
		l.selected[l.next] = true
	}
	l.next++
	return err
}

// launch makes the next Node together with its instance.
func (l *lab) launch(selected bool) error {
	if _, err := l.sim.Launch(newInstance(l.next)); err != nil {
		return err
	}
	return l.addNode(selected)
}

// terminate ends an instance and takes its Node away.
func (l *lab) terminate(i int) error {
	answer := httptest.NewRecorder()
	l.sim.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/_sim/instances/"+instanceID(i)+"/terminate", nil))
	if answer.Code != http.StatusOK {
		return fmt.Errorf("terminating %s: %s", instanceID(i), strings.TrimSpace(answer.Body.String()))
	}
	delete(l.selected, i)
	return l.user.Kube().CoreV1().Nodes().Delete(context.Background(), nodeName(i), metav1.DeleteOptions{})
}

// label gives Nodes the label or takes it from them, all at once.
func (l *lab) label(selected bool, nodes ...int) error {
	value := "null"
	if selected {
		value = `"` + groupValue + `"`
	}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%s}}}`, groupLabel, value)
	for _, i := range nodes {
		if _, err := l.user.Kube().CoreV1().Nodes().Patch(context.Background(), nodeName(i), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
		if l.selected[i] = selected; !selected {
			delete(l.selected, i)
		}
	}
	return nil
}

func (l *lab) createNodeENIs() error {
	for k := range l.Each {
		if _, err := l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Create(context.Background(), newNodeENI(k), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) deleteNodeENIs() error {
	for k := range l.Each {
		if err := l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Delete(context.Background(), newNodeENI(k).Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// look is how often it is looked whether something has come about.
const look = 100 * time.Millisecond

// pass lets time pass. What the API server remembers for those who read from the past, which nobody here does, is
// forgotten on the way.
func (l *lab) pass(d time.Duration) error {
	return l.until(d, "", func() bool { return false })
}

// until waits for something. Where it has a name, it is an error that it does not come about in time.
func (l *lab) until(limit time.Duration, what string, is func() bool) error {
	began := time.Now()
	for i := 1; !is(); i++ {
		if time.Since(began) >= limit {
			if what == "" {
				return nil
			}
			return fmt.Errorf("%s: not %s within %v", l.World, what, limit)
		}
		time.Sleep(look)
		if i%300 == 0 {
			l.server.TakeWrites()
			l.server.Compact()
		}
		select {
		case <-l.leader.ended:
			return fmt.Errorf("%s: the controller has ended: %v", l.World, l.leader.err)
		default:
		}
	}
	return nil
}

// standing is how our interfaces stand.
type standing struct {
	// ours is how many there are, attached how many of them are attached where they belong.
	ours, attached int
	// latest is when the latest attach began, by instance.
	latest map[string]time.Time
}

func (l *lab) standing() standing {
	s := standing{latest: map[string]time.Time{}}
	wanted := map[string]bool{}
	for i := range l.selected {
		wanted[instanceID(i)] = true
	}
	for _, e := range l.sim.Snapshot().Interfaces {
		if e.Tags[eni.TagClusterID] != clusterID {
			continue
		}
		s.ours++
		if a := e.Attachment; a != nil && a.Status == "attached" && a.DeleteOnTermination && wanted[a.Instance] {
			s.attached++
			if a.AttachTime.After(s.latest[a.Instance]) {
				s.latest[a.Instance] = a.AttachTime
			}
		}
	}
	return s
}

// complete reports whether every wanted interface is attached, and none is left that is not wanted.
func (l *lab) complete() bool {
	s := l.standing()
	return s.ours == len(l.selected)*l.Each && s.attached == s.ours
}

// attachedSince is how long after the given time the last of the selected Nodes' interfaces was attached.
func (l *lab) attachedSince(began time.Time) time.Duration {
	var last time.Time
	for _, at := range l.standing().latest {
		if at.After(last) {
			last = at
		}
	}
	return last.Add(attachTakes).Sub(began)
}

// nodeENIs are those that there are.
func (l *lab) nodeENIs() int {
	list, err := l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return -1
	}
	return len(list.Items)
}

// nodesOf are the numbers of the first n selected Nodes, the oldest first.
func (l *lab) nodesOf(n int) []int {
	var nodes []int
	for i := 0; i < l.next && len(nodes) < n; i++ {
		if l.selected[i] {
			nodes = append(nodes, i)
		}
	}
	return nodes
}
