#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a checker on its fixtures: each tree under `## reject RULE` must be refused with that rule's name (or these rules'
names) and no other, each under `## accept` must pass. A rule of the checker that no fixture breaks is a failure, too.

A fixture file holds trees, a tree holds files: `-- path --`, then the file's lines. `\\x` at a line's begin stands for nothing, so that a
fixture can hold what other checkers, or editors, would stumble over.
"""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
RULE = re.compile(r"\[([a-z0-9-]+)\]")


def read_fixtures(path):
    fixtures, files = [], None
    for line in open(path, encoding="utf-8"):
        if line.startswith("## "):
            word, _, what = line[3:].strip().partition(" ")
            files = {}
            fixtures.append((word, what, files))
        elif line.startswith("-- ") and line.endswith(" --\n"):
            files[line[3:-4]] = []
        elif files:
            files[list(files)[-1]].append(line.removeprefix("\\x"))
    return fixtures


def write_tree(root, files):
    for path, lines in files.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        while lines and lines[-1] == "\n":
            lines.pop()
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(lines))


def known_rules(checker):
    """Every rule's name in the checker: a string literal of two words or more with hyphens, in a table or a call of report.add()."""
    text = open(checker, encoding="utf-8").read()
    return set(re.findall(r'(?:\(|add\(|rule = )"([a-z0-9]+(?:-[a-z0-9]+)+)"', text))


def run(checker, word, what, files):
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, files)
        done = subprocess.run([sys.executable, checker, "--root", root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 77:
        print(done.stdout.strip())
        sys.exit(77)
    wanted = (0, set()) if word == "accept" else (1, set(what.split()))
    got = (done.returncode, set(RULE.findall(done.stdout)))
    if got != wanted:
        print("%s %s, files %s: wanted %s, got %s\n%s" % (word, what, ", ".join(files), wanted, got, done.stdout))
    return got == wanted


def main(name):
    checker = os.path.join(HERE, name + ".py")
    fixtures = read_fixtures(os.path.join(HERE, "fixtures", name + ".txt"))
    good = all([run(checker, *fixture) for fixture in fixtures])
    untried = known_rules(checker) - {rule for word, what, _ in fixtures if word == "reject" for rule in what.split()}
    if untried:
        print("no fixture breaks: %s" % ", ".join(sorted(untried)))
    if not any(word == "accept" for word, _, _ in fixtures):
        print("no fixture is accepted")
        good = False
    sys.exit(0 if good and not untried else 1)


main(sys.argv[1])
