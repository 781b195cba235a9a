#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How a built program is hardened: PIE, full RELRO, immediate binding, no executable stack, stack protector, no search path.

    hardening.py PROGRAM...
"""

import re
import subprocess
import sys


def readelf(*arguments):
    return subprocess.check_output(["readelf", "-W"] + list(arguments), text=True)


def breaches(program):
    header, segments, dynamic, symbols = (readelf(option, program) for option in ("-h", "-l", "-d", "--dyn-syms"))
    stack = re.search(r"GNU_STACK\s+(?:0x\w+\s+){5}([RWE ]+?)\s+0x", segments)
    if not re.search(r"Type:\s+DYN", header) or not re.search(r"FLAGS_1\).*\bPIE\b", dynamic):
        yield "pie", "is no position-independent executable"
    if "GNU_RELRO" not in segments:
        yield "relro", "has no RELRO segment"
    if not re.search(r"FLAGS\).*\bBIND_NOW\b|FLAGS_1\).*\bNOW\b|\(BIND_NOW\)", dynamic):
        yield "bind-now", "binds lazily: its relocations stay writable"
    if not stack or "E" in stack.group(1):
        yield "nx-stack", "has an executable stack"
    if re.search(r"^\s+LOAD\s.*\bRWE\b", segments, re.MULTILINE):
        yield "w-xor-x", "has a segment that is writable and executable"
    if "__stack_chk_fail" not in symbols:
        yield "stack-protector", "has no stack protector"
    if re.search(r"\((?:RPATH|RUNPATH)\)", dynamic):
        yield "no-search-path", "looks for libraries in a path of its own"


def check(program):
    found = list(breaches(program))
    for rule, what in found:
        print("%s: [%s] %s" % (program, rule, what))
    return len(found)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("no program of keyd or calld is part of this build")
        sys.exit(77)
    sys.exit(1 if sum(check(program) for program in sys.argv[1:]) else 0)
