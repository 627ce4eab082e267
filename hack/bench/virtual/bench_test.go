package virtual

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

var (
	sizes   = flag.String("sizes", "small", "which worlds to measure: small, some, full, or one such as 1000x4, 1000x4+others, +halved, +lag")
	phases  []string
	figures = flag.String("figures", "", "the file to which figures are added; none if empty")
	logs    = flag.Int("klog", -1, "show the controller's logs up to this level of klog")
)

func init() {
	flag.Func("phases", "the phases to measure, separated by commas, of which bring-up must be the first; all if empty", func(list string) error {
		phases = strings.Split(list, ",")
		return nil
	})
	klog.SetLogger(klog.Logger{})
	utilruntime.ErrorHandlers = nil
	debug.SetGCPercent(400)
}

// special are what a world may have beside its size.
var special = map[string]func(*World){
	"others": func(w *World) { w.Others = 0.3 },
	"halved": func(w *World) { w.Halved = true },
	"lag":    func(w *World) { w.Lag = ec2sim.Spread(100*time.Millisecond, time.Second, 2*time.Second) },
}

// some are the worlds of all sizes with all phases, and those of the special ones that do not take long: by far the most
// CPU time goes into 20,000 interfaces.
const some = "100x1 100x2 100x4 1000x1 1000x2 1000x4 5000x1 5000x2 5000x4 " +
	"100x4+others 1000x4+others 100x4+halved 1000x4+halved 100x4+lag 1000x4+lag"

// named are the lists of worlds that have a name.
var named = map[string]string{
	"small": "100x1 100x1+others 100x1+halved",
	"some":  some,
	"full":  some + " 5000x4+others 5000x4+halved 5000x4+lag",
}

// worlds reads a list of them.
func worlds(list string) ([]World, error) {
	if known, ok := named[list]; ok {
		list = known
	}
	var all []World
	for word := range strings.FieldsSeq(list) {
		size, kind, _ := strings.Cut(word, "+")
		var w World
		if _, err := fmt.Sscanf(size, "%dx%d", &w.Nodes, &w.Each); err != nil {
			return nil, fmt.Errorf("%q is no world: %w", word, err)
		}
		if change, ok := special[kind]; ok {
			change(&w)
		} else if kind != "" {
			return nil, fmt.Errorf("%q is no world: nobody knows %q", word, kind)
		}
		all = append(all, w)
	}
	return all, nil
}

// TestBench measures worlds. Without flags these are so small that the targets are held to in every run of the tests.
func TestBench(t *testing.T) {
	list, err := worlds(*sizes)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		t.Run(w.String(), func(t *testing.T) { measure(t, w) })
	}
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are constants
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func measure(t *testing.T, w World) {
	began, used := time.Now(), cpu()
	var logger klog.Logger
	if *logs >= 0 {
		klog.ClearLogger()
		if err := new(klog.Level).Set(fmt.Sprint(*logs)); err != nil {
			t.Fatal(err)
		}
		logger = klog.Background()
	}
	var rows []report.Row
	// In the bubble there is virtual time only, so that lines are given to somebody outside.
	lines, printed := make(chan string, 16), make(chan struct{})
	go func() {
		defer close(printed)
		last := began
		for line := range lines {
			if testing.Verbose() {
				fmt.Printf("%s, %v of real time\n", line, time.Since(last).Round(100*time.Millisecond))
			}
			last = time.Now()
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		var err error
		if rows, err = Measure(w, phases, logger, func(line string) { lines <- line }); err != nil {
			t.Fatal(err)
		}
	})
	close(lines)
	<-printed
	if *figures != "" {
		rows = append(rows,
			report.Stated(w.String(), "all", "wall time of the bench", "s", time.Since(began).Seconds()),
			report.Stated(w.String(), "all", "CPU time of the bench", "s", (cpu()-used).Seconds()),
		)
		if err := report.Add(*figures, rows...); err != nil {
			t.Fatal(err)
		}
	}
	if testing.Verbose() && *figures == "" {
		if err := report.Table(os.Stdout, rows); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range report.Missed(rows) {
		t.Errorf("%s: %s is %v, want at most %v", row.Phase, row.Figure, row.Value, *row.Target)
	}
}
