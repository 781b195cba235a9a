#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Shows the whole thing at work in under a minute, on loopback alone:
#
#       tests/demo.sh [--store=profile|config|cyberark] [--keep]
#
# Installs what is missing, builds, makes a CA, Java keystores and a partner's server that demands a client certificate,
# starts the pair by socket activation and makes REST and SOAP calls by alias. --keep leaves the folder with configuration and logs.
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$top/build}

for argument in "$@"; do
        case $argument in
        --store=profile | --store=config | --store=cyberark | --keep) ;;
        *) echo "usage: tests/demo.sh [--store=profile|config|cyberark] [--keep]" >&2; exit 2 ;;
        esac
done

"$top/tests/deps.sh"

mkdir -p "$build"
build=$(cd "$build" && pwd)
echo "building in $build"
[[ -e $build/build.ninja ]] || meson setup "$build" "$top" >"$build/build.log" 2>&1 || { tail -n 20 "$build/build.log" >&2; exit 1; }
meson compile -C "$build" >"$build/build.log" 2>&1 || { tail -n 20 "$build/build.log" >&2; exit 1; }

export BUILD=$build
exec "$top/tests/lib/demo.py" "$@"
