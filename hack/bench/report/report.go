// Package report keeps what the benches measure. Each bench of a run adds its rows to one file, a JSON array that
// anybody can read; the table of all of them is for people.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
)

// Row is one figure.
type Row struct {
	// World is where it was measured ("virtual, 1000 × 4"), Phase while what was done ("bring-up").
	World string `json:"world"`
	Phase string `json:"phase"`
	// Figure is what was measured, Unit in what; empty for a bare number.
	Figure string  `json:"figure"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
	// Target is what Value must not exceed; nil where the figure is only stated.
	Target *float64 `json:"target"`
	// OK is false when the target is missed.
	OK bool `json:"ok"`
}

// key is what there is one figure of.
func (r Row) key() [3]string { return [3]string{r.World, r.Phase, r.Figure} }

// precision is to how many decimals figures are kept and compared: two more than targets have.
const precision = 1e4

func rounded(value float64) float64 { return math.Round(value*precision) / precision }

// Stated is a figure without a target.
func Stated(world, phase, figure, unit string, value float64) Row {
	return Row{world, phase, figure, unit, rounded(value), nil, true}
}

// AtMost is a figure that must not exceed its target. One that could not be measured has missed it.
func AtMost(world, phase, figure, unit string, value, target float64) Row {
	if math.IsNaN(value) || math.IsInf(value, 0) { // JSON has neither
		return Row{world, phase, figure, unit, -1, &target, false}
	}
	value = rounded(value)
	return Row{world, phase, figure, unit, value, &target, value <= target}
}

// Read reads the rows of a file; none where there is no file yet.
func Read(path string) ([]Row, error) {
	data, err := os.ReadFile(path) //nolint:gosec // whoever runs the bench names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the figures: %w", err)
	}
	var rows []Row
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("reading the figures in %s: %w", path, err)
	}
	return rows, nil
}

// Add adds rows to a file. One that is there already is replaced where it stands.
func Add(path string, rows ...Row) error {
	all, err := Read(path)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if i := slices.IndexFunc(all, func(r Row) bool { return r.key() == row.key() }); i >= 0 {
			all[i] = row
		} else {
			all = append(all, row)
		}
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	// Whole or not at all: a bench that is interrupted takes nothing of the others away.
	unfinished := path + ".new"
	if err := os.WriteFile(unfinished, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}

// Missed are the rows whose target is missed.
func Missed(rows []Row) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.OK })
}

// Table prints rows for people.
func Table(to io.Writer, rows []Row) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(cells ...any) { _, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cells...) }
	line("WORLD", "PHASE", "FIGURE", "VALUE", "TARGET", "")
	for _, r := range rows {
		target, verdict := "", ""
		if r.Target != nil {
			target, verdict = "≤ "+number(*r.Target), "ok"
		}
		if !r.OK {
			verdict = "MISSED"
		}
		line(r.World, r.Phase, r.Figure, number(r.Value)+unit(r.Unit), target, verdict)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing the figures: %w", err)
	}
	return nil
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func unit(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}
