package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
)

// check is one thing that must be well for a health endpoint to say so.
type check struct {
	name string
	run  func(*http.Request) error
}

// serveProcess serves a process's health and metrics until stop is called.
func serveProcess(ctx context.Context, o *Options, watchdog *leaderelection.HealthzAdaptor, p *parts) (stop func(), err error) {
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	wait, err := serve(serving, o.HTTPBindAddress, []check{{watchdog.Name(), watchdog.Check}}, p.ready(), p.metrics())
	if err != nil {
		stopServing()
		return nil, err
	}
	return func() {
		stopServing()
		if err := wait(); err != nil {
			klog.FromContext(ctx).Error(err, "Health and metrics endpoint failed")
		}
	}, nil
}

// serve serves health and metrics until ctx ends. An address that can not be bound is an error at once.
func serve(ctx context.Context, address string, healthy, ready []check, metrics http.Handler) (wait func() error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on --http-bind-address=%s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("/healthz", answer(healthy))
	mux.Handle("/readyz", answer(ready))
	mux.Handle("/metrics", metrics)
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
