#!/usr/bin/env bash
# Checks that the CustomResourceDefinition follows from the types in pkg/apis. Works in a copy of the
# tree.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/pkg" "$work/hack"
cp go.mod go.sum "$work/"
cp -r pkg/apis "$work/pkg/"
cp -r hack/tools hack/update-crd.sh "$work/hack/"

"$work/hack/update-crd.sh"
if ! diff -uN manifests/10-crd-nodeenis.yaml "$work/manifests/10-crd-nodeenis.yaml"; then
	echo "manifests/10-crd-nodeenis.yaml is stale, as shown above. Run hack/update-crd.sh (make update)." >&2
	exit 1
fi
