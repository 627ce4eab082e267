package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

// What the figures must not exceed.
const (
	maxRatio      = 2.5
	maxPeakMiB    = 150
	maxGrowth     = 1.2
	maxByteGrowth = 1.5
	mib           = 1 << 20
)

const (
	phaseStart   = "start"
	phaseBringUp = "bring-up"
)

func (r *result) world() string { return fmt.Sprintf("real, %d × %d", r.nodes, r.interfaces/r.nodes) }

// each is a share of one interface.
func (r *result) each(total float64) float64 { return total / float64(r.interfaces) }

func (r *result) cpuPerInterface() float64 { return r.each(r.bringUp["controller"].Seconds() * 1000) }

func (r *result) bytesPerInterface() float64 { return r.each(r.written.bytes) }

func (b bareCost) perInterface() float64 { return b.CPU.Seconds() * 1000 / float64(b.Interfaces) }

// rows are the figures of one size.
func (r *result) rows() []report.Row {
	world := r.world()
	stated := func(phase, figure, unit string, value float64) report.Row {
		return report.Stated(world, phase, figure, unit, value)
	}
	peak := float64(r.peak) / mib
	rows := []report.Row{
		report.AtMost(world, phaseBringUp, "CPU ÷ bare loop of the same calls", "", r.cpuPerInterface()/r.bare.perInterface(), maxRatio),
		report.AtMost(world, phaseBringUp, "peak RSS", "MiB", peak, maxPeakMiB),
		stated(phaseBringUp, "CPU per interface", "ms", r.cpuPerInterface()),
		stated(phaseBringUp, "CPU per interface, bare loop", "ms", r.bare.perInterface()),
		stated(phaseBringUp, "Kubernetes writes per interface", "", r.each(r.written.total())),
		stated(phaseBringUp, "bytes written to the API server per interface", "B", r.bytesPerInterface()),
		stated(phaseBringUp, "describe calls", "", float64(r.describes)),
		stated(phaseBringUp, "wall time until EC2 has attached all", "s", r.attachedWall.Seconds()),
		stated(phaseBringUp, "wall time until every NodeENI says so", "s", r.wall.Seconds()),
	}
	for _, resource := range slices.Sorted(maps.Keys(r.written.writes)) {
		rows = append(rows, stated(phaseBringUp, "writes of "+resource, "", r.written.writes[resource]))
	}
	rows = append(rows, r.boundRows()...)
	return append(rows,
		stated(phaseStart, "CPU of the controller", "s", r.starting["controller"].Seconds()),
		stated(phaseStart, "wall time", "s", r.startWall.Round(time.Millisecond).Seconds()),
		stated(phaseStart, "peak RSS", "MiB", float64(r.started)/mib),
	)
}

// growth compares the last size with the one before it.
func growth(all []result) []report.Row {
	if len(all) < 2 {
		return nil
	}
	small, large := all[len(all)-2], all[len(all)-1]
	world := fmt.Sprintf("real, %d → %d × %d", small.nodes, large.nodes, large.interfaces/large.nodes)
	perNode := float64(large.started-small.started) / float64(large.nodes-small.nodes) / 1024
	perInterface := float64((large.peak-large.started)-(small.peak-small.started)) / float64(large.interfaces-small.interfaces) / 1024
	return []report.Row{
		report.AtMost(world, phaseBringUp, "growth of the CPU per interface", "×", large.cpuPerInterface()/small.cpuPerInterface(), maxGrowth),
		report.AtMost(world, phaseBringUp, "growth of the bytes written per interface", "×", large.bytesPerInterface()/small.bytesPerInterface(), maxByteGrowth),
		report.Stated(world, phaseStart, "RSS per node", "KiB", perNode),
		report.Stated(world, phaseBringUp, "RSS per interface", "KiB", perInterface),
	}
}
