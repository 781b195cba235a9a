#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a program that versions.py accepts, and one with a function that glibc got in 2.36.

    versions_selftest.py COMPILER...
"""

import os
import subprocess
import sys
import tempfile

import versions

SOURCE = "#include <stdlib.h>\n#include <unistd.h>\nint main(void) {\n        return (int) %s;\n}\n"


def rules(compiler, where, expression):
    source, program = os.path.join(where, "x.c"), os.path.join(where, "x")
    with open(source, "w", encoding="utf-8") as f:
        f.write(SOURCE % expression)
    subprocess.check_call(compiler + ["-w", "-D_GNU_SOURCE", "-o", program, source])
    return {rule for rule, _ in versions.breaches(program)}


def main(compiler):
    with open("/etc/os-release", encoding="utf-8") as f:
        if versions.BUILT_ON not in f.read():
            print("this host is not Debian 12")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as where:
        for expression, wanted in (("getpid()", set()), ("arc4random()", {"symbol-is-old-enough"})):
            got = rules(compiler, where, expression)
            if got != wanted:
                sys.exit("%s: wanted %s, got %s" % (expression, wanted, got))


main(sys.argv[1:])
