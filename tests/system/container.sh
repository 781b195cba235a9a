#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# container.sh ROOT BUILD RESULTS CGROUP [WORD...]: installs BUILD into a copy of ROOT in memory and boots it in a container.
# For tests/system/run.sh, which gives it mounts of its own. The tests' output is RESULTS/out. Exit status 77: this host cannot.
set -eu

root=$1 build=$2 results=$3 cgroup=$4
shift 4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/system/payload.sh
. "$here/payload.sh"

mount_copy "$root" "$results/memory"
install_pair
configure_host
install_tests guest.py file:/results/out 130 keytool "$@"

# systemd-nspawn leaves folders in /run/systemd.
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
umount -R /sys/fs/cgroup
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$cgroup"
echo $$ >"/sys/fs/cgroup/$cgroup/cgroup.procs"

# What systemd-nspawn's own filter would hide: bpf for IPAddressDeny= and DevicePolicy=, and what the daemons confine themselves with.
container=(systemd-nspawn --register=no --keep-unit --quiet --machine="$cgroup" --directory="$tree" --private-network --console=pipe
        --system-call-filter="bpf @keyring memfd_secret landlock_create_ruleset landlock_add_rule landlock_restrict_self")
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
"${container[@]}" /usr/bin/true || cannot "systemd-nspawn does not run here"
exec "${container[@]}" --bind="$results:/results" --boot systemd.unit=midtls-tests.service
