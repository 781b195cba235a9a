#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Far servers that cannot prove who they are, or break TLS: each gets its own code in time, and no byte of the request."""

import contextlib
import os
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from forge import Forge
from harness import Pair, Suite, contains, equal, fail, wait_until
from hostile import Far, Raw, Usage

# ConnectTimeout= and Timeout= of every connection here.
TIMEOUT = "ConnectTimeout=1s\nTimeout=2s"
DEADLINE_SEC = 4
CANARY = b"what-only-the-right-server-may-see"
CERTIFICATE = ["server-certificate"]
TLS = ["tls-failed"]
ANY = ["server-certificate", "tls-failed", "signing-refused"]


def old(context):
    context.set_ciphers("ALL:@SECLEVEL=0")


def ciphers(names):
    return lambda context: context.set_ciphers(names + ":@SECLEVEL=0")


def nul_name():
    """A DNS name "localhost", NUL, ".evil.test": RFC 5280, 4.2.1.6."""
    name = b"localhost\0.evil.test"
    names = b"\x82" + bytes([len(name)]) + name
    return "subjectAltName=DER:" + (b"\x30" + bytes([len(names)]) + names).hex(":")


def names(*values):
    return "subjectAltName=" + ",".join("DNS:" + value for value in values)


GOOD = names("localhost")

# name, how the certificate is made, what becomes of the call: codes, or nothing when it is to go through
CERTIFICATES = [
    ("T02 not yet valid", {"dates": ("20900101000000Z", "20910101000000Z")}, CERTIFICATE),
    ("T04 self-signed", {"issuer": None}, CERTIFICATE),
    ("T06 the name in CN alone", {"san": ""}, CERTIFICATE),
    ("T07 wildcard *", {"san": names("*")}, CERTIFICATE),
    ("T07 wildcard l*", {"san": names("l*")}, CERTIFICATE),
    ("T07 wildcard *.localhost", {"san": names("*.localhost")}, CERTIFICATE),
    ("T08 an address as a DNS name", {"san": names("127.0.0.1"), "host": "127.0.0.1"}, CERTIFICATE),
    ("T08 an address", {"san": "subjectAltName=IP:127.0.0.1", "host": "127.0.0.1"}, None),
    ("T08 another address", {"san": "subjectAltName=IP:127.0.0.2", "host": "127.0.0.1"}, CERTIFICATE),
    ("T09 NUL in the name", {"san": nul_name()}, CERTIFICATE),
    ("T09 name in upper case", {"san": names("LOCALHOST")}, None),
    ("T09 name as a URI and an e-mail address", {"san": "subjectAltName=URI:https://localhost/,email:x@localhost"}, CERTIFICATE),
    ("T10 intermediate not sent", {"issuer": "intermediate", "chain": []}, CERTIFICATE),
    ("T11 chain with its root", {"issuer": "intermediate", "chain": ["intermediate", "server-ca"]}, None),
    ("T11 chain reversed", {"issuer": "intermediate", "chain": ["server-ca", "intermediate"]}, None),
    ("T11 chain with strangers", {"issuer": "intermediate", "chain": ["other-ca", "intermediate", "client-root"]}, None),
    ("T14 signed with SHA-1", {"digest": "sha1"}, CERTIFICATE),
    ("T15 RSA-1024", {"key": ["RSA", "rsa_keygen_bits:1024"]}, CERTIFICATE),
    ("T16 1000 names", {"san": names(*["n%d.test" % n for n in range(1000)], "localhost")}, None),
    ("T17 10000 names", {"san": names(*["n%d.test" % n for n in range(10000)])}, ANY),
    ("T18 intermediate is no CA", {"issuer": "noca", "chain": ["noca"]}, CERTIFICATE),
    ("T18 intermediate may not sign", {"issuer": "nosign", "chain": ["nosign"]}, CERTIFICATE),
    ("T18 path too long", {"issuer": "below", "chain": ["below", "intermediate"]}, CERTIFICATE),
    ("T18 name constraints", {"issuer": "constrained", "chain": ["constrained"]}, CERTIFICATE),
    ("T18 signed by a server's certificate", {"issuer": "server-rsa", "chain": ["server-rsa"]}, CERTIFICATE),
    ("T19 for clients alone", {"usage": "extendedKeyUsage=clientAuth"}, CERTIFICATE),
    ("T19 for e-mail alone", {"usage": "extendedKeyUsage=emailProtection"}, CERTIFICATE),
    ("T19 key not for signatures", {"usage": "keyUsage=critical,keyAgreement"}, ANY),
    ("T20 unknown critical extension", {"usage": "1.2.3.4=critical,DER:0500"}, CERTIFICATE),
    ("T21 explicit curve parameters", {"key": ["EC", "ec_paramgen_curve:P-256", "ec_param_enc:explicit"]}, ANY),
    ("T21 name of 5000 characters", {"san": "subjectAltName=DNS:xn--" + "a" * 5000}, CERTIFICATE),
    ("T22 another key than the pinned one", {"server": "PinnedSPKI=sha256/" + "A" * 43 + "="}, CERTIFICATE),
]


