# SPDX-License-Identifier: Apache-2.0
"""Does a test notice when a rule is gone?

The rules are in rows_*.py: for each file a list of (code, text, replacement, tests). Every row is one mutation of the source: the text is
found exactly once, or the row is an error. The tests are named as in meson; one of them has to fail.

A test that hangs has failed too, as it has under meson: after four times as long as it takes without a mutation, and SECONDS_MIN at least. The line
then says so.
"""

import argparse
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import rows_gateway
import rows_loader
import rows_resolver
import rows_signer
import rows_stores
import rows_transcript
import rows_verifier
from tree import Tree, TreeError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS_MIN = 10
SECONDS_MAX = 120

# Not the answer of a rule: keyd itself has failed.
NOT_A_RULE = {"internal"}


class Row:
    def __init__(self, code, path, text, replacement, tests, also=()):
        self.code = code
        self.tests = tests.split()
        self.edits = [(path, text, replacement), *also]

    def path(self):
        return self.edits[0][0]

    def files(self):
        return tuple(sorted({path for path, _, _ in self.edits}))


def load_rows():
    rows = []
    for module in (rows_transcript, rows_verifier, rows_signer, rows_loader, rows_stores, rows_gateway, rows_resolver):
        for path, entries in module.ROWS.items():
            rows += [Row(code, path, *rest) for code, *rest in entries]
    return rows


def refusal_codes():
    with open(os.path.join(TOP, "common/msg-refusal.c"), encoding="utf-8") as f:
        return set(re.findall(r'\[REFUSAL_\w+\] = "([\w-]+)"', f.read())) - NOT_A_RULE


def documented_codes():
    with open(os.path.join(TOP, "docs/signing.md"), encoding="utf-8") as f:
        return {code for line in f if line.startswith("| `") for code in re.findall(r"`([\w-]+)`", line.split("|")[1])}


class Outcome:
    """Lines in the order of their coming; a row's is whole."""

    def __init__(self):
        self.lock = threading.Lock()
        self.n_passed = self.n_failed = 0

    def tell(self, good, line):
        with self.lock:
            self.n_passed += good
            self.n_failed += not good
            print(("ok " if good else "FAIL ") + line, flush=True)

    def finish(self):
        if self.n_passed + self.n_failed == 0:
            self.tell(False, "mutants: nothing ran")
        print("%d passed, %d failed" % (self.n_passed, self.n_failed))
        return 1 if self.n_failed else 0


def mutate(top, row):
    """{path: changed source} and the line of the first change. ValueError: a text is not there exactly once."""
    changed = {}
    for path, text, replacement in row.edits:
        if path not in changed:
            with open(os.path.join(top, path), encoding="utf-8") as f:
                changed[path] = f.read()
        if changed[path].count(text) != 1:
            raise ValueError("%s has this %d times and not once: %s" % (path, changed[path].count(text), text))
        if path == row.path() and text == row.edits[0][1]:
            line = changed[path][: changed[path].index(text)].count("\n") + 1
        changed[path] = changed[path].replace(text, replacement)
    return changed, line


def check_list(rows, outcome):
    """What a list that has rotted would hide: codes without a row, texts that have changed."""
    covered = {row.code for row in rows}
    for code in sorted(refusal_codes() | documented_codes()):
        if code not in covered:
            outcome.tell(False, "%s: no row removes this rule" % code)

    sound = []
    for row in rows:
        try:
            mutate(TOP, row)
            sound.append(row)
        except ValueError as e:
            outcome.tell(False, "%s: %s: %s" % (row.code, row.path(), e))
    return sound


