// Command multi-eni-controller gives the Nodes of a Kubernetes cluster the Elastic Network Interfaces that
// NodeENI objects ask for.
package main

import (
	"context"
	"os"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	_ "github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/libmetrics"
)

func main() {
	os.Exit(app.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
