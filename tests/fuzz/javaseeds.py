# SPDX-License-Identifier: Apache-2.0
"""Pieces of Java keystores for seeds. The password is the empty one; the key is the number 1, which is nobody's."""

import hashlib
import os
import struct

# contents of OBJECT IDENTIFIERs
EC_KEY, P256, ECDSA_SHA256, COMMON_NAME = (bytes.fromhex(h) for h in ("2a8648ce3d0201", "2a8648ce3d030107", "2a8648ce3d040302", "550403"))
JKS_PROTECTOR, JCEKS_PROTECTOR = bytes.fromhex("2b060104012a02110101"), bytes.fromhex("2b060104012a021301")
PBES2, PBKDF2, SCRYPT = (bytes.fromhex(h) for h in ("2a864886f70d01050d", "2a864886f70d01050c", "2b06010401da47040b"))
HMAC_SHA512, AES256_CCM, AES256_WRAP_PAD = (bytes.fromhex(h) for h in ("2a864886f70d020b", "6086480165030401" + "2f", "6086480165030401" + "30"))

GENERATOR = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                          "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
NULL = b"\x05\x00"


def der(tag, *content):
    content = b"".join(content)
    n = len(content)
    length = bytes([n]) if n < 0x80 else bytes([0x81, n]) if n < 0x100 else b"\x82" + struct.pack(">H", n)
    return bytes([tag]) + length + content


def sequence(*content):
    return der(0x30, *content)


def integer(n):
    return der(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def algorithm(oid, *parameters):
    return sequence(der(0x06, oid), *parameters)


def certificate():
    name = sequence(der(0x31, sequence(der(0x06, COMMON_NAME), der(0x0c, b"seed"))))
    validity = sequence(der(0x17, b"260101000000Z"), der(0x17, b"360101000000Z"))
    spki = sequence(algorithm(EC_KEY, der(0x06, P256)), der(0x03, b"\0", GENERATOR))
    tbs = sequence(der(0xa0, integer(2)), integer(1), algorithm(ECDSA_SHA256), name, validity, name, spki)
    return sequence(tbs, algorithm(ECDSA_SHA256), der(0x03, b"\0", sequence(integer(1), integer(1))))


def pkcs8():
    return sequence(integer(0), algorithm(EC_KEY, der(0x06, P256)), der(0x04, sequence(integer(1), der(0x04, b"\0" * 31 + b"\1"))))


def jks_protected():
    block, plain, stream = b"s" * 20, pkcs8(), b""
    while len(stream) < len(plain):
        block = hashlib.sha1(block).digest()
        stream += block
    body = bytes(a ^ b for a, b in zip(plain, stream))
    return sequence(algorithm(JKS_PROTECTOR, NULL), der(0x04, b"s" * 20, body, hashlib.sha1(plain).digest()))


def jceks_protected(salt):
    return sequence(algorithm(JCEKS_PROTECTOR, sequence(der(0x04, salt), integer(20))), der(0x04, b"c" * 64))


def utf(text):
    return struct.pack(">H", len(text)) + text


def block(content):
    return struct.pack(">I", len(content)) + content


def head(tag, alias):
    return struct.pack(">I", tag) + utf(alias) + struct.pack(">Q", 1)


def stored_certificate(version):
    return (utf(b"X.509") if version == 2 else b"") + block(certificate())


def private_key(version, alias, protected, n_chain):
    return head(1, alias) + block(protected) + struct.pack(">I", n_chain) + n_chain * stored_certificate(version)


def trusted(version, alias):
    return head(2, alias) + stored_certificate(version)


def store(magic, version, *entries):
    """With a digest that is none: the target puts the right one there."""
    return struct.pack(">III", magic, version, len(entries)) + b"".join(entries) + b"\0" * 20


def write(folder, seeds):
    for name, content in seeds.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
