#!/usr/bin/env bash
# Writes the CustomResourceDefinition that follows from the types in pkg/apis. Needs nothing but Go.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

controller_gen=$(go -C hack/tools tool -n controller-gen)
"$controller_gen" crd paths=./pkg/apis/networking/v1alpha1 "output:crd:dir=$work"

# kubectl applies a folder in the order of the file names: the namespace and the kind come first.
mkdir -p manifests
cp "$work/networking.k8s.aws_nodeenis.yaml" manifests/10-crd-nodeenis.yaml
