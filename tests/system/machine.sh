#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# machine.sh ROOT KERNEL BUILD RESULTS [WORD...]: installs BUILD and its policy package into a copy of ROOT in memory, makes a disk of it and
# boots that in an emulated machine without network, under SELinux, enforcing. For tests/system/run.sh, which gives it mounts of its own.
# The tests' output is RESULTS/out, as it comes. Exit status 77: this host cannot.
set -eu

root=$1 kernel=$2 build=$3 results=$4
shift 4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/system/payload.sh
. "$here/payload.sh"

memory=$results/memory
# Not an overlay, whose files setfiles passes over.
mkdir "$memory"
mount -t tmpfs -o size=50% tmpfs "$memory"
tree=$memory/tree
cp -a "$root" "$tree"
install_pair
configure_host
# The machine's second serial line is RESULTS/out.
install_tests enforcing.py tty 270 openssl "$@"
mkdir -p "$tree/usr/lib/systemd/system/midtls-tests.service.d"
printf '[Service]\nTTYPath=/dev/ttyS1\n' >"$tree/usr/lib/systemd/system/midtls-tests.service.d/tty.conf"

# What an administrator does: semodule -i. Then every file gets its label.
cp "$build/selinux/midtls.pp" "$tree/tmp"
chroot "$tree" semodule -n -i /tmp/midtls.pp
rm "$tree/tmp/midtls.pp"
: >"$tree/etc/machine-id"
setfiles -F -r "$tree" "$tree/etc/selinux/default/contexts/files/file_contexts" "$tree"
mke2fs -q -t ext4 -O ^has_journal -d "$tree" "$memory/disk" 640M
rm -rf --one-file-system "$tree"

: >"$results/out"
exec qemu-system-x86_64 -accel tcg,thread=multi -cpu max -M q35 -m 1024 -smp 2 -nodefaults -display none -no-reboot -nic none \
        -serial file:"$results/console" -serial file:"$results/out" \
        -object rng-random,filename=/dev/urandom,id=rng -device virtio-rng-pci,rng=rng \
        -drive file="$memory/disk,if=none,id=disk,format=raw,cache=unsafe" -device nvme,drive=disk,serial=root \
        -kernel "$kernel" -append "root=/dev/nvme0n1 rw rootfstype=ext4 console=ttyS0 panic=-1 quiet security=selinux selinux=1 enforcing=1 \
audit=1 audit_backlog_limit=8192 systemd.show_status=0 systemd.unit=midtls-tests.service"
