#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Far servers that are authenticated and speak HTTP or XML badly: each gets its own code in time, and spoils nothing for the next call."""

import contextlib
import http.client
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal, fail, wait_until
from hostile import Far, Usage
from peers import Nginx

# Timeout= of the connection is 2 s.
DEADLINE_SEC = 4
HEAD = b"HTTP/1.1 200 X\r\n"
OK = HEAD + b"Content-Length: 4\r\n\r\ngood"
EVIL = b"HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nevil"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
INVALID = "response-invalid"
TOO_LARGE = "response-too-large"


def ends(data):
    """DATA, then close_notify."""
    def act(peer):
        peer.send(data)
        peer.end()
    return act


def cuts(data):
    """DATA, then the end of the connection without close_notify."""
    def act(peer):
        peer.send(data)
        peer.close()
    return act


def stays(data):
    """DATA, and the connection stays open."""
    def act(peer):
        peer.send(data)
        peer.wait_end()
    return act


def goes_on(data):
    """DATA, then the next request."""
    return lambda peer: peer.send(data)


def resets(data):
    def act(peer):
        peer.send(data)
        peer.far.stopping.wait(0.05)
        peer.reset()
    return act


def floods(first, data):
    def act(peer):
        peer.send(first)
        peer.flood(data)
    return act


def drips(data, seconds):
    """A byte each SECONDS."""
    def act(peer):
        for n in range(len(data)):
            peer.send(data[n:n + 1])
            if peer.far.stopping.wait(seconds):
                return
        peer.end()
    return act


def framed(*fields):
    return HEAD + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


