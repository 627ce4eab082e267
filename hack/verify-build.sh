#!/usr/bin/env bash
# Builds what the image is built from, for each architecture that it is made for.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for architecture in amd64 arm64; do
	GOOS=linux GOARCH=$architecture make --no-print-directory build BIN="$work/$architecture"
done
