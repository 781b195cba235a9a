#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, builds, and runs every suite but the last:
#
#       tests/run.sh [--suite NAME]... [--build DIR]
#
#       unit         one program a module, in the plain build
#       lint         the rules of the source and of the built programs
#       mutants      each refusal rule removed in turn: a unit test has to notice
#       integration  the pair against real peers, in the plain build
#       fuzz         the decoders' corpora, in the sanitizer build
#       sanitizer    unit and integration again, built by clang for ASan and UBSan
#       system       the installed pair under a real systemd: in a container, and in an emulated machine under SELinux, enforcing (root, Debian 12)
#       packages     built by the README's commands, installed, upgraded, removed under a real systemd (root, Debian 12)
#       bench        the ratios, printed
#       builds       other compilers and options, the libraries of Debian 13, and aarch64 (root, Debian 12); runs only when it is named
#
# Closing line: N passed, N failed, N skipped. Exit status 0 only when something ran and nothing failed.
set -u

suites=()
known=(unit lint mutants integration fuzz sanitizer system packages bench builds)
usual=(unit lint mutants integration fuzz sanitizer system packages bench)
build=
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
        echo "usage: tests/run.sh [--suite NAME]... [--build DIR]; suites: ${known[*]}" >&2
        exit 2
}

add_suite() {
        [[ " ${known[*]} " == *" $1 "* ]] || usage
        suites+=("$1")
}

while [[ $# -gt 0 ]]; do
        case $1 in
        --suite=*) add_suite "${1#*=}" ;;
        --suite) shift; add_suite "${1:-}" ;;
        --build=*) build=${1#*=} ;;
        --build) shift; build=${1:-}; [[ -n $build ]] || usage ;;
        *) usage ;;
        esac
        shift
