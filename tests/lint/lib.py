# SPDX-License-Identifier: Apache-2.0
"""What all checkers share: which files there are, code without comments and strings, and how a breach is told.

A checker is a program `NAME.py --root DIR`. It prints `path:line: [rule] what` for each breach and exits with 1, else with 0;
with 77 when it cannot run here. `selftest.py NAME` feeds it fixtures/NAME.txt: trees it must reject, each for one named rule.
"""

import argparse
import os
import re
import sys

FOLDERS = ("common", "keyd", "calld", "tests", "units", "selinux", "docs", "packaging", ".ci")
TOP_FILES = ("meson.build", "meson_options.txt", "README.md")

_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_FUNCTION = re.compile(r"^[A-Za-z_][^;={}#]*?\b(\w+)\((?:[^;{}]|\n)*?\) \{$", re.MULTILINE)


class Skip(Exception):
    """Why this checker cannot run here."""


class Report:
    def __init__(self):
        self.n_breaches = 0

    def add(self, rule, path, line, what):
        self.n_breaches += 1
        print("%s:%d: [%s] %s" % (path, line, rule, what))


class Source:
    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8") as f:
            self.text = f.read()
        self.lines = self.text.splitlines()

    def code(self):
        """C without comments, and with strings and characters emptied; lines stay where they are."""

        def blank(match):
            token = match.group(0)
            return token[0] * 2 if token[0] in "\"'" else "\n" * token.count("\n")

        return _TOKENS.sub(blank, self.text)

    def functions(self):
        """(name, first line, text) of each function's definition, by the house's layout: it ends with a brace in column 0."""
        code = self.code()
        for match in _FUNCTION.finditer(code):
            end = code.find("\n}", match.end())
            if end < 0:
                continue
            yield match.group(1), code.count("\n", 0, match.start()) + 1, code[match.start() : end + 2]


def is_shell(root, path):
    if path.endswith(".sh"):
        return True
    if os.path.splitext(path)[1]:
        return False
    with open(os.path.join(root, path), "rb") as f:
        return re.match(rb"#!.*\b(ba)?sh\b", f.readline()) is not None


def paths(root, *suffixes):
    """Paths of the project's own files below @root, relative to it. What a build or a fixture made is none of them."""
    found = [name for name in TOP_FILES if os.path.exists(os.path.join(root, name))]
    for folder in FOLDERS:
        for where, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if f not in ("fixtures", "__pycache__"))
            found += [os.path.relpath(os.path.join(where, name), root) for name in sorted(names)]
    return [p for p in found if not suffixes or p.endswith(suffixes)]


def sources(root, *suffixes):
    for path in paths(root, *suffixes):
        yield Source(root, path)


def main(check, add_arguments=lambda parser: None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    add_arguments(parser)
    options = parser.parse_args()
    report = Report()

    try:
        check(options, report)
    except Skip as reason:
        print(reason)
        sys.exit(77)
    sys.exit(1 if report.n_breaches else 0)
