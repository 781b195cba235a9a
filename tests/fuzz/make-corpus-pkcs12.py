#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz-pkcs12: make-corpus-pkcs12.py FOLDER"""

import sys

import opensslseeds

VARIANTS = {
    "aes": ["-iter", "1"],
    "3des": ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-iter", "1"],
    "rc2": ["-legacy", "-iter", "1"],
    "plain": ["-keypbe", "NONE", "-certpbe", "NONE", "-nomac"],
    "nomac": ["-nomac", "-iter", "1"],
    "named": ["-name", "seed", "-iter", "1", "-caname", "other"],
}

maker = opensslseeds.Maker(sys.argv[1])
maker.key()
for name, options in VARIANTS.items():
    maker.openssl("pkcs12", "-export", "-inkey", "key.pem", "-in", "certificate.pem", *opensslseeds.PASSWORD, *options, "-out", name)
