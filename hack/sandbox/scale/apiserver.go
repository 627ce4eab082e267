package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/client-go/kubernetes"
)

// written is what the API server was sent: the objects that a person or a controller writes, without the Leases,
// which are renewed by the clock.
type written struct {
	// writes counts the requests by resource.
	writes map[string]float64
	bytes  float64
}

// since is what came after an earlier reading.
func (w written) since(earlier written) written {
	after := written{writes: map[string]float64{}, bytes: w.bytes - earlier.bytes}
	for resource, count := range w.writes {
		if n := count - earlier.writes[resource]; n > 0 {
			after.writes[resource] = n
		}
	}
	return after
}

func (w written) total() (sum float64) {
	for _, count := range w.writes {
		sum += count
	}
	return sum
}

// writingVerbs are those of requests with an object, or a patch of one, in their body.
var writingVerbs = []string{"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION", "create", "update", "patch", "delete", "deletecollection"}

// readWritten asks the API server what it has counted so far.
func readWritten(ctx context.Context, kube kubernetes.Interface) (written, error) {
	data, err := kube.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return written{}, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return parseWritten(data)
}

func parseWritten(metrics []byte) (written, error) {
	w := written{writes: map[string]float64{}}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(metrics))
	if err != nil {
		return w, fmt.Errorf("parsing the API server's metrics: %w", err)
	}
	for _, name := range []string{"apiserver_request_total", "apiserver_request_body_size_bytes"} {
		if families[name] == nil {
			return w, fmt.Errorf("the API server does not tell %s", name)
		}
	}
	for _, m := range families["apiserver_request_total"].Metric {
		if resource := label(m, "resource"); counts(m) {
			w.writes[resource] += m.GetCounter().GetValue()
		}
	}
	for _, m := range families["apiserver_request_body_size_bytes"].Metric {
		if counts(m) {
			w.bytes += m.GetHistogram().GetSampleSum()
		}
	}
	return w, nil
}

// counts reports whether a series is about writes that count.
func counts(m *dto.Metric) bool {
	return slices.Contains(writingVerbs, label(m, "verb")) && label(m, "resource") != "leases"
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.Label {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}
