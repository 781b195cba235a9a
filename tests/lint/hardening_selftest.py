#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a program that hardening.py accepts, and one for each rule that breaks that rule alone.

    hardening_selftest.py COMPILER...
"""

import os
import struct
import subprocess
import sys
import tempfile

import hardening

SOURCE = """
#include <string.h>
int main(int argc, char **argv) {
        char text[64];
        strncpy(text, argv[0], sizeof(text) - 1);
        return text[argc] == 1;
}
"""
GOOD = ["-O0", "-fPIE", "-pie", "-fstack-protector-all", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]

PT_LOAD = 1

BROKEN = {
    "pie": ["-fno-PIE", "-no-pie"],
    "relro": ["-Wl,-z,norelro"],
    "bind-now": ["-Wl,-z,lazy"],
    "nx-stack": ["-Wl,-z,execstack"],
    "stack-protector": ["-fno-stack-protector"],
    "no-search-path": ["-Wl,-rpath,/opt/lib"],
}


def build(compiler, where, flags):
    source, program = os.path.join(where, "x.c"), os.path.join(where, "x")
    with open(source, "w", encoding="utf-8") as f:
        f.write(SOURCE)
    subprocess.check_call(compiler + ["-w"] + flags + ["-o", program, source])
    return program


def make_writable_and_executable(program):
    """No linker does it any more: sets the flags of the first LOAD segment in the program header table of an ELF64 file."""
    with open(program, "r+b") as f:
        image = bytearray(f.read())
        offset, (size, count) = struct.unpack_from("<Q", image, 32)[0], struct.unpack_from("<HH", image, 54)
        first = next(at for at in range(offset, offset + size * count, size) if struct.unpack_from("<I", image, at)[0] == PT_LOAD)
        struct.pack_into("<I", image, first + 4, 7)
        f.seek(0)
        f.write(image)


def main(compiler):
    bad = []
    with tempfile.TemporaryDirectory() as where:
        got = list(hardening.breaches(build(compiler, where, GOOD)))
        if got:
            bad.append("refused although it is fine: %s" % got)
        for rule, flags in BROKEN.items():
            got = {name for name, _ in hardening.breaches(build(compiler, where, GOOD + flags))}
            if got != {rule}:
                bad.append("%s: refused for %s" % (rule, sorted(got)))
        program = build(compiler, where, GOOD)
        make_writable_and_executable(program)
        if [name for name, _ in hardening.breaches(program)] != ["w-xor-x"]:
            bad.append("w-xor-x: not refused")
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


main(sys.argv[1:])
