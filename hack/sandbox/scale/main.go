package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox/controlplane"
)

// sizes are how many Nodes there are, one world after the other.
var sizes = map[string][]int{
	"some": {100, 1000, 5000},
	"full": {100, 1000, 5000},
}

type options struct {
	nodes      []int
	interfaces int
	figures    string
	profiles   string
	// workers is what the bare loop is given when this process is it; the others of bareLoop follow.
	bare bareLoop
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.bare.url != "" {
		return o.bare.run(ctx, os.Stdout)
	}
	rows, err := measureAll(ctx, o)
	if o.figures != "" && len(rows) > 0 {
		err = errors.Join(err, report.Add(o.figures, rows...))
	}
	return errors.Join(err, report.Table(os.Stdout, rows))
}

func parse(args []string) (options, error) {
	o := options{nodes: sizes["some"]}
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.Func("sizes", "some (the default) or full", func(name string) error {
		list, ok := sizes[name]
		if !ok {
			return errors.New("must be some or full")
		}
		o.nodes = list
		return nil
	})
	flags.Func("nodes", "numbers of Nodes instead, separated by commas", func(list string) (err error) {
		o.nodes, err = numbers(list)
		return err
	})
	flags.IntVar(&o.interfaces, "interfaces", 4, "interfaces for each Node, at most 4")
	flags.StringVar(&o.figures, "figures", "", "file to which the figures are added")
	flags.StringVar(&o.profiles, "profile", "", "folder for profiles of the controller")
	o.bare.addFlags(flags)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.interfaces < 1 || o.interfaces > len(subnets) {
		return o, fmt.Errorf("-interfaces=%d: must be 1 to %d", o.interfaces, len(subnets))
	}
	return o, nil
}

// numbers reads a list like 100,1000.
func numbers(list string) ([]int, error) {
	var numbers []int
	for field := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number above 0", field)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// measureAll measures one size after the other on one control plane, and returns what it has when one fails.
func measureAll(ctx context.Context, o options) (rows []report.Row, err error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var measured []result
	for _, nodes := range o.nodes {
		r, err := s.measure(ctx, nodes)
		if err != nil {
			return append(rows, growth(measured)...), fmt.Errorf("%d nodes: %w", nodes, err)
		}
		measured = append(measured, r)
		rows = append(rows, r.rows()...)
	}
	return append(rows, growth(measured)...), nil
}

// stage is what all sizes are measured on.
type stage struct {
	options
	repo     string
	dir      string
	binaries sandbox.Binaries
	cluster  *sandbox.Cluster
}

func newStage(ctx context.Context, o options) (s *stage, err error) {
	s = &stage{options: o}
	if s.repo, err = sandbox.RepoRoot(); err != nil {
		return nil, err
	}
	assets, err := controlplane.Ensure(ctx, s.repo, os.Stderr)
	if err != nil {
		return nil, err
	}
	if s.binaries, err = sandbox.BuildBinaries(ctx, s.repo); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "multi-eni-scale-"); err != nil {
		return nil, err
	}
	control := filepath.Join(s.dir, "control")
	if err := os.Mkdir(control, 0o755); err != nil {
		return nil, err
	}
	if s.cluster, err = sandbox.StartCluster(s.repo, assets, control); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.cluster.Install(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) close() error {
	var err error
	if s.cluster != nil {
		err = s.cluster.Stop()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
