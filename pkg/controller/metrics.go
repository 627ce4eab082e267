package controller

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// What happens is counted for the process: replicas that share one, as in a simulation, add up. How things stand is told
// by each replica for itself, see collector.go.
var (
	cleanupHalts = metrics.NewCounter(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "cleanup_halts_total",
		Help:           "How often cleanup was halted because too many interfaces would have gone at once.",
		StabilityLevel: metrics.ALPHA,
	})
	attachDuration = metrics.NewHistogram(&metrics.HistogramOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "attach_duration_seconds",
		Help:           "How long it took from when a NodeENI matched a Node, or this replica began to lead, until EC2 showed the interface attached.",
		Buckets:        []float64{1, 2.5, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600},
		StabilityLevel: metrics.ALPHA,
	})
	leakedFound = metrics.NewCounter(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "leaked_interfaces_found_total",
		Help:           "Interfaces found that bear our cluster's tags and whose NodeENI does not exist.",
		StabilityLevel: metrics.ALPHA,
	})
	interfacesAdopted = metrics.NewCounter(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "interfaces_adopted_total",
		Help:           "Interfaces without a NodeENI that the present NodeENI of the same name has taken over.",
		StabilityLevel: metrics.ALPHA,
	})
	orderedAdoptions = metrics.NewCounter(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "ordered_adoptions_total",
		Help:           "Interfaces made by other means that were taken over because the annotation of a NodeENI asks for it.",
		StabilityLevel: metrics.ALPHA,
	})
	interfacesDeleted = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "controller",
		Name:           "interfaces_deleted_total",
		Help:           "Interfaces that the controller deleted, by why; NodeENIGone are those that had leaked.",
		StabilityLevel: metrics.ALPHA,
	}, []string{"reason"})

	registerMetrics = sync.OnceFunc(func() {
		legacyregistry.MustRegister(cleanupHalts, permissionDenied, attachDuration, leakedFound, interfacesAdopted, orderedAdoptions, interfacesDeleted, nodeWrites)
		initNodeWrites()
	})
)
