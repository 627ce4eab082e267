package prometheus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	// interval is how often a target is scraped and the rules are evaluated, as servicemonitor.yaml says.
	interval = 30 * time.Second
	// job is what a ServiceMonitor makes of the Service's name.
	job = "multi-eni-controller-metrics"

	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0"
	acceptText        = "text/plain;version=0.0.4"
)

// scrapes are the answers of one target, in order.
type scrapes struct {
	answers []answer
	// began and ended are the times between which something was wrong in the story.
	began, ended time.Time
	handler      http.Handler
}

// answer is what a target said at some time; without a body it did not answer.
type answer struct {
	at          time.Time
	contentType string
	body        []byte
}

// target says what serves the metrics; nil when nothing does.
func (l *lab) target(handler http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handler = handler
}

// scrapeAll scrapes the target until ctx ends.
func (l *lab) scrapeAll(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			l.answers = append(l.answers, l.scrape(acceptOpenMetrics))
		}
	}
}

func (l *lab) scrape(accept string) answer {
	l.mu.Lock()
	handler := l.handler
	l.mu.Unlock()
	if handler == nil {
		return answer{at: time.Now()}
	}
	request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", accept)
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	if response.Code != http.StatusOK {
		l.Errorf("/metrics: %d %s", response.Code, response.Body)
	}
	return answer{time.Now(), response.Header().Get("Content-Type"), response.Body.Bytes()}
}

// troubled marks when something goes wrong in a story, mended when it is right again.
func (l *lab) troubled() { l.began = time.Now() }

func (l *lab) mended() { l.ended = time.Now() }

// store is Prometheus's storage, in memory.
type store struct {
	*testing.T
	head *tsdb.Head
	// known are the series of the last scrape: those that the next one lacks are marked as stale.
	known map[string]known
	first time.Time
	last  time.Time
}

// known is a series of the last scrape, by how the target writes it.
type known struct {
	ref    storage.SeriesRef
	labels labels.Labels
	shown  bool
}

// stored has everything stored that was scraped.
func stored(t *testing.T, s scrapes) *store {
	t.Helper()
	options := tsdb.DefaultHeadOptions()
	options.ChunkDirRoot = t.TempDir()
	options.ChunkRange = (48 * time.Hour).Milliseconds()
	head, err := tsdb.NewHead(nil, slog.New(slog.DiscardHandler), nil, nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = head.Close() })
	st := &store{T: t, head: head, known: map[string]known{}}
	for _, a := range s.answers {
		st.add(a)
	}
	return st
}

// add does with an answer what a scrape does.
func (s *store) add(a answer) {
	s.Helper()
	if s.first.IsZero() {
		s.first = a.at
	}
	s.last = a.at
	at, appender, up := a.at.UnixMilli(), s.head.Appender(context.Background()), 0.0
	for key, series := range s.known {
		series.shown = false
		s.known[key] = series
	}
	if a.body != nil {
		up = 1
		parse(s.T, a, func(key []byte, p textparse.Parser, v float64) {
			series, known := s.known[string(key)]
			if !known {
				p.Labels(&series.labels)
				series.labels = ofTarget(series.labels)
			}
			series.shown = true
			var err error
			if series.ref, err = appender.Append(series.ref, series.labels, at, v); err != nil {
				s.Fatalf("storing %s: %v", series.labels, err)
			}
			s.known[string(key)] = series
		})
	}
	for key, series := range s.known {
		if !series.shown {
			_, _ = appender.Append(series.ref, series.labels, at, math.Float64frombits(value.StaleNaN))
			delete(s.known, key)
		}
	}
	if _, err := appender.Append(0, ofTarget(labels.FromStrings(model.MetricNameLabel, "up")), at, up); err != nil {
		s.Fatal(err)
	}
	if err := appender.Commit(); err != nil {
		s.Fatal(err)
	}
}

// ofTarget adds what a ServiceMonitor says of the target.
func ofTarget(series labels.Labels) labels.Labels {
	b := labels.NewBuilder(series)
	b.Set("job", job)
	b.Set("namespace", namespace)
	b.Set("pod", "multi-eni-controller-0")
	b.Set("instance", "10.0.0.1:8080")
	return b.Labels()
}

// parse has Prometheus parse an answer, and calls back for each sample.
func parse(t *testing.T, a answer, sample func(key []byte, p textparse.Parser, v float64)) {
	t.Helper()
	p, err := textparse.New(a.body, a.contentType, nil, textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		switch entry, err := p.Next(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			t.Fatalf("%s: %v", a.contentType, err)
		case entry == textparse.EntrySeries:
			key, _, v := p.Series()
			sample(key, p, v)
		}
	}
}

type sample struct {
	labels labels.Labels
	value  float64
}

func (s sample) name() string { return s.labels.Get(model.MetricNameLabel) }

// samples are all that an answer says.
func samples(t *testing.T, a answer) (list []sample) {
	t.Helper()
	parse(t, a, func(_ []byte, p textparse.Parser, v float64) {
		var series labels.Labels
		p.Labels(&series)
		list = append(list, sample{series, v})
	})
	return list
}

// Querier implements storage.Queryable.
func (s *store) Querier(mint, maxt int64) (storage.Querier, error) {
	return tsdb.NewBlockQuerier(tsdb.NewRangeHead(s.head, mint, maxt), mint, maxt)
}

var queryParser = parser.NewParser(parser.Options{})

func newEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{MaxSamples: 50e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: queryParser})
}
