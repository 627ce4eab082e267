package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/component-base/metrics"
)

var testDesc = metrics.NewDesc("multi_eni_test", "One replica's.", nil, nil, metrics.ALPHA, "")

// oneValue is a replica's only metric.
type oneValue struct {
	metrics.BaseStableCollector
	value float64
}

func (o *oneValue) DescribeWithStability(descs chan<- *metrics.Desc) { descs <- testDesc }

func (o *oneValue) CollectWithStability(out chan<- metrics.Metric) {
	out <- metrics.NewLazyConstMetric(testDesc, metrics.GaugeValue, o.value)
}

// TestReplicasOfOneProcessHaveMetricsOfTheirOwn, beside those of the process, in either format.
func TestReplicasOfOneProcessHaveMetricsOfTheirOwn(t *testing.T) {
	first, second := metricsHandler(&oneValue{value: 1}), metricsHandler(&oneValue{value: 2})
	for _, test := range []struct {
		handler      http.Handler
		accept, want string
		wantFormat   string
	}{
		{first, "", "\nmulti_eni_test 1\n", "text/plain"},
		{second, "", "\nmulti_eni_test 2\n", "text/plain"},
		{first, "application/openmetrics-text;version=1.0.0", "\nmulti_eni_test 1.0\n", "application/openmetrics-text"},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		request.Header.Set("Accept", test.accept)
		response := httptest.NewRecorder()
		test.handler.ServeHTTP(response, request)
		if got := response.Header().Get("Content-Type"); response.Code != http.StatusOK || !strings.HasPrefix(got, test.wantFormat) {
			t.Errorf("%d, %s; want %s", response.Code, got, test.wantFormat)
		}
		for _, want := range []string{test.want, "\ngo_goroutines ", "\nprocess_start_time_seconds "} {
			if !strings.Contains(response.Body.String(), want) {
				t.Errorf("%q is not in the answer to %q", want, test.accept)
			}
		}
	}
}
