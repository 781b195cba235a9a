#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-format decides the layout of C. Another major version lays out differently: then this is skipped."""

import os
import re
import shutil
import subprocess

import lib

VERSION = 14
STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.clang-format")


def find_program():
    for name in ("clang-format-%d" % VERSION, "clang-format"):
        program = shutil.which(name)
        if program and re.search(r"version %d\." % VERSION, subprocess.check_output([program, "--version"], text=True)):
            return program
    raise lib.Skip("clang-format %d is not installed" % VERSION)


def check(options, report):
    program = find_program()
    files = lib.paths(options.root, ".c", ".h")
    if not files:
        return
    done = subprocess.run([program, "--style=file:" + STYLE, "--dry-run", "-Werror", "--ferror-limit=1"] + files, cwd=options.root,
                          stderr=subprocess.PIPE, text=True, check=False)
    for path, line in re.findall(r"^(\S+?):(\d+):\d+: error:", done.stderr, re.MULTILINE):
        report.add("clang-format", path, int(line), "run clang-format -i on it")
    if done.returncode != 0 and not report.n_breaches:
        report.add("clang-format", ".clang-format", 1, done.stderr.strip())


lib.main(check)
