// Package libmetrics has the libraries' own metrics registered: those of work queues, the Kubernetes client, leader
// election and the build. It is not part of package app: with metrics every queue wakes up twice a second, which costs a
// simulation of hours dearly.
package libmetrics

import (
	_ "k8s.io/component-base/metrics/prometheus/clientgo"   // leader election
	_ "k8s.io/component-base/metrics/prometheus/restclient" // the Kubernetes client
	_ "k8s.io/component-base/metrics/prometheus/version"    // the build
	_ "k8s.io/component-base/metrics/prometheus/workqueue"  // work queues
)
