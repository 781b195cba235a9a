#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""[Retry]: what is tried again, what never is, when, and how often; and requests on kept connections that have died."""

import contextlib
import email.utils
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, fail, wait_until
from hostile import Far
from peers import Nginx, free_port

FAST = "[Retry]\nStrategy=fixed\nInterval=10ms\nCount=3\n"


class Bench:
    """One far server that answers from a list, the last entry for ever: (status, body, headers), or a function of the peer and the
    request, which returns whether the connection is to end. Its counters are of the latest list."""

    def __init__(self, pair, stack):
        self.pair = pair
        self.far = stack.enter_context(Far(pair.pki, self.serve))
        self.answers = [(200,)]

    def serve(self, peer):
        while True:
            request = peer.read_request()
            if not request:
                return
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if callable(answer):
                if answer(peer, request):
                    return
            else:
                peer.answer(*answer)

    def start(self, *answers):
        self.answers = list(answers)
        self.far.requests.clear()

    def call(self, alias, method="GET", **options):
        answer = self.pair.call(method, "/x", host=alias, **options)
        record = self.pair.wait_record("calld", "call", CALL_ID=answer.header("Midtls-Call-Id"))
        return answer, int(record["MIDTLS_ATTEMPTS"])

    def expect(self, alias, status, attempts, method="GET", code=None, **options):
        answer, n_attempts = self.call(alias, method, **options)
        equal((answer.status, answer.code()), (status, code), "answer (%r)" % answer.body[:300])
        equal(n_attempts, attempts, "attempts of the record")
        return answer

    def requests(self, n):
        equal(len(self.far.requests), n, "requests that the far server saw")
        return self.far.requests


BUSY = (503, b"busy", ("X-Far: 1",))
GOOD = (200, b"fine")


def status_codes(bench):
    bench.start(BUSY, (429,), GOOD)
    equal(bench.expect("fast1", 200, 3).body, b"fine", "body")
    bench.requests(3)


def is_handed_on(bench):
    """The last answer of a server that stays busy comes back unchanged."""
    bench.start(BUSY)
    answer = bench.expect("fast2", 503, 4)
    equal((answer.body, answer.header("X-Far")), (b"busy", "1"), "the far server's answer")
    bench.requests(4)


def once(bench, alias, status, method="GET", **options):
    bench.start((status, b"busy"))
    bench.expect(alias, status, 1, method, **options)
    bench.requests(1)


def bodies(bench, alias, body, **options):
    bench.start(BUSY, BUSY, GOOD)
    bench.expect(alias, 200, 3, "PUT", body=body, **options)
    for request in bench.requests(3):
        equal((request.whole, request.body), (True, b"".join(body) if not isinstance(body, bytes) else body), "body at the far server")


def early_answer(bench):
    """The answer comes before the body was read; the connection is closed after it."""
    def refuse(peer, request):
        peer.answer(*BUSY)
        return True

    bench.start(refuse, GOOD)
    bench.expect("fast4", 200, 2, "PUT", body=b"p" * 60000)
    equal(bench.far.requests[-1].body, b"p" * 60000, "body")


