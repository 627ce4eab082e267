package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// stepTimeout is how long a step may take until it is called failed.
	stepTimeout = 90 * time.Second
	lookEvery   = 500 * time.Millisecond
)

// step is one thing that the demo shows: what the user does, and what must come of it.
type step struct {
	title string
	do    []command
	want  []want
}

// want is an interface that EC2 must have attached in the end.
type want struct {
	node    string
	index   int
	nodeENI string
	subnet  string
}

func (w want) String() string {
	return fmt.Sprintf("%s  index %d  %s  %s", w.node, w.index, w.subnet, w.nodeENI)
}

// command is a kubectl command.
type command struct {
	args  []string
	input string
}

func kubectl(args ...string) command { return command{args: args} }

// label is kubectl label node.
func (s *stage) label(node string, labels map[string]string) command {
	args := []string{"label", "node", node, "--overwrite"}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		args = append(args, key+"="+labels[key])
	}
	return command{args: args}
}

func (s *stage) steps(ctx context.Context, list ...step) error {
	for _, next := range list {
		if err := s.perform(ctx, next); err != nil {
			return fmt.Errorf("%s: %w", next.title, err)
		}
	}
	return nil
}

// perform runs the commands, then shows the table until EC2 and the NodeENIs have arrived.
func (s *stage) perform(ctx context.Context, next step) error {
	title(next.title)
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	started := time.Now()
	for _, command := range next.do {
		if err := s.run(ctx, command); err != nil {
			return err
		}
	}
	if err := s.converge(ctx, next.want); err != nil {
		return err
	}
	if err := s.showEC2(ctx, next.want); err != nil {
		return err
	}
	say("converged after %s", time.Since(started).Round(100*time.Millisecond))
	return nil
}

// run shows a command and what it prints.
func (s *stage) run(ctx context.Context, command command) error {
	shown := strings.ReplaceAll(strings.Join(command.args, " "), s.repo+string(os.PathSeparator), "")
	fmt.Printf("$ kubectl %s\n", shown)
	if command.input != "" {
		fmt.Print(indent(command.input))
	}
	output, err := s.cluster.Kubectl.RunInput(ctx, command.input, command.args...)
	fmt.Print(indent(output))
	return err
}

// converge prints the table whenever it has changed, until EC2 has exactly what is wanted and every NodeENI
// is ready.
func (s *stage) converge(ctx context.Context, wanted []want) error {
	fmt.Println("$ kubectl get nodeeni")
	var shown string
	last := fmt.Errorf("nothing was seen")
	err := wait.PollUntilContextCancel(ctx, lookEvery, true, func(ctx context.Context) (bool, error) {
		if !s.controller.Running() {
			return false, fmt.Errorf("the controller has ended")
		}
		difference := s.difference(ctx, wanted) // before the table, so that the last table shows the end
		table, err := s.cluster.Kubectl.Run(ctx, "get", "nodeeni")
		if err != nil {
			return false, nil // the deadline decides
		}
		if table == "" {
			table = "No resources found\n" // as kubectl says beside its table
		}
		if now := withoutAge(table); now != shown {
			fmt.Println(indent(table))
			shown = now
		}
		last = difference
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("not converged (%w): %w", err, last)
	}
	return nil
}

// difference says what is still wrong, in EC2 first.
func (s *stage) difference(ctx context.Context, wanted []want) error {
	world, err := s.simulator.World(ctx)
	if err != nil {
		return err
	}
	nodes := map[string]string{}
	for _, machine := range machines {
		nodes[machine.InstanceID] = machine.Name
	}
	var got []string
	for _, iface := range world.Interfaces {
		switch a := iface.Attachment; {
		case iface.Tags[eni.TagClusterID] != clusterID:
		case a == nil || a.Status != "attached":
			return fmt.Errorf("%s of %s is not attached", iface.ID, iface.Tags[eni.TagNodeENIName])
		default:
			got = append(got, want{nodes[a.Instance], a.DeviceIndex, iface.Tags[eni.TagNodeENIName], iface.Subnet}.String())
		}
	}
	var all []string
	for _, one := range wanted {
		all = append(all, one.String())
	}
	slices.Sort(got)
	slices.Sort(all)
	if !slices.Equal(got, all) {
		return fmt.Errorf("EC2 has\n%swhere this is wanted:\n%s", list(got), list(all))
	}
	return s.allReady(ctx)
}

// allReady demands that every NodeENI reports Ready for its present generation.
func (s *stage) allReady(ctx context.Context) error {
	enis, err := s.cluster.ENIs.NetworkingV1alpha1().NodeENIs().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, object := range enis.Items {
		ready := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != object.Generation || object.DeletionTimestamp != nil {
			return fmt.Errorf("NodeENI %s is not ready: %+v", object.Name, ready)
		}
	}
	return nil
}

// showEC2 prints what EC2 has, which the step has just compared with what is wanted.
func (s *stage) showEC2(ctx context.Context, wanted []want) error {
	world, err := s.simulator.World(ctx)
	if err != nil {
		return err
	}
	others := len(world.Interfaces) - len(wanted)
	if len(wanted) == 0 {
		say("in EC2: nothing of this cluster's; the %d interfaces there are the instances' own", others)
		return nil
	}
	say("in EC2, beside the %d interfaces of the instances' own:", others)
	for _, one := range wanted {
		say("  %s", one)
	}
	return nil
}

// withoutAge is the table without its last column, which changes all the time.
func withoutAge(table string) string {
	var text strings.Builder
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		fmt.Fprintln(&text, fields[:max(0, len(fields)-1)])
	}
	return text.String()
}

func list(lines []string) string {
	if len(lines) == 0 {
		return "  nothing\n"
	}
	return "  " + strings.Join(lines, "\n  ") + "\n"
}

func indent(text string) string {
	var indented strings.Builder
	for line := range strings.Lines(text) {
		indented.WriteString("   " + line)
	}
	return indented.String()
}
