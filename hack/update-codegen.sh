#!/usr/bin/env bash
# Writes the code that follows from the types in pkg/apis: deep copies, apply configurations,
# clientset, listers and informers. Needs nothing but Go.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
module=$(go list -m)
group_version=networking/v1alpha1
types=$module/pkg/apis/$group_version
generated=$module/pkg/generated

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# tool runs one of the programs that hack/tools/go.mod pins; Go keeps the built ones in its cache.
tool() {
	local program
	program=$(go -C "$root/hack/tools" tool -n "$1")
	"$program" "${@:2}"
}

rm -f "pkg/apis/$group_version/zz_generated.deepcopy.go"
tool deepcopy-gen --output-file=zz_generated.deepcopy.go "$types"

# The schema that the API server will publish tells the apply configurations, and through them the
# fake clientset, which lists are merged by key.
tool controller-gen crd "paths=./pkg/apis/$group_version" "output:crd:dir=$work/crd"
go -C hack/tools run ./modelschema "$work"/crd/*.yaml "$types" >"$work/schema.json"

# Everything is made beside the tree first: a generator that fails half-way leaves the old code.
tool applyconfiguration-gen \
	--openapi-schema="$work/schema.json" \
	--output-dir="$work/generated/applyconfiguration" \
	--output-pkg="$generated/applyconfiguration" \
	"$types"
tool client-gen \
	--input-base="$module/pkg/apis" \
	--input="$group_version" \
	--clientset-name=versioned \
	--apply-configuration-package="$generated/applyconfiguration" \
	--output-dir="$work/generated/clientset" \
	--output-pkg="$generated/clientset"
tool lister-gen \
	--output-dir="$work/generated/listers" \
	--output-pkg="$generated/listers" \
	"$types"
tool informer-gen \
	--versioned-clientset-package="$generated/clientset/versioned" \
	--listers-package="$generated/listers" \
	--output-dir="$work/generated/informers" \
	--output-pkg="$generated/informers" \
	"$types"

rm -rf pkg/generated
cp -r "$work/generated" pkg/generated
