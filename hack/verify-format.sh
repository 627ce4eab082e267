#!/usr/bin/env bash
# Checks that the Go code is formatted.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

linter=$(go -C hack/tools/golangci-lint tool -n golangci-lint)
if ! "$linter" fmt --config=.golangci.yml --diff ./...; then
	echo "Not formatted. Run hack/update-format.sh (make update)." >&2
	exit 1
fi
