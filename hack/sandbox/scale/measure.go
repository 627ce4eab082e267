package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

const (
	// pollEvery is how often is looked whether a phase is over.
	pollEvery = 250 * time.Millisecond
	// patience is how long one interface may take, on a machine that is busy with other things; and grace what comes
	// on top.
	patience = 20 * time.Millisecond
	grace    = 3 * time.Minute
)

// result is what was measured of one size.
type result struct {
	nodes, interfaces int
	// starting and bringUp are the CPU times by process; the controller's starting is that of its whole life until then.
	starting, bringUp map[string]time.Duration
	// attachedWall is when EC2 had attached everything, wall when every NodeENI said so.
	attachedWall, wall, startWall time.Duration
	started, peak                 int64
	written                       written
	describes                     int
	bare                          bareCost
}

// measurement is one size being measured.
type measurement struct {
	*stage
	result
	simulator  *sandbox.Simulator
	controller *sandbox.Controller
	processes  processes
}

// measure measures one size.
func (s *stage) measure(ctx context.Context, nodes int) (r result, err error) {
	m := &measurement{stage: s, result: result{nodes: nodes, interfaces: nodes * s.interfaces}}
	defer func() { err = errors.Join(err, m.end()) }()
	for _, step := range []func(context.Context) error{m.prepare, m.start, m.bringInterfacesUp, m.check, m.runBareLoop} {
		if err := step(ctx); err != nil {
			return m.result, err
		}
	}
	return m.result, nil
}

// prepare makes the world.
func (m *measurement) prepare(ctx context.Context) error {
	progress("%d nodes: creating them", m.nodes)
	dir := filepath.Join(m.dir, fmt.Sprint(m.nodes))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := addNodes(ctx, m.cluster.Config, m.nodes); err != nil {
		return err
	}
	var err error
	if m.simulator, err = sandbox.StartSimulator(ctx, m.repo, m.binaries, world(m.nodes), dir); err != nil {
		return err
	}
	apiserver, errAPIServer := childNamed("kube-apiserver")
	etcd, errEtcd := childNamed("etcd")
	m.processes = processes{"kube-apiserver": apiserver, "etcd": etcd, "ec2-simulator": m.simulator.PID()}
	return errors.Join(errAPIServer, errEtcd)
}

