# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What is put onto a root filesystem before it boots. Sourced by container.sh and machine.sh, which have set $here and $build.

tests=/usr/lib/midtls-tests
cannot() { echo "$1"; exit 77; }

# mount_copy ROOT WORK: sets $tree to a copy of ROOT whose changes live in memory
mount_copy() {
        mkdir "$2"
        mount -t tmpfs -o size=50% tmpfs "$2"
        mkdir "$2/"{upper,work,tree}
        tree=$2/tree
        mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$tree" || cannot "this host refuses an overlay"
}

# What a package does, by the files that it would have; and users to test with.
install_pair() {
        meson install -C "$build" --no-rebuild --quiet --destdir "$tree"
        echo 'u alice - - /tmp -' >"$tree/usr/lib/sysusers.d/zz-midtls-tests.conf"
        echo 'u mallory - - /tmp -' >>"$tree/usr/lib/sysusers.d/zz-midtls-tests.conf"
        echo 'm alice midtls' >>"$tree/usr/lib/sysusers.d/zz-midtls-tests.conf"
        systemd-sysusers --root="$tree"
        (cd "$build/units" && systemctl --root="$tree" preset -- *.socket *.service)
        journalctl --root="$tree" --update-catalog
}

# What an administrator does. The journal's limit is for those whose records may be dropped; ours are not among them.
configure_host() {
        mkdir -p "$tree/etc/systemd/journald.conf.d"
        printf '[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=5\n' >"$tree/etc/systemd/journald.conf.d/tests.conf"
        printf '127.0.0.1 localhost\n' >"$tree/etc/hosts"
        mkdir -p "$tree/etc/systemd/system/midtls-keyd.service.d"
        cat >"$tree/etc/systemd/system/midtls-keyd.service.d/passwords.conf" <<'UNIT'
[Service]
LoadCredential=plain:/etc/passwords/plain
LoadCredentialEncrypted=sealed:/etc/passwords/sealed
UNIT
}

# install_tests PROGRAM OUTPUT SECONDS KEYSTORES [WORD...]: PROGRAM runs when the system is up, which ends as the program does.
install_tests() {
        local program=$1 output=$2 seconds=$3 keystores=$4
        shift 4

        mkdir "$tree$tests"
        cp "$here"/*.py "$here"/../lib/{harness,peers,pki}.py "$build"/tests/system/escape-{calld,fetcher,landlock,loader,none,resolver,role} "$tree$tests"
        cp -r "$build/tests/pki" "$tree$tests/pki"
        cat >"$tree/usr/lib/systemd/system/midtls-tests.service" <<UNIT
[Unit]
Requires=multi-user.target
After=multi-user.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B $tests/$program $*
Environment=MIDTLS_TEST_KEYSTORES=$keystores
StandardOutput=$output
StandardError=$output
TimeoutStartSec=$seconds
UNIT
}
