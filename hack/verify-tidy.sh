#!/usr/bin/env bash
# Checks that go.mod and go.sum of every module of ours say what its code needs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

untidy=()
while IFS= read -r file; do
	module=$(dirname "$file")
	(cd "$module" && go mod tidy -diff) || untidy+=("$module")
done < <(find . -name '.?*' -prune -o -name go.mod -print | sort)

for module in "${untidy[@]}"; do
	echo "$module: go.mod or go.sum is stale, as shown above. Run 'go mod tidy' in that folder." >&2
done
[ "${#untidy[@]}" = 0 ]