# name, what the far server does after it has read the request, what becomes of the call: a code, or the body of a good answer
ROWS = [
    ("H01 short of its Content-Length", ends(framed(b"Content-Length: 100") + b"only this"), INVALID),
    ("H01 short, without close_notify", cuts(framed(b"Content-Length: 100") + b"only this"), INVALID),
    ("H01 chunks without an end", ends(CHUNKED + b"5\r\nhello\r\n"), INVALID),
    ("H01 chunks, cut inside a size", ends(CHUNKED + b"5\r\nhello\r\n1"), INVALID),
    ("H01 chunks, cut before the last empty line", ends(CHUNKED + b"5\r\nhello\r\n0\r\n"), INVALID),
    ("H01 ends by close, without close_notify", cuts(framed() + b"only this"), INVALID),
    ("H01 ends by close, with close_notify", ends(framed() + b"all of it"), b"all of it"),
    ("H01 ends by reset", resets(framed() + b"only this"), INVALID),
    ("H01 HTTP/1.0, ends by close", ends(b"HTTP/1.0 200 X\r\n\r\nold"), b"old"),
    ("H01 HTTP/1.0, cut", cuts(b"HTTP/1.0 200 X\r\n\r\nold"), INVALID),
    ("H02 chunk size negative", stays(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk size with a sign", stays(CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk size 0x5", stays(CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk size 2^64", stays(CHUNKED + b"10000000000000000\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk size 2^63", stays(CHUNKED + b"8000000000000000\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk size of 17 digits", stays(CHUNKED + b"00000000000000005\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk size empty", stays(CHUNKED + b"\r\nhello\r\n0\r\n\r\n"), INVALID),
    ("H02 chunk without its CRLF", stays(CHUNKED + b"5\r\nhelloXX0\r\n\r\n"), INVALID),
    ("H02 chunk extension without end", floods(CHUNKED + b"5;x=", b"y" * 65536), "timeout"),
    ("H02 trailer without end", floods(CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-T: t\r\n" * 8192), INVALID),
    ("H02 trailer", goes_on(CHUNKED + b"5\r\nhello\r\n0\r\nX-T: t\r\nContent-Length: 3\r\n\r\n"), b"hello"),
    ("H03 two lengths that differ", stays(framed(b"Content-Length: 4", b"Content-Length: 5") + b"good!"), INVALID),
    ("H03 two lengths that differ, the shorter last", stays(framed(b"Content-Length: 5", b"Content-Length: 4") + b"good!"), INVALID),
    ("H03 two lengths, the same", goes_on(framed(b"Content-Length: 4", b"Content-Length: 4") + b"good"), b"good"),
    ("H03 length is a list that differs", stays(framed(b"Content-Length: 4, 5") + b"good!"), INVALID),
    ("H03 length and chunks", stays(framed(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"4\r\ngood\r\n0\r\n\r\n"), INVALID),
    ("H03 length negative", stays(framed(b"Content-Length: -1") + b"good"), INVALID),
    ("H03 length with a sign", stays(framed(b"Content-Length: +4") + b"good"), INVALID),
    ("H03 length 2^63", ends(framed(b"Content-Length: 9223372036854775808") + b"good"), INVALID),
    ("H03 length 2^64 + 4", ends(framed(b"Content-Length: 18446744073709551620") + b"good"), INVALID),
    ("H03 length 2^63 - 1", ends(framed(b"Content-Length: 9223372036854775807") + b"good"), TOO_LARGE),
    ("H03 length in hex", stays(framed(b"Content-Length: 0x4") + b"good"), INVALID),
    ("H03 length empty", ends(framed(b"Content-Length:") + b"good"), INVALID),
    ("H03 encoding twice", ends(framed(b"Transfer-Encoding: chunked, chunked") + b"4\r\ngood\r\n0\r\n\r\n"), INVALID),
    ("H03 encoding unknown", ends(framed(b"Transfer-Encoding: quux") + b"good"), INVALID),
    ("H03 encoding gzip, chunked", ends(framed(b"Transfer-Encoding: gzip, chunked") + b"4\r\ngood\r\n0\r\n\r\n"), INVALID),
    ("H04 field of 1 MiB", stays(HEAD + b"X-Long: " + b"l" * 1048576 + b"\r\nContent-Length: 4\r\n\r\ngood"), INVALID),
    ("H04 field without end", floods(HEAD + b"X-Long: ", b"l" * 65536), INVALID),
    ("H04 fields without end", floods(HEAD, b"X-Many: m\r\n" * 4096), INVALID),
    ("H04 2000 fields", stays(framed(*[b"X-Many: m"] * 2000, b"Content-Length: 4") + b"good"), INVALID),
    ("H04 folded field", stays(framed(b"X-Fold: a", b" b", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 no colon", stays(framed(b"X-Nothing", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 empty name", stays(framed(b": nothing", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 blank before the colon", stays(framed(b"X-Blank : x", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 NUL in a value", stays(framed(b"X-Nul: a\0b", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 NUL in a name", stays(framed(b"X-N\0ul: a", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 NUL in the status line", stays(b"HTTP/1.1 200 O\0K\r\nContent-Length: 4\r\n\r\ngood"), INVALID),
    ("H04 CR in a value", stays(framed(b"X-Cr: a\rX-Evil: b", b"Content-Length: 4") + b"good"), INVALID),
    ("H04 lines that end with LF alone", goes_on(OK.replace(b"\r\n", b"\n")), b"good"),
    ("H05 length beyond the maximum", stays(framed(b"Content-Length: 1048577")), TOO_LARGE),
    ("H05 chunks without end", floods(CHUNKED, b"10000\r\n" + b"e" * 65536 + b"\r\n"), TOO_LARGE),
    ("H05 body without end", floods(framed(), b"e" * 65536), TOO_LARGE),
    ("H06 no number in the status line", stays(b"HTTP/1.1 abc X\r\nContent-Length: 4\r\n\r\ngood"), INVALID),
    ("H06 no status line", ends(b"<html>hello</html>"), INVALID),
    ("H06 nothing but blanks", ends(b"\r\n\r\n\r\n"), INVALID),
    ("H06 HTTP/3.7", ends(OK.replace(b"1.1", b"3.7")), INVALID),
    ("H06 HTTP/0.9", ends(OK.replace(b"1.1", b"0.9")), INVALID),
    ("H06 HTTP/2 as text", ends(OK.replace(b"1.1", b"2")), INVALID),
    ("H06 ICY", ends(OK.replace(b"HTTP/1.1", b"ICY")), INVALID),
    ("H06 status 000", ends(OK.replace(b"200", b"000")), INVALID),
    ("H06 status 099", ends(OK.replace(b"200", b"099")), INVALID),
    ("H06 status 99999", ends(OK.replace(b"200", b"99999")), INVALID),
    ("H06 status 20", ends(OK.replace(b"200", b"20")), INVALID),
    ("H06 status 600", ends(OK.replace(b"200", b"600")), INVALID),
    ("H07 100 without end", floods(b"", b"HTTP/1.1 100 X\r\n\r\n" * 3000), INVALID),
    ("H07 103 without end", floods(b"", b"HTTP/1.1 103 X\r\nLink: <x>\r\n\r\n" * 2000), INVALID),
    ("H07 one 100 and one 103", goes_on(b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 X\r\nX-Early: e\r\n\r\n" + OK), b"good"),
    ("H07 101", ends(b"HTTP/1.1 101 X\r\nUpgrade: evil\r\nConnection: upgrade\r\n\r\n" + OK), INVALID),
    ("H10 WWW-Authenticate of 1 MiB", stays(b"HTTP/1.1 401 X\r\nWWW-Authenticate: Digest " + b"l" * 1048576 + b"\r\n\r\n"), INVALID),
    ("H14 5000 cookies", stays(framed(*[b"Set-Cookie: a=b"] * 5000, b"Content-Length: 4") + b"good"), INVALID),
    ("T46 close_notify inside the body", ends(framed(b"Content-Length: 5") + b"good"), INVALID),
    ("T46 no close_notify at the exact end", cuts(OK), b"good"),
    ("T47 nothing at all", stays(b""), "timeout"),
    ("T47 a head without end, a byte each 0.1 s", drips(HEAD + b"X-Slow: " + b"s" * 1000, 0.1), "timeout"),
    ("T47 a body, a byte each 0.1 s", drips(framed(b"Content-Length: 1000") + b"s" * 1000, 0.1), "timeout"),
    ("T48 reset before an answer", resets(b""), INVALID),
    ("T48 reset inside the head", resets(HEAD + b"Content-Le"), INVALID),
    ("T48 reset inside the body", resets(framed(b"Content-Length: 100") + b"only this"), INVALID),
    ("T48 end before an answer", ends(b""), INVALID),
]


class Bench:
    """One far server; `act` is what it does with the next request."""

    def __init__(self, pair, stack):
        self.pair = pair
        self.act = None
        self.far = stack.enter_context(Far(pair.pki, self.serve))

    def serve(self, peer):
        while True:
            request = peer.read_request()
            if not request:
                return
            if request.path.startswith("/good"):
                peer.answer(body=b"good " + request.path.encode())
            else:
                self.act(peer)

    def call(self, act, method="GET", target="/bad", alias="http", **options):
        """Returns the answer, None when the connection was cut before one, and the record."""
        self.act = act
        known = {record["MIDTLS_CALL_ID"] for record in self.pair.records("calld", "call")}
        started = time.monotonic()
        try:
            answer = self.pair.call(method, target, host=alias, timeout=DEADLINE_SEC, **options)
        except (http.client.HTTPException, ConnectionError):
            answer = None
        record = wait_until(lambda: [r for r in self.pair.records("calld", "call") if r["MIDTLS_CALL_ID"] not in known], "a call record")[0]
        if time.monotonic() - started > DEADLINE_SEC:
            fail("took %.1f s" % (time.monotonic() - started))
        return answer, record

    def good(self, number):
        """Each answer is that of its own request."""
        answer = self.pair.call("GET", "/good/%d" % number, host="http")
        equal((answer.status, answer.body), (200, b"good /good/%d" % number), "a good call afterwards")
        self.pair.wait_record("calld", "call", CALL_ID=answer.header("Midtls-Call-Id"))


def row(bench, number, act, wanted):
    answer, record = bench.call(act)
    if isinstance(wanted, bytes):
        equal((answer.status, answer.code(), answer.cut, answer.body), (200, None, False, wanted), "answer (%r)" % (record,))
    else:
        equal(record.get("MIDTLS_REASON"), wanted, "reason of the record (%r)" % (record,))
        if answer and not answer.cut:
            equal(answer.code(), wanted, "code (%d %r)" % (answer.status, answer.body[:300]))
    bench.good(number)


def passed_on(bench, status, headers, body, wanted_headers, method="GET"):
    """The far server's answer comes back as it is, and nothing of what it asks for is done."""
    n_connections = bench.far.n_connections
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers, b"", b""]
    answer, _ = bench.call(lambda peer: peer.send(b"\r\n".join(lines) + body), method)
    equal((answer.status, answer.code(), answer.body), (status, None, body), "answer")
    for name, values in wanted_headers.items():
        equal(answer.all(name), values, name)
    bench.good(status)
    if bench.far.n_connections > n_connections + 1:
        fail("%d connections for it" % (bench.far.n_connections - n_connections))
    headers = bench.far.requests[-1].headers
    for name in ("cookie", "authorization", "accept-encoding"):
        if name in headers:
            fail("%s: %s was sent" % (name, headers[name]))


def refuse_early(peer):
    if peer.read_head():
        peer.send(b"HTTP/1.1 413 X\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch")
        peer.linger()


def early_answer(bench):
    """H11: the answer before the request is whole, and the end of the connection."""
    for method in ("PUT", "POST"):
        answer, record = bench.call(None, method, alias="early", body=b"p" * 1000000)
        equal((answer.status, answer.body, record.get("MIDTLS_REASON")), (413, b"much", None), "answer (%r)" % (record,))


def early_http2(bench, size):
    """H11, over HTTP/2: the answer is whole, and the body is never read."""
    for method in ("PUT", "POST"):
        answer, record = bench.call(None, method, alias="http2", body=b"p" * size)
        equal((answer.status, answer.body, record.get("MIDTLS_REASON")), (200, b"early", None), "answer (%r)" % (record,))


def unasked(bench, method, first, late):
    """H12, H16: bytes beyond an answer are no answer to the next request."""
    def act(peer):
        if late:
            peer.send(first)
            answered.wait(2)
            peer.send(EVIL)
        else:
            peer.send(first + EVIL)
        sent.set()

    answered, sent = threading.Event(), threading.Event()
    answer, _ = bench.call(act, method)
    equal((answer.status, answer.code()), (int(first.split(b" ")[1]), None), "answer")
    if answer.body not in (b"", b"good"):
        fail("body %r" % answer.body)
    answered.set()
    sent.wait(2)
    for number in range(3):
        bench.good(number)


def garbage_then_reset(bench, number):
    """T41, T48: on a kept connection comes what is no TLS record, and nobody is there to be told so."""
    def act(peer):
        peer.answer()
        socket.socket.sendall(peer.sock, b"\x17\x03\x03\0\x20" + b"g" * 32)
        peer.reset()
        sent.set()

    sent = threading.Event()
    equal(bench.call(act, "GET")[0].status, 200, "status")
    sent.wait(2)
    bench.good(number)


def fault(string=b"s", before=b"", attributes=b""):
    return before + b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><e:Fault><faultcode>e:Client</faultcode><faultstring" + \
        attributes + b">" + string + b"</faultstring></e:Fault></e:Body></e:Envelope>"


SOAP = [  # name, body, what Midtls-Soap-Fault says of it
    ("X21 a Fault with status 200", fault(), "Client"),
    ("X21 a faultstring of 500 KB", fault(b"f" * 500000), "Client"),
    ("X21 two bodies", fault().replace(b"</e:Body>", b"</e:Body><e:Body/>"), "Client"),
    ("X21 another namespace", fault().replace(b"/envelope/", b"/evil/"), None),
    ("X01 entity of a file", fault(b"&f;", b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"), None),
    ("X06 quadratic blow-up", fault(b"&q;" * 2000, b"<!DOCTYPE x [<!ENTITY q '" + b"q" * 50000 + b"'>]>"), None),
    ("X08 depth 100000", fault(b"<d>" * 100000 + b"</d>" * 100000), None),
    ("X11 70000 attributes", fault(attributes=b"".join(b" a%d=''" % n for n in range(70000))), None),
    ("X12 invalid UTF-8", fault(b"\xff"), None),
    ("X13 NUL", fault(b"\0"), None),
    ("X15 UTF-7", fault(before=b"<?xml version='1.0' encoding='UTF-7'?>"), None),
    ("X18 cut off", fault()[:-10], None),
    ("no XML", b"\x89PNG", None),
    ("nothing", b"", None),
]


def soap_answer(bench, body, wanted):
    """The answer comes back unchanged, at once, whatever it is."""
    answer, _ = bench.call(lambda peer: peer.answer(body=body), "POST", headers=[("Midtls-Soap", "1.1")], body=b"<r/>")
    equal((answer.status, answer.body), (200, body), "answer")
    equal(answer.header("Midtls-Soap-Fault"), wanted, "Midtls-Soap-Fault")
    equal(bench.far.requests[-1].whole, True, "the request was whole")


def empty_values(bench):
    """RFC 9110, 5.5: a value may be empty, and may hold a tab."""
    answer, _ = bench.call(lambda peer: peer.send(framed(b"X-Empty:", b"X-Tab: a\tb", b"X-Last: l", b"Content-Length: 4") + b"good"))
    equal((answer.all("X-Empty"), answer.all("X-Last")), ([""], ["l"]), "fields")
    contains(["a\tb", "a b"], answer.header("X-Tab"), "X-Tab")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "hostile-http")
        bench = Bench(pair, stack)
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("early", "mauth", stack.enter_context(Far(pair.pki, refuse_early)).port, http="Timeout=2s")
        nginx = stack.enter_context(Nginx(pair.pki, http2=True, extra="location /bad { return 200 'early'; }"))
        pair.connection("http2", "mauth", nginx.port, http="Timeout=3s")
        pair.connection("http", "mauth", bench.far.port, http="ConnectTimeout=2s\nTimeout=2s\nMaxResponseBytes=1M")
        stack.enter_context(pair)

        bench.good(0)
        usage = Usage(pair.pid("calld"))
        for number, (name, act, wanted) in enumerate(ROWS):
            suite.run(name, row, bench, number, act, wanted)
        for place in (b"http://elsewhere.test/", b"file:///etc/passwd", b"gopher://127.0.0.1:1/", b"//elsewhere.test/", b"/" + b"l" * 10000):
            suite.run("H08 redirect to %.30s" % place.decode(), passed_on, bench, 302, [b"Location: " + place], b"", {"Location": [place.decode()]})
        suite.run("H09 gzip", passed_on, bench, 200, [b"Content-Encoding: gzip, gzip"], b"\x1f\x8b\x08 no gzip at all", {"Content-Encoding": ["gzip, gzip"]})
        for value in (b"Negotiate", b"NTLM", b'Digest realm="r", nonce="n"', b"Basic realm=r"):
            suite.run("H10 401 " + value.decode(), passed_on, bench, 401, [b"WWW-Authenticate: " + value], b"", {"WWW-Authenticate": [value.decode()]})
        suite.run("H10 407", passed_on, bench, 407, [b"Proxy-Authenticate: Basic realm=r"], b"", {"Proxy-Authenticate": []})
        suite.run("H11 early answer", early_answer, bench)
        for size in (1000, 70000, 1000000):
            suite.run("H11 early answer, HTTP/2, %d bytes" % size, early_http2, bench, size)
        for method, first in (("GET", OK), ("HEAD", OK), ("GET", b"HTTP/1.1 204 X\r\n\r\n"), ("GET", b"HTTP/1.1 304 X\r\n\r\n"),
                              ("GET", b"HTTP/1.1 204 X\r\nContent-Length: 4\r\n\r\ngood"), ("GET", CHUNKED + b"4\r\ngood\r\n0\r\n\r\n")):
            for late in (False, True):
                suite.run("H12 unasked answer after %s %s%s" % (method, first[9:12].decode(), ", late" * late), unasked, bench, method, first, late)
        for number in range(3):
            suite.run("T41 garbage and a reset on a kept connection, %d" % number, garbage_then_reset, bench, number)
        suite.run("H14 cookies, Alt-Svc, HSTS", passed_on, bench, 200,
                  [b"Set-Cookie: a=b", b"Set-Cookie: c=d", b'Alt-Svc: h3=":1"; ma=9', b"Strict-Transport-Security: max-age=9"], b"",
                  {"Set-Cookie": ["a=b", "c=d"], "Alt-Svc": ['h3=":1"; ma=9']})
        suite.run("H15 text that is no UTF-8", passed_on, bench, 200, [b"Content-Type: text/plain; charset=utf-8"], b"\xff\xfe\x00\xc0\xaf",
                  {"Content-Type": ["text/plain; charset=utf-8"]})
        for name, body, wanted in SOAP:
            suite.run("SOAP answer: " + name, soap_answer, bench, body, wanted)
        suite.run("empty values and tabs", empty_values, bench)
        suite.run("what calld holds", usage.check)
        equal(bench.far.problems, [], "problems of the far server")


Suite().main(main)
