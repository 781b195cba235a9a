# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The two root filesystems of tests/packages/run.sh, each made once and kept in $cache under a name that tells what went into it: one to
# build packages in, and one with nothing but Debian's minimum and systemd. What the second one's apt may install lies in it already, as a
# repository; neither needs a network afterwards.

repository=/var/lib/repository
build_packages=build-essential,debhelper,dh-sequence-installsysusers,libcurl4-openssl-dev,libjansson-dev,libmicrohttpd-dev,libseccomp-dev,libssl-dev
build_packages+=,libsystemd-dev,libxml2-dev,meson,pkgconf,selinux-policy-dev,systemd,lintian,rpm,rpmlint,python3
# python3 and nginx are the tests' own.
plain_packages=systemd,systemd-sysv,dbus,libnss-systemd,python3,nginx-light
offered='ca-certificates curl libcurl4 libjansson4 libmicrohttpd12 libseccomp2 libxml2 policycoreutils rpm selinux-policy-default'
masked='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer console-getty.service getty.target
systemd-logind.service systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket
selinux-autorelabel-mark.service nginx.service'

# From where this host gets its own packages.
sources() {
        if [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
                echo /etc/apt/sources.list.d/debian.sources
        elif grep -qs '^deb ' /etc/apt/sources.list; then
                echo /etc/apt/sources.list
        fi
}

# debian DIR PACKAGES OPTION...: apt in DIR knows the repository alone.
debian() {
        local root=$1 include=$2 source
        shift 2

        mapfile -t source < <(sources)
        timeout -k 10 600 mmdebstrap --mode=root --variant=apt --skip=check/empty --include="$include" --aptopt='Acquire::Languages "none"' \
                --dpkgopt='path-exclude=/usr/share/locale/*' "$@" bookworm "$root" "${source[@]}" || return
        mkdir -p "$root$repository"
        (cd "$root$repository" && dpkg-scanpackages --multiversion . >Packages) || return
        rm -rf "$root"/etc/apt/sources.list* "$root"/var/lib/apt/lists/*
        echo "deb [trusted=yes] file:$repository ./" >"$root/etc/apt/sources.list"
}

make_build_root() { debian "$1" "$build_packages"; }

make_plain_root() {
        local unit

        # shellcheck disable=SC2016
        debian "$1" "$plain_packages" --customize-hook='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --yes --no-install-recommends --download-only install '"$offered" \
                --customize-hook='mkdir -p "$1'"$repository"'" && mv "$1"/var/cache/apt/archives/*.deb "$1'"$repository"'"' || return
        for unit in $masked; do
                ln -sf /dev/null "$1/etc/systemd/system/$unit"
        done
        systemctl --root="$1" set-default multi-user.target
        mkdir -p "$1/var/log/journal"
}

# cached NAME FUNCTION: sets $cached to the folder that FUNCTION makes, complete or not at all, one at a time. False: what failed is in $cached.log.
cached() {
        local lock

        cached=$cache/$1
        mkdir -p "$cache" || return
        exec {lock}>"$cache/lock"
        flock -w 600 "$lock" || return
        if [[ ! -d $cached ]]; then
                rm -rf --one-file-system "$cached.new"
                "$2" "$cached.new" >"$cached.log" 2>&1 && mv "$cached.new" "$cached"
        fi
        exec {lock}>&-
        [[ -d $cached ]]
}

name_of() { printf '%s\n' "$@" | sha256sum | cut -c1-16; }

# Set $build_root, $plain_root; false as cached.
find_roots() {
        cached "build-$(name_of "$build_packages" "$(declare -f debian make_build_root)")" make_build_root || return
        build_root=$cached
        cached "plain-$(name_of "$plain_packages" "$offered" "$masked" "$(declare -f debian make_plain_root)")" make_plain_root || return
        # shellcheck disable=SC2034
        plain_root=$cached
}
