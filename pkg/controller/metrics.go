package controller

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

var (
	cleanupHalts = metrics.NewCounter(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "cleanup_halts_total",
		Help:           "How often cleanup was halted because too many interfaces would have gone at once.",
		StabilityLevel: metrics.ALPHA,
	})

	registerMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(cleanupHalts, permissionDenied) })
)
