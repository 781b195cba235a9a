#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Removes each refusal rule in turn, in a copy of this tree, and wants a unit test to go red:
#
#       tests/mutants/run.sh [--only=CODE]... [--jobs=N]
#
# Closing line: N passed, N failed. Exit status 0 only when something ran and nothing failed.
set -u
exec /usr/bin/python3 -B "$(dirname "${BASH_SOURCE[0]}")/mutants.py" "$@"
