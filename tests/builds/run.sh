#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds what is installed by other compilers and options, warnings being errors; everything against the libraries of Debian 13 in a root
# filesystem of it (OpenSSL 3.5, libcurl 8, systemd 257, gcc 14), where the unit tests run, too; and everything for aarch64, where those unit
# tests run that an emulator of one process can run:
#
#       tests/builds/run.sh
#
# The roots are kept in $MIDTLS_TEST_CACHE (default: /var/cache/midtls-tests). Closing line: N passed, N failed, N skipped.
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

foreign_packages=build-essential,ca-certificates,gcc-aarch64-linux-gnu,meson,openssl,pkgconf,procps,python3,qemu-user-static,systemd
for name in libc6 libcmocka libcurl4-openssl libjansson libmicrohttpd libseccomp libssl libsystemd libxml2; do
        foreign_packages+=,$name-dev:arm64
done
# They start other programs of ours, need system call filters or secret memory, or Java's keytool.
foreign_without='admin|arena|chan-pass|cli-command|cli-completions|cli-encrypt|cli-reload|fetcher-fetch|gateway|gateway-confine|gateway-errors|gateway-life'
foreign_without+='|handover|jail|loader-damage|loader-load|loader-pbe|loader-vault|loader-verdicts|quarantine|resolver-confine|roles|signer-keys'
foreign_without+='|signer-memory|signer-refuse|signer-sign|supervisor|verifier-refuse|verifier-sessions|verifier-sign|verifier-watch'

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

# make_root_of DIR RELEASE ARCHITECTURES PACKAGES
make_root_of() {
        local source

        mapfile -t source < <(sources)
        [[ ${#source[@]} -eq 1 ]] || return
        sed "s/bookworm/$2/g" "${source[0]}" >"$work/${source[0]##*/}"
        timeout -k 10 600 mmdebstrap --mode=root --variant=apt --architectures="$3" --skip=check/empty --include="$4" \
                --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' "$2" "$1" "$work/${source[0]##*/}"
}

make_newer_root() { make_root_of "$1" "$newer" amd64 "$newer_packages"; }
make_foreign_root() { make_root_of "$1" bookworm amd64,arm64 "$foreign_packages"; }

# build_in_root CFLAGS SETUP_OPTIONS WITHOUT: without network, in a copy of the root $cached in memory
# shellcheck disable=SC2016
build_in_root() {
        unshare --mount --net --propagation private -- bash -euc '
                mkdir -p "$1/memory" && mount -t tmpfs -o size=75% tmpfs "$1/memory" && mkdir "$1/memory/"{upper,work,tree}
                tree=$1/memory/tree
                mount -t overlay -o "lowerdir=$2,upperdir=$1/memory/upper,workdir=$1/memory/work" overlay "$tree"
                mkdir "$tree/src" && mount --bind "$3" "$tree/src" && mount -o remount,bind,ro "$tree/src"
                mount -t proc proc "$tree/proc" && mount --rbind /dev "$tree/dev"
                ip link set lo up 2>/dev/null || true
                exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 CFLAGS="$4" bash -euc "
                        cd /src
                        export PYTHONDONTWRITEBYTECODE=1
                        meson setup /tmp/build $6
                        meson compile -C /tmp/build
                        mapfile -t names < <(meson test -C /tmp/build --list --suite unit | sed \"s|.* / ||\" | grep -vxE \"$5\")
                        [[ \${#names[@]} -gt 50 ]]
                        meson test -C /tmp/build --no-rebuild --print-errorlogs \"\${names[@]}\""' \
                x "$work" "$cached" "$top" "$1" "$3" "$2"
}

for row in "gcc release" "gcc debug" "clang release"; do
        read -r compiler type <<<"$row"
        if command -v "$compiler" >/dev/null; then
                run "$compiler, $type" build "$compiler" "$type"
        else
                skip "$compiler, $type" "there is no $compiler"
        fi
done

# in_root NAME ROOT MAKE_ROOT CFLAGS SETUP_OPTIONS WITHOUT
in_root() {
        if [[ $(id -u) -ne 0 ]] || ! command -v mmdebstrap >/dev/null; then
                skip "$1" "needs root and mmdebstrap"
        elif ! cached "$2" "$3"; then
                skip "$1" "its root filesystem could not be made: $(grep '^E:' "$cached.log" | tail -n 1)"
        else
                run "$1: build and unit tests" build_in_root "$4" "$5" "$6"
        fi
}

making=$(declare -f make_root_of)
in_root "Debian 13" "$newer-$(name_of "$newer_packages" "$making")" make_newer_root "$newer_flags" "" "$newer_without"
in_root aarch64 "aarch64-$(name_of "$foreign_packages" "$making")" make_foreign_root "" --cross-file=/src/tests/builds/aarch64.ini "$foreign_without"

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[[ $failed -eq 0 ]]
