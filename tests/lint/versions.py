#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a built program wants of its libraries is in RHEL 9's: the versions of imported symbols.

    versions.py PROGRAM...
"""

import re
import subprocess
import sys

# Library -> the newest version of a symbol that RHEL 9.0 has (glibc 2.34, OpenSSL 3.0.1, systemd 252 of 9.2, libxml2 2.9.13)
NEWEST = {"GLIBC": "2.34", "OPENSSL": "3.0.1", "LIBSYSTEMD": "252", "LIBXML2": "2.9.11", "GCC": "11.0"}
# Where what is built here can be no older than this host: that says nothing of the source.
BUILT_ON = "bookworm"


def parts(version):
    return [int(part) for part in version.split(".")]


def imported(program):
    """(library, version)"""
    text = subprocess.run(["readelf", "--version-info", "--wide", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    needs = text.partition("Version needs section")[2]
    return set(re.findall(r"Name: ([A-Z][A-Z0-9]*)_([0-9][0-9.]*)\s", needs))


def breaches(program):
    """(rule, what)"""
    for library, version in sorted(imported(program)):
        if library not in NEWEST:
            continue  # a library's only version, such as CURL_OPENSSL_4, is none of a symbol
        if parts(version) > parts(NEWEST[library]):
            yield "symbol-is-old-enough", "%s_%s; RHEL 9 has %s" % (library, version, NEWEST[library])


def main(programs):
    with open("/etc/os-release", encoding="utf-8") as f:
        if BUILT_ON not in f.read():
            print("this host is not Debian 12")
            sys.exit(77)
    if not programs:
        print("no programs to look at in this build")
        sys.exit(77)
    found = [(program, *breach) for program in programs for breach in breaches(program)]
    for program, rule, what in found:
        print("%s: [%s] %s" % (program, rule, what))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
