#!/usr/bin/env bash
# Lints the Go code of every module of ours with the rules of .golangci.yml.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

linter=$(go -C hack/tools/golangci-lint tool -n golangci-lint)
failed=()
while IFS= read -r file; do
	module=$(dirname "$file")
	# A module may hold nothing but the versions of what is built from elsewhere.
	[ -n "$(find "$module" -name '*.go' -print -quit)" ] || continue
	(cd "$module" && "$linter" run --config="$root/.golangci.yml" ./...) || failed+=("$module")
done < <(find . -name '.?*' -prune -o -name go.mod -print | sort)

# The linter lets tests sleep, because in a bubble that costs nothing and is how time passes there. To wait
# for a timer is to sleep, too; a wait for something else is ended by a context.
asleep=$(find . -name '.?*' -prune -o -name '*_test.go' -print | sort | xargs grep -lE 'time\.(Sleep|Tick)\(|<-time\.After\(' | xargs -r grep -L '"testing/synctest"' || true)
if [ -n "$asleep" ]; then
	echo "tests that sleep outside a testing/synctest bubble; wait for what the test waits for:" >&2
	echo "$asleep" >&2
	failed+=("$asleep")
fi

for module in "${failed[@]}"; do
	echo "$module: not clean, as shown above. Mend the code, or give a reason in .golangci.yml." >&2
done
[ "${#failed[@]}" = 0 ]
