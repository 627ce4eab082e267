// Command multi-eni-controller gives the Nodes of a Kubernetes cluster the Elastic Network Interfaces that
// NodeENI objects ask for.
package main

import (
	"context"
	"io"
	"os"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/audit"
	_ "github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/libmetrics"
	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/migrate"
)

// commands run in place of the controller when the first argument names one.
var commands = map[string]func(ctx context.Context, args []string, stdout, stderr io.Writer) int{
	"audit":   audit.Main,
	"migrate": migrate.Main,
}

func main() {
	run, args := app.Main, os.Args[1:]
	if len(args) > 0 && commands[args[0]] != nil {
		run, args = commands[args[0]], args[1:]
	}
	os.Exit(run(context.Background(), args, os.Stdout, os.Stderr))
}
