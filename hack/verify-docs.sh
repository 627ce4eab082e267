#!/usr/bin/env bash
# Checks that the documentation has each flag, reason, event and field, as the code has it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

if ! go run ./hack/docs -verify; then
	echo "The documentation is stale, as shown above. Run hack/update-docs.sh (make update)." >&2
	exit 1
fi
