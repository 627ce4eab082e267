#!/usr/bin/env bash
# Tests the EC2 simulator with the Python clients of EC2: boto3 and the AWS CLI, as Debian
# packages them. Arguments go to unittest: test_cli, test_pages.Paginators, -v, …
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)

# Debian's own, not what pip has put before it.
has_boto3() {
	env -i PYTHONNOUSERSITE=1 /usr/bin/python3 -B -c 'import boto3; assert boto3.__file__.startswith("/usr/lib/")' 2>/dev/null
}

lacking=
has_boto3 || lacking=python3-boto3
[ -x /usr/bin/aws ] || lacking="$lacking awscli"
if [ -n "$lacking" ]; then
	echo "test-clients lacks these Debian packages: ${lacking# }. Run: apt-get install python3-boto3 awscli" >&2
	exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$root"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$scratch/ec2-simulator" ./cmd/ec2-simulator
# The newest description of EC2's answers at hand; Debian's clients are some years old.
sdk=$(go list -f '{{.Dir}}' github.com/aws/aws-sdk-go-v2/service/ec2)

if [ "$#" = 0 ]; then
	set -- discover
fi
: >"$scratch/empty"
cd "$here"
# Nothing of the caller's environment: no credentials, no configuration, no proxy.
env -i PATH=/usr/bin:/bin HOME="$scratch" TMPDIR="$scratch" LANG=C.UTF-8 \
	AWS_ACCESS_KEY_ID=AKIDADMIN AWS_SECRET_ACCESS_KEY=secret AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \
	AWS_CONFIG_FILE="$scratch/empty" AWS_SHARED_CREDENTIALS_FILE="$scratch/empty" \
	AWS_EC2_METADATA_DISABLED=true AWS_PAGER= AWS_DEFAULT_OUTPUT=json \
	EC2_SIMULATOR="$scratch/ec2-simulator" EC2_SDK="$sdk" \
	/usr/bin/python3 -B -s -W error::ResourceWarning -m unittest "$@"
