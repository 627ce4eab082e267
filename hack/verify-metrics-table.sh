#!/usr/bin/env bash
# Checks that the documentation has each metric that a scrape of the running controller has, and each alert.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
if ! go -C "$root/hack/prometheus" test -count=1 -run '^(TestMetricsTable|TestAlertsInREADME)$' .; then
	echo "The documentation is stale, as shown above. Run hack/update-metrics-table.sh (make update)." >&2
	exit 1
fi
