#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Filters are the same on x86-64 and on what came later, as aarch64: a list that has a call which is not there any more has what the C library uses instead."""

import re

import lib

# asm-generic/unistd.h of Linux does not have the left ones
SUCCESSORS = {
    "access": "faccessat",
    "dup2": "dup3",
    "epoll_create": "epoll_create1",
    "epoll_wait": "epoll_pwait",
    "eventfd": "eventfd2",
    "fork": "clone",
    "getdents": "getdents64",
    "getrlimit": "prlimit64",
    "inotify_init": "inotify_init1",
    "lstat": "newfstatat",
    "mkdir": "mkdirat",
    "open": "openat",
    "pipe": "pipe2",
    "poll": "ppoll",
    "readlink": "readlinkat",
    "rename": "renameat",
    "select": "pselect6",
    "signalfd": "signalfd4",
    "stat": "newfstatat",
    "time": "clock_gettime",
    "unlink": "unlinkat",
    "vfork": "clone",
}
_LIST = re.compile(r"static const JailRule \w+\[\] = \{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r'\{\.name = "(\w+)"')


def check(options, report):
    for source in lib.sources(options.root, ".c"):
        if source.path.startswith("tests/"):
            continue
        rows = {}
        for match in _LIST.finditer(source.text):
            for row in _ROW.finditer(match.group(1)):
                rows.setdefault(row.group(1), source.text.count("\n", 0, match.start(1) + row.start()) + 1)
        for name, line in rows.items():
            if name in SUCCESSORS and SUCCESSORS[name] not in rows:
                report.add("syscall-successor", source.path, line, "%s is not on aarch64, which has %s instead" % (name, SUCCESSORS[name]))


lib.main(check)
