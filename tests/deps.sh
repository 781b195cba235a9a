#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building and testing need and this machine lacks; says nothing when nothing is missing.
# Debian 12 is what we run on; the RHEL 9 names are tried where dnf is (some lie in EPEL or CodeReady Builder).
set -u

# Debian                 RHEL ("-": comes with another one)
table='
build-essential          gcc
clang                    clang
clang-format             clang-tools-extra
libclang-rt-14-dev       compiler-rt
meson                    meson
ninja-build              ninja-build
pkgconf                  pkgconf-pkg-config
libssl-dev               openssl-devel
libsystemd-dev           systemd-devel
libcurl4-openssl-dev     libcurl-devel
libxml2-dev              libxml2-devel
libseccomp-dev           libseccomp-devel
libmicrohttpd-dev        libmicrohttpd-devel
libjansson-dev           jansson-devel
libcmocka-dev            libcmocka-devel
nginx-light              nginx
openjdk-17-jdk-headless  java-17-openjdk-devel
ca-certificates          ca-certificates
curl                     curl
openssl                  openssl
socat                    socat
stunnel4                 stunnel
tinyproxy-bin            tinyproxy
microsocks               -
openssh-client           openssh-clients
python3                  python3
python3-h2               python3-h2
binutils                 binutils
systemd                  systemd
systemd-container        systemd-container
mmdebstrap               -
qemu-system-x86          -
e2fsprogs                e2fsprogs
policycoreutils          policycoreutils
selinux-policy-dev       selinux-policy-devel
semodule-utils           policycoreutils
util-linux               util-linux
procps                   procps-ng
mandoc                   -
prometheus               -
man-db                   man-db
zsh                      zsh
'

have_debian() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
have_rhel() { rpm -q "$1" >/dev/null 2>&1; }

missing=()
while read -r debian rhel; do
        [[ -n $debian ]] || continue
        if command -v dpkg-query >/dev/null; then
                # The full nginx does as well as the light one.
                [[ $debian != nginx-light || ! -x /usr/sbin/nginx ]] || continue
                have_debian "$debian" || missing+=("$debian")
        elif command -v dnf >/dev/null; then
                [[ $rhel == - ]] || have_rhel "$rhel" || missing+=("$rhel")
        else
                echo "deps.sh: neither dpkg nor dnf here; needed are: $(awk 'NF {printf "%s ", $1}' <<<"$table")" >&2
                exit 1
        fi
done <<<"$table"

[[ ${#missing[@]} -gt 0 ]] || exit 0
echo "deps.sh: installing ${missing[*]}"

if [[ $(id -u) -ne 0 ]]; then
        echo "deps.sh: only root can install packages; missing: ${missing[*]}" >&2
        exit 1
fi

log=$(mktemp)
trap 'rm -f "$log" "${policy:-}"' EXIT

install_debian() {
        export DEBIAN_FRONTEND=noninteractive
        # No service is to start: nginx is run by the tests, with a configuration of their own.
        if [[ ! -e /usr/sbin/policy-rc.d ]]; then
                policy=/usr/sbin/policy-rc.d
                printf '#!/bin/sh\nexit 101\n' >"$policy"
                chmod 755 "$policy"
        fi
        apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 && return 0
        # The package lists may be absent or old.
        apt-get update >"$log" 2>&1
        apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1
}

if command -v dpkg-query >/dev/null; then
        install_debian
else
        dnf install -y "${missing[@]}" >"$log" 2>&1
fi || { tail -n 20 "$log" >&2; echo "deps.sh: could not install ${missing[*]}" >&2; exit 1; }