def try_row(tree, row, bounds):
    """(noticed, what to say); @bounds: seconds for each test"""
    changed, line = mutate(TOP, row)
    where = "%s: %s:%d" % (row.code, row.path(), line)
    tree.write(changed)
    log = tree.build(row.tests)
    if log:
        return False, "%s: does not build:\n%s" % (where, log)

    reds = [red for red in tree.run(row.tests, bounds.get) if red]
    if reds:
        return True, "%s: noticed by %s" % (where, ", ".join(reds))
    return False, "%s: not noticed by %s: %s" % (where, " ".join(row.tests), row.edits[0][2].strip() or "(nothing) for " + row.edits[0][1].strip())


def in_all_trees(trees, items, action):
    """action(tree, item) for each of @items, a thread for each tree; what an action raises is raised here."""
    waiting = queue.SimpleQueue()
    errors = []
    for item in items:
        waiting.put(item)

    def work(tree):
        try:
            while not errors:
                action(tree, waiting.get_nowait())
        except queue.Empty:
            pass
        except Exception as e:  # the caller's to handle: a thread would only print it
            errors.append(e)

    threads = [threading.Thread(target=work, args=(tree,), daemon=True) for tree in trees]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        for tree in trees:
            tree.stop()
    if errors:
        raise errors[0]


def check_unchanged(trees, rows, outcome):
    """The tests pass on the source as it is, and a mutation that changes nothing is not noticed: else every row would pass."""

    def run(tree, name):
        started = time.monotonic()
        for red in tree.run([name], lambda _: SECONDS_MAX):
            if red:
                outcome.tell(False, "without a mutation: red is %s" % red)
        bounds[name] = min(max(4 * (time.monotonic() - started), SECONDS_MIN), SECONDS_MAX)

    bounds = {}
    in_all_trees(trees, sorted({name for row in rows for name in row.tests}), run)
    noticed, line = try_row(trees[0], Row("nothing", "keyd/verifier/check.c", "The rules in the order", "These rules in the order", rows[0].tests[0]), bounds)
    if noticed:
        outcome.tell(False, line)
    return bounds


def try_group(tree, group, bounds, outcome):
    for row in group:
        try:
            outcome.tell(*try_row(tree, row, bounds))
        except (OSError, subprocess.SubprocessError, TreeError) as e:
            outcome.tell(False, "%s: %s: %s" % (row.code, row.path(), e))
    tree.restore()


def group_by_file(rows):
    """Rows of one file follow each other, so that it is compiled once for each; the largest groups come first."""
    groups = {}
    for row in rows:
        groups.setdefault(row.files(), []).append(row)
    parts = []
    for group in groups.values():
        parts += [group[i : i + 12] for i in range(0, len(group), 12)]
    return sorted(parts, key=len, reverse=True)


def run_rows(rows, n_jobs, outcome, folder):
    groups = group_by_file(rows)
    trees = [Tree(TOP, os.path.join(folder, str(i))) for i in range(min(n_jobs, len(groups)))]
    names = {name for row in rows for name in row.tests}
    in_all_trees(trees, trees, lambda _, tree: tree.set_up(names))
    n_failed = outcome.n_failed
    bounds = check_unchanged(trees, rows, outcome)
    if outcome.n_failed == n_failed:
        in_all_trees(trees, groups, lambda tree, group: try_group(tree, group, bounds, outcome))


def parse_options():
    parser = argparse.ArgumentParser(prog="tests/mutants/run.sh", description="removes refusal rules and wants tests to notice")
    parser.add_argument("--only", action="append", metavar="CODE", help="the rows of this code; may be given several times")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="trees to work in at once")
    return parser.parse_args()


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    outcome = Outcome()
    rows = check_list(load_rows(), outcome)
    if options.only:
        rows = [row for row in rows if row.code in options.only]
    folder = tempfile.mkdtemp(prefix="midtls-mutants-")
    started = time.monotonic()
    try:
        if rows:
            run_rows(rows, options.jobs, outcome, folder)
    except (OSError, subprocess.SubprocessError, TreeError) as e:
        outcome.tell(False, "mutants: %s" % e)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("%.0f s" % (time.monotonic() - started))
    return outcome.finish()


sys.exit(main())
