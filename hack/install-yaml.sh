#!/usr/bin/env bash
# Prints the install objects of manifests/ as one file, the kind first. With IMAGE set, the Deployment has that image.
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
for file in "${files[@]}"; do
	echo "---"
	sed -e "1{/^---$/d}" ${image:+-e "s|^\( *image: \)multi-eni-controller:CHANGE-ME\$|\1$image|"} "$file"
done
