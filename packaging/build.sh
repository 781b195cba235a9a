#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds packages of this tree, in a copy of it:
#
#       packaging/build.sh deb|rpm [--output DIR]
#
# They come to lie in DIR (default: build-packages, beside this folder). Their version is meson.build's.
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
output=$top/build-packages

usage() {
        echo 'usage: packaging/build.sh deb|rpm [--output DIR]' >&2
        exit 2
}

[[ $# -ge 1 ]] || usage
kind=$1
shift
while [[ $# -gt 0 ]]; do
        case $1 in
        --output=*) output=${1#*=} ;;
        --output) shift; output=${1:-} ;;
        *) usage ;;
        esac
        shift
done
[[ $kind == deb || $kind == rpm ]] && [[ -n $output ]] || usage

mkdir -p "$output"
output=$(cd "$output" && pwd)
version=$(sed -n "s/^ *version: '\(.*\)',\$/\1/p" "$top/meson.build" | head -n 1)
[[ $version =~ ^[0-9]+(\.[0-9]+)+$ ]] || { echo "build.sh: meson.build has no version" >&2; exit 1; }
# When it was last changed, so that the same tree gives the same packages
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || stat --format=%Y "$top/meson.build")}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/midtls-$version

# Not what a build has made here
mkdir "$tree"
tar -C "$top" --exclude=./.git --exclude='./build*' --exclude=__pycache__ -cf - . | tar -C "$tree" -xf -

build_deb() {
        cp -r "$tree/packaging/debian" "$tree/debian"
        cat >"$tree/debian/changelog" <<CHANGELOG
midtls ($version) unstable; urgency=medium

  * What has changed is told by the history of the source tree.

 -- midtls maintainers <maintainers@midtls.example>  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
CHANGELOG
        (cd "$tree" && dpkg-buildpackage --build=binary --no-sign)
        cp "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$output"
}

build_rpm() {
        local options=()

        # Elsewhere rpm knows nothing of what is installed.
        [[ -e /etc/redhat-release ]] || options=(--nodeps)
        mkdir -p "$work/rpm"/{SOURCES,SPECS}
        tar -C "$work" -czf "$work/rpm/SOURCES/midtls-$version.tar.gz" "midtls-$version"
        sed "s/@version@/$version/" "$tree/packaging/midtls.spec.in" >"$work/rpm/SPECS/midtls.spec"
        rpmbuild -ba "${options[@]}" --define "_topdir $work/rpm" "$work/rpm/SPECS/midtls.spec"
        find "$work/rpm" -name '*.rpm' -exec cp {} "$output" \;
        cp "$work/rpm/SPECS/midtls.spec" "$output"
}

"build_$kind"
echo "build.sh: in $output:"
(cd "$output" && ls)