def large_answers(bench):
    """Answers that are not handed on are not read for ever either."""
    def endless(peer, request):
        peer.send(b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.flood(b"10000\r\n" + b"e" * 65536 + b"\r\n")

    def stuck(peer, request):
        peer.send(b"HTTP/1.1 503 X\r\nContent-Length: 100\r\n\r\nonly this")
        peer.wait_end()
        return True

    bench.start((503, b"l" * 1000000), endless, stuck, GOOD)
    equal(bench.expect("fast5", 200, 4).body, b"fine", "body")


def retry_after(bench, value, least):
    bench.start((503, b"", ("Retry-After: " + value,)), GOOD)
    bench.expect("after", 200, 2)
    first, second = bench.requests(2)
    if second.time - first.time < least:
        fail("the second attempt came %.2f s after the first" % (second.time - first.time))


def retry_after_too_long(bench, alias, value):
    bench.start((503, b"later", ("Retry-After: " + value,)))
    started = time.monotonic()
    answer = bench.expect(alias, 503, 1)
    if time.monotonic() - started > 4:
        fail("handed on after %.1f s" % (time.monotonic() - started))
    equal((answer.body, answer.header("Retry-After")), (b"later", value), "the far server's answer")


def ends_in_time(bench, alias, headers=()):
    """Attempts go on until the next one would not fit, and the answer is there before the call's time is over."""
    bench.start(BUSY)
    started = time.monotonic()
    answer, attempts = bench.call(alias, headers=headers)
    took = time.monotonic() - started
    equal(answer.status, 503, "status")
    if not 2 <= attempts <= 4 or took > 2:
        fail("%d attempts in %.1f s" % (attempts, took))


def failures(bench, alias, code, attempts):
    answer, n_attempts = bench.call(alias)
    equal(answer.code(), code, "code (%r)" % answer.body[:300])
    equal(n_attempts, attempts, "attempts of the record")


def budget(bench):
    """Count=9 would make 200 requests of 20 calls."""
    bench.start(BUSY)
    for _ in range(20):
        equal(bench.call("budget")[0].status, 503, "status")
    n = len(bench.far.requests)
    if not 30 <= n <= 35:
        fail("%d requests for 20 calls" % n)


def caller_gone(bench):
    bench.start(BUSY)
    connection = bench.pair.connect()
    connection.putrequest("GET", "/x", skip_host=True)
    connection.putheader("Host", "patient")
    connection.endheaders()
    wait_until(lambda: bench.far.requests, "the first attempt")
    connection.close()
    bench.pair.wait_record("calld", "call", ALIAS="patient", REASON="request-invalid")
    bench.requests(1)


def kept_connection(bench, alias, method, resent, body=None, headers=()):
    """The far server takes the second request of a connection and closes it without a word: what it did with it nobody knows."""
    connections = set()

    def vanish(peer, request):
        if peer in connections and len(bench.far.requests) == 2:
            peer.reset()
            return True
        connections.add(peer)
        peer.answer()
        return False

    bench.start(vanish)
    bench.expect(alias, 200, 1)
    if resent:
        bench.expect(alias, 200, 2, method, body=body, headers=headers)
        equal([request.body for request in bench.requests(3)[1:]], [body or b""] * 2, "bodies")
    else:
        bench.expect(alias, 502, 1, method, code="response-invalid", body=body, headers=headers)
        bench.requests(2)


def closed_before(bench, method, body):
    """A kept connection that the far server has closed is not used: nothing was sent, so any method goes over a new one."""
    ended = []

    def close(peer, request):
        ended.append(peer)  # before anybody can know of the answer
        peer.answer()
        return True

    bench.start(close)
    for n in range(3):
        bench.expect("none", 200, 1, method, body=body)
        bench.requests(n + 1)
        wait_until(lambda: len(ended) == n + 1 and ended[n] not in bench.far.peers, "the far server has closed")


def http2(bench):
    bench.expect("http2", 503, 4)


def configure(pair, stack, bench):
    def connection(alias, retry="", port=bench.far.port, http="Timeout=20s", profile="mauth"):
        pair.connection(alias, profile, port, http=http, more=retry)

    pair.profile("mauth", "p256.keytool.p12")
    connection("none")
    # Each has a budget of its own.
    for n in range(1, 8):
        connection("fast%d" % n, FAST)
    connection("codes", FAST + "StatusCodes=500 401 403\n")
    connection("exponential", FAST.replace("fixed", "exponential"))
    connection("after", "[Retry]\nStrategy=retry-after\nInterval=10ms\n")
    connection("after-late", "[Retry]\nStrategy=retry-after\nInterval=10ms\n", http="Timeout=5s")
    connection("elapsed-late", FAST + "MaxElapsed=5s\n")
    connection("short", "[Retry]\nStrategy=fixed\nInterval=300ms\nCount=100\n", http="Timeout=1s")
    connection("elapsed", "[Retry]\nStrategy=fixed\nInterval=300ms\nCount=100\nMaxElapsed=1s\n")
    connection("patient", "[Retry]\nStrategy=fixed\nInterval=10s\n")
    connection("budget", FAST.replace("Count=3", "Count=9").replace("10ms", "1ms"))
    connection("refused", FAST, free_port())
    connection("wrongname", FAST, stack.enter_context(Far(pair.pki, bench.serve, server="server-wrongname")).port)
    connection("rejects", FAST, stack.enter_context(Far(pair.pki, bench.serve, client_ca="other-ca")).port)
    connection("closes", FAST, stack.enter_context(Far(pair.pki, lambda peer: peer.read_request())).port)
    connection("http2", FAST, stack.enter_context(Nginx(pair.pki, http2=True, extra="error_page 404 =503 /;\n location /x { return 503; }")).port)


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "retry", workers=1)
        bench = Bench(pair, stack)
        configure(pair, stack, bench)
        stack.enter_context(pair)

        suite.run("status codes", status_codes, bench)
        suite.run("the last answer is handed on", is_handed_on, bench)
        suite.run("HTTP/2", http2, bench)
        suite.run("no strategy", once, bench, "none", 503)
        suite.run("a status that is not listed", once, bench, "fast1", 500)
        suite.run("a status that is listed", lambda: (bench.start((500,), GOOD), bench.expect("codes", 200, 2)))
        for status in (401, 403):
            suite.run("%d, although listed" % status, once, bench, "codes", status)
        for method in ("POST", "PATCH"):
            suite.run("not idempotent: " + method, once, bench, "fast1", 503, method, body=b"data")
        suite.run("a POST without a body", once, bench, "fast1", 503, "POST")
        suite.run("SOAP", once, bench, "fast1", 503, "POST", body=b"<x xmlns='urn:x'/>", headers=[("Midtls-Soap", "1.1")])
        suite.run("Midtls-Retry: off", once, bench, "fast1", 503, headers=[("Midtls-Retry", "off")])
        suite.run("a body of 64 KiB", bodies, bench, "fast3", b"r" * 65536)
        suite.run("a body in chunks", bodies, bench, "fast3", (b"one", b"two", b"three" * 1000))
        suite.run("a body of more than 64 KiB", once, bench, "fast3", 503, "PUT", body=b"r" * 65537)
        suite.run("DELETE", lambda: (bench.start(BUSY, GOOD), bench.expect("fast4", 200, 2, "DELETE")))
        suite.run("an answer before the body was read", early_answer, bench)
        suite.run("answers that are large or do not end", large_answers, bench)
        suite.run("exponential", lambda: (bench.start(BUSY, BUSY, GOOD), bench.expect("exponential", 200, 3)))
        suite.run("Retry-After in seconds", retry_after, bench, "1", 1)
        suite.run("Retry-After as a date", retry_after, bench, email.utils.formatdate(time.time() + 3, usegmt=True), 0.5)
        suite.run("Retry-After in the past", retry_after, bench, "Sun, 06 Nov 1994 08:49:37 GMT", 0)
        suite.run("Retry-After that means nothing", retry_after, bench, "soon", 0)
        for alias in ("after-late", "elapsed-late"):
            for value in ("3600", "99999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"):
                suite.run("Retry-After that does not fit: %s, %s" % (alias, value), retry_after_too_long, bench, alias, value)
        suite.run("Timeout= ends it", ends_in_time, bench, "short")
        suite.run("MaxElapsed= ends it", ends_in_time, bench, "elapsed")
        suite.run("connection refused", failures, bench, "refused", "connect-failed", 4)
        suite.run("the server's certificate", failures, bench, "wrongname", "server-certificate", 1)
        suite.run("our certificate", failures, bench, "rejects", "client-certificate-rejected", 1)
        suite.run("a new connection without an answer", failures, bench, "closes", "response-invalid", 1)
        suite.run("the budget", budget, bench)
        suite.run("a caller that does not wait", caller_gone, bench)
        for alias in ("none", "fast6"):
            suite.run("kept connection dies, GET, " + alias, kept_connection, bench, alias, "GET", True)
            suite.run("kept connection dies, PUT, " + alias, kept_connection, bench, alias, "PUT", True, b"put" * 1000)
            suite.run("kept connection dies, POST, " + alias, kept_connection, bench, alias, "POST", False, b"post")
            suite.run("kept connection dies, POST without a body, " + alias, kept_connection, bench, alias, "POST", False)
        suite.run("kept connection dies, PUT of more than 64 KiB", kept_connection, bench, "fast7", "PUT", False, b"r" * 65537)
        suite.run("kept connection dies, Midtls-Retry: off", kept_connection, bench, "none", "GET", False, None, [("Midtls-Retry", "off")])
        suite.run("kept connection was closed, GET", closed_before, bench, "GET", None)
        suite.run("kept connection was closed, POST", closed_before, bench, "POST", b"post")
        equal(bench.far.problems, [], "problems of the far server")


Suite().main(main)