class Hello:
    """A ServerHello that fits what the client sent, or nearly: RFC 8446, 4.1.3."""

    RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

    def __init__(self, version=0x0303, random=b"r" * 32, cipher=0x1301, compression=0, extensions=((43, b"\x03\x04"),), session=None):
        self.parts = version, random, cipher, compression, extensions, session

    def record(self, client_hello):
        version, random, cipher, compression, extensions, session = self.parts
        size = client_hello[43]
        session = client_hello[44:44 + size] if session is None else session
        listed = b"".join(struct.pack("!HH", number, len(data)) + data for number, data in extensions)
        body = struct.pack("!H", version) + random + bytes([len(session)]) + session + struct.pack("!HBH", cipher, compression, len(listed)) + listed
        message = b"\x02" + struct.pack("!I", len(body))[1:] + body
        return b"\x16\x03\x03" + struct.pack("!H", len(message)) + message


def read_record(peer):
    head = peer.take(5)
    return peer.take(struct.unpack("!H", head[3:5])[0]) if len(head) == 5 else b""


def hellos(*made):
    """Each in answer to a ClientHello; then nothing more."""
    def act(peer):
        for hello in made:
            peer.send(hello.record(b"\x16\x03\x01\0\0" + read_record(peer)))
            if len(made) > 1 and peer.take(6)[:1] == b"\x14":  # the compatibility ChangeCipherSpec
                continue
        peer.wait_end()
    return act


def says(data, first=True):
    """DATA instead of TLS, at once or after the ClientHello; then nothing more."""
    def act(peer):
        if not first:
            read_record(peer)
        peer.send(data)
        peer.wait_end()
    return act


def ends_at(stage):
    def act(peer):
        if stage:
            read_record(peer)
        peer.reset()
    return act


KEY_SHARE = (51, b"\0\x1d\0\x20" + b"k" * 32)
V13 = (43, b"\x03\x04")
RETRY_P384 = Hello(random=Hello.RETRY, extensions=(V13, (51, b"\0\x18")))
RECORDS = b"\x16\x03\x03"

