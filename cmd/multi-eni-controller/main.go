// Command multi-eni-controller gives the Nodes of a Kubernetes cluster the Elastic Network Interfaces that
// NodeENI objects ask for.
package main

import (
	"context"
	"os"

	// The metrics of work queues, the Kubernetes client, leader election and the build. Not in package app: with
	// metrics every queue wakes up twice a second, which costs a simulation of hours dearly.
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/restclient"
	_ "k8s.io/component-base/metrics/prometheus/version"
	_ "k8s.io/component-base/metrics/prometheus/workqueue"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
)

func main() {
	os.Exit(app.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
