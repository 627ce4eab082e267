package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// metricsHandler serves the metrics of the process, which are events that are counted, and those of one replica, which
// say how things stand. The latter are in a registry of their own, since several replicas may run in one
// process. Both formats are offered, text and OpenMetrics.
func metricsHandler(replica ...metrics.StableCollector) http.Handler {
	registry := metrics.NewKubeRegistry()
	registry.CustomMustRegister(replica...)
	both := prometheus.Gatherers{legacyregistry.DefaultGatherer, registry}
	return metrics.HandlerFor(both, metrics.HandlerOpts{EnableOpenMetrics: true})
}
