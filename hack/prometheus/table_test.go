package prometheus

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/multi-eni/aws-multi-eni-controller/hack/docs/markdown"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

var write = flag.Bool("write", false, "write the tables of metrics and alerts into the documentation")

// ours is how the names of our metrics begin.
const ours = "multi_eni_"

// family is a metric as a scrape describes it.
type family struct {
	name, kind, help string
	labels           map[string]bool
}

// families are what a scrape in the text format describes, sorted by name.
func families(t *testing.T, a answer) []*family {
	t.Helper()
	byName := map[string]*family{}
	of := func(name []byte) *family {
		if byName[string(name)] == nil {
			byName[string(name)] = &family{name: string(name), labels: map[string]bool{}}
		}
		return byName[string(name)]
	}
	p, err := textparse.New(a.body, a.contentType, nil, textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var last *family
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch entry {
		case textparse.EntryHelp:
			name, help := p.Help()
			of(name).help = string(help)
		case textparse.EntryType:
			name, kind := p.Type()
			last = of(name)
			last.kind = string(kind)
		case textparse.EntrySeries:
			var series labels.Labels
			p.Labels(&series)
			series.Range(func(l labels.Label) { last.labels[l.Name] = true })
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *family) int { return cmp.Compare(a.name, b.name) })
}

// row is the metric's row in the table.
func (f *family) row() string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f.labels)) {
		if name != model.MetricNameLabel && name != labels.BucketLabel && name != "quantile" {
			names = append(names, "`"+name+"`")
		}
	}
	help := regexp.MustCompile(`^\[[A-Z]+\] `).ReplaceAllString(f.help, "")
	help = strings.NewReplacer("|", `\|`, `\n`, " ", "<", "&lt;", "\n", " ").Replace(help)
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.name, f.kind, strings.Join(names, ", "), help)
}

// TestMetricsTable: the documentation has a table of all metrics of a running controller. With -args -write it is written.
func TestMetricsTable(t *testing.T) {
	var own, others strings.Builder
	for _, f := range families(t, tellEverything(t).text) {
		switch {
		case strings.HasPrefix(f.name, ours):
			own.WriteString(f.row())
		case strings.HasPrefix(f.name, "go_") || strings.HasPrefix(f.name, "process_"):
		default:
			others.WriteString(f.row())
		}
	}
	table := "| metric | type | labels | |\n| --- | --- | --- | --- |\n" + own.String() + others.String()
	documented(t, "metrics", table)
}

// TestAlertsInREADME: the README says of each alert what to do, under the heading that its runbook_url leads to.
func TestAlertsInREADME(t *testing.T) {
	var text strings.Builder
	for _, group := range ruleGroups(t) {
		for _, rule := range group.Rules {
			told := func(annotation string) string {
				return regexp.MustCompile(`{{ \$labels\.(\w+) }}`).ReplaceAllStringFunc(rule.Annotations[annotation], func(s string) string {
					return strings.ToUpper(strings.TrimSuffix(strings.TrimPrefix(s, "{{ $labels."), " }}"))
				})
			}
			when := "at once"
			if rule.For > 0 {
				when = "after " + rule.For.String()
			}
			fmt.Fprintf(&text, "\n#### %s\n\n*%s, %s.* %s\n", rule.Alert, rule.Labels["severity"], when, told("description"))
		}
	}
	documented(t, "alerts", text.String()+"\n")
}

// documented wants a text in the part of that name, in whichever Markdown file has it, or writes it there.
func documented(t *testing.T, part, text string) {
	t.Helper()
	files, err := markdown.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	there := false
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		renewed, found, err := markdown.Replace(string(data), part, text)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		there = there || found
		switch {
		case renewed == string(data):
		case *write:
			if err := os.WriteFile(path, []byte(renewed), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("what %s says of %s is stale (make update); it should be\n%s", path, part, text)
		}
	}
	if !there {
		t.Errorf("no Markdown file has the line %q", markdown.Begin(part))
	}
}

