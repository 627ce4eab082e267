#!/usr/bin/env bash
# Lints the workflows under .github with actionlint, without the programs that it would call where they are installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

linter=$(go -C hack/tools/actionlint tool -n actionlint)
"$linter" -shellcheck= -pyflakes= .github/workflows/*.yaml
