#!/usr/bin/env bash
# Writes what the documentation says of metrics and alerts: the one from a scrape of the running controller, the other from
# manifests/monitoring.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
go -C "$root/hack/prometheus" test -count=1 -run '^(TestMetricsTable|TestAlertsInREADME)$' . -args -write
