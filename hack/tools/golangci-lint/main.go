// Command golangci-lint is golangci-lint with the linters of the Kubernetes project compiled in:
// kube-api-linter for the API types and logcheck for contextual logging. golangci-lint's own way to
// add them, its "custom" command, clones repositories; this program needs the module proxy only.
package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"

	// Register themselves as plugins when they are imported.
	_ "sigs.k8s.io/kube-api-linter"
	_ "sigs.k8s.io/logtools/logcheck/gclplugin"
)

func main() {
	if err := commands.Execute(buildInfo()); err != nil {
		fmt.Fprintln(os.Stderr, "golangci-lint:", err)
		os.Exit(exitcodes.Failure)
	}
}

// buildInfo says which golangci-lint and Go this is; golangci-lint refuses code newer than its Go.
func buildInfo() commands.BuildInfo {
	const unknown = "unknown"
	info := commands.BuildInfo{Version: unknown, Commit: unknown, Date: unknown, GoVersion: unknown}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.GoVersion = cmp.Or(build.GoVersion, unknown)
	for _, dependency := range build.Deps {
		if dependency.Path == "github.com/golangci/golangci-lint/v2" {
			info.Version = strings.TrimPrefix(dependency.Version, "v")
			info.Commit = cmp.Or(dependency.Sum, unknown)
		}
	}
	return info
}
