// Package app is the process around the controller: flags (options.go), the process itself (run.go), one replica
// in it (replica.go) and its wiring (build.go), leader election (elect.go) with the fence that keeps a deposed
// leader from changing anything (fence.go), the cluster's identity (identity.go), health and metrics (serve.go,
// health.go), the debug port (debug.go, zpages.go) and the pages that both are made of (pages.go), what the informers
// keep (trim.go) and how much memory the process takes (memory.go).
// It is the only place where the controller meets the EC2 adapter.
package app
