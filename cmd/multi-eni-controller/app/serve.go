package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"

	// The metrics of work queues, the Kubernetes client, leader election and the build.
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/restclient"
	_ "k8s.io/component-base/metrics/prometheus/version"
	_ "k8s.io/component-base/metrics/prometheus/workqueue"
)

// check is one thing that must be well for a health endpoint to say so.
type check struct {
	name string
	run  func(*http.Request) error
}

// serve serves health and metrics until ctx ends. An address that can not be bound is an error at once.
func serve(ctx context.Context, address string, healthy, ready []check) (wait func() error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on --http-bind-address=%s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/healthz", answer(healthy))
	mux.Handle("/readyz", answer(ready))
	mux.Handle("/metrics", legacyregistry.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() error {
		defer stop()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving health and metrics: %w", err)
		}
		return nil
	}, nil
}

// answer says ok, or which check failed.
func answer(checks []check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range checks {
			if err := c.run(r); err != nil {
				http.Error(w, fmt.Sprintf("%s: %v", c.name, err), http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
}
