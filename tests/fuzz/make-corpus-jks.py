#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz-jks: make-corpus-jks.py FOLDER"""

import sys

import javaseeds as j

MAGIC = 0xfeedfeed

seeds = {}
for version in (1, 2):
    key = j.jks_protected()
    seeds["empty-%d" % version] = j.store(MAGIC, version)
    seeds["key-%d" % version] = j.store(MAGIC, version, j.private_key(version, b"key", key, 2), j.trusted(version, b"ca"))
    seeds["odd-%d" % version] = j.store(MAGIC, version, j.private_key(version, b"\xc3\xa9\xed\xa0\xbd\xed\xb4\x91\xc0\x80", key, 0)) + b"more"
j.write(sys.argv[1], seeds)