# name, what is said on plain TCP, codes
RAW = [
    ("T30 SSL 3.0 in ServerHello", hellos(Hello(version=0x0300, extensions=())), TLS),
    ("T30 TLS 1.1 in ServerHello", hellos(Hello(version=0x0302, extensions=())), TLS),
    ("T30 TLS 1.3 by the old field", hellos(Hello(version=0x0304, extensions=())), TLS),
    ("T30 version that was not offered", hellos(Hello(extensions=((43, b"\x03\x05"), KEY_SHARE))), TLS),
    ("T31 cipher that was not offered", hellos(Hello(cipher=0x000a, extensions=())), TLS),
    ("T31 cipher of the other version", hellos(Hello(cipher=0xc02b, extensions=(V13, KEY_SHARE))), TLS),
    ("T33 HelloRetryRequest twice", hellos(RETRY_P384, RETRY_P384), TLS),
    ("T33 HelloRetryRequest for a group that was not offered", hellos(Hello(random=Hello.RETRY, extensions=(V13, (51, b"\xfe\xfe")))), TLS),
    ("T33 HelloRetryRequest for the group that was sent", hellos(Hello(random=Hello.RETRY, extensions=(V13, (51, b"\0\x1d")))), TLS),
    ("T33 HelloRetryRequest that changes nothing", hellos(Hello(random=Hello.RETRY, extensions=(V13,))), TLS),
    ("T34 downgrade to TLS 1.2", hellos(Hello(random=b"r" * 24 + b"DOWNGRD\x01", cipher=0xc02b, extensions=())), TLS),
    ("T34 downgrade to TLS 1.1", hellos(Hello(version=0x0302, random=b"r" * 24 + b"DOWNGRD\0", extensions=())), TLS),
    ("T43 ServerHello twice", lambda peer: twice_hello(peer), TLS),
    ("T43 Finished at once", says(RECORDS + b"\0\x24\x14\0\0\x20" + b"f" * 32, False), TLS),
    ("T43 Certificate at once", says(RECORDS + b"\0\x07\x0b\0\0\x03\0\0\0", False), TLS),
    ("T43 ClientHello back", lambda peer: peer.send(RECORDS + b"\0\x04\x01\0\0\0") or peer.wait_end(), TLS),
    ("T43 ChangeCipherSpec ×10000", says(b"\x14\x03\x03\0\x01\x01" * 10000, False), TLS),
    ("T43 application data at once", says(b"\x17\x03\x03\0\x05hello", False), TLS),
    ("T43 message of 16 MiB", says(RECORDS + b"\x40\0\x02\xff\xff\xff" + b"m" * 16380, False), TLS),
    ("T44 heartbeat", says(b"\x18\x03\x03\0\x03\x01\xff\xff", False), TLS),
    ("T44 compression", hellos(Hello(compression=1, cipher=0xc02b, extensions=())), TLS),
    ("T44 extension that was not offered", hellos(Hello(extensions=(V13, KEY_SHARE, (0xfefe, b"x")))), TLS + ["connect-failed"]),
    ("T44 early data accepted", hellos(Hello(extensions=(V13, KEY_SHARE, (42, b"")))), TLS),
    ("T44 extension twice", hellos(Hello(extensions=(V13, V13, KEY_SHARE))), TLS),
    ("T44 another session id", hellos(Hello(session=b"s" * 32, extensions=(V13, KEY_SHARE))), TLS),
    ("T44 key share that is no point", hellos(Hello(extensions=(V13, (51, b"\0\x1d\0\x20" + b"\0" * 32)))), TLS),
    ("T41 record of 65535 bytes", says(RECORDS + b"\xff\xff" + b"o" * 65535, False), TLS),
    ("T41 empty records ×10000", says((RECORDS + b"\0\0") * 10000, False), TLS),
    ("T41 unknown record type", says(b"\x63\x03\x03\0\x05hello", False), TLS),
    ("T47 silence", lambda peer: peer.wait_end(), ["connect-failed"]),
    ("T47 silence after the ClientHello", says(b"", False), ["connect-failed"]),
    ("T47 silence inside a record", says(RECORDS + b"\x10\0\x02", False), ["connect-failed"]),
    ("T48 end at once", lambda peer: None, TLS),
    ("T48 reset at once", ends_at(0), TLS + ["connect-failed"]),
    ("T48 reset after the ClientHello", ends_at(1), TLS),
    ("T49 HTTP", says(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"), TLS),
    ("T49 SSH", says(b"SSH-2.0-OpenSSH_9.2\r\n"), TLS),
    ("T49 SMTP", says(b"220 mail ESMTP\r\n"), TLS),
    ("T49 NULs", says(b"\0" * 65536), TLS),
    ("alert handshake_failure", says(b"\x15\x03\x03\0\x02\x02\x28", False), TLS),
    ("alert close_notify", says(b"\x15\x03\x03\0\x02\x01\0", False), TLS),
    ("alert warning ×1000", says(b"\x15\x03\x03\0\x02\x01\x5a" * 1000, False), TLS),
    ("alert of 1 byte", says(b"\x15\x03\x03\0\x01\x02", False), TLS),
]


def twice_hello(peer):
    record = Hello(extensions=(V13, KEY_SHARE)).record(b"\x16\x03\x01\0\0" + read_record(peer))
    peer.send(record + record)
    peer.wait_end()


class Between(Raw):
    """Between calld and a far server that is good: CHANGE(data, offset) gives what goes on of what the far server sends, None cuts."""

    def __init__(self, port, change, seconds=0.0):
        super().__init__(self.pass_on)
        self.behind = port
        self.change = change
        self.seconds = seconds

    def pass_on(self, peer):
        with socket.create_connection(("127.0.0.1", self.behind)) as far:
            def back():
                offset = 0
                with contextlib.suppress(OSError):
                    while True:
                        data = far.recv(65536)
                        if not data:
                            return peer.sock.shutdown(socket.SHUT_WR)
                        changed = self.change(data, offset)
                        if changed is None:
                            return peer.reset()
                        offset += len(data)
                        for part in [changed] if not self.seconds else [changed[n:n + 1] for n in range(len(changed))]:
                            peer.send(part)
                            if self.seconds and self.stopping.wait(self.seconds):
                                return None
                return None

            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            with contextlib.suppress(OSError):
                while peer.receive():
                    far.sendall(peer.buffer)
                    peer.buffer = b""
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def flipped(at):
    def change(data, offset):
        if not offset <= at < offset + len(data):
            return data
        changed = bytearray(data)
        changed[at - offset] ^= 0x01
        return bytes(changed)
    return change


def cut(at):
    return lambda data, offset: None if offset + len(data) > at else data


class Bench:
    def __init__(self, pair, stack, forge):
        self.pair = pair
        self.stack = stack
        self.forge = forge
        self.slow = set()
        self.rows = []  # name, alias, server, codes

    def add(self, name, server, codes, profile="mauth", host="localhost"):
        alias = "c%d" % len(self.rows)
        self.stack.enter_context(server)
        self.pair.connection(alias, profile, server.port, host=host, http=TIMEOUT)
        self.rows.append((name, alias, server, codes))

    def add_certificate(self, name, how, codes):
        how = dict(how)
        host, server = how.pop("host", "localhost"), how.pop("server", "")
        profile = "mauth"
        if server:
            profile = "p%d" % len(self.rows)
            self.pair.profile(profile, "p256.keytool.p12", server=server)
        chain, key = self.forge.server("s%d" % len(self.rows), **how)
        self.add(name, Far(self.pair.pki, answers, chain=chain, key=key, setup=old), codes, profile, host)

    def add_far(self, name, codes, act=None, **options):
        self.add(name, Far(self.pair.pki, act or answers, **options), codes)


def answers(peer):
    while peer.read_request():
        peer.answer(body=b"good")


def row(bench, alias, server, codes):
    started = time.monotonic()
    answer = bench.pair.call("POST", "/x", host=alias, body=CANARY)
    took = time.monotonic() - started
    if took > 0.3:
        bench.slow.add(alias)
    if took > DEADLINE_SEC:
        fail("took %.1f s" % took)
    if codes is None:
        equal((answer.status, answer.body), (200, b"good"), "answer")
        equal([request.body for request in server.requests[-1:]], [CANARY] if server.requests else [], "body at the far server")
        return
    contains(codes, answer.code(), "code (%d %r)" % (answer.status, answer.body[:500]))
    problem = answer.json()
    record = bench.pair.wait_record("calld", "call", CALL_ID=problem["call_id"])
    equal((record.get("MIDTLS_REASON"), record["MIDTLS_ATTEMPTS"]), (answer.code(), "1"), "reason and attempts of the record")
    if isinstance(server, Far) and "after" not in server.__dict__:
        equal(server.n_bytes, 0, "bytes of application data at the far server")
    equal([request for request in server.requests if request.body], [], "requests with a body at the far server")
    equal(server.problems, [], "problems of the far server")


def again(bench):
    """Each connection that was used has descriptors of its own; calls leave none behind."""
    quick = [row for row in bench.rows if row[1] not in bench.slow]
    usage = Usage(bench.pair.pid("calld"), rss_kib=16 * 1024, descriptors=10)
    for _ in range(3):
        for _, alias, _, _ in quick:
            bench.pair.call("POST", "/x", host=alias, body=CANARY)
    usage.check()


def configure(bench):
    pki = bench.pair.pki
    for name, how, codes in CERTIFICATES:
        bench.add_certificate(name, how, codes)
    for name, act, codes in RAW:
        bench.add(name, Raw(act), codes)

    for version in ("TLSv1", "TLSv1_1"):
        def only(context, version=version):
            old(context)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = getattr(ssl.TLSVersion, version)
        bench.add_far("T30 %s only" % version, TLS, setup=only)
    for cipher in ("NULL-SHA256", "AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "ADH-AES128-SHA256", "PSK-AES128-GCM-SHA256"):
        bench.add_far("T31 %s only" % cipher, TLS, server="server-rsa", tls="1.2", setup=ciphers(cipher))
    for tls in ("1.2", "1.3"):
        bench.add_far("T32 TLS %s" % tls, None, tls=tls)
    bench.add_far("T33 HelloRetryRequest once", None, setup=lambda context: context.set_ecdh_curve("secp384r1"))
    bench.add_far("T45 ALPN without an answer", None, setup=lambda context: context.set_alpn_protocols(["spdy/1"]))
    bench.add_far("T22 the right server", None)

    good = Far(pki, answers)
    bench.add("behind others", good, None)
    bench.add("T42 byte by byte", Between(good.port, lambda data, offset: data, 0.00001), None)
    bench.add("T47 a byte each 0.05 s", Between(good.port, lambda data, offset: data, 0.05), ["connect-failed"])
    for at in (0, 3, 10, 40, 80, 200, 400, 600, 800):
        bench.add("T41 a bit flipped at %d" % at, Between(good.port, flipped(at)), ANY + ["connect-failed"])
    for at in (0, 1, 100, 200, 500, 800):
        bench.add("T48 reset after %d bytes" % at, Between(good.port, cut(at)), TLS)
    for tls in ("1.2", "1.3"):
        for what, act in (("reset", lambda peer: peer.reset()), ("closed", lambda peer: peer.close()), ("closed politely", lambda peer: peer.end())):
            bench.add_far("T48 %s after the handshake, TLS %s" % (what, tls), ["response-invalid", "tls-failed"], act, tls=tls)
            bench.rows[-1][2].after = True  # it may get the request: the handshake was good


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "hostile-tls", workers=1)
        forge = Forge(pair.pki, stack.enter_context(tempfile.TemporaryDirectory(prefix="midtls-forge-")))
        bench = Bench(pair, stack, forge)
        pair.profile("mauth", "p256.keytool.p12")
        configure(bench)
        stack.enter_context(pair)

        wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "calld is ready")
        for name, alias, server, codes in bench.rows:
            suite.run(name, row, bench, alias, server, codes)
        suite.run("what calld holds", again, bench)


Suite().main(main)
