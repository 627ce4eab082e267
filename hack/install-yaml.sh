#!/usr/bin/env bash
# Prints the install objects of manifests/ as one file, the kind first. With IMAGE, CLUSTER_NAME or REGION set, the Deployment
# has that image, --cluster-name or Region.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root/manifests"

# What kubectl reads of the folder.
shopt -s nullglob
crds=([0-9]*-crd-*.yaml)
files=("${crds[@]}")
for file in *.yaml *.yml *.json; do
	[[ " ${crds[*]} " == *" $file "* ]] || files+=("$file")
done

# A reference to an image has none of the characters that mean something here.
image=${IMAGE:-}
if [[ ! $image =~ ^[A-Za-z0-9._:/@-]*$ ]]; then
	echo "IMAGE=$image is no reference to an image" >&2
	exit 1
fi
# What the controller takes as a name, and what a Region looks like.
cluster=${CLUSTER_NAME:-}
if [[ ! $cluster =~ ^([A-Za-z0-9][A-Za-z0-9._-]*)?$ ]]; then
	echo "CLUSTER_NAME=$cluster is no name of a cluster" >&2
	exit 1
fi
region=${REGION:-}
if [[ ! $region =~ ^([a-z0-9-]+)?$ ]]; then
	echo "REGION=$region is no Region" >&2
	exit 1
fi
fill=(-e "1{/^---$/d}")
[[ -z $image ]] || fill+=(-e "s|^\( *image: \)multi-eni-controller:CHANGE-ME\$|\1$image|")
[[ -z $cluster ]] || fill+=(-e "s|^\( *- --cluster-name=\)<CHANGE-ME>\$|\1$cluster|")
[[ -z $region ]] || fill+=(-e "/^ *# env:\$/,/^ *#   value: /{s/# //;s|\(value: \).*|\1$region|;}")
for file in "${files[@]}"; do
	echo "---"
	sed "${fill[@]}" "$file"
done
