# SPDX-License-Identifier: Apache-2.0
"""DER and PKCS #12 by hand: what openssl and keytool would not write, with a MAC that fits."""

import hashlib
import hmac

DATA = "1.2.840.113549.1.7.1"
BAG = "1.2.840.113549.1.12.10.1."
FRIENDLY_NAME = "1.2.840.113549.1.9.20"
LOCAL_KEY_ID = "1.2.840.113549.1.9.21"
X509_CERTIFICATE = "1.2.840.113549.1.9.22.1"
PBKDF2 = "1.2.840.113549.1.5.12"
PBMAC1 = "1.2.840.113549.1.5.14"
HMAC_SHA256 = "1.2.840.113549.2.9"
SHA256 = "2.16.840.1.101.3.4.2.1"


def tlv(tag, content):
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def seq(*items):
    return tlv(0x30, b"".join(items))


def octets(content):
    return tlv(0x04, content)


def explicit(number, content):
    return tlv(0xA0 | number, content)


def integer(value):
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(text):
    numbers = [int(n) for n in text.split(".")]
    out = bytes([40 * numbers[0] + numbers[1]])
    for n in numbers[2:]:
        part = [n & 127]
        while n > 127:
            n >>= 7
            part.insert(0, n & 127 | 128)
        out += bytes(part)
    return tlv(0x06, out)


def integers(blob):
    """The numbers of a SEQUENCE OF INTEGER."""
    def header(at):
        length, at = blob[at + 1], at + 2
        if length & 0x80:
            n = length & 0x7F
            length, at = int.from_bytes(blob[at:at + n], "big"), at + n
        return length, at

    out, (_, at) = [], header(0)
    while at < len(blob):
        length, at = header(at)
        out.append(int.from_bytes(blob[at:at + length], "big"))
        at += length
    return out


def attribute(kind, value):
    return seq(oid(kind), tlv(0x31, value))


def name_attribute(name):
    return attribute(FRIENDLY_NAME, tlv(0x1E, name.encode("utf-16-be", "surrogatepass")))


def bag(number, value, name=None, key_id=None, attributes=b""):
    if name is not None:
        attributes += name_attribute(name)
    if key_id is not None:
        attributes += attribute(LOCAL_KEY_ID, octets(key_id))
    return seq(oid(BAG + str(number)), explicit(0, value), tlv(0x31, attributes) if attributes else b"")


def cert_bag(der, **more):
    return bag(3, seq(oid(X509_CERTIFICATE), explicit(0, octets(der))), **more)


def data(content):
    return seq(oid(DATA), explicit(0, octets(content)))


def kdf(password, salt, identity, iterations, size, digest="sha256"):
    """RFC 7292, appendix B.2. @password: bytes, as they go in."""
    u, v = hashlib.new(digest).digest_size, hashlib.new(digest).block_size

    def fill(s):
        return (s * (v * ((len(s) + v - 1) // v) // max(len(s), 1) + 1))[:v * ((len(s) + v - 1) // v)]

    block, out = bytearray(fill(salt) + fill(password)), b""
    while len(out) < size:
        a = bytes([identity] * v) + bytes(block)
        for _ in range(iterations):
            a = hashlib.new(digest, a).digest()
        out += a
        b = int.from_bytes((a * (v // u + 1))[:v], "big") + 1
        for i in range(0, len(block), v):
            block[i:i + v] = ((int.from_bytes(block[i:i + v], "big") + b) % (1 << 8 * v)).to_bytes(v, "big")
    return out[:size]


def bmp(password):
    return password.encode("utf-16-be") + b"\0\0"


def mac_data(content, password, iterations=1000, digest="sha256", keep=64):
    kind = {"sha256": SHA256, "sha1": "1.3.14.3.2.26"}[digest]
    salt = b"saltsalt"
    key = kdf(password, salt, 3, min(iterations, 1000), hashlib.new(digest).digest_size, digest)
    mac = hmac.new(key, content, digest).digest()
    return seq(seq(seq(oid(kind), b"\x05\0"), octets(mac[:keep])), octets(salt), integer(iterations))


def pbmac1_data(content, password, key_size=32, with_size=True):
    salt, iterations = b"saltsaltsaltsalt", 2048
    key = hashlib.pbkdf2_hmac("sha256", password, salt, iterations, key_size)
    derivation = seq(oid(PBKDF2), seq(octets(salt), integer(iterations), integer(key_size) if with_size else b"",
                                      seq(oid(HMAC_SHA256), b"\x05\0")))
    algorithm = seq(oid(PBMAC1), seq(derivation, seq(oid(HMAC_SHA256), b"\x05\0")))
    return seq(seq(algorithm, octets(hmac.new(key, content, "sha256").digest())), octets(b"NOT USED"), integer(1))


def pfx(safes, mac=None, version=3):
    """@safes: ContentInfos. @mac: makes the MacData of the AuthenticatedSafe; None: there is none."""
    content = seq(*safes)
    return seq(integer(version), data(content), mac(content) if mac else b"")


def chunked(der):
    """The same PFX in BER as old browsers wrote it: indefinite lengths, the content in pieces."""
    def split(blob, at):
        tag, length = blob[at], blob[at + 1]
        at += 2
        if length & 0x80:
            n = length & 0x7F
            length, at = int.from_bytes(blob[at:at + n], "big"), at + n
        return tag, blob[at:at + length], at + length

    _, inside, _ = split(der, 0)
    _, version, end = split(inside, 0)
    _, info, rest = split(inside, end)
    _, kind, at = split(info, 0)
    _, wrapped, _ = split(info, at)
    _, content, _ = split(wrapped, 0)
    pieces = b"".join(octets(content[i:i + 500]) for i in range(0, len(content), 500))
    eoc = b"\0\0"
    info = b"\x30\x80" + tlv(6, kind) + b"\xa0\x80" + b"\x24\x80" + pieces + eoc + eoc + eoc
    return b"\x30\x80" + tlv(2, version) + info + inside[rest:] + eoc
