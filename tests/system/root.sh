# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What both tiers boot: a root filesystem by mmdebstrap and a kernel, each made once and kept in $cache under a name that tells what
# went into it. Sourced by tests/system/run.sh.

# What the daemons are linked with, what runs the tests, systemd, and what SELinux needs; labelled already, which a container ignores.
packages=systemd,systemd-sysv,dbus,libnss-systemd,libssl3,libcurl4,libxml2,libseccomp2,libsystemd0,libmicrohttpd12,libjansson4,ca-certificates,curl
packages+=,python3,nginx-light,selinux-policy-default,policycoreutils,selinux-utils
masked='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer console-getty.service getty.target
systemd-logind.service systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket
selinux-autorelabel-mark.service nginx.service'
kernel_package=linux-image-cloud-amd64

# From where this host gets its own packages.
sources() {
        if [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
                echo /etc/apt/sources.list.d/debian.sources
        elif grep -qs '^deb ' /etc/apt/sources.list; then
                echo /etc/apt/sources.list
        fi
}

# make_root DIR
make_root() {
        local unit source

        mapfile -t source < <(sources)
        timeout -k 10 400 mmdebstrap --mode=root --variant=apt --skip=check/empty --include="$packages" --aptopt='Acquire::Languages "none"' \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
                bookworm "$1" "${source[@]}" || return
        for unit in $masked; do
                ln -sf /dev/null "$1/etc/systemd/system/$unit"
        done
        systemctl --root="$1" set-default multi-user.target
        mkdir -p "$1/var/log/journal"
        rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/*

        # semodule checks what must never be allowed only when told so.
        sed -i 's/^expand-check=0/expand-check=1/' "$1/etc/selinux/semanage.conf"
        sed -i 's/^SELINUX=.*/SELINUX=enforcing/' "$1/etc/selinux/config"
        if command -v setfiles >/dev/null; then
                setfiles -F -r "$1" "$1/etc/selinux/default/contexts/files/file_contexts" "$1" || return
        fi
}

# make_kernel DIR: the one that this package stands for; it starts from a disk without an initrd
make_kernel() {
        local package

        mkdir "$1" || return
        # apt-get's user writes here
        chmod 777 "$1"
        package=$(apt-cache depends "$kernel_package" | awk '/Depends:/ {print $2; exit}')
        [[ -n $package ]] || { echo "E: there is no package $kernel_package"; return 1; }
        (cd "$1" && timeout -k 10 200 apt-get --quiet download "$package" && dpkg-deb -x ./*.deb x && mv x/boot/vmlinuz-* vmlinuz) || return
        rm -rf "$1"/x "$1"/*.deb
        chmod 755 "$1"
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

# Set $root, $kernel; false as cached.
find_root() {
        cached "bookworm-$(printf '%s\n' "$packages" "$masked" "$(declare -f make_root)" | sha256sum | cut -c1-16)" make_root || return
        root=$cached
}

find_kernel() {
        cached "$kernel_package-$(declare -f make_kernel | sha256sum | cut -c1-16)" make_kernel || return
        kernel=$cached/vmlinuz
}
