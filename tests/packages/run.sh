#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What the README tells somebody to do who has an empty Debian 12 and this tree, and what becomes of it: packages are built from the tree,
# also of a next version; lintian and rpmlint look at them; then a container without network, in which systemd is PID 1, installs them, makes
# the first call, upgrades, removes and purges.
#
#       tests/packages/run.sh [WORD...]         only tests in the container whose names contain one of the words
#
# Root filesystems are kept in $MIDTLS_TEST_CACHE (default: /var/cache/midtls-tests). Certificates are those of $BUILD. Closing line:
# N passed, N failed, N skipped.
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(realpath "${BUILD:-$top/build}")
cache=${MIDTLS_TEST_CACHE:-/var/cache/midtls-tests}
cgroup=midtls-packages-$$
boot_sec=300
. "$here/roots.sh"

passed=0 failed=0 skipped=0
# add LINE: "N passed, N failed[, N skipped]"; false when it is none
add() {
        [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]] || return
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
}

finish() {
        printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
        [[ $failed -eq 0 ]]
        exit
}

fail() {
        echo "FAIL $1"
        failed=$((failed + 1))
        finish
}

skip() {
        echo "skip packages: $1"
        skipped=$((skipped + 1))
        finish
}

# private COMMAND...: with mounts of its own, of which nothing remains
private() { unshare --mount --propagation private -- "$@"; }

check_host() {
        local program

        [[ $(id -u) -eq 0 ]] || skip "needs root, for mounts and systemd-nspawn"
        [[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == bookworm ]] || skip "needs Debian 12: packages are built for it"
        for program in systemd-nspawn mmdebstrap unshare dpkg-scanpackages keytool openssl; do
                command -v "$program" >/dev/null || skip "there is no $program"
        done
        # shellcheck disable=SC2016
        private bash -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir "/sys/fs/cgroup/$1" && rmdir "/sys/fs/cgroup/$1"' \
                x "$cgroup" >/dev/null 2>&1 || skip "this host refuses mounts or cgroups of one's own"
}

results=
# Whatever of the container is left is killed; its cgroups go, which would remain.
clean() {
        # shellcheck disable=SC2016
        private bash -c '
                umount -R /sys/fs/cgroup
                mount -t cgroup2 cgroup2 /sys/fs/cgroup && cd "/sys/fs/cgroup/$1" || exit 0
                grep -q "populated 0" cgroup.events || echo 1 >cgroup.kill
                until grep -q "populated 0" cgroup.events || [[ $SECONDS -gt 10 ]]; do :; done
                find "$PWD" -depth -type d -exec rmdir {} +' x "$cgroup" 2>/dev/null
        [[ -z $results ]] || rm -rf --one-file-system "$results"
}

# run NAME COMMAND...: a test of its own; its output is shown when it fails
run() {
        local name=$1 started=$SECONDS
        shift
        if "$@" >"$results/log" 2>&1; then
                passed=$((passed + 1))
                echo "ok $name ($((SECONDS - started)) s)"
        else
                tail -n 40 "$results/log"
                fail "$name"
        fi
}

# The tree as somebody has it who has just got it, and the same as the next version
copy_tree() {
        mkdir -p "$results/src" "$results/next"
        tar -C "$top" --exclude=./.git --exclude='./build*' --exclude=__pycache__ -cf - . | tee >(tar -C "$results/src" -xf -) | tar -C "$results/next" -xf - || return
        version=$(sed -n "s/^ *version: '\(.*\)',\$/\1/p" "$top/meson.build" | head -n 1)
        next=${version%.*}.$((${version##*.} + 1))
        sed -i "s/^\( *version: '\)$version',\$/\1$next',/" "$results/next/meson.build"
}

# The partner that the README names, and somebody's own keystore
make_partner() {
        local pki=$build/tests/pki

        /usr/bin/python3 "$top/tests/lib/pki.py" "$pki" || return
        cp -r "$pki" "$results/pki"
        cd "$results/pki" || return
        openssl req -new -newkey rsa:2048 -nodes -subj /CN=partner.example.com -keyout partner.key -out partner.csr 2>/dev/null &&
                openssl x509 -req -in partner.csr -CA server-ca.pem -CAkey server-ca.key -days 2 -out partner.pem \
                        -extfile <(printf 'subjectAltName=DNS:partner.example.com\nextendedKeyUsage=serverAuth\n') 2>/dev/null
}

# inside DIR COMMAND: COMMAND runs in DIR in a copy of the root for building, in memory, without network
inside() {
        # shellcheck disable=SC2016
        unshare --mount --net --propagation private -- bash -euc '
                mkdir -p "$1/memory" && mount -t tmpfs -o size=75% tmpfs "$1/memory" && mkdir "$1/memory/"{upper,work,tree}
                tree=$1/memory/tree
                mount -t overlay -o "lowerdir=$2,upperdir=$1/memory/upper,workdir=$1/memory/work" overlay "$tree"
                mkdir "$tree/src" && mount --bind "$3" "$tree/src"
                mount -t proc proc "$tree/proc" && mount --rbind /dev "$tree/dev"
                exec chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
                        bash -c "cd /src && $4"' x "$results" "$build_root" "$1" "$2"
}

lintian_says_nothing() {
        local said

        said=$(inside "$results/src" "lintian --allow-root build-packages/*.changes") || { echo "$said"; return 1; }
        echo "$said"
        [[ -z $said ]]
}

rpmlint_says_nothing() { inside "$results/src" "rpmlint --strict --config packaging/rpmlint.toml build-packages/*.rpm build-packages/*.spec"; }

check_host
find_roots || skip "a root filesystem could not be made: $(grep '^E:' "$cached.log" | tail -n 1)"
results=$(mktemp -d)
trap clean EXIT

run "certificates and a keystore" make_partner
run "a copy of the tree" copy_tree
"$here/readme.py" "$top/README.md" build >"$results/src/build.sh" || fail "README: no commands to build packages"
run "README: packages are built" inside "$results/src" "bash build.sh"
run "packages of the next version" inside "$results/next" "packaging/build.sh deb && packaging/build.sh rpm"
run "RPM packages" inside "$results/src" "packaging/build.sh rpm"
run "lintian says nothing" lintian_says_nothing
run "rpmlint says nothing" rpmlint_says_nothing

# A TERM for timeout reaches systemd-nspawn, which then halts the container.
end() {
        kill -TERM "$container"
        wait "$container"
        exit 130
}
timeout -k 30 "$boot_sec" unshare --mount --propagation private -- "$here/boot.sh" "$plain_root" "$results" "$cgroup" "$@" </dev/null >"$results/console" 2>&1 &
container=$!
trap end INT TERM
wait "$container"
status=$?

[[ ! -e $results/out ]] || grep -vE '^[0-9]+ passed, ' "$results/out"
if [[ $status -eq 77 ]]; then
        skip "$(tail -n 1 "$results/console")"
elif [[ -e $results/out ]] && add "$(tail -n 1 "$results/out")"; then
        finish
fi
tail -n 30 "$results/console"
fail "packages: the container ended without a result, exit status $status (124: not within $boot_sec s)"
