#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the pair from the build tree as plain processes with socket activation:
#
#       tests/pair.sh [--sandbox=full|off] [--workers=N] DIR [-- COMMAND [ARG...]]
#
# Configuration in DIR/etc, sockets (also keyd-admin.sock, for midtls reload --socket) and pid files in DIR/run, logs in
# DIR/log/keyd.json and DIR/log/calld.json.
# COMMAND gets MIDTLS_SOCKET and finds `midtls` on PATH; its exit status is ours. Without it: until interrupted.
# BUILD names the build folder (default: build, in the source tree).
set -u

usage() {
        echo "usage: tests/pair.sh [--sandbox=full|off] [--workers=N] DIR [-- COMMAND [ARG...]]" >&2
        exit 2
}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-build}
[[ $build == /* || -d $build/tests ]] || build=$top/$build
build=$(cd "$build" 2>/dev/null && pwd) || { echo "pair.sh: no build folder ${BUILD:-build}; run: meson setup build && meson compile -C build" >&2; exit 2; }

sandbox=() workers=()
while [[ ${1:-} == --* && $1 != -- ]]; do
        case $1 in
        --sandbox=full) sandbox=() ;;
        --sandbox=off) sandbox=(--sandbox=off) ;;
        --workers=*) workers=("$1") ;;
        *) usage ;;
        esac
        shift
done
[[ $# -ge 1 && $1 != -- ]] || usage
mkdir -p "$1/etc" "$1/run" "$1/log" || exit 2
dir=$(cd "$1" && pwd)
shift
[[ $# -eq 0 || $1 == -- ]] || usage
[[ $# -eq 0 ]] || shift

for program in tests/lib/activate keyd/keyd calld/calld calld/midtls; do
        [[ -x $build/$program ]] || { echo "pair.sh: $build/$program is not built" >&2; exit 2; }
done

pids=()
stop_pair() {
        for pid in "${pids[@]}"; do
                kill -CONT "$pid" 2>/dev/null # a test may have stopped it
                kill -TERM "$pid" 2>/dev/null
        done
        for pid in "${pids[@]}"; do
                wait "$pid" 2>/dev/null
        done
}
trap stop_pair EXIT

# activate prints "ready" when its socket is there, or ends.
start() { # NAME "SOCKET:TYPE..." DAEMON [ARG...]
        local name=$1 sockets=() socket line='' fd
        for socket in $2; do
                sockets+=(--name="${socket%:*}" --type="${socket#*:}" --path="$dir/run/${socket%:*}.sock")
        done
        shift 2
        exec {fd}< <(exec "$build/tests/lib/activate" "${sockets[@]}" --log="$dir/log/$name.json" --exits="$dir/log/$name.exits" \
                --pid-file="$dir/run/$name.pid" -- "$@")
        pids+=($!)
        read -r -t 10 -u "$fd" line
        exec {fd}<&-
        [[ $line == ready ]] || { echo "pair.sh: $name's sockets could not be made" >&2; exit 2; }
        echo "${pids[-1]}" >"$dir/run/$name-activate.pid"
}

touch "$dir/log/keyd.json" "$dir/log/calld.json"
# calld first when stopping: it would otherwise look for a keyd that goes away.
# $CREDENTIALS_DIRECTORY, where there is one, is for keyd alone, as its unit has it.
CREDENTIALS_DIRECTORY='' start calld calld:stream "$build/calld/calld" --keyd-socket="$dir/run/keyd.sock" --log=json "${workers[@]}" "${sandbox[@]}"
start keyd "keyd:seqpacket keyd-admin:seqpacket" "$build/keyd/keyd" --config-dir="$dir/etc" --log=json "${sandbox[@]}"

export MIDTLS_SOCKET=$dir/run/calld.sock
export PATH=$build/calld:$PATH

command=0 interrupted=0
end_command() {
        interrupted=$((128 + $1))
        [[ $command -eq 0 ]] || kill "-$1" "$command" 2>/dev/null
}
trap 'end_command 2' INT
trap 'end_command 15' TERM

if [[ $# -eq 0 ]]; then
        [[ ! -t 1 ]] || echo "midtls: curl --unix-socket $MIDTLS_SOCKET http://ALIAS/PATH; Ctrl-C ends it"
        wait "${pids[@]}"
        exit "$interrupted"
fi

# In the background, so that a signal for us reaches it; with our standard input, and not deaf to Ctrl-C.
env --default-signal=INT,QUIT -- "$@" <&0 &
command=$!
wait "$command"
status=$?
while kill -0 "$command" 2>/dev/null; do
        wait "$command"
        status=$?
done
exit "$status"
