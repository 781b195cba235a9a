#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The installed pair under a real systemd:
#
#       tests/system/run.sh [--tier=NAME]... [WORD...]          only tests whose names contain one of the words
#
#       policy     the SELinux policy package against Debian's base policy
#       container  systemd as PID 1 of a container without network (systemd-nspawn)
#       machine    the same system in an emulated machine (qemu, without KVM) under SELinux, enforcing
#
# Root filesystem and kernel are made once and kept in $MIDTLS_TEST_CACHE (default: /var/cache/midtls-tests). The build in $BUILD is
# installed into copies that live in memory. What this host cannot run is named and counted. Closing line: N passed, N failed, N skipped.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "${BUILD:-$here/../../build}")
cache=${MIDTLS_TEST_CACHE:-/var/cache/midtls-tests}
cgroup=midtls-tests-$$
known=(policy container machine)
tiers=()
while [[ ${1:-} == --tier=* ]]; do
        [[ " ${known[*]} " == *" ${1#*=} "* ]] || { echo "usage: tests/system/run.sh [--tier=NAME]... [WORD...]; tiers: ${known[*]}" >&2; exit 2; }
        tiers+=("${1#*=}")
        shift
done
[[ ${#tiers[@]} -gt 0 ]] || tiers=("${known[@]}")
# A word is of a test in a system; the policy's have none.
[[ $# -eq 0 ]] || tiers=("${tiers[@]/policy/}")

# shellcheck source=tests/system/root.sh
. "$here/root.sh"

passed=0 failed=0 skipped=0
# add LINE: "N passed, N failed[, N skipped]"; false when it is none
add() {
        [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]] || return
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
}

wanted() { [[ " ${tiers[*]} " == *" $1 "* ]]; }
fail() { echo "FAIL $1"; failed=$((failed + 1)); }
skip() { echo "skip $1"; skipped=$((skipped + 1)); }

# private COMMAND...: with mounts of its own, of which nothing remains
private() { unshare --mount --propagation private -- "$@"; }

# Each says why this host cannot, or nothing.
cannot_install() {
        local program

        [[ $(id -u) -eq 0 ]] || { echo "needs root, for mounts"; return; }
        [[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == bookworm ]] || { echo "needs Debian 12: what is built here is run there"; return; }
        for program in mmdebstrap unshare meson keytool; do
                command -v "$program" >/dev/null || { echo "there is no $program"; return; }
        done
        find_root || echo "no root filesystem could be made: $(grep '^E:' "$cached.log" | tail -n 1)"
}

cannot_contain() {
        command -v systemd-nspawn >/dev/null || { echo "there is no systemd-nspawn"; return; }
        # shellcheck disable=SC2016
        private bash -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir "/sys/fs/cgroup/$1" && rmdir "/sys/fs/cgroup/$1"' \
                x "$cgroup" >/dev/null 2>&1 || echo "this host refuses mounts or cgroups of one's own"
}

cannot_emulate() {
        local program

        [[ $(uname -m) == x86_64 ]] || { echo "needs an x86-64 host"; return; }
        for program in qemu-system-x86_64 mke2fs setfiles; do
                command -v "$program" >/dev/null || { echo "there is no $program"; return; }
        done
        [[ -e $build/selinux/midtls.pp ]] || { echo "the policy package was not built: there is no selinux-policy-dev"; return; }
        find_kernel || echo "there is no kernel to boot: $(grep '^E:' "$cached.log" | tail -n 1)"
}

results=
declare -A running=()
# Whatever of the container is left is killed; its cgroups go, which would remain.
clean() {
        # shellcheck disable=SC2016
        private bash -c '
                umount -R /sys/fs/cgroup
                mount -t cgroup2 cgroup2 /sys/fs/cgroup && cd "/sys/fs/cgroup/$1" || exit 0
                grep -q "populated 0" cgroup.events || echo 1 >cgroup.kill
                until grep -q "populated 0" cgroup.events || [[ $SECONDS -gt 10 ]]; do :; done
                find "$PWD" -depth -type d -exec rmdir {} +' x "$cgroup" 2>/dev/null
        [[ -z $results ]] || rm -rf --one-file-system "$results"
}

# A TERM for timeout reaches systemd-nspawn, which then halts the container; and qemu.
end() {
        kill -TERM "${running[@]}"
        wait "${running[@]}"
        exit 130
}

# begin TIER SECONDS SCRIPT ARGUMENT...
begin() {
        local tier=$1 seconds=$2
        shift 2

        mkdir "$results/$tier"
        timeout -k 30 "$seconds" unshare --mount --propagation private -- "$@" </dev/null >"$results/$tier/log" 2>&1 &
        running[$tier]=$!
}

# collect TIER: its tests and what they come to
collect() {
        local tier=$1 folder=$results/$1 status

        wait "${running[$tier]}"
        status=$?
        unset "running[$tier]"
        if [[ $status -eq 77 ]]; then
                skip "$tier: $(tail -n 1 "$folder/log")"
                return
        fi

        # A terminal's lines end in CR LF.
        [[ ! -e $folder/out ]] || { tr -d '\r' <"$folder/out" >"$folder/lines"; grep -vE '^[0-9]+ passed, ' "$folder/lines" | sed -E "s/^(ok|FAIL|skip) /\1 $tier: /"; }
        [[ -e $folder/lines ]] && add "$(tail -n 1 "$folder/lines")" && return
        tail -n 30 "$folder/log"
        [[ ! -e $folder/console ]] || tail -n 10 "$folder/console"
        fail "$tier: it ended without a result, exit status $status (124: not in time)"
}

if wanted policy; then
        if mkdir -p "$cache" 2>/dev/null; then
                output=$(timeout -k 10 300 "$here/policy.py" "$cache" "$build" 2>&1)
                grep -vE '^[0-9]+ passed, ' <<<"$output"
                add "$(tail -n 1 <<<"$output")" || fail "policy: no closing line"
        else
                skip "policy: cannot make $cache"
        fi
fi

if wanted container || wanted machine; then
        # What finds root and kernel sets variables: not in a subshell.
        why=$(cannot_install)
        results=$(mktemp -d)
        trap clean EXIT
        trap end INT TERM
        if [[ -z $why ]]; then
                find_root
                [[ -x $build/keyd/keyd && -x $build/calld/calld ]] || why="$build is not built"
        fi
        [[ -n $why ]] || /usr/bin/python3 "$here/../lib/pki.py" "$build/tests/pki" || why="no certificates could be made"

        if wanted container; then
                reason=${why:-$(cannot_contain)}
                if [[ -n $reason ]]; then
                        skip "container: $reason"
                else
                        begin container 150 "$here/container.sh" "$root" "$build" "$results/container" "$cgroup" "$@"
                        collect container
                fi
        fi
        if wanted machine; then # after the container: an emulated processor is slow enough by itself
                reason=${why:-$(cannot_emulate)}
                if [[ -n $reason ]]; then
                        skip "machine: $reason"
                else
                        find_kernel
                        begin machine 330 "$here/machine.sh" "$root" "$kernel" "$build" "$results/machine" "$@"
                        collect machine
                fi
        fi
fi

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[[ $failed -eq 0 ]]
