#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A calld that was taken over shows keyd real handshakes, real ones that it changed, and what is no handshake at all: nothing but an
untouched handshake with the allowed server is signed, once, and every refusal has its code and its record."""

import collections
import contextlib
import itertools
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, wait_until
from peers import Nginx
from rogue import (ALPN, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_HELLO, ENCRYPTED_EXTENSIONS, EXTENDED_MASTER_SECRET, FINISHED,
                   PRE_SHARED_KEY, RENEGOTIATION_INFO, SERVER_HELLO, SERVER_HELLO_DONE, SERVER_KEY_EXCHANGE, SERVER_NAME, SUPPORTED_VERSIONS, TLS12,
                   TLS13, Peer, ask, capture, connect, extension, flip, greet, index_of, message, replace, sign, with_certificate)

NO_EXTENDED_MASTER_SECRET = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET
PSS, ECDSA = 0x0804, 0x0403
call_numbers = itertools.count()
# The journal gets at most 20 refusals a second, and each one's record is looked for here.
REFUSALS_PER_SECOND = 15
refusals = collections.deque(maxlen=REFUSALS_PER_SECOND)


def request(pair, messages, want, alias=b"crm", tls=TLS13, scheme=ECDSA, generation=1):
    """keyd's answer to a transcript, and for a refusal its record."""
    call_id = b"rogue-%d" % next(call_numbers)
    if len(refusals) == REFUSALS_PER_SECOND:
        wait_until(lambda: time.monotonic() > refusals[0] + 1.1, "a second with few refusals")
    refusals.append(time.monotonic())
    transcript = messages if isinstance(messages, bytes) else b"".join(messages)
    got = ask(pair, sign(alias=alias, transcript=transcript, tls=tls, scheme=scheme, generation=generation, call_id=call_id))
    equal(got in want.split("|"), True, "keyd says %s, want %s" % (got, want))
    event = "signature" if got == "signed" else "signature-refused"
    record = pair.wait_record("keyd", event, CALL_ID=call_id.decode())
    if got != "signed":
        equal(record.get("MIDTLS_REASON"), got, "reason of the record")


class Rogue:
    def __init__(self, pair, stack):
        self.pair = pair
        self.stack = stack
        self.peers = {}
        profiles = pair.call("GET", "/profiles", host="midtls").json()["profiles"]
        connections = pair.call("GET", "/connections", host="midtls").json()["connections"]
        generations = {row["name"]: row["generation"] for row in profiles}
        self.generations = {row["name"].encode(): generations[row["profile"]] for row in connections}

    def genuine(self, tls=TLS13, client="p256", server="server-ecdsa", change=None, server_change=None, **options):
        """A fresh handshake as calld would show it."""
        key = (tls, server, server_change)
        if key not in self.peers:
            self.peers[key] = self.stack.enter_context(Peer(self.pair.pki, server, tls, server_change))
        return with_certificate(capture(self.peers[key].port, tls, change=change, **options), self.pair.pki, client, tls)

    def expect(self, want, tls=TLS13, edit=None, alias=b"crm", scheme=ECDSA, generation=None, shown_as=None, **options):
        """OPTIONS as for genuine(). GENERATION: the profile's present one. SHOWN_AS: another version than the handshake's."""
        messages = self.genuine(tls, **options)
        if edit:
            messages = edit(messages)
        request(self.pair, messages, want, alias, shown_as or tls, scheme, self.generations.get(alias, 1) if generation is None else generation)


def edit(kind, change):
    return lambda messages: replace(messages, kind, change)


def hello_edit(kind, number, change):
    return edit(kind, extension(kind, number, change))


def without(kind):
    return lambda messages: [m for m in messages if m[0] != kind]


def twice(kind):
    return lambda messages: messages[:index_of(messages, kind)] + [messages[index_of(messages, kind)]] + messages[index_of(messages, kind):]


def swapped(messages):
    return messages[:2] + [messages[3], messages[2]] + messages[4:]


def allowed_name(_data):
    """server_name (RFC 6066, 3) as it would be for localhost."""
    return b"\0\x0c\0\0\x09localhost"


def psk(_data):
    return b"\0\0"


def cipher(value):
    """In a ServerHello: behind version, random and session id."""
    def change(body):
        at = 34 + 1 + body[34]
        return body[:at] + value + body[at + 2:]
    return change


def echo_session_id(messages):
    """The ServerHello of a TLS 1.2 resumption: with the session id that the client offered."""
    offered = bytes(range(32))

    def put(body):
        return body[:34] + bytes([32]) + offered + body[35 + body[34]:]
    return replace(replace(messages, CLIENT_HELLO, put), SERVER_HELLO, put)


def replayed(rogue):
    messages, generation = rogue.genuine(), rogue.generations[b"crm"]
    request(rogue.pair, messages, "signed", generation=generation)
    request(rogue.pair, messages, "replay", generation=generation)


