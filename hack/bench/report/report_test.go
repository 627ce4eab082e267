package report

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsOfSeveralBenchesComeTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "figures.json")
	first := Stated("1 × 1", "bring-up", "calls", "", 3)
	second := AtMost("2 × 1", "bring-up", "time", "s", 2.00004, 2)
	for _, rows := range [][]Row{{first}, {second, AtMost("1 × 1", "bring-up", "calls", "", 4, 3)}} {
		if err := Add(path, rows...); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	target := 3.0
	want := []Row{{World: "1 × 1", Phase: "bring-up", Figure: "calls", Value: 4, Target: &target}, second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if missed := Missed(got); len(missed) != 1 || missed[0].World != "1 × 1" || len(got) != 2 {
		t.Errorf("missed %v of %v; want the first", missed, got)
	}
}

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		value float64
		ok    bool
	}{{1.03, true}, {1.030049, true}, {1.0301, false}, {0, true}, {math.NaN(), false}, {math.Inf(1), false}} {
		if row := AtMost("w", "p", "f", "", test.value, 1.03); row.OK != test.ok {
			t.Errorf("%v against 1.03: OK is %v", test.value, row.OK)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.json")
	if rows, err := Read(path); err != nil || rows != nil {
		t.Errorf("no file: %v, %v; want no rows and no error", rows, err)
	}
	if err := os.WriteFile(path, []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Add(path, Stated("w", "p", "f", "", 1)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("half a file: %v; want an error that names it", err)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, []Row{Stated("w", "p", "stated", "calls", 20000), AtMost("w", "p", "kept", "", 1.02, 1.03), AtMost("w", "p", "missed", "s", 6, 5)}); err != nil {
		t.Fatal(err)
	}
	want := `WORLD  PHASE  FIGURE  VALUE        TARGET  
w      p      stated  20000 calls          
w      p      kept    1.02         ≤ 1.03  ok
w      p      missed  6 s          ≤ 5     MISSED
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
