package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

// What bounds the wall time of a bring-up, where no quota does, are the machine's CPUs, on which the controller, the
// simulator, the API server and etcd run side by side, and the answers for which the controller's workers wait. The
// figures here say how much of each is whose. That it is the others and not the controller that keep everybody waiting
// is held to in CPU time, which depends little on what else the machine does: what the controller needs beside the SDK's
// calls, which the bare loop needs as well, must be less than what they need.

const (
	// answersMetric is how long the controller waited for EC2's answers, by action.
	answersMetric = "multi_eni_ec2_call_duration_seconds"
	// workMetric is how long workers were at a key, by queue; attachQueue is that of the workers which make these calls.
	workMetric, attachQueue = "workqueue_work_duration_seconds", "attach"
)

// pathOfOne are the calls that a worker makes for an interface, one after the other.
var pathOfOne = []string{"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute"}

// worked is what the attach workers did, all together: how long they were at work, and how much of that they waited for
// EC2's answers, which have been read when the wait ends.
type worked struct{ working, waiting time.Duration }

// readWorked asks the controller for that.
func (m *measurement) readWorked(ctx context.Context) error {
	status, text, err := m.controller.Get(ctx, "/metrics")
	if err == nil && status != http.StatusOK {
		err = errors.New(http.StatusText(status))
	}
	if err != nil {
		return fmt.Errorf("reading the controller's metrics: %w", err)
	}
	m.worked, err = parseWorked([]byte(text))
	return err
}

func parseWorked(metrics []byte) (worked, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(metrics))
	if err != nil {
		return worked{}, fmt.Errorf("parsing the controller's metrics: %w", err)
	}
	sum := func(family, by string, values ...string) (total time.Duration, err error) {
		found := false
		for _, series := range families[family].GetMetric() {
			if slices.Contains(values, label(series, by)) {
				found = true
				total += time.Duration(series.GetHistogram().GetSampleSum() * float64(time.Second))
			}
		}
		if !found {
			return 0, fmt.Errorf("the controller does not tell %s of %v", family, values)
		}
		return total, nil
	}
	working, errWorking := sum(workMetric, "name", attachQueue)
	waiting, errWaiting := sum(answersMetric, "action", pathOfOne...)
	return worked{working, waiting}, errors.Join(errWorking, errWaiting)
}

// boundRows say what the wall time was spent on.
func (r *result) boundRows() []report.Row {
	stated := func(figure, unit string, value float64) report.Row {
		return report.Stated(r.world(), phaseBringUp, figure, unit, value)
	}
	var all time.Duration
	for _, used := range r.bringUp {
		all += used
	}
	own := r.bringUp["controller"].Seconds() - r.bare.perInterface()/1000*float64(r.interfaces)
	others := (all - r.bringUp["controller"]).Seconds()
	rows := []report.Row{report.AtMost(r.world(), phaseBringUp, "CPU of the controller beside the SDK's calls ÷ that of simulator, API server and etcd", "", own/others, 1)}
	for _, name := range slices.Sorted(maps.Keys(r.bringUp)) {
		rows = append(rows,
			stated("CPUs used by "+name, "", r.bringUp[name].Seconds()/r.wall.Seconds()),
			stated("share of the CPU time of all that is "+name+"'s", "", r.bringUp[name].Seconds()/all.Seconds()),
		)
	}
	wallOfOne, bareOfOne := r.attachedWall.Seconds()/float64(r.interfaces), r.bare.Wall.Seconds()/float64(r.bare.Interfaces)
	return append(rows,
		stated("share of the machine's CPU time that all of them use", "", all.Seconds()/r.wall.Seconds()/float64(runtime.NumCPU())),
		stated("share of the attach workers' time in which they work", "", r.worked.working.Seconds()/r.attachedWall.Seconds()/attachWorkers),
		stated("share of the attach workers' work that is waiting for EC2's answers", "", r.worked.waiting.Seconds()/r.worked.working.Seconds()),
		stated("wall time, bare loop, per interface", "ms", bareOfOne*1000),
		stated("wall time ÷ bare loop of the same calls", "", wallOfOne/bareOfOne),
	)
}
