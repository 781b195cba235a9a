#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Callers that misbehave on the call socket: each is refused or cut, nothing of it reaches a far server, and others are served meanwhile."""

import array
import contextlib
import http.client
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal, fail, wait_until
from hostile import Usage
from peers import Server

HOST = b"Host: crm\r\n"
GET = b"GET /tell HTTP/1.1\r\n" + HOST
POST = b"POST /tell HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


class Local:
    """A connection to the call socket."""

    def __init__(self, pair):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(8)
        self.sock.connect(pair.socket)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer says so
            self.sock.sendall(data)

    def receive(self):
        with contextlib.suppress(ConnectionResetError):
            data = self.sock.recv(65536)
            self.buffer += data
            return data
        return b""

    def answer(self):
        """Returns (status, body), None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.receive():
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        length = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        size = int(length[0]) if length else 0
        while len(self.buffer) < size and self.receive():
            pass
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return int(head.split(b" ")[1]), body

    def wait_end(self):
        while self.receive():
            pass


def still_works(pair):
    equal(pair.call("GET", "/tell", host="crm").status, 200, "a good call meanwhile")


def refused(pair, far, data, statuses, code=None):
    """One answer with one of STATUSES (0: the end of the connection without one), and no second answer."""
    n_seen = len(far.seen)
    with Local(pair) as local:
        local.send(data)
        answer = local.answer()
        contains(statuses, answer[0] if answer else 0, "status (%r)" % (answer,))
        if code:
            contains(answer[1], b"urn:midtls:error:" + code, "problem")
        with contextlib.suppress(socket.timeout):
            local.sock.settimeout(0.05)
            second = local.answer()
            if second:
                fail("a second answer: %r" % (second,))
    equal([request["path"] for request in far.seen[n_seen:]], [], "requests that reached the far server")


REFUSED = [
    ("L10 no target", b"GET\r\n\r\n", [0, 400], None),
    ("L10 no version", b"GET /tell\r\n" + HOST + b"\r\n", [0, 400], None),
    ("L10 HTTP/9.9", GET.replace(b"1.1", b"9.9") + b"\r\n", [0, 400, 505], None),
    ("L10 method in lower case", GET.replace(b"GET", b"get") + b"\r\n", [400], b"request-invalid"),
    ("L10 unknown method", GET.replace(b"GET", b"BREW") + b"\r\n", [400], b"request-invalid"),
    ("L10 TRACE", GET.replace(b"GET", b"TRACE") + b"\r\n", [400], b"request-invalid"),
    ("L10 CONNECT", b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n", [400], b"request-invalid"),
    ("L10 NUL in the method", GET.replace(b"GET", b"G\0T") + b"\r\n", [0, 400], None),
    ("L10 control character in the path", GET.replace(b"/tell", b"/te\x01ll") + b"\r\n", [0, 400], None),
    ("L10 CR in the path", GET.replace(b"/tell", b"/te\rll") + b"\r\n", [0, 400], None),
    ("L10 blank in the path", GET.replace(b"/tell", b"/te ll") + b"\r\n", [0, 400], None),
    ("L10 path without slash", GET.replace(b"/tell", b"tell") + b"\r\n", [400], b"request-invalid"),
    ("L10 NUL in a name", GET + b"X-N\0ul: a\r\n\r\n", [0, 400], None),
    ("L10 CR in a value", GET + b"X-Cr: a\rX-Evil: b\r\n\r\n", [0, 400], None),
    ("L10 control character in a value", GET + b"X-C: a\x01b\r\n\r\n", [400], b"request-invalid"),
    ("L10 DEL in a value", GET + b"X-C: a\x7fb\r\n\r\n", [400], b"request-invalid"),
    ("L10 field without colon", GET + b"X-Nothing\r\n\r\n", [0, 400], None),
    ("L10 blank before the colon", GET + b"X-Blank : x\r\n\r\n", [0, 400], None),
    ("L10 blank before the colon of a length", POST + b"Content-Length : 5\r\n\r\nhello" + SMUGGLED, [0, 400], None),
    ("L09 field of 1 MiB", GET + b"X-Long: " + b"l" * 1048576 + b"\r\n\r\n", [0, 400, 413, 431], None),
    ("L09 field of 100 KB", GET + b"X-Long: " + b"l" * 100000 + b"\r\n\r\n", [431], b"request-too-large"),
    ("L09 target of 1 MiB", GET.replace(b"/tell", b"/" + b"l" * 1048576) + b"\r\n", [0, 400, 413, 414, 431], None),
    ("L09 10000 fields", GET + b"X-Many: m\r\n" * 10000 + b"\r\n", [0, 400, 413, 431], None),
    ("Host twice", GET + b"Host: other\r\n\r\n", [400], b"request-invalid"),
    ("Host twice, the same", GET + HOST + b"\r\n", [400], b"request-invalid"),
    ("Host absent", b"GET /tell HTTP/1.1\r\n\r\n", [400], None),
    ("Host empty", b"GET /tell HTTP/1.1\r\nHost:\r\n\r\n", [400], None),
    ("Host with a user", b"GET /tell HTTP/1.1\r\nHost: x@crm\r\n\r\n", [400, 404], None),
    ("Host with a path", b"GET /tell HTTP/1.1\r\nHost: crm/tell\r\n\r\n", [400, 404], None),
    ("Host is a list", b"GET /tell HTTP/1.1\r\nHost: crm, other\r\n\r\n", [400, 404], None),
    ("Host with a blank", b"GET /tell HTTP/1.1\r\nHost: crm other\r\n\r\n", [400, 404], None),
    ("Host is the far server's", b"GET /tell HTTP/1.1\r\nHost: localhost\r\n\r\n", [404], b"alias-unknown"),
    ("Host is a file", b"GET /tell HTTP/1.1\r\nHost: ../crm\r\n\r\n", [400, 404], None),
    ("Host is a name with bytes beyond ASCII", b"GET /tell HTTP/1.1\r\nHost: cr\xc3\xadm\r\n\r\n", [400, 404], None),
    ("URL of another host", b"GET http://elsewhere.test/tell HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL with a user", b"GET http://crm@elsewhere.test/tell HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL with a user in front of the alias", b"GET http://elsewhere.test@crm/tell HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL with a fragment", b"GET http://elsewhere.test#crm/tell HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL with a backslash", b"GET http://elsewhere.test\\@crm/tell HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL with https", b"GET https://localhost/tell HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL of a file", b"GET file:///etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", [400, 404], None),
    ("URL with another port", b"GET mauth://localhost:1/tell HTTP/1.1\r\n" + HOST + b"\r\n", [404], b"alias-unknown"),
    ("asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", [400], b"request-invalid"),
    ("length and chunks", POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, [0, 400], None),
    ("chunks and length", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED, [0, 400], None),
    ("two lengths", POST + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello" + SMUGGLED, [0, 400], None),
    ("length is a list", POST + b"Content-Length: 0, 5\r\n\r\nhello" + SMUGGLED, [0, 400], None),
    ("length negative", POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED, [0, 400], None),
    ("length with a sign", POST + b"Content-Length: +5\r\n\r\nhello" + SMUGGLED, [0, 400], None),
    ("length in hex", POST + b"Content-Length: 0x5\r\n\r\nhello" + SMUGGLED, [0, 400], None),
    ("length 2^64", POST + b"Content-Length: 18446744073709551616\r\n\r\n" + SMUGGLED, [0, 400, 413], None),
    ("length beyond the maximum", POST + b"Content-Length: 1048577\r\n\r\n", [0, 413], None),
    ("encoding gzip, chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [0, 400], None),
    ("encoding unknown", POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, [0, 400], None),
    ("encoding twice", POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED, [0, 400], None),
    ("option unknown", GET + b"Midtls-Timeuot: 3s\r\n\r\n", [400], b"request-invalid"),
    ("option twice", GET + b"Midtls-Timeout: 3s\r\nMidtls-Timeout: 4s\r\n\r\n", [400], b"request-invalid"),
]


def cut_off(pair, far, data, seen):
    """libmicrohttpd ends a text at a NUL and drops a field without a name: what the far server gets is what was decided upon."""
    n_seen = len(far.seen)
    with Local(pair) as local:
        local.send(data)
        answer = local.answer()
    if answer and answer[0] == 200:
        request = far.seen[n_seen]
        equal((request["path"], request["headers"][1:]), seen, "what the far server got")
    else:
        contains([0, 400], answer[0] if answer else 0, "status")


def bad_chunks(pair, far, data):
    """The far server may have the beginning of such a body, never a whole request."""
    n_seen = len(far.seen)
    with Local(pair) as local:
        local.send(CHUNKED + data)
        answer = local.answer()
        contains([0, 400, 413], answer[0] if answer else 0, "status (%r)" % (answer,))
    equal(far.seen[n_seen:], [], "whole requests at the far server")
    still_works(pair)


def pipelined(pair, far):
    """RFC 9112, 9.3.2: answers in the order of the requests."""
    with Local(pair) as local:
        local.send(b"".join(b"GET /bytes/%d HTTP/1.1\r\n" % n + HOST + b"\r\n" for n in range(1, 9)))
        for n in range(1, 9):
            equal(local.answer(), (200, b"b" * n), "answer")


def bare_lf(pair, far):
    """Taken or refused, but never read as something else than it says."""
    with Local(pair) as local:
        local.send(POST.replace(b"\r\n", b"\n") + b"Content-Length: 3\n\nabcGET /smuggled HTTP/1.1\n")
        answer = local.answer()
    if answer and answer[0] == 200:
        equal(far.seen[-1]["body"], b"abc", "body")
    equal([request for request in far.seen if request["path"] == "/smuggled"], [], "smuggled requests")


def header_deadline(pair, far, drip):
    """L01, L02: HeaderTimeout= is for the whole header, however it comes."""
    started = time.monotonic()
    with Local(pair) as local:
        local.send(b"GET /tell HTTP/1.1\r\n")
        local.sock.settimeout(0.1)
        while time.monotonic() - started < 6:
            if drip:
                local.send(b"x")
            with contextlib.suppress(socket.timeout):
                if not local.receive():
                    break
        else:
            fail("still open after 6 s")
    contains(local.buffer, b"HTTP/1.1 408 ", "answer")
    contains(local.buffer, b"urn:midtls:error:request-timeout", "answer")


def idle(pair, far, data):
    with Local(pair) as local:
        local.send(data)
        if data:
            equal(local.answer()[0], 200, "status")
        still_works(pair)
        local.wait_end()


def half_close(pair, far):
    """L04"""
    with Local(pair) as local:
        local.send(GET + b"\r\n")
        local.sock.shutdown(socket.SHUT_WR)
        equal(local.answer()[0], 200, "status")


def vanishes(pair, far, data, n_calls=8):
    """L05: the call ends, and with it what it holds."""
    n_seen = len(far.seen)
    known = len(pair.records("calld", "call", REASON="request-invalid"))
    for n in range(n_calls):
        with Local(pair) as local:
            local.send(data)
            wait_until(lambda: b"midtls_calls_in_flight 1\n" in pair.call("GET", "/metrics", host="midtls").body, "the call is under way")
        wait_until(lambda: len(pair.records("calld", "call", REASON="request-invalid")) == known + n + 1, "record %d" % (n + 1))
    equal([request for request in far.seen[n_seen:] if request["size"] > 1000], [], "whole requests at the far server")
    still_works(pair)


def never_reads(pair, far, usage):
    """L03: buffers fill up, nothing more is taken from the far server, the call ends in its time."""
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(Local(pair)).send(b"GET /bytes/50000000 HTTP/1.1\r\nHost: large\r\n\r\n")
        still_works(pair)
        wait_until(lambda: len(pair.records("calld", "call", ALIAS="large", REASON="timeout")) == 8, "the calls end")
        usage.check()


def descriptors(pair, far):
    """L14: what is passed is not taken."""
    before = Usage(pair.pid("calld")).before[0]
    with Local(pair) as local:
        pipes = os.pipe()
        local.sock.sendmsg([GET + b"\r\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", pipes * 100))])
        equal(local.answer()[0], 200, "status")
        now = Usage(pair.pid("calld")).before[0]
        for descriptor in pipes:
            os.close(descriptor)
    if now > before + 8:
        fail("%d descriptors, %d before" % (now, before))


def soap(head, inner=b"<r/>"):
    return head + b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>' + inner + b"</e:Body></e:Envelope>"


LAUGHS = b"<!DOCTYPE x [<!ENTITY a 'ha'>" + b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]>"

XML = [
    ("X01 entity of a file", soap(b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>", b"<r>&f;</r>")),
    ("X02 entity of a URL", soap(b"<!DOCTYPE x [<!ENTITY f SYSTEM 'http://127.0.0.1:1/'>]>", b"<r>&f;</r>")),
    ("X03 external DTD", soap(b"<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'>")),
    ("X04 parameter entity", soap(b"<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]>")),
    ("X05 billion laughs", soap(LAUGHS, b"<r>&j;</r>")),
    ("X06 quadratic blow-up", soap(b"<!DOCTYPE x [<!ENTITY q '" + b"q" * 50000 + b"'>]>", b"<r>" + b"&q;" * 2000 + b"</r>")),
    ("X07 depth 300", soap(b"", b"<d>" * 300 + b"</d>" * 300)),
    ("X08 depth 100000", soap(b"", b"<d>" * 100000 + b"</d>" * 100000)),
    ("X11 20000 attributes", soap(b"", b"<r" + b"".join(b" a%d=''" % n for n in range(20000)) + b"/>")),
    ("X12 invalid UTF-8", soap(b"", b"<r>\xff\xfe</r>")),
    ("X12 overlong UTF-8", soap(b"", b"<r>\xc0\xaf</r>")),
    ("X13 NUL", soap(b"", b"<r>\0</r>")),
    ("X14 UTF-16", b"\xff\xfe" + soap(b"").decode().encode("utf-16-le")),
    ("X15 UTF-7", soap(b"<?xml version='1.0' encoding='UTF-7'?>")),
    ("X15 UTF-16 label on UTF-8", soap(b"<?xml version='1.0' encoding='UTF-16'?>")),
    ("X18 two roots", soap(b"") + b"<two/>"),
    ("X18 trailing junk", soap(b"") + b"junk"),
    ("X18 undeclared entity", soap(b"", b"<r>&nbsp;</r>")),
    ("X18 character 0", soap(b"", b"<r>&#0;</r>")),
    ("X18 surrogate", soap(b"", b"<r>&#xD800;</r>")),
    ("X18 beyond 10FFFF", soap(b"", b"<r>&#x110000;</r>")),
    ("X18 attribute twice", soap(b"", b"<r a='1' a='2'/>")),
    ("X19 undeclared prefix", b"<s:Envelope><s:Body/></s:Envelope>"),
    ("no XML", b"{}"),
    ("nothing", b" "),
]


def bad_xml(pair, far, body):
    n_seen = len(far.seen)
    started = time.monotonic()
    answer = pair.call("POST", "/soap", host="crm", headers=[("Midtls-Soap", "1.1")], body=body)
    equal((answer.status, answer.code()), (400, "request-invalid"), "answer (%r)" % answer.body[:300])
    if time.monotonic() - started > 2:
        fail("took %.1f s" % (time.monotonic() - started))
    equal(far.seen[n_seen:], [], "requests at the far server")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "hostile-local", config="[Calls]\nHeaderTimeout=1s\nIdleTimeout=2s\n")
        far = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("crm", "mauth", far.port, http="Timeout=4s\nMaxRequestBytes=1M")
        pair.connection("large", "mauth", far.port, http="Timeout=2s")
        stack.enter_context(pair)

        still_works(pair)
        usage = Usage(pair.pid("calld"))
        for name, data, statuses, code in REFUSED:
            suite.run(name, refused, pair, far, data, statuses, code)
        suite.run("L10 NUL in the path", cut_off, pair, far, GET.replace(b"/tell", b"/te\0ll") + b"\r\n", ("/te", []))
        suite.run("L10 NUL in a value", cut_off, pair, far, GET + b"X-Nul: a\0b\r\n\r\n", ("/tell", [("X-Nul", "a")]))
        suite.run("L10 empty name", cut_off, pair, far, GET + b": nothing\r\n\r\n", ("/tell", []))
        for name, data in (("2^64", b"10000000000000000\r\nhello\r\n0\r\n\r\n"), ("2^63", b"8000000000000000\r\nhello\r\n0\r\n\r\n"),
                           ("negative", b"-5\r\nhello\r\n0\r\n\r\n"), ("0x5", b"0x5\r\nhello\r\n0\r\n\r\n"), ("empty", b"\r\nhello\r\n0\r\n\r\n"),
                           ("no CRLF", b"5\r\nhelloXX0\r\n\r\n"), ("no number", b"zz\r\nhello\r\n0\r\n\r\n")):
            suite.run("chunk size " + name, bad_chunks, pair, far, data)
        suite.run("pipelined requests", pipelined, pair, far)
        suite.run("lines that end with LF alone", bare_lf, pair, far)
        suite.run("L01 a header that stops", header_deadline, pair, far, False)
        suite.run("L02 a header byte by byte", header_deadline, pair, far, True)
        suite.run("L01 nothing at all", idle, pair, far, b"")
        suite.run("an idle kept connection", idle, pair, far, GET + b"\r\n")
        suite.run("L04 half-close", half_close, pair, far)
        suite.run("L05 gone inside the body", vanishes, pair, far, POST + b"Content-Length: 100000\r\n\r\n" + b"b" * 1000)
        suite.run("L05 gone inside a chunk", vanishes, pair, far, CHUNKED + b"100\r\nhello")
        suite.run("L05 gone while it waits", vanishes, pair, far, GET.replace(b"/tell", b"/silent") + b"\r\n")
        suite.run("L03 never reads", never_reads, pair, far, usage)
        suite.run("L14 passes descriptors", descriptors, pair, far)
        for name, body in XML:
            suite.run(name, bad_xml, pair, far, body)
        suite.run("what calld holds", usage.check)


Suite().main(main)
