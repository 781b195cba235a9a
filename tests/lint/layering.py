#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include what: the architecture's rules on folders, on third-party headers, and on the headers that know keys."""

import os
import re

import lib

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)

# The first row whose folder holds the file counts; what it may include by the path from the top.
FOLDER_RULES = [
    # rule, folder, may include
    ("common-includes-common-only", "common/", ("common/",)),
    ("calld-never-includes-keyd", "calld/", ("common/", "calld/")),
    ("supervisor-includes-own-and-common", "keyd/supervisor/", ("common/", "keyd/supervisor/")),
    ("crypto-includes-own-and-common", "keyd/crypto/", ("common/", "keyd/crypto/")),
    ("role-includes-own-crypto-common", "keyd/loader/", ("common/", "keyd/crypto/", "keyd/loader/")),
    ("role-includes-own-crypto-common", "keyd/fetcher/", ("common/", "keyd/crypto/", "keyd/fetcher/")),
    ("role-includes-own-crypto-common", "keyd/runner/", ("common/", "keyd/crypto/", "keyd/runner/")),
    ("role-includes-own-crypto-common", "keyd/verifier/", ("common/", "keyd/crypto/", "keyd/verifier/")),
    ("role-includes-own-crypto-common", "keyd/signer/", ("common/", "keyd/crypto/", "keyd/signer/")),
    ("keyd-has-only-roles", "keyd/", ()),
    ("tests-include-by-path", "tests/", ("common/", "calld/", "keyd/", "tests/")),
]

# Headers with a home; tests may look into any.
HOME_RULES = [
    # rule, header, homes
    ("libcurl-home", "curl/", ("calld/call/", "keyd/fetcher/")),
    ("libxml2-home", "libxml/", ("calld/soap/", "keyd/loader/")),
    ("libmicrohttpd-home", "microhttpd.h", ("calld/gateway/",)),
    ("libseccomp-home", "seccomp.h", ("common/jail.c",)),
    ("jansson-home", "jansson.h", ("keyd/fetcher/", "keyd/loader/", "calld/gateway/", "calld/cli/")),
    ("libssl-home", "openssl/ssl.h", ("calld/", "keyd/fetcher/trust.c")),
    ("libcrypto-home", "openssl/", ("calld/call/", "calld/keyprov/", "calld/gateway/", "calld/cli/", "common/algorithms.", "keyd/crypto/", "keyd/loader/",
                                    "keyd/fetcher/", "keyd/verifier/", "keyd/signer/")),
    ("secret-only-in-keyd", "keyd/crypto/secret.h", ("keyd/",)),
    ("key-bytes-home", "keyd/crypto/handover.h", ("keyd/crypto/", "keyd/loader/", "keyd/signer/")),
]


def check_folder(source, line, header, report):
    for rule, folder, allowed in FOLDER_RULES:
        if source.path.startswith(folder):
            if not header.startswith(allowed):
                report.add(rule, source.path, line, "includes %s; may include: %s" % (header, ", ".join(allowed) or "nothing"))
            return


def check_home(source, line, header, report):
    for rule, prefix, homes in HOME_RULES:
        if header.startswith(prefix) and not source.path.startswith(homes):
            report.add(rule, source.path, line, "includes %s; its home: %s" % (header, ", ".join(homes)))


def check(options, report):
    for source in lib.sources(options.root, ".c", ".h"):
        for match in INCLUDE.finditer(source.text):
            line = source.text.count("\n", 0, match.start(1)) + 1
            header = os.path.normpath(match.group(2))
            if match.group(1) == '"':
                check_folder(source, line, header, report)
            elif header.startswith(("common/", "calld/", "keyd/", "tests/")):
                report.add("own-header-in-quotes", source.path, line, "<%s>" % header)
            if not source.path.startswith("tests/"):
                check_home(source, line, header, report)


lib.main(check)