def rate_limited(rogue):
    for _ in range(3):
        rogue.expect("signed", alias=b"slow")
    rogue.expect("rate-limited", alias=b"slow")


def poisoned(rogue):
    """After a refusal nothing more is signed on that connection."""
    good, generation = b"".join(rogue.genuine()), rogue.generations[b"crm"]
    with connect(rogue.pair) as keyd:
        greet(keyd)
        keyd.send(sign(transcript=b"document", generation=generation))
        equal(keyd.recv(1 << 18)[0], 0x88, "a refusal")
        try:
            keyd.send(sign(transcript=good, request=8, generation=generation))
            answer = keyd.recv(1 << 18)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        equal(answer, b"", "what a poisoned connection gets")


def flood(rogue):
    """Requests without end on one connection and on many: the good calls go on."""
    pid = rogue.pair.pid("keyd")
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            keyd = stack.enter_context(connect(rogue.pair))
            greet(keyd)
            keyd.setblocking(False)
            with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                for n in range(50):
                    keyd.send(sign(transcript=b"\x01" + bytes(100000), request=n + 1))
        equal(rogue.pair.call("GET", "/", host="real").status, 200, "a good call")
    equal(rogue.pair.pid("keyd"), pid, "keyd lives")


def reconciled(pair):
    """A call's record comes after its answer, so the last good call may still be a gap for a moment."""
    want = {("signature-without-call", r["MIDTLS_CALL_ID"]) for r in pair.records("keyd", "signature") if r["MIDTLS_CALL_ID"].startswith("rogue-")}
    equal(len(want) > 5, True, "signatures that were asked for directly: %d" % len(want))
    wait_until(lambda: {(gap["gap"], gap["call_id"]) for gap in pair.all_gaps()} == want, "no gaps but %r" % want)


def genuine_is_signed(rogue, tls, server):
    rogue.expect("signed", tls=tls, server=server)


CASES = [  # name, want, options
    # TLS 1.3: real handshakes with somebody else, or in a way that is not allowed
    ("another server with a good certificate", "server-certificate", {"server": "server-wrongname"}),
    ("a server of another CA", "server-certificate", {"server": "server-stranger"}),
    ("an expired server", "server-certificate", {"server": "server-expired"}),
    ("another name asked for", "sni", {"name": "partner.test"}),
    ("no name asked for", "sni", {"name": None}),
    ("another protocol offered", "alpn", {"alpn": ("http/1.1", "acme-tls/1")}),
    ("another profile's connection", "sni", {"alias": b"elsewhere"}),
    ("a profile without that certificate", "client-certificate", {"client": "p384"}),
    ("scheme of another key type", "scheme", {"scheme": PSS}),
    ("scheme nobody knows", "scheme", {"scheme": 0x0201}),
    # TLS 1.3: a real handshake, changed
    ("name rewritten", "server-signature", {"name": "partner.test", "edit": hello_edit(CLIENT_HELLO, SERVER_NAME, allowed_name)}),
    ("server's random changed", "server-signature", {"edit": edit(SERVER_HELLO, flip(10))}),
    ("server's key share changed", "server-signature", {"edit": edit(SERVER_HELLO, flip(-3))}),
    ("server's signature changed", "server-signature", {"edit": edit(CERTIFICATE_VERIFY, flip(-1))}),
    ("server's certificate changed", "server-certificate|server-signature|transcript-malformed", {"edit": edit(CERTIFICATE, flip(300))}),
    ("post-handshake authentication", "post-handshake", {"edit": edit(CERTIFICATE_REQUEST, lambda body: b"\x04abcd" + body[1:])}),
    ("resumption", "resumption", {"edit": hello_edit(SERVER_HELLO, PRE_SHARED_KEY, psk)}),
    ("another version selected", "version", {"edit": hello_edit(SERVER_HELLO, SUPPORTED_VERSIONS, lambda _: b"\x03\x05")}),
    ("a suite that is none", "cipher", {"edit": edit(SERVER_HELLO, cipher(b"\x13\x04"))}),
    ("protocol selected that was not allowed", "alpn", {"edit": edit(ENCRYPTED_EXTENSIONS, lambda _: b"\0\x0b\0\x10\0\x07\0\x05\x04imap")}),
    ("CertificateVerify left out", "sequence", {"edit": without(CERTIFICATE_VERIFY)}),
    ("Finished left out", "sequence", {"edit": without(FINISHED)}),
    ("CertificateRequest left out", "sequence", {"edit": without(CERTIFICATE_REQUEST)}),
    ("EncryptedExtensions twice", "sequence", {"edit": twice(ENCRYPTED_EXTENSIONS)}),
    ("messages in another order", "sequence", {"edit": swapped}),
    ("a ticket behind", "sequence", {"edit": lambda messages: messages + [message(4, bytes(40))]}),
    ("cut off", "transcript-malformed", {"edit": lambda messages: messages[:-1] + [messages[-1][:-1]]}),
    ("a byte behind", "transcript-malformed", {"edit": lambda messages: messages + [b"\x01"]}),
    ("shown as TLS 1.2", "version|sequence", {"shown_as": TLS12}),
    # TLS 1.2
    ("1.2: another server with a good certificate", "server-certificate", {"tls": TLS12, "server": "server-wrongname"}),
    ("1.2: another name asked for", "sni", {"tls": TLS12, "name": "partner.test"}),
    ("1.2: static RSA", "cipher|sequence", {"tls": TLS12, "server": "server-rsa", "change": lambda c: c.set_ciphers("AES128-GCM-SHA256")}),
    ("1.2: CBC", "cipher", {"tls": TLS12, "server": "server-rsa", "change": lambda c: c.set_ciphers("ECDHE-RSA-AES128-SHA256")}),
    ("1.2: no extended master secret", "cipher", {"tls": TLS12, "change": lambda c: setattr(c, "options", c.options | NO_EXTENDED_MASTER_SECRET)}),
    ("1.2: extended master secret left out", "cipher", {"tls": TLS12, "edit": hello_edit(SERVER_HELLO, EXTENDED_MASTER_SECRET, lambda _: None)}),
    ("1.2: renegotiation", "post-handshake", {"tls": TLS12, "edit": hello_edit(SERVER_HELLO, RENEGOTIATION_INFO, lambda _: b"\x04abcd")}),
    ("1.2: resumption", "resumption", {"tls": TLS12, "edit": echo_session_id}),
    ("1.2: server's random changed", "server-signature", {"tls": TLS12, "edit": edit(SERVER_HELLO, flip(10))}),
    ("1.2: client's random changed", "server-signature", {"tls": TLS12, "edit": edit(CLIENT_HELLO, flip(10))}),
    ("1.2: server's share changed", "server-signature|transcript-malformed", {"tls": TLS12, "edit": edit(SERVER_KEY_EXCHANGE, flip(20))}),
    ("1.2: ServerHelloDone left out", "sequence", {"tls": TLS12, "edit": without(SERVER_HELLO_DONE)}),
    ("1.2: below MinimumTLS=1.3", "version", {"tls": TLS12, "alias": b"strict"}),
    # the request
    ("an alias that is not there", "profile-unknown", {"alias": b"nobody"}),
    ("a generation that is not there", "generation-gone", {"generation": 99}),
    ("an expired profile", "key-expired", {"alias": b"expired", "client": "expired", "generation": 0}),
    ("a profile that is not loaded", "profile-not-for-alias|generation-gone", {"alias": b"broken", "generation": 0}),
]

