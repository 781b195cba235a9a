#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages: mandoc and groff have nothing to say of them, and pages of ours that they refer to are there."""

import os
import re
import shutil
import subprocess

import lib

# What mandoc says and does not apply.
EXEMPT = re.compile("|".join([
    "STYLE: input text line longer than 80 bytes",  # the tree's lines are longer; a sentence has a line of its own
    "STYLE: outdated mandoc.db|mandoc: outdated mandoc.db",  # of this host
    "STYLE: referenced manual not found",  # here or not: own_references() looks for ours
    r"STYLE: trailing delimiter: S[sx] \[",  # a section of a file is written with its brackets
    r"STYLE: no blank before trailing delimiter: (?:Li|Ql) \w+:$",  # the colon is part of the value
]))
PAGE = re.compile(r"\.[1-8]$")
REFERENCE = re.compile(r"^\.(?:It )?Xr (midtls[\w.-]*) (\d)", re.MULTILINE)


def run(*command):
    environment = dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ="", MANWIDTH="80")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    return done.stdout + done.stderr  # in one pipe, a line of one would come into the middle of a line of the other


def say(report, rule, path, text):
    for line in text.splitlines():
        where = re.search(r":(\d+)[:.]", line)
        report.add(rule, path, int(where.group(1)) if where else 1, line)


def own_references(page, pages, report):
    for name, section in REFERENCE.findall(page.text):
        if "docs/%s.%s" % (name, section) not in pages:
            report.add("reference-is-there", page.path, 1, "%s(%s)" % (name, section))


def check(options, report):
    if not shutil.which("mandoc") or not shutil.which("man"):
        raise lib.Skip("there is no mandoc, or no man")
    pages = [path for path in lib.paths(options.root) if path.startswith("docs/") and PAGE.search(path)]
    for path in pages:
        whole = os.path.join(options.root, path)
        said = run("mandoc", "-T", "lint", whole)
        say(report, "mandoc-is-silent", path, "\n".join(line for line in said.splitlines() if not EXEMPT.search(line)))
        # Its output device draws nothing (-Z), so that what is printed is warnings.
        said = run("sh", "-c", 'man --warnings --encoding=UTF-8 --local-file -Tutf8 -Z "$1" >/dev/null', "sh", whole)
        say(report, "groff-is-silent", path, said)
        own_references(lib.Source(options.root, path), pages, report)


lib.main(check)