// TestNothingIsMissingInTheTable: what is registered for the process and never observed is in no scrape.
func TestNothingIsMissingInTheTable(t *testing.T) {
	scraped := map[string]bool{}
	for _, f := range families(t, tellEverything(t).text) {
		scraped[f.name] = true
	}
	registry, ok := legacyregistry.Registerer().(prometheus.Collector)
	if !ok {
		t.Fatal("the registry does not describe itself")
	}
	descs := make(chan *prometheus.Desc, 1000)
	registry.Describe(descs)
	close(descs)
	count := 0
	for desc := range descs {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(desc.String())[1]
		if !strings.HasPrefix(name, ours) {
			continue
		}
		if count++; !scraped[name] {
			t.Errorf("%s is registered, and nothing is told of it although everything has happened", name)
		}
	}
	if count == 0 {
		t.Error("no metric of ours is registered")
	}
}

// TestLint holds what is ours against Prometheus's conventions.
func TestLint(t *testing.T) {
	problems, err := promlint.New(bytes.NewReader(tellEverything(t).text.body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, ours) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		} else {
			t.Logf("not ours: %s: %s", p.Metric, p.Text)
		}
	}
	bad, err := promlint.New(strings.NewReader("# TYPE multi_eni_calls counter\nmulti_eni_calls 1\n")).Lint()
	if err != nil || len(bad) == 0 {
		t.Errorf("promlint finds nothing wrong with a bad name: %v, %v", bad, err)
	}
}

// TestBothFormatsSayTheSame, as Prometheus reads them.
func TestBothFormatsSayTheSame(t *testing.T) {
	e := tellEverything(t)
	if !strings.HasPrefix(e.text.contentType, "text/plain") || !strings.HasPrefix(e.openMetrics.contentType, "application/openmetrics-text") {
		t.Fatalf("the formats are %s and %s", e.text.contentType, e.openMetrics.contentType)
	}
	text, open := map[string]float64{}, map[string]float64{}
	for _, s := range samples(t, e.text) {
		text[s.labels.String()] = s.value
	}
	for _, s := range samples(t, e.openMetrics) {
		open[s.labels.String()] = s.value
	}
	if len(text) != len(open) || len(text) < 500 {
		t.Errorf("%d series in text, %d in OpenMetrics", len(text), len(open))
	}
	for series, v := range text {
		got, ok := open[series]
		if !ok || (strings.Contains(series, ours) && got != v) {
			t.Errorf("%s is %v in text and %v in OpenMetrics", series, v, got)
		}
	}
}

// TestCardinality: a hundred NodeENIs have series of their own, the others share one name, and those that are deleted go.
func TestCardinality(t *testing.T) {
	const many = 130
	var full, less answer
	inLab(t, func(l *lab) {
		l.start()
		for i := range many {
			l.ask(fmt.Sprintf("nodeeni-%03d", i), 3, func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"ng": "none"} })
		}
		l.pass(10 * time.Minute)
		full = l.scrape(acceptText)
		for i := range many {
			l.withdraw(fmt.Sprintf("nodeeni-%03d", i))
		}
		l.pass(30 * time.Minute)
		less = l.scrape(acceptText)
	})
	names := func(a answer) (own int, others float64, total float64) {
		seen := map[string]bool{}
		for _, s := range samples(t, a) {
			if s.name() == "multi_eni_nodeenis" {
				total = s.value
			}
			if s.name() != "multi_eni_nodeeni_conditions" || s.labels.Get("type") != "Ready" {
				continue
			}
			if name := s.labels.Get("nodeeni"); name == "_other" {
				others += s.value
			} else {
				seen[name] = true
			}
		}
		return len(seen), others, total
	}
	if own, others, total := names(full); own != 100 || others != many+2-100 || total != many+2 {
		t.Errorf("of %v NodeENIs %d have series of their own, and %v share one", total, own, others)
	}
	if own, others, total := names(less); own != 2 || others != 0 || total != 2 {
		t.Errorf("after most were deleted %d of %v have series of their own, and %v share one", own, total, others)
	}
}
