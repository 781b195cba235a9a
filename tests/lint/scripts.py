#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts parse: shell by `bash -n`, Python by its own compiler."""

import os
import subprocess

import lib


def check_shell(root, path, report):
    done = subprocess.run(["bash", "-n", os.path.join(root, path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        report.add("shell-parses", path, 1, done.stdout.strip())


def check_python(source, report):
    try:
        compile(source.text, source.path, "exec")
    except SyntaxError as e:
        report.add("python-parses", source.path, e.lineno or 1, e.msg)


def check(options, report):
    for path in lib.paths(options.root):
        if path.endswith(".py"):
            check_python(lib.Source(options.root, path), report)
        elif lib.is_shell(options.root, path):
            check_shell(options.root, path, report)


lib.main(check)
