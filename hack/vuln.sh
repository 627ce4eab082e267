#!/usr/bin/env bash
# Looks whether code of the product, or code that it calls, is known to be vulnerable. Needs the vulnerability database:
# https://vuln.go.dev, or what GOVULNDB names. Arguments are package patterns; ./... without any.
# Exit code: 0 nothing is known, 3 something is, 1 nothing was checked.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

checker=$(go -C hack/tools/govulncheck tool -n govulncheck)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

code=0
"$checker" -db="${GOVULNDB:-https://vuln.go.dev}" "${@:-./...}" 2>"$log" || code=$?
cat "$log" >&2
case $code in
0 | 3) exit "$code" ;;
esac
if grep -qE 'fetching vulnerabilities|creating client' "$log"; then
	echo "The vulnerability database ${GOVULNDB:-https://vuln.go.dev} can not be read from here, so NOTHING WAS CHECKED. Run this where it can, or name a copy in GOVULNDB." >&2
else
	echo "govulncheck failed, so NOTHING WAS CHECKED." >&2
fi
exit 1
