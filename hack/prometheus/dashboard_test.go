package prometheus

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// dashboard is as much of Grafana's model as decides what is asked, and where it is shown.
type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	GridPos     struct{ H, W, X, Y int }
	FieldConfig struct{ Defaults struct{ Unit string } }
	Targets     []target
}

type target struct {
	RefID, Expr, LegendFormat string
	Instant                   bool
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "manifests", "monitoring", "dashboard.json"))
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// asked is a query with what Grafana fills in: all namespaces, and as interval four scrapes.
func asked(expr string) string {
	return strings.NewReplacer("$__rate_interval", (4 * interval).String(), "$namespace", ".*").Replace(expr)
}

// TestEachQueryOfTheDashboardReturnsData over a story in which everything happens.
func TestEachQueryOfTheDashboardReturnsData(t *testing.T) {
	st, engine, queries := stored(t, tellEverything(t).scrapes), newEngine(), 0
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			queries++
			expr := asked(q.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: %s has a variable that the dashboard does not", p.Title, expr)
				continue
			}
			query, err := engine.NewRangeQuery(context.Background(), st, nil, expr, st.first, st.last, time.Minute)
			if q.Instant && err == nil {
				query, err = engine.NewInstantQuery(context.Background(), st, nil, expr, st.last.Add(-11*time.Minute))
			}
			if err != nil {
				t.Errorf("%s: %s: %v", p.Title, expr, err)
				continue
			}
			result := query.Exec(context.Background())
			if result.Err != nil {
				t.Errorf("%s: %s: %v", p.Title, expr, result.Err)
			} else if numbers(result.Value) == 0 {
				t.Errorf("%s: %s returns no number", p.Title, expr)
			}
			for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(q.LegendFormat, -1) {
				if !strings.Contains(result.String(), label[1]+"=") {
					t.Errorf("%s: the legend shows the label %s, the result has %s", p.Title, label[1], result)
				}
			}
			query.Close()
		}
	}
	if queries < 30 {
		t.Errorf("only %d queries were found", queries)
	}
}

// numbers counts the samples of a result that can be shown.
func numbers(result parser.Value) (count int) {
	switch v := result.(type) {
	case promql.Vector:
		for _, s := range v {
			if !math.IsNaN(s.F) {
				count++
			}
		}
	case promql.Matrix:
		for _, series := range v {
			for _, point := range series.Floats {
				if !math.IsNaN(point.F) {
					count++
				}
			}
		}
	}
	return count
}

// TestEveryMetricOfOursIsAskedFor by a panel or an alert: one that nobody looks at would be of no use.
func TestEveryMetricOfOursIsAskedFor(t *testing.T) {
	var asked strings.Builder
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			asked.WriteString(q.Expr + "\n")
		}
	}
	for _, rule := range alertRules(t) {
		asked.WriteString(rule.Query().String() + "\n")
	}
	count := 0
	for _, f := range families(t, tellEverything(t).text) {
		if !strings.HasPrefix(f.name, ours) {
			continue
		}
		if count++; !regexp.MustCompile(`\b` + f.name + `(_bucket|_count)?\b`).MatchString(asked.String()) {
			t.Errorf("neither a panel nor an alert asks for %s", f.name)
		}
	}
	if count < 20 {
		t.Errorf("only %d metrics of ours were found", count)
	}
}

// TestNamesExist: each metric that a query or an alert names is one that the controller has, or Prometheus.
func TestNamesExist(t *testing.T) {
	known := map[string]bool{"up": true}
	for _, s := range samples(t, tellEverything(t).text) {
		known[s.name()] = true
	}
	exprs := map[string]string{}
	d := readDashboard(t)
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			exprs[p.Title+" "+q.RefID] = asked(q.Expr)
		}
	}
	for _, rule := range alertRules(t) {
		exprs[rule.Name()] = rule.Query().String()
	}
	for where, expr := range exprs {
		parsed, err := queryParser.ParseExpr(expr)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			if selector, ok := node.(*parser.VectorSelector); ok && !known[selector.Name] {
				t.Errorf("%s names %q, which the controller does not have", where, selector.Name)
			}
			return nil
		})
	}
	for _, variable := range d.Templating.List {
		for _, found := range regexp.MustCompile(`label_values\((\w+),`).FindAllStringSubmatch(textOf(t, variable.Query), -1) {
			if !known[found[1]] {
				t.Errorf("variable %s names %q, which the controller does not have", variable.Name, found[1])
			}
		}
	}
}

func textOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPanelsHaveTheirPlace: no two share an ID or a place, and none is wider than the page.
func TestPanelsHaveTheirPlace(t *testing.T) {
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, p := range readDashboard(t).Panels {
		if other := ids[p.ID]; other != "" {
			t.Errorf("%s has the ID of %s", p.Title, other)
		}
		ids[p.ID] = p.Title
		if g := p.GridPos; g.X+g.W > 24 || g.W == 0 || g.H == 0 {
			t.Errorf("%s does not fit: %+v", p.Title, g)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[at]; other != "" && other != p.Title {
					t.Fatalf("%s lies on %s", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
		if p.Type != "row" && (p.Title == "" || len(p.Targets) == 0 || p.FieldConfig.Defaults.Unit == "") {
			t.Errorf("panel %d, %q, lacks a title, a query or a unit", p.ID, p.Title)
		}
	}
}
