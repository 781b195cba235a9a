#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# boot.sh ROOT RESULTS CGROUP [WORD...]: boots a copy of ROOT in memory, with the packages of RESULTS/src and RESULTS/next.
# For tests/packages/run.sh, which gives it mounts of its own. The tests' output is RESULTS/out. Exit status 77: this host cannot.
set -eu

root=$1 results=$2 cgroup=$3
shift 3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=/usr/lib/midtls-tests
cannot() { echo "$1"; exit 77; }

mkdir -p "$results/memory"
mount -t tmpfs -o size=75% tmpfs "$results/memory"
mkdir "$results/memory/"{upper,work,tree}
tree=$results/memory/tree
mount -t overlay -o "lowerdir=$root,upperdir=$results/memory/upper,workdir=$results/memory/work" overlay "$tree" ||
        cannot "this host refuses an overlay"

printf '127.0.0.1 localhost partner.example.com\n' >"$tree/etc/hosts"
mkdir "$tree/src" "$tree/next" "$tree$tests"
cp -r "$results/src/." "$tree/src"
cp -r "$results/next/build-packages" "$tree/next"
cp "$here"/*.py "$here"/../system/{host,start}.py "$here"/../lib/{harness,peers,pki}.py "$tree$tests"
cp -r "$results/pki" "$tree$tests/pki"
cat >"$tree/usr/lib/systemd/system/midtls-tests.service" <<UNIT
[Unit]
Requires=multi-user.target
After=multi-user.target
# systemd-nspawn ends as this does.
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B $tests/guest.py $*
Environment=DEBIAN_FRONTEND=noninteractive HOME=/root
StandardOutput=file:/results/out
StandardError=file:/results/out
TimeoutStartSec=270
UNIT

# systemd-nspawn leaves folders in /run/systemd.
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
umount -R /sys/fs/cgroup
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$cgroup"
echo $$ >"/sys/fs/cgroup/$cgroup/cgroup.procs"

# What systemd-nspawn's own filter would hide: what the daemons' units and the daemons confine themselves with.
container=(systemd-nspawn --register=no --keep-unit --quiet --machine="$cgroup" --directory="$tree" --private-network --console=pipe
        --system-call-filter="bpf @keyring memfd_secret landlock_create_ruleset landlock_add_rule landlock_restrict_self")
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
"${container[@]}" /usr/bin/true || cannot "systemd-nspawn does not run here"
exec "${container[@]}" --bind="$results:/results" --boot systemd.unit=midtls-tests.service
