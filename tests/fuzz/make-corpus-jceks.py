#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz-jceks: make-corpus-jceks.py FOLDER"""

import sys

import javaseeds as j

MAGIC = 0xcececece

# What Java writes for a secret key: the one object that is passed over.
SEALED = (b"\xac\xed\x00\x05sr" + j.utf(b"com.sun.crypto.provider.SealedObjectForKeyProtector") + bytes.fromhex("cd57ca59e730bb53") + b"\2\0\0x"
          b"r" + j.utf(b"javax.crypto.SealedObject") + bytes.fromhex("3e363da6c3b75470") + b"\2\0\4"
          b"[" + j.utf(b"encodedParams") + b"t" + j.utf(b"[B") + b"[" + j.utf(b"encryptedContent") + b"q\x00\x7e\0\2"
          b"L" + j.utf(b"paramsAlg") + b"t" + j.utf(b"Ljava/lang/String;") + b"L" + j.utf(b"sealAlg") + b"q\x00\x7e\0\3xp"
          b"ur" + j.utf(b"[B") + bytes.fromhex("acf317f8060854e0") + b"\2\0\0xp")
SECOND_ARRAY = b"uq\x00\x7e\0\5"


def secret_key(alias, last):
    return (j.head(3, alias) + SEALED + j.block(b"parameters") + SECOND_ARRAY + j.block(b"content") + b"t" + j.utf(b"PBEWithMD5AndTripleDES") + last)


seeds = {}
for version in (1, 2):
    keys = [j.private_key(version, b"key", protected, 1)
            for protected in (j.jceks_protected(b"12345678"), j.jceks_protected(b"12341234"), j.jks_protected())]
    seeds["keys-%d" % version] = j.store(MAGIC, version, *keys, j.trusted(version, b"ca"))
    seeds["secret-%d" % version] = j.store(MAGIC, version, secret_key(b"a", b"t" + j.utf(b"DES")), secret_key(b"b", b"q\x00\x7e\0\10"), keys[2])
    seeds["jks-%d" % version] = j.store(0xfeedfeed, version, keys[2])
j.write(sys.argv[1], seeds)
