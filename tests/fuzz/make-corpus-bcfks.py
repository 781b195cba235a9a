#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz-bcfks: make-corpus-bcfks.py FOLDER. The first byte says what follows: 0 a store, 1 the objects of one."""

import sys

import javaseeds as j

DATES = 2 * j.der(0x18, b"20260101000000Z")
HMAC = j.algorithm(j.HMAC_SHA512, j.NULL)
CCM = j.algorithm(j.AES256_CCM, j.sequence(j.der(0x04, b"n" * 12), j.integer(8)))
WRAP = j.algorithm(j.AES256_WRAP_PAD)


def pbkdf2(key_size):
    return j.algorithm(j.PBKDF2, j.sequence(j.der(0x04, b"salt"), j.integer(1), j.integer(key_size), HMAC))


def scrypt(key_size):
    return j.algorithm(j.SCRYPT, j.sequence(j.der(0x04, b"salt"), j.integer(16), j.integer(8), j.integer(1), j.integer(key_size)))


def encrypted(kdf, scheme):
    return j.sequence(j.algorithm(j.PBES2, j.sequence(kdf, scheme)), j.der(0x04, b"c" * 48))


def entry(kind, alias, data):
    return j.sequence(j.integer(kind), j.der(0x0c, alias), DATES, j.der(0x04, data))


def key(kind, kdf, scheme):
    return entry(kind, b"k\xc3\xa9y", j.sequence(encrypted(kdf, scheme), j.sequence(j.certificate(), j.certificate())))


def store(first, kdf):
    return b"\0" + j.sequence(first, j.sequence(HMAC, kdf, j.der(0x04, b"m" * 64)))


j.write(sys.argv[1], {
    "objects": b"\1" + key(1, pbkdf2(32), CCM) + key(3, pbkdf2(32), WRAP) + key(1, scrypt(32), CCM) + entry(0, b"ca", j.certificate()) +
               b"".join(entry(kind, b"s", b"secret") for kind in (2, 4, 5)),
    "unknown": b"\1" + entry(6, b"\xff", b""),
    "encrypted": store(encrypted(pbkdf2(32), CCM), pbkdf2(64)),
    "scrypt": store(encrypted(scrypt(32), WRAP), scrypt(64)),
    "plain": store(j.sequence(j.integer(1), HMAC, DATES, j.sequence()), pbkdf2(64)),
    "signed": b"\0" + j.sequence(encrypted(pbkdf2(32), CCM), j.der(0xa0, j.sequence())),
})
