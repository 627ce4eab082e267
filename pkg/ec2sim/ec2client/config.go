// Package ec2client configures the EC2 SDK for tests, which have EC2 on a transport of their own.
package ec2client

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config has the SDK reach EC2 by the transport, signing as access key AKIDTEST.
func Config(transport http.RoundTripper) aws.Config {
	return aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
		HTTPClient:  &http.Client{Transport: transport},
	}
}
