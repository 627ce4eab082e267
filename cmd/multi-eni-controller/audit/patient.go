package audit

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// backoff is how a read is made again that EC2 throttled or whose answer was lost: six times within half a minute.
var backoff = wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Steps: 6, Cap: 10 * time.Second}

// patient makes reads again. The adapter makes one attempt each, for the controller looks again anyway; here nobody does.
type patient struct {
	ec2
	backoff wait.Backoff
}

// again makes the read until it succeeds or fails for good; the last error is the one that counts.
func again[T any](ctx context.Context, backoff wait.Backoff, read func() (T, error)) (out T, err error) {
	_ = wait.ExponentialBackoffWithContext(ctx, backoff, func(context.Context) (bool, error) {
		out, err = read()
		switch eni.KindOf(err) {
		case eni.KindThrottled, eni.KindUnknownOutcome:
			return err == nil, nil
		}
		return true, nil
	})
	return out, err
}

func (p patient) FindInterfaces(ctx context.Context, by cloud.Property, value string) ([]eni.FoundInterface, error) {
	return again(ctx, p.backoff, func() ([]eni.FoundInterface, error) { return p.ec2.FindInterfaces(ctx, by, value) })
}

func (p patient) ListInterfaces(ctx context.Context, clusterIDs, nodeENIUIDs []string) ([]eni.Interface, error) {
	return again(ctx, p.backoff, func() ([]eni.Interface, error) { return p.ec2.ListInterfaces(ctx, clusterIDs, nodeENIUIDs) })
}

func (p patient) DescribeInstances(ctx context.Context, ids []string) ([]eni.Instance, error) {
	return again(ctx, p.backoff, func() ([]eni.Instance, error) { return p.ec2.DescribeInstances(ctx, ids) })
}

func (p patient) DescribeSubnets(ctx context.Context, ids []string) ([]eni.Subnet, error) {
	return again(ctx, p.backoff, func() ([]eni.Subnet, error) { return p.ec2.DescribeSubnets(ctx, ids) })
}
