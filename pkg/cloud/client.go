package cloud

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// userAgentKey names us in CloudTrail's userAgent field, as "aws-multi-eni-controller/<version>".
const userAgentKey = "aws-multi-eni-controller"

// Options says whose interfaces a client may touch, and when.
type Options struct {
	// ClusterIDs are the values of the tag networking.k8s.aws/cluster-id that make an interface ours.
	ClusterIDs []string
	// Fence tells until when calls that change EC2 may be made; nil when nobody competes with us.
	Fence Fence
	// Quotas replace those that EC2 documents, by action, where the account has others.
	Quotas map[string]Quota
	// Version is the controller's, for the user agent.
	Version string
}

// Client makes EC2's calls. It is safe for use by many goroutines.
type Client struct {
	ec2      *ec2.Client
	clusters map[string]bool
	fence    Fence
	limiter  *limiter
	types    typeCache
	handover handover
	// described is fed by every answer that shows interfaces with their tags.
	described described
}

// NewFromConfig makes a client of a loaded configuration: New does, and tests.
func NewFromConfig(cfg aws.Config, opts Options) *Client {
	registerMetrics()
	c := &Client{
		clusters: map[string]bool{},
		fence:    opts.Fence,
		limiter:  newLimiter(opts.Quotas),
	}
	for _, id := range opts.ClusterIDs {
		c.clusters[id] = true
	}
	c.ec2 = ec2.NewFromConfig(cfg, func(o *ec2.Options) {
		o.Retryer = aws.NopRetryer{}
		o.RetryMaxAttempts = 1
		o.HTTPClient = &fencedHTTP{next: o.HTTPClient, fence: opts.Fence}
		if o.Credentials != nil {
			o.Credentials = markedCredentials{o.Credentials}
		}
		o.APIOptions = append(o.APIOptions, awsmiddleware.AddUserAgentKeyValue(userAgentKey, cmp.Or(opts.Version, "unknown")))
	})
	return c
}