done
[[ ${#suites[@]} -gt 0 ]] || suites=("${usual[@]}")
[[ -n $build ]] || build=$top/build
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 2
sanitized=$build-sanitizer

passed=0 failed=0 skipped=0
failures=()

wanted() { [[ " ${suites[*]} " == *" $1 "* ]]; }
say() { printf '\n=== %s\n' "$*"; }
skip() { skipped=$((skipped + 1)); echo "skip $1: $2"; }
fail() { failed=$((failed + 1)); failures+=("$1"); echo "FAIL $1: $2"; }

finish() {
        [[ ${#failures[@]} -eq 0 ]] || { say failures; printf '%s\n' "${failures[@]}"; }
        [[ $((passed + failed)) -gt 0 ]] || { echo "nothing ran"; failed=1; }
        printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
        [[ $failed -eq 0 ]]
        exit
}

"$top/tests/deps.sh" || { fail dependencies "some packages are missing"; finish; }

# make_build DIR CC OPTION...: a folder that is there is used as it is, meson brings it up to date.
make_build() {
        local dir=$1 cc=$2 log
        shift 2
        log=$dir/build.log
        mkdir -p "$dir"
        say "build $dir"
        if [[ ! -e $dir/build.ninja ]]; then
                CC=$cc meson setup "$dir" "$top" "$@" >"$log" 2>&1 || { tail -n 40 "$log"; fail "build $dir" "meson setup"; return 1; }
        fi
        meson compile -C "$dir" >"$log" 2>&1 || { grep -E 'error|FAILED|warning' "$log" | head -n 40; tail -n 10 "$log"; fail "build $dir" "meson compile"; return 1; }
        passed=$((passed + 1))
        echo "ok build $dir"
}

# run_meson LABEL DIR SUITE
run_meson() {
        local label=$1 dir=$2 suite=$3 counts p f s
        say "$label"
        rm -f "$dir/meson-logs/testlog.json"
        meson test -C "$dir" --no-rebuild --suite "$suite" >"$dir/$suite.log" 2>&1
        counts=$(/usr/bin/python3 - "$dir/meson-logs/testlog.json" "$label" <<'PYTHON'
import json
import os
import sys

passed = failed = skipped = 0
if os.path.exists(sys.argv[1]):
    for line in open(sys.argv[1]):
        test = json.loads(line)
        name = test["name"].split(" / ")[-1]
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif test["result"] == "SKIP":
            skipped += 1
            print("skip %s: %s" % (name, (test.get("stdout") or "no reason given").strip().splitlines()[-1:]), file=sys.stderr)
        else:
            failed += 1
            print("FAIL %s %s: %s" % (sys.argv[2], name, test["result"]), file=sys.stderr)
            print("\n".join(((test.get("stdout") or "") + (test.get("stderr") or "")).splitlines()[-40:]), file=sys.stderr)
print(passed, failed, skipped)
PYTHON
        )
        read -r p f s <<<"$counts"
        if [[ $((p + f + s)) -eq 0 ]]; then
                tail -n 5 "$dir/$suite.log"
                fail "$label" "no test ran"
                return
        fi
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        [[ $f -eq 0 ]] || failures+=("$label: $f of $((p + f))")
        echo "$label: $p passed, $f failed, $s skipped"
}

# Some integration tests wait for time to pass, so that more of them than there are processors go at once, eight at most: the long ones first. The
# last ones need the machine to themselves.
jobs=$(($(nproc) < 4 ? $(nproc) * 2 : 8))
long=(vault cyberark chaos memory loader quarantine)
alone=(scale soak stream)
declare -A running=()

# list_programs together|alone
list_programs() {
        local program name
        if [[ $1 == alone ]]; then
                printf 'test-%s\n' "${alone[@]}"
                return
        fi
        printf 'test-%s\n' "${long[@]}"
        for program in "$top"/tests/integration/test-*.py; do
                name=$(basename "$program" .py)
                [[ " ${long[*]} ${alone[*]} " == *" ${name#test-} "* ]] || echo "$name"
        done
}

# end_program LABEL DIR: of those that run, the next one to end
end_program() {
        local name log status pid
        wait -n -p pid "${!running[@]}"
        status=$?
        name=${running[$pid]}
        unset "running[$pid]"
        log=$2/$name.log
        say "$1 $name"
        grep -vE '^ok ' "$log"
        if ! count "$1 $name" "$log" "$status"; then
                fail "$1 $name" "no closing line, exit status $status (124: not within 400 s)"
                tail -n 20 "$log"
        fi
}

# run_programs LABEL DIR: the integration tests
run_programs() {
        local label=$1 dir=$2 which name most=$jobs
        mkdir -p "$dir/tests"
        for which in together alone; do
                [[ $which == together ]] || most=1
                while read -r name; do
                        [[ ${#running[@]} -lt $most ]] || end_program "$label" "$dir"
                        BUILD=$dir timeout -k 10 400 "$top/tests/integration/$name.py" >"$dir/$name.log" 2>&1 </dev/null &
                        running[$!]=$name
                done < <(list_programs "$which")
                while [[ ${#running[@]} -gt 0 ]]; do end_program "$label" "$dir"; done
        done
}

# count LABEL LOG STATUS: what the closing line in LOG says; without one, the exit status alone decides
count() {
        local label=$1 log=$2 status=$3 line

        line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
        if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
                passed=$((passed + BASH_REMATCH[1])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
                if [[ ${BASH_REMATCH[2]} -gt 0 ]]; then
                        failed=$((failed + BASH_REMATCH[2]))
                        mapfile -t -O "${#failures[@]}" failures < <(grep -E '^FAIL ' "$log" | sed "s|^FAIL |$label: |")
                elif [[ $status -ne 0 ]]; then
                        fail "$label" "exit status $status"
                fi
                return 0
        fi
        return 1
}

# In a build of its own: it changes the source.
run_mutants() {
        local log=$build/mutants.log status

        say mutants
        "$top/tests/mutants/run.sh" >"$log" 2>&1
        status=$?
        grep -vE '^ok ' "$log"
        count mutants "$log" "$status" || fail mutants "no closing line, exit status $status"
}

# run_script SUITE: tests/SUITE/run.sh, a test of its own when it does not count
run_script() {
        local log=$build/$1.log status options=()

        # Here a benchmark only has to run; its figures are for whoever runs it alone.
        [[ $1 != bench ]] || options=(--quick)
        say "$1"
        BUILD=$build "$top/tests/$1/run.sh" "${options[@]}" 2>&1 | tee "$log"
        status=${PIPESTATUS[0]}
        count "$1" "$log" "$status" && return
        if [[ $status -eq 0 ]]; then
                passed=$((passed + 1))
        else
                fail "$1" "exit status $status"
        fi
}

built=no
if wanted unit || wanted lint || wanted integration || wanted system || wanted packages || wanted bench; then
        # Before the sanitizer build, so that a mistake is seen soon.
        if make_build "$build" "${CC:-cc}"; then
                built=yes
                ! wanted unit || run_meson unit "$build" unit
                ! wanted lint || run_meson lint "$build" lint
        fi
fi

! wanted mutants || run_mutants
[[ $built == no ]] || ! wanted integration || run_programs integration "$build"

if wanted fuzz || wanted sanitizer; then
        if make_build "$sanitized" clang -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false; then
                export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
                export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
                ! wanted fuzz || run_meson fuzz "$sanitized" fuzz
                if wanted sanitizer; then
                        run_meson "unit, sanitized" "$sanitized" unit
                        # A sanitizer needs more system calls than the daemons' filters allow.
                        export MIDTLS_TEST_SANITIZED=1 MIDTLS_TEST_SANDBOX=off MIDTLS_TEST_CALLS=1500
                        run_programs "integration, sanitized" "$sanitized"
                        unset MIDTLS_TEST_SANITIZED MIDTLS_TEST_SANDBOX MIDTLS_TEST_CALLS
                fi
                unset ASAN_OPTIONS UBSAN_OPTIONS
        fi
fi

for suite in system packages builds bench; do
        wanted "$suite" || continue
        if [[ ! -x $top/tests/$suite/run.sh ]]; then
                skip "$suite" "this tree has no tests/$suite/run.sh"
        else
                run_script "$suite"
        fi
done

finish
