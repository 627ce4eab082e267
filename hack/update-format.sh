#!/usr/bin/env bash
# Formats the Go code of every module of ours with gofumpt. Generated code stays as it is.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

linter=$(go -C hack/tools/golangci-lint tool -n golangci-lint)
"$linter" fmt --config=.golangci.yml ./...
