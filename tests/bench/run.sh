#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Ratios against in-process libcurl measured in the same run:
#
#       tests/bench/run.sh [--quick] [--only=handshake|keepalive|bulk|check|start]
#
# Prints name=value lines. BUILD names the build folder (default: build, in the source tree), which is made when it is not there.
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export BUILD=${BUILD:-$top/build}

for argument in "$@"; do
        case $argument in
        --quick | --only=handshake | --only=keepalive | --only=bulk | --only=check | --only=start) ;;
        *) echo "usage: tests/bench/run.sh [--quick] [--only=handshake|keepalive|bulk|check|start]" >&2; exit 2 ;;
        esac
done

"$top/tests/deps.sh"
mkdir -p "$BUILD"
[[ -e $BUILD/build.ninja ]] || meson setup "$BUILD" "$top" >"$BUILD/build.log" 2>&1 || { tail -n 20 "$BUILD/build.log" >&2; exit 1; }
meson compile -C "$BUILD" >"$BUILD/build.log" 2>&1 || { tail -n 20 "$BUILD/build.log" >&2; exit 1; }

exec "$top/tests/bench/bench.py" "$@"
