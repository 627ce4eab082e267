#!/usr/bin/env bash
# Writes the tables of flags, reasons, events and fields into the documentation.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

go run ./hack/docs
