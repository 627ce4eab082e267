#!/usr/bin/env bash
# Checks that the generated code follows from the types in pkg/apis. Works in a copy of the tree.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pkg" "$work/hack"
cp go.mod go.sum "$work/"
cp -r pkg/apis "$work/pkg/"
cp -r hack/tools hack/update-codegen.sh "$work/hack/"

"$work/hack/update-codegen.sh"
stale=0
diff -ruN pkg/apis "$work/pkg/apis" || stale=1
diff -ruN pkg/generated "$work/pkg/generated" || stale=1
if [ "$stale" = 1 ]; then
	echo "pkg/apis or pkg/generated is stale, as shown above. Run hack/update-codegen.sh (make update)." >&2
	exit 1
fi
