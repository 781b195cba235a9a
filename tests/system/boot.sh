#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# boot.sh ROOT BUILD RESULTS CGROUP [WORD...]: installs BUILD into a copy of ROOT in memory and boots it.
# For tests/system/run.sh, which gives it mounts of its own. The tests' output is RESULTS/out. Exit status 77: this host cannot.
set -eu

root=$1 build=$2 results=$3 cgroup=$4
shift 4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=/usr/lib/midtls-tests
cannot() { echo "$1"; exit 77; }

mkdir "$results/memory"
mount -t tmpfs -o size=50% tmpfs "$results/memory"
mkdir "$results/memory/"{upper,work,tree}
tree=$results/memory/tree
mount -t overlay -o "lowerdir=$root,upperdir=$results/memory/upper,workdir=$results/memory/work" overlay "$tree" ||
        cannot "this host refuses an overlay"

# What a package does, by the files that it would have.
meson install -C "$build" --no-rebuild --quiet --destdir "$tree"
echo 'u alice - - /tmp -' >"$tree/usr/lib/sysusers.d/zz-midtls-tests.conf"
echo 'u mallory - - /tmp -' >>"$tree/usr/lib/sysusers.d/zz-midtls-tests.conf"
echo 'm alice midtls' >>"$tree/usr/lib/sysusers.d/zz-midtls-tests.conf"
systemd-sysusers --root="$tree"
(cd "$build/units" && systemctl --root="$tree" preset -- *.socket *.service)
journalctl --root="$tree" --update-catalog

# What an administrator does. The limit is for those whose records may be dropped; ours are not among them.
mkdir -p "$tree/etc/systemd/journald.conf.d"
printf '[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=5\n' >"$tree/etc/systemd/journald.conf.d/tests.conf"
printf '127.0.0.1 localhost\n' >"$tree/etc/hosts"
mkdir -p "$tree/etc/systemd/system/midtls-keyd.service.d"
cat >"$tree/etc/systemd/system/midtls-keyd.service.d/passwords.conf" <<'UNIT'
[Service]
LoadCredential=plain:/etc/passwords/plain
LoadCredentialEncrypted=sealed:/etc/passwords/sealed
UNIT

mkdir "$tree$tests"
cp "$here"/*.py "$here"/../lib/{harness,peers,pki}.py "$tree$tests"
cp -r "$build/tests/pki" "$tree$tests/pki"
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
StandardOutput=file:/results/out
StandardError=file:/results/out
TimeoutStartSec=130
UNIT

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
