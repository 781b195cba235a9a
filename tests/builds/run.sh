#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds what is installed by other compilers and options, warnings being errors, and everything against the libraries of Debian 13 in a
# root filesystem of it (OpenSSL 3.5, libcurl 8, systemd 257, gcc 14), where the unit tests run, too:
#
#       tests/builds/run.sh
#
# The root is kept in $MIDTLS_TEST_CACHE (default: /var/cache/midtls-tests). Closing line: N passed, N failed, N skipped.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${MIDTLS_TEST_CACHE:-/var/cache/midtls-tests}
. "$top/tests/packages/roots.sh"

newer=trixie
newer_packages=build-essential,ca-certificates,libcmocka-dev,libcurl4-openssl-dev,libjansson-dev,libmicrohttpd-dev,libseccomp-dev,libssl-dev
newer_packages+=,libsystemd-dev,libxml2-dev,meson,openssl,pkgconf,procps,python3,systemd-dev
# gcc 14 warns of variables that a function which failed has not set, and that are not looked at then.
newer_flags=-Wno-error=maybe-uninitialized
# What the tests themselves do with the newer tools: openssl 3.5 makes no certificates that expire before they begin, of which these need some;
# libmicrohttpd 1.0 answers some broken requests by itself, with a page of its own.
newer_without='loader-damage|loader-load|loader-pbe|loader-verdicts|gateway|gateway-errors'

passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

# run NAME COMMAND...: a test; its output is shown when it fails
run() {
        local name=$1 started=$SECONDS
        shift
        if "$@" >"$work/log" 2>&1; then
                passed=$((passed + 1))
                echo "ok $name ($((SECONDS - started)) s)"
        else
                failed=$((failed + 1))
                grep -E 'error|FAILED|warning:|FAIL' "$work/log" | tail -n 20
                echo "FAIL $name: $(tail -n 1 "$work/log")"
        fi
}

skip() {
        skipped=$((skipped + 1))
        echo "skip $1: $2"
}

# build COMPILER TYPE
build() {
        CC=$1 meson setup "$work/$1-$2" "$top" --buildtype="$2" -Dtests=false && meson compile -C "$work/$1-$2"
}

make_newer_root() {
        local source

        mapfile -t source < <(sources)
        [[ ${#source[@]} -eq 1 ]] || return
        sed "s/bookworm/$newer/g" "${source[0]}" >"$work/${source[0]##*/}"
        timeout -k 10 600 mmdebstrap --mode=root --variant=apt --skip=check/empty --include="$newer_packages" --aptopt='Acquire::Languages "none"' \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
                "$newer" "$1" "$work/${source[0]##*/}"
}

# Without network, in a copy of the root in memory
# shellcheck disable=SC2016
build_newer() {
        unshare --mount --net --propagation private -- bash -euc '
                mkdir "$1/memory" && mount -t tmpfs -o size=75% tmpfs "$1/memory" && mkdir "$1/memory/"{upper,work,tree}
                tree=$1/memory/tree
                mount -t overlay -o "lowerdir=$2,upperdir=$1/memory/upper,workdir=$1/memory/work" overlay "$tree"
                mkdir "$tree/src" && mount --bind "$3" "$tree/src" && mount -o remount,bind,ro "$tree/src"
                mount -t proc proc "$tree/proc" && mount --rbind /dev "$tree/dev"
                ip link set lo up 2>/dev/null || true
                exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 CFLAGS="$4" bash -euc "
                        cd /src
                        export PYTHONDONTWRITEBYTECODE=1
                        meson setup /tmp/build
                        meson compile -C /tmp/build
                        mapfile -t names < <(meson test -C /tmp/build --list --suite unit | sed \"s|.* / ||\" | grep -vxE \"$5\")
                        [[ \${#names[@]} -gt 50 ]]
                        meson test -C /tmp/build --no-rebuild --print-errorlogs \"\${names[@]}\""' \
                x "$work" "$cached" "$top" "$newer_flags" "$newer_without"
}

for row in "gcc release" "gcc debug" "clang release"; do
        read -r compiler type <<<"$row"
        if command -v "$compiler" >/dev/null; then
                run "$compiler, $type" build "$compiler" "$type"
        else
                skip "$compiler, $type" "there is no $compiler"
        fi
done

if [[ $(id -u) -ne 0 ]] || ! command -v mmdebstrap >/dev/null; then
        skip "Debian 13" "needs root and mmdebstrap"
elif ! cached "$newer-$(name_of "$newer_packages" "$(declare -f make_newer_root)")" make_newer_root; then
        skip "Debian 13" "its root filesystem could not be made: $(grep '^E:' "$cached.log" | tail -n 1)"
else
        run "Debian 13: build and unit tests" build_newer
fi

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[[ $failed -eq 0 ]]
