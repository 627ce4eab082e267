package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	name = "multi-eni-controller migrate"

	exitDone     = 0
	exitPerson   = 1
	exitUsage    = 2
	exitNotAsked = 3

	timeout = 5 * time.Minute
)

// errPerson marks what a person has to decide before anything is changed.
var errPerson = errors.New("nothing was changed")

// Main runs the command and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return main(ctx, args, os.Stdin, stdout, stderr, connect)
}

func main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, connect func(kubeconfig string) (*cluster, error)) int {
	o := &options{}
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = fmt.Fprint(stdout, usage, fs.FlagUsagesWrapped(100)) }
	o.addFlags(fs)
	switch err := parse(fs, o, args); {
	case errors.Is(err, pflag.ErrHelp):
		return exitDone
	case err != nil:
		complain(stderr, "%s (see --help)", oneLine(err))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	switch err := (&run{options: o, stdin: stdin, out: stdout, connect: connect}).do(ctx); {
	case errors.Is(err, errPerson):
		complain(stderr, "%s", oneLine(err))
		return exitPerson
	case err != nil:
		complain(stderr, "%s", oneLine(err))
		return exitNotAsked
	}
	return exitDone
}

func parse(fs *pflag.FlagSet, o *options, args []string) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: only flags are understood", fs.Arg(0))
	}
	return o.validate()
}

func complain(stderr io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(stderr, name+": "+format+"\n", args...)
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// run is one run of the command.
type run struct {
	*options
	stdin   io.Reader
	out     io.Writer
	connect func(kubeconfig string) (*cluster, error)
	cluster *cluster
}

// do reads, tells, keeps, and then changes: nothing is changed before all of it has been told and kept.
func (r *run) do(ctx context.Context) error {
	if !r.dryRun || r.filename == "" {
		var err error
		if r.cluster, err = r.connect(r.kubeconfig); err != nil {
			return err
		}
	}
	olds, err := r.read(ctx)
	if err != nil {
		return err
	}
	objects, err := r.translate(olds)
	if err != nil {
		return err
	}
	if err := r.keep(olds, objects); err != nil {
		return err
	}
	r.tell(objects)
	if err := r.obstacles(objects); err != nil {
		return err
	}
	if r.dryRun {
		r.tellNext(ctx, objects)
		return nil
	}
	if err := r.apply(ctx, objects); err != nil {
		return err
	}
	r.tellAfter(objects)
	return nil
}

// read reads the old objects.
func (r *run) read(ctx context.Context) ([]*unstructured.Unstructured, error) {
	if r.filename != "" {
		return r.readFile()
	}
	return r.cluster.list(ctx)
}