// start starts the controller, and waits until it is at rest.
func (m *measurement) start(ctx context.Context) error {
	progress("%d nodes: starting the controller", m.nodes)
	kubeconfig, err := m.cluster.ControllerKubeconfig(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	m.controller, err = sandbox.StartController(m.binaries, sandbox.ControllerOptions{
		Name: "controller", Kubeconfig: kubeconfig, EC2: m.simulator.URL,
		Args: append([]string{"--ec2-visibility-horizon=10s", "--ec2-quotas=" + noQuotas()}, m.flags()...),
	}, filepath.Join(m.dir, fmt.Sprint(m.nodes)))
	if err != nil {
		return err
	}
	if err := m.controller.WaitHealthy(ctx); err != nil {
		return err
	}
	if err := m.until(ctx, "ready", m.ready); err != nil {
		return err
	}
	m.startWall = time.Since(began)
	m.processes["controller"] = m.controller.PID()
	if m.starting, err = m.processes.cpu(); err != nil {
		return err
	}
	m.started, err = memoryOf(m.controller.PID(), "VmHWM")
	return err
}

// noQuotas has the controller wait for no quota, as the simulator has none.
func noQuotas() string {
	const plenty = "=1000000:1000000"
	return strings.Join([]string{
		"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute",
		"DescribeNetworkInterfaces", "DescribeInstances", "DescribeInstanceTypes", "DescribeSubnets",
	}, plenty+",") + plenty
}

// ready looks whether the controller leads and has read everything.
func (m *measurement) ready(ctx context.Context) (bool, error) {
	status, _, err := m.controller.Get(ctx, "/readyz")
	if err != nil || status != http.StatusOK {
		return false, err
	}
	calls, err := m.simulator.Calls(ctx)
	return calls["DescribeNetworkInterfaces"]["OK"] > 0, err
}

// bringInterfacesUp is what it is all about.
func (m *measurement) bringInterfacesUp(ctx context.Context) error {
	progress("%d nodes: bringing %d interfaces up", m.nodes, m.interfaces)
	before, err := readWritten(ctx, m.cluster.Kube)
	if err != nil {
		return err
	}
	stopProfile := m.profile(ctx)
	defer stopProfile()
	began := time.Now()
	for number := range m.stage.interfaces {
		if _, err := m.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Create(ctx, nodeENI(number), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := m.until(ctx, "attached in EC2", m.attached); err != nil {
		return err
	}
	m.attachedWall = time.Since(began)
	if err := m.until(ctx, "told by the NodeENIs", m.told); err != nil {
		return err
	}
	m.wall = time.Since(began)
	used, err := m.processes.cpu()
	if err != nil {
		return err
	}
	m.bringUp = map[string]time.Duration{}
	for name, cpu := range used {
		m.bringUp[name] = cpu - m.starting[name]
	}
	after, err := readWritten(ctx, m.cluster.Kube)
	if err != nil {
		return err
	}
	m.written = after.since(before)
	m.written.writes["nodeenis"] -= float64(m.stage.interfaces) // our own
	m.peak, err = memoryOf(m.controller.PID(), "VmHWM")
	return err
}

// attached looks whether EC2 has attached every interface and set its flag.
func (m *measurement) attached(ctx context.Context) (bool, error) {
	calls, err := m.simulator.Calls(ctx)
	return calls["AttachNetworkInterface"]["OK"] >= m.result.interfaces && calls["ModifyNetworkInterfaceAttribute"]["OK"] >= m.result.interfaces, err
}

// told looks whether every NodeENI says so.
func (m *measurement) told(ctx context.Context) (bool, error) {
	list, err := m.cluster.ENIs.NetworkingV1alpha1().NodeENIs().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for i := range list.Items {
		if attached := list.Items[i].Status.AttachedNodes; attached == nil || int(*attached) != m.nodes {
			return false, nil
		}
	}
	return true, nil
}

// check holds what was measured against what EC2 has: a controller that makes mistakes is not fast.
func (m *measurement) check(ctx context.Context) error {
	calls, err := m.simulator.Calls(ctx)
	if err != nil {
		return err
	}
	for _, action := range []string{"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute"} {
		if made := calls[action]; !madeOnce(made, m.result.interfaces) {
			return fmt.Errorf("%s was called %v times for %d interfaces", action, made, m.result.interfaces)
		}
	}
	for _, action := range []string{"DescribeNetworkInterfaces", "DescribeInstances", "DescribeInstanceTypes", "DescribeSubnets"} {
		for _, count := range calls[action] {
			m.describes += count
		}
	}
	if complaint := m.controller.Complaint(); complaint != "" {
		return errors.New(complaint)
	}
	return nil
}

// madeOnce reports whether a call was made once for each interface and never in vain. The dry runs by which the
// controller learns what it may do make nothing.
func madeOnce(made map[string]int, interfaces int) bool {
	for code := range made {
		if code != "OK" && code != "DryRunOperation" {
			return false
		}
	}
	return made["OK"] == interfaces
}

// runBareLoop makes the same calls without the controller, which has stopped.
func (m *measurement) runBareLoop(ctx context.Context) error {
	progress("%d nodes: running the bare loop", m.nodes)
	if err := m.controller.Stop(ctx, time.Minute); err != nil {
		return err
	}
	var err error
	m.bare, err = (&bareLoop{url: m.simulator.URL, key: sandbox.SomebodyKey, nodes: m.nodes}).start(ctx)
	return err
}

// until waits for the end of a phase.
func (m *measurement) until(ctx context.Context, what string, over wait.ConditionWithContextFunc) error {
	ctx, cancel := context.WithTimeout(ctx, grace+time.Duration(m.result.interfaces)*patience)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, pollEvery, true, func(ctx context.Context) (bool, error) {
		if !m.controller.Running() {
			return false, errors.New("the controller has ended")
		}
		return over(ctx)
	})
	if err != nil {
		return fmt.Errorf("waiting until it is %s: %w\n%s", what, err, sandbox.Tail(m.controller.Log()))
	}
	return nil
}

// end ends the processes and empties the control plane for the next size.
func (m *measurement) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var errs []error
	if m.controller != nil {
		errs = append(errs, m.controller.Kill(ctx))
	}
	if m.simulator != nil {
		errs = append(errs, m.simulator.Kill(ctx))
	}
	return errors.Join(append(errs, m.cluster.Empty(ctx))...)
}
