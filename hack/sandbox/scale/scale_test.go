package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

func TestArguments(t *testing.T) {
	for _, test := range []struct {
		args  []string
		nodes []int
		fails string
	}{
		{nil, sizes["some"], ""},
		{[]string{"-sizes=full"}, sizes["full"], ""},
		{[]string{"-nodes=10,20"}, []int{10, 20}, ""},
		{[]string{"-nodes=10,none"}, nil, `"none" is no number`},
		{[]string{"-nodes=0"}, nil, `"0" is no number above 0`},
		{[]string{"-sizes=most"}, nil, "must be some or full"},
		{[]string{"-interfaces=5"}, nil, "must be 1 to 4"},
		{[]string{"more"}, nil, "unexpected argument"},
	} {
		o, err := parse(test.args)
		if test.fails != "" {
			if err == nil || !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%v: %v, want %q", test.args, err, test.fails)
			}
			continue
		}
		if diff := cmp.Diff(test.nodes, o.nodes); err != nil || diff != "" {
			t.Errorf("%v: %v (-want +got):\n%s", test.args, err, diff)
		}
	}
}

func TestProcFilesAreRead(t *testing.T) {
	fields, err := afterName([]byte("7 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 111 222 15\n"))
	if err != nil || fields[1] != "1" || fields[11] != "111" || fields[12] != "222" {
		t.Errorf("%v, %v", fields, err)
	}
	if _, err := afterName([]byte("7 (a) S 1\n")); err == nil {
		t.Error("too few fields are taken")
	}
	if got, err := memoryIn("VmPeak:\t 10 kB\nVmHWM:\t  2048 kB\nVmRSS:\t 7 kB\n", "VmHWM"); got != 2<<20 || err != nil {
		t.Errorf("VmHWM is %d, %v", got, err)
	}
	if _, err := memoryIn("VmRSS:\t 7 kB\n", "VmHWM"); err == nil {
		t.Error("VmHWM is found where there is none")
	}
}

// The CPU time that /proc tells of a process grows as it works, and a child is found by its name.
func TestProcessesAreWatched(t *testing.T) {
	child := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	defer func() { _ = child.Process.Kill() }()
	pid, err := childNamed("sh")
	if err != nil || pid != child.Process.Pid {
		t.Fatalf("child %d, %v; want %d", pid, err, child.Process.Pid)
	}
	if _, err := childNamed("no-such-program"); err == nil {
		t.Error("a child is found that there is not")
	}
	watched := processes{"sh": pid}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for used := time.Duration(0); used < 3*tick; {
		now, err := watched.cpu()
		if err != nil || ctx.Err() != nil {
			t.Fatalf("%v used, %v, %v", used, err, ctx.Err())
		}
		used = now["sh"]
	}
	if rss, err := memoryOf(os.Getpid(), "VmRSS"); err != nil || rss < 1<<20 {
		t.Errorf("this process takes %d bytes, %v", rss, err)
	}
	if _, err := (processes{"gone": 1 << 30}).cpu(); err == nil {
		t.Error("a process that there is not has used CPU time")
	}
}

func TestWritesAreCountedWithoutLeases(t *testing.T) {
	metrics := func(patches, leases, gets string) []byte {
		return []byte(`# TYPE apiserver_request_total counter
apiserver_request_total{resource="nodeenis",subresource="status",verb="PATCH"} ` + patches + `
apiserver_request_total{resource="leases",verb="PUT"} ` + leases + `
apiserver_request_total{resource="nodeenis",verb="GET"} ` + gets + `
# TYPE apiserver_request_body_size_bytes histogram
apiserver_request_body_size_bytes_bucket{resource="nodeenis",verb="patch",le="+Inf"} ` + patches + `
apiserver_request_body_size_bytes_sum{resource="nodeenis",verb="patch"} ` + patches + `000
apiserver_request_body_size_bytes_count{resource="nodeenis",verb="patch"} ` + patches + `
apiserver_request_body_size_bytes_bucket{resource="leases",verb="update",le="+Inf"} ` + leases + `
apiserver_request_body_size_bytes_sum{resource="leases",verb="update"} ` + leases + `
apiserver_request_body_size_bytes_count{resource="leases",verb="update"} ` + leases + `
`)
	}
	before, errBefore := parseWritten(metrics("3", "7", "9"))
	after, errAfter := parseWritten(metrics("5", "70", "90"))
	if errBefore != nil || errAfter != nil {
		t.Fatal(errBefore, errAfter)
	}
	got := after.since(before)
	if diff := cmp.Diff(map[string]float64{"nodeenis": 2}, got.writes); diff != "" || got.bytes != 2000 || got.total() != 2 {
		t.Errorf("%v bytes (-want +got):\n%s", got.bytes, diff)
	}
	if _, err := parseWritten([]byte("up 1\n")); err == nil {
		t.Error("an API server that counts nothing is believed")
	}
}

func TestCallsInVainAreFound(t *testing.T) {
	for _, test := range []struct {
		made map[string]int
		want bool
	}{
		{map[string]int{"OK": 4}, true},
		{map[string]int{"OK": 4, "DryRunOperation": 1}, true},
		{map[string]int{"OK": 5}, false},
		{map[string]int{"DryRunOperation": 4}, false},
		{map[string]int{"OK": 4, "InvalidParameterValue": 1}, false},
		{nil, false},
	} {
		if got := madeOnce(test.made, 4); got != test.want {
			t.Errorf("%v: %v", test.made, got)
		}
	}
}

func TestFigures(t *testing.T) {
	at := func(nodes int, cpu time.Duration, peak int64) result {
		return result{
			nodes: nodes, interfaces: 4 * nodes, wall: 10 * time.Second, started: 50 * mib, peak: peak,
			starting: map[string]time.Duration{"controller": time.Second}, bringUp: map[string]time.Duration{"controller": cpu},
			written: written{writes: map[string]float64{"nodeenis": 40}, bytes: 4000}, bare: bareCost{Interfaces: 300, CPU: 300 * time.Millisecond, Wall: time.Second},
		}
	}
	small, large := at(100, 800*time.Millisecond, 60*mib), at(500, 6*time.Second, 200*mib)
	missed := func(rows []report.Row) (figures []string) {
		for _, row := range report.Missed(rows) {
			figures = append(figures, row.Figure)
		}
		return figures
	}
	if got := missed(small.rows()); got != nil {
		t.Errorf("missed: %v", got)
	}
	if diff := cmp.Diff([]string{"CPU ÷ bare loop of the same calls", "peak RSS"}, missed(large.rows())); diff != "" {
		t.Errorf("missed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"growth of the CPU per interface"}, missed(growth([]result{small, large}))); diff != "" {
		t.Errorf("missed (-want +got):\n%s", diff)
	}
	if rows := growth([]result{small}); rows != nil {
		t.Errorf("one size grows: %v", rows)
	}
}
