#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tests do not do: sleep instead of waiting for a condition, end programs by name."""

import ast
import re

import lib

# The one loop that may sleep: it polls a condition with a deadline.
WAITER = ("tests/lib/harness.py", "wait_until")

SHELL_SLEEP = re.compile(r"(?:^|[;&|(`]|\bdo|\bthen|\belse)\s*sleep\s+[\"'$\d.]")
BY_NAME = re.compile(r"\b(?:pkill|killall)\b")


def sleeps(tree):
    """(function, line) of each call of time.sleep() or sleep()."""
    found = []

    def visit(node, function):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node.name
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "sleep":
                found.append((function, node.lineno))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(tree, None)
    return found


def check(options, report):
    for path in lib.paths(options.root):
        if not path.startswith("tests/") or path.startswith("tests/lint/") or not (path.endswith((".py", ".c", ".h")) or lib.is_shell(options.root, path)):
            continue
        source = lib.Source(options.root, path)
        if source.path.endswith(".py"):
            for function, number in sleeps(ast.parse(source.text)):
                if (source.path, function) != WAITER:
                    report.add("no-sleep-in-tests", source.path, number, "wait for a condition with harness.wait_until()")
        for number, line in enumerate(source.lines, 1):
            if not source.path.endswith((".py", ".c", ".h")) and SHELL_SLEEP.search(line):
                report.add("no-sleep-in-tests", source.path, number, "wait for a condition, with a deadline")
            if BY_NAME.search(line):
                report.add("no-kill-by-name", source.path, number, "end what you started, by its PID")


lib.main(check)