NONSENSE = [
    ("a digest", bytes(range(32))),
    ("a document", b"%PDF-1.7 pay a million to the bearer " * 20),
    ("what TLS 1.3 signs", b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + bytes(32)),
    ("zeroes", bytes(1000)),
    ("a record instead of messages", bytes.fromhex("160303002a") + bytes(42)),
    ("the longest transcript", b"\x01\x02\x7f\xfc" + bytes(160 * 1024 - 4)),
]


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "rogue")
        pair.asked_directly = ["rogue-"]
        server = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 1;"))
        pair.profile("mauth", "p256.openssl.p12")
        pair.profile("other", "p384.openssl.p12")
        pair.profile("strict", "p256.openssl.p12", server="MinimumTLS=1.3")
        pair.profile("slow", "p256.openssl.p12", server="[Limits]\nMaxSignaturesPerMinute=3")
        pair.profile("expired", "expired.openssl.p12")
        pair.profile("broken", "p256.openssl.p12", password="not-it")
        pair.connection("crm", "mauth", 4433)
        pair.connection("real", "mauth", server.port, http="SessionResumption=no")
        pair.connection("elsewhere", "mauth", 4433, host="elsewhere.test")
        for name in ("strict", "slow", "expired", "broken"):
            pair.connection(name, name, 4433)
        stack.enter_context(pair)
        equal(pair.call("GET", "/", host="real").status, 200, "the pair works")

        rogue = Rogue(pair, stack)
        for tls in (TLS12, TLS13):
            for kind in ("server-rsa", "server-ecdsa"):
                suite.run("control: untouched is signed, %04x %s" % (tls, kind), genuine_is_signed, rogue, tls, kind)
        for name, want, options in CASES:
            suite.run(name, lambda: rogue.expect(want, **options))
        for name, data in NONSENSE:
            suite.run(name, request, pair, data, "transcript-malformed|sequence", generation=rogue.generations[b"crm"])
        suite.run("the same handshake again", replayed, rogue)
        suite.run("more than MaxSignaturesPerMinute=", rate_limited, rogue)
        suite.run("a connection after a refusal", poisoned, rogue)
        suite.run("a flood", flood, rogue)
        suite.run("midtls log --reconcile finds each signature that no call accounts for", reconciled, pair)
        suite.run("control: a good call afterwards", lambda: equal(pair.call("GET", "/", host="real").status, 200, "status"))


Suite().main(main)
