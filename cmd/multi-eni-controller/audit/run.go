package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	name = "multi-eni-controller audit"

	exitClean    = 0
	exitFindings = 1
	exitUsage    = 2
	exitNotAsked = 3

	// timeout bounds the whole audit: a person waits for it, or a script.
	timeout = 5 * time.Minute
)

// ec2 is what an audit reads of EC2.
type ec2 interface {
	FindInterfaces(ctx context.Context, by cloud.Property, value string) ([]eni.FoundInterface, error)
	ListInterfaces(ctx context.Context, clusterIDs, nodeENIUIDs []string) ([]eni.Interface, error)
	DescribeInstances(ctx context.Context, ids []string) ([]eni.Instance, error)
	DescribeSubnets(ctx context.Context, ids []string) ([]eni.Subnet, error)
	Region() string
}

// sources are where an audit asks. kube is nil where there is no cluster to be asked.
type sources struct {
	ec2  func(context.Context) (ec2, error)
	kube func(kubeconfig string) (*kube, error)
	// backoff is for reads that have to be made again.
	backoff wait.Backoff
}

// Main runs the command and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	connect := func(ctx context.Context) (ec2, error) { return cloud.New(ctx, cloud.Options{}) }
	return sources{connect, connectKube, backoff}.main(ctx, args, stdout, stderr)
}

func (s sources) main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &options{}
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = fmt.Fprint(stdout, usage, fs.FlagUsagesWrapped(100)) }
	o.addFlags(fs)
	subject, err := parse(fs, o, args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitClean
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %s (see --help)\n", name, oneLine(err))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	code, err := s.run(ctx, o, subject, stdout)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %s\n", name, oneLine(err))
		return exitNotAsked
	}
	return code
}

func parse(fs *pflag.FlagSet, o *options, args []string) (audit.Subject, error) {
	if err := fs.Parse(args); err != nil {
		return audit.Subject{}, err
	}
	if fs.NArg() > 0 {
		return audit.Subject{}, fmt.Errorf("unexpected argument %q: only flags are understood", fs.Arg(0))
	}
	return o.subject()
}

func (s sources) run(ctx context.Context, o *options, subject audit.Subject, stdout io.Writer) (int, error) {
	client, err := s.ec2(ctx)
	if err != nil {
		return 0, err
	}
	k, err := s.kube(o.kubeconfig)
	if err != nil {
		return 0, err
	}
	facts, err := ask(ctx, o, subject, patient{client, s.backoff}, k)
	if err != nil {
		return 0, err
	}
	report := audit.Judge(facts)
	write := writeTable
	if o.output == "json" {
		write = writeJSON
	}
	if err := write(stdout, client.Region(), report); err != nil {
		return 0, fmt.Errorf("writing the report: %w", err)
	}
	if report.Clean {
		return exitClean, nil
	}
	return exitFindings, nil
}
