#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes and the lines every file has: length of files and functions, licence, #pragma once, results that must be looked at."""

import re

import lib

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

DECLARATION = re.compile(r"^(?:static inline )?int (\w+)\(([^;{]*)\)([^;{]*)[;{]", re.MULTILINE)

# Whose result says nothing that could be missed: those that give back the error they told, callbacks for a table, comparisons, conversions;
# and those whose comment says so: what they return is an exit status, always 1, a size, a byte, or they cannot fail.
INFALLIBLE_NAME = re.compile(r"_(?:error|errno|problem|failure)$|_compare_|_to_|_on_")
INFALLIBLE_PARAMETERS = re.compile(r"^const IniContext \*\w+, void \*\w+$")
INFALLIBLE_COMMENT = re.compile(r"exit status|\b[Rr]eturns?:? (?:1|its size)\b|-1 at the end|\bcannot fail\b")


def comment_of(source, number):
    """The paragraph above line @number: a comment and the declarations that share it; and what the file's head says."""
    first = number - 1
    while first > 0 and source.lines[first - 1].strip():
        first -= 1
    head, include, _ = source.text.partition("#include")
    head = head if include else ""
    return head + "\n".join(source.lines[first:number])


def check_length(source, report):
    if len(source.lines) > FILE_LINES_MAX:
        report.add("file-length", source.path, 1, "%d lines; %d at most: find the second responsibility" % (len(source.lines), FILE_LINES_MAX))


def check_functions(source, report):
    for name, number, text in source.functions():
        n_lines = text.count("\n") + 1
        if n_lines > FUNCTION_LINES_MAX:
            report.add("function-length", source.path, number, "%s() has %d lines; %d at most" % (name, n_lines, FUNCTION_LINES_MAX))


def check_must_check(source, report):
    code = source.code()
    for match in DECLARATION.finditer(code):
        name, parameters, attributes = match.groups()
        if "_must_check_" in attributes or INFALLIBLE_NAME.search("_" + name) or INFALLIBLE_PARAMETERS.match(parameters):
            continue
        number = code.count("\n", 0, match.start()) + 1
        if not INFALLIBLE_COMMENT.search(comment_of(source, number)):
            report.add("int-must-check", source.path, number, "%s() returns int and has no _must_check_; if it cannot fail, let its comment say so" % name)


def check(options, report):
    for source in lib.sources(options.root, ".c", ".h", ".py", ".sh", "meson.build", "meson_options.txt"):
        if not any("SPDX-License-Identifier: Apache-2.0" in line for line in source.lines[:5]):
            report.add("spdx-line", source.path, 1, "no SPDX-License-Identifier: Apache-2.0 in the first lines")
        check_length(source, report)
        if source.path.endswith(".c"):
            check_functions(source, report)
        if source.path.endswith(".h"):
            if "#pragma once" not in source.lines:
                report.add("pragma-once", source.path, 1, "no #pragma once")
            if not source.path.startswith("tests/"):
                check_must_check(source, report)


lib.main(check)
