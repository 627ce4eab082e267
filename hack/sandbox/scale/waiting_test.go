package main

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

func TestWorkIsToldFromWaiting(t *testing.T) {
	const metrics = `# TYPE multi_eni_ec2_call_duration_seconds histogram
multi_eni_ec2_call_duration_seconds_sum{action="CreateNetworkInterface"} 3
multi_eni_ec2_call_duration_seconds_count{action="CreateNetworkInterface"} 9
multi_eni_ec2_call_duration_seconds_sum{action="AttachNetworkInterface"} 2.5
multi_eni_ec2_call_duration_seconds_count{action="AttachNetworkInterface"} 9
multi_eni_ec2_call_duration_seconds_sum{action="DescribeInstances"} 70
multi_eni_ec2_call_duration_seconds_count{action="DescribeInstances"} 9
`
	const work = `# TYPE workqueue_work_duration_seconds histogram
workqueue_work_duration_seconds_sum{name="attach"} 8
workqueue_work_duration_seconds_count{name="attach"} 9
workqueue_work_duration_seconds_sum{name="status"} 80
workqueue_work_duration_seconds_count{name="status"} 9
`
	got, err := parseWorked([]byte(metrics + work))
	if want := (worked{working: 8 * time.Second, waiting: 5500 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, less := range []string{metrics, work} {
		if _, err := parseWorked([]byte(less)); err == nil {
			t.Errorf("a controller is believed that tells no more than\n%s", less)
		}
	}
}

// valueOf is a figure of the rows.
func valueOf(t *testing.T, rows []report.Row, figure string) float64 {
	t.Helper()
	for _, row := range rows {
		if row.Figure == figure {
			return row.Value
		}
	}
	t.Fatalf("no row tells %q", figure)
	return 0
}

func TestWhatBoundsTheWallTime(t *testing.T) {
	r := result{
		nodes: 100, interfaces: 400, attachedWall: 8 * time.Second, wall: 10 * time.Second,
		bringUp: map[string]time.Duration{"controller": 4 * time.Second, "ec2-simulator": 12 * time.Second},
		worked:  worked{working: 80 * time.Second, waiting: 60 * time.Second},
		bare:    bareCost{Interfaces: 300, CPU: 300 * time.Millisecond, Wall: 3 * time.Second},
	}
	rows := r.rows()
	for figure, want := range map[string]float64{
		"CPU of the controller beside the SDK's calls ÷ that of simulator, API server and etcd": 0.3,
		"CPUs used by controller":                                             0.4,
		"share of the CPU time of all that is controller's":                   0.25,
		"share of the machine's CPU time that all of them use":                math.Round(1.6/float64(runtime.NumCPU())*1e4) / 1e4,
		"share of the attach workers' time in which they work":                0.5,
		"share of the attach workers' work that is waiting for EC2's answers": 0.75,
		"wall time ÷ bare loop of the same calls":                             2,
	} {
		if got := valueOf(t, rows, figure); got != want {
			t.Errorf("%s is %v, want %v", figure, got, want)
		}
	}
}
