package controller

import (
	"context"
	"errors"
	"net"
	"time"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	firstRetry = 500 * time.Millisecond
	// maxRetry caps the back-off of a key. Keys are never dropped: a key may hold a finalizer.
	maxRetry = time.Minute
)

// syncFunc handles one key. It returns when to look at the key again although nothing has changed (zero:
// not before a change), or an error, after which the key is retried with back-off.
type syncFunc[K comparable] func(ctx context.Context, key K) (again time.Time, err error)

// worker drains one queue.
type worker[K comparable] struct {
	queue workqueue.TypedRateLimitingInterface[K]
	sync  syncFunc[K]
	// named puts the key into the logger.
	named func(klog.Logger, K) klog.Logger
}

func namedInstance(logger klog.Logger, id string) klog.Logger {
	return logger.WithValues("instanceID", id)
}

func namedNodeENI(logger klog.Logger, name string) klog.Logger {
	return logger.WithValues("nodeENI", klog.KRef("", name))
}

// newQueue makes a queue; isNewcomer may be nil.
func newQueue[K comparable](name string, isNewcomer func(K) bool) workqueue.TypedRateLimitingInterface[K] {
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[K](firstRetry, maxRetry),
		workqueue.TypedRateLimitingQueueConfig[K]{Name: name, DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(
			workqueue.TypedDelayingQueueConfig[K]{Name: name, Queue: workqueue.NewTypedWithConfig(
				workqueue.TypedQueueConfig[K]{Name: name, Queue: &fairQueue[K]{isNewcomer: isNewcomer}})})})
}

// run handles keys until the queue is shut down.
func (w *worker[K]) run(ctx context.Context) {
	for {
		key, shutdown := w.queue.Get()
		if shutdown {
			return
		}
		w.handle(ctx, key)
	}
}

func (w *worker[K]) handle(ctx context.Context, key K) {
	defer w.queue.Done(key)
	logger := w.named(klog.FromContext(ctx), key)
	again, err := w.sync(klog.NewContext(ctx, logger), key)
	switch {
	case err != nil:
		logFailure(logger, err)
		w.queue.AddRateLimited(key)
	case !again.IsZero():
		w.queue.Forget(key)
		w.queue.AddAfter(key, time.Until(again))
	default:
		w.queue.Forget(key)
	}
}

// logFailure keeps what is part of the ordinary course of things out of the operator's sight.
func logFailure(logger klog.Logger, err error) {
	_, unreachable := errors.AsType[*net.OpError](err)
	if !unreachable && (errors.Is(err, eni.KindNotSent) || errors.Is(err, eni.KindThrottled) || errors.Is(err, context.Canceled)) {
		logger.V(4).Info("Retrying later", "err", err)
		return
	}
	logger.Error(err, "Sync failed, retrying with back-off")
}
