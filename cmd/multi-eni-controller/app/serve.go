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

// serveProcess serves a process's health and metrics, and the debug port, until stop is called.
func serveProcess(ctx context.Context, o *Options, watchdog *leaderelection.HealthzAdaptor, p *parts) (stop func(), err error) {
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	waitMain, err := serve(serving, "http-bind-address", o.HTTPBindAddress, mainSite([]check{{watchdog.Name(), watchdog.Check}}, p.ready(), p.metrics()).handler())
	if err != nil {
		stopServing()
		return nil, err
	}
	waitDebug := func() error { return nil }
	if o.debugs() {
		waitDebug, err = serve(serving, "debug-bind-address", o.DebugBindAddress, loopbackOnly(debugSite(o, p.controller).handler()))
		if err != nil {
			stopServing()
			return nil, errors.Join(err, waitMain())
		}
	}
	return func() {
		stopServing()
		if err := errors.Join(waitMain(), waitDebug()); err != nil {
			klog.FromContext(ctx).Error(err, "Serving failed")
		}
	}, nil
}

// mainSite is what the kubelet and Prometheus read.
func mainSite(alive, ready []check, metrics http.Handler) site {
	return site{programName, []page{
		{"/healthz", "whether the process is well; ?verbose names the checks", health("healthz", alive)},
		{"/livez", "the same", health("livez", alive)},
		{"/readyz", "whether it can do its work; ?verbose names the checks", health("readyz", ready)},
		{"/metrics", "metrics in Prometheus' format", metrics.ServeHTTP},
	}}
}

// serve serves until ctx ends. An address that can not be bound is an error at once.
func serve(ctx context.Context, flag, address string, handler http.Handler) (wait func() error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on --%s=%s: %w", flag, address, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	return func() error {
		defer stop()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving --%s=%s: %w", flag, address, err)
		}
		return nil
	}, nil
}
