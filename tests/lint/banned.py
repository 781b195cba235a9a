#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions and words that stand nowhere: what overruns, what splits secrets over memory, what ignores errors, what is not finished."""

import re

import lib

# In all C; the code only, not comments or strings.
CALLS = [
    # rule, functions, instead
    ("no-unbounded-string", "strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok", "Buf, snprintf(), asprintf()"),
    ("no-unchecked-number", "atoi|atol|atoll|atof", "parse_uint() and the like"),
    ("no-realloc", "realloc|reallocarray", "allocate, copy, wipe, free; Buf does"),
    ("no-alloca", "alloca|__builtin_alloca|strdupa", "the heap, or an array of fixed size"),
    ("no-shell", "system|popen", "nothing: no process is started by a command line"),
    ("no-weak-random", "rand|srand|random|srandom|drand48", "getrandom()"),
    ("no-race-temporary", "tmpnam|tempnam|mktemp|tmpfile", "mkstemp(), memfd_create()"),
    ("no-sleep", "sleep|usleep", "poll() with a deadline"),
]

# In every file of text.
WORDS = [
    # rule, pattern, why
    ("no-unfinished-word", r"\b(?:TODO|FIXME|XXX)\b|\b[Ss]tub(?:bed|s)?\b", "what is not finished is not in the tree"),
    ("no-outside-path", r"\.\./shared|/work/", "the project stands alone"),
]

# CURLOPT_SSLKEY and its relatives (_BLOB, TYPE, PASSWD): calld has no key that it could name.
CURL_KEY = re.compile(r"\b(?:CURLOPT_(?:PROXY_)?(?:SSLKEY\w*|KEYPASSWD)|CURLOPT_SSLCERTPASSWD)\b")

HANDLER = re.compile(r"\b(?:signal\(\s*SIG\w+\s*,\s*|sa_handler\s*=\s*|sa_sigaction\s*=\s*)(\w+)")
UNSAFE_IN_HANDLER = re.compile(r"\b(?:\w*printf|log_\w+|malloc|calloc|free|exit|syslog)\s*\(")


def check_calls(source, report):
    code = source.code().splitlines()
    for rule, functions, instead in CALLS:
        pattern = re.compile(r"(?<![\w.>])(?:%s)\s*\(" % functions)
        for number, line in enumerate(code, 1):
            match = pattern.search(line)
            if match:
                report.add(rule, source.path, number, "%s); use %s" % (match.group(0), instead))
    for number, line in enumerate(code, 1):
        if re.search(r"\bgoto\b", line):
            report.add("no-goto", source.path, number, "use _cleanup_ and a function more")


def check_curl_keys(source, report):
    for number, line in enumerate(source.code().splitlines(), 1):
        match = CURL_KEY.search(line)
        if match:
            report.add("no-curl-key-option", source.path, number, "%s: calld holds no key" % match.group(0))


def check_handlers(source, report):
    handlers = set(HANDLER.findall(source.code())) - {"SIG_IGN", "SIG_DFL"}
    for name, number, text in source.functions():
        match = UNSAFE_IN_HANDLER.search(text) if name in handlers else None
        if match:
            report.add("signal-handler-is-safe", source.path, number, "%s() calls %s), which is not async-signal-safe" % (name, match.group(0)))


def check(options, report):
    for source in lib.sources(options.root, ".c", ".h"):
        check_calls(source, report)
        check_handlers(source, report)
        if source.path.startswith("calld/"):
            check_curl_keys(source, report)
    for source in lib.sources(options.root, ".c", ".h", ".py", ".sh", ".build", ".txt", ".in", ".te", ".if", ".fc", ".md", ".conf"):
        if source.path.startswith("tests/lint/"):
            continue  # names what it forbids
        for rule, pattern, why in WORDS:
            for number, line in enumerate(source.lines, 1):
                match = re.search(pattern, line)
                if match:
                    report.add(rule, source.path, number, "%s: %s" % (match.group(0), why))


lib.main(check)
