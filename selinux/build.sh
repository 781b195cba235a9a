#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh MAKEFILE OUTPUT SOURCE...: compiles the sources in a folder of its own, for the makefile leaves many files behind
set -eu

makefile=$1 output=$(realpath "$2")
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$@" "$work"
make -C "$work" -f "$makefile" "$(basename "$output")" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
cp "$work/$(basename "$output")" "$output"
