#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The SELinux policy package against Debian's base policy, then the installed pair under a real systemd, as PID 1 of a container without
# network (systemd-nspawn):
#
#       tests/system/run.sh [WORD...]           only tests whose names contain one of the words
#
# The container's root filesystem is made by mmdebstrap and kept in $MIDTLS_TEST_CACHE (default: /var/cache/midtls-tests).
# The build in $BUILD is installed into a copy that lives in memory. Closing line: N passed, N failed, N skipped.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "${BUILD:-$here/../../build}")
cache=${MIDTLS_TEST_CACHE:-/var/cache/midtls-tests}
cgroup=midtls-tests-$$
boot_sec=150

# What the daemons are linked with, what runs the tests in the container, and systemd.
packages=systemd,systemd-sysv,dbus,libnss-systemd,libssl3,libcurl4,libxml2,libseccomp2,libsystemd0,libmicrohttpd12,libjansson4,ca-certificates,curl,python3
masked='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer console-getty.service getty.target
systemd-logind.service systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket'

passed=0 failed=0 skipped=0
# add LINE: "N passed, N failed[, N skipped]"; false when it is none
add() {
        [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]] || return
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
}

finish() {
        printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
        [[ $failed -eq 0 ]]
        exit
}

fail() {
        echo "FAIL $1"
        failed=$((failed + 1))
        finish
}

skip() {
        echo "skip systemd: $1"
        skipped=$((skipped + 1))
        finish
}

# private COMMAND...: with mounts of its own, of which nothing remains
private() { unshare --mount --propagation private -- "$@"; }

check_host() {
        local program

        [[ $(id -u) -eq 0 ]] || skip "needs root, for mounts and systemd-nspawn"
        [[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == bookworm ]] || skip "needs Debian 12: what is built here is run in a container of it"
        for program in systemd-nspawn mmdebstrap unshare meson keytool; do
                command -v "$program" >/dev/null || skip "there is no $program"
        done
        # shellcheck disable=SC2016
        private bash -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir "/sys/fs/cgroup/$1" && rmdir "/sys/fs/cgroup/$1"' \
                x "$cgroup" >/dev/null 2>&1 || skip "this host refuses mounts or cgroups of one's own"
        [[ -x $build/keyd/keyd && -x $build/calld/calld ]] || fail "systemd: $build is not built"
}

# The container gets its packages from where this host gets its own.
sources() {
        if [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
                echo /etc/apt/sources.list.d/debian.sources
        elif grep -qs '^deb ' /etc/apt/sources.list; then
                echo /etc/apt/sources.list
        fi
}

# make_root DIR: complete or not at all; one at a time
make_root() {
        local new=$1.new unit source

        rm -rf --one-file-system "$new"
        mapfile -t source < <(sources)
        timeout -k 10 600 mmdebstrap --mode=root --variant=apt --skip=check/empty --include="$packages" --aptopt='Acquire::Languages "none"' \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
                bookworm "$new" "${source[@]}" >"$1.log" 2>&1 || return
        for unit in $masked; do
                ln -sf /dev/null "$new/etc/systemd/system/$unit"
        done
        systemctl --root="$new" set-default multi-user.target >/dev/null 2>&1
        mkdir -p "$new/var/log/journal"
        mv "$new" "$1"
}

find_root() {
        local name lock

        name=bookworm-$(printf '%s\n' "$packages" "$masked" "$(declare -f make_root)" | sha256sum | cut -c1-16)
        root=$cache/$name
        mkdir -p "$cache" || skip "cannot make $cache"
        exec {lock}>"$cache/lock"
        flock -w 600 "$lock" || skip "another one makes the container's root filesystem for too long"
        [[ -d $root ]] || make_root "$root" || skip "the container's root filesystem could not be made: $(grep '^E:' "$root.log" | tail -n 1)"
        exec {lock}>&-
}

results=
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

if mkdir -p "$cache" 2>/dev/null && [[ $# -eq 0 ]]; then
        output=$(timeout -k 10 300 "$here/policy.py" "$cache" "$build" 2>&1)
        grep -vE '^[0-9]+ passed, ' <<<"$output"
        add "$(tail -n 1 <<<"$output")" || fail "policy: no closing line"
fi

check_host
find_root
/usr/bin/python3 "$here/../lib/pki.py" "$build/tests/pki" || fail "systemd: no certificates"

results=$(mktemp -d)
trap clean EXIT
# A TERM for timeout reaches systemd-nspawn, which then halts the container.
end() {
        kill -TERM "$container"
        wait "$container"
        exit 130
}
timeout -k 30 "$boot_sec" unshare --mount --propagation private -- "$here/boot.sh" "$root" "$build" "$results" "$cgroup" "$@" </dev/null >"$results/console" 2>&1 &
container=$!
trap end INT TERM
wait "$container"
status=$?

[[ ! -e $results/out ]] || grep -vE '^[0-9]+ passed, ' "$results/out"
if [[ $status -eq 77 ]]; then
        skip "$(tail -n 1 "$results/console")"
elif [[ -e $results/out ]] && add "$(tail -n 1 "$results/out")"; then
        finish
fi
tail -n 30 "$results/console"
fail "systemd: the container ended without a result, exit status $status (124: not within $boot_sec s)"
