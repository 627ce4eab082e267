package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// startTimeout bounds how long the sources of the Region and the credentials may take at start-up.
const startTimeout = 15 * time.Second

// New makes a client configured by the SDK's own chain: environment, shared files and profile, web
// identity (IRSA), container credentials (EKS Pod Identity), instance metadata. AWS_ENDPOINT_URL_EC2 and
// AWS_ENDPOINT_URL are honoured. It fails at once when there is no Region or there are no credentials.
// Source: https://docs.aws.amazon.com/sdk-for-go/v2/developer-guide/configure-gosdk.html
func New(ctx context.Context, opts Options) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(httpClient()))
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w: check the AWS_ variables and the shared configuration files", err)
	}
	if cfg.Region == "" {
		if cfg.Region, err = regionOfInstance(ctx, cfg); err != nil {
			return nil, fmt.Errorf("no AWS Region: set AWS_REGION, or a region in the profile, or let the pod reach the instance metadata service (%w)", err)
		}
	}
	if err := checkCredentials(ctx, cfg); err != nil {
		return nil, fmt.Errorf("no AWS credentials: give the pod's ServiceAccount an IAM role (IRSA or EKS Pod Identity), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (%w)", err)
	}
	return NewFromConfig(cfg, opts), nil
}

// idleConnections is how many connections to EC2 are kept for the next call: one for each worker and each reader, by
// default. The SDK keeps ten, so that most calls of more workers would begin with a handshake.
const idleConnections = 64

func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = idleConnections })
}

// regionOfInstance asks the instance metadata service: on a node of EC2 nobody need set a Region.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
func regionOfInstance(ctx context.Context, cfg aws.Config) (string, error) {
	out, err := imds.NewFromConfig(cfg).GetRegion(ctx, &imds.GetRegionInput{})
	if err != nil {
		return "", fmt.Errorf("instance metadata: %w", err)
	}
	return out.Region, nil
}

func checkCredentials(ctx context.Context, cfg aws.Config) error {
	if cfg.Credentials == nil {
		return errors.New("no source of credentials is configured")
	}
	_, err := cfg.Credentials.Retrieve(ctx)
	return err
}

// credentialsError marks a failure as one of the credentials' source, which answers with error codes of
// its own (STS's, say) that must not be taken for EC2's.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

type markedCredentials struct{ next aws.CredentialsProvider }

// Retrieve marks the next provider's failures.
func (m markedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := m.next.Retrieve(ctx)
	if err != nil {
		return credentials, &credentialsError{err}
	}
	return credentials, nil
}
