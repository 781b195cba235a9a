#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody ends or stops in the middle of calls: a caller, the far server, keyd or one of its roles. Every call has a defined end, nothing is left.

What happens, and after how many bytes, is drawn from MIDTLS_TEST_SEED (1) for each of MIDTLS_TEST_ROUNDS (48) rounds; each is shown by its number.
"""

import contextlib
import http.client
import os
import random
import signal
import socket
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import SANITIZED, Answer, Pair, Suite, equal, fail, wait_until
from hostile import Far, Usage

SEED = int(os.environ.get("MIDTLS_TEST_SEED") or 1)
ROUNDS = int(os.environ.get("MIDTLS_TEST_ROUNDS") or 48)
HTTP = "ConnectTimeout=3s\nTimeout=4s\nSessionResumption=no"
# A call's own time, and what a stopped keyd takes of the handshake
DEADLINE_SEC = 12
PATTERN = bytes(range(256)) * 4096
CODES = {"keyd-unavailable", "signing-refused", "connect-failed", "tls-failed", "response-invalid", "timeout", "request-invalid"}
BY_KEYD = {"keyd-unavailable", "signing-refused", "connect-failed", "tls-failed", "timeout"}


class Server(Far):
    """Echoes, gives bytes, or says nothing; one call for each connection. While `stopped` it does neither."""

    def __init__(self, pki):
        super().__init__(pki, self.serve_one)
        self.runs = threading.Event()
        self.runs.set()
        self.n_moved = 0

    def serve_one(self, peer):
        head = peer.read_head()
        if not head:
            return
        method, path, headers = head
        size = int(headers.get("content-length", 0))
        if path == "/silent":
            peer.wait_end()
            return
        if method == "GET":
            size = int(path.rpartition("/")[2])
            peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size)
            self.move(peer, size, lambda n: peer.send(PATTERN[:n]))
            return
        crc, left = 0, size
        while left > 0:
            self.runs.wait(DEADLINE_SEC)
            part = peer.take(min(left, 65536))
            if not part:
                return
            crc = zlib.crc32(part, crc)
            left -= len(part)
            self.n_moved += len(part)
        peer.answer(body=b"%d" % crc, headers=["Connection: close"])

    def move(self, peer, size, send):
        while size > 0:
            self.runs.wait(DEADLINE_SEC)
            n = min(size, 65536)
            send(n)
            size -= n
            self.n_moved += n

    def reset_all(self):
        for peer in list(self.peers):
            with contextlib.suppress(OSError):  # one that has ended meanwhile
                peer.reset()


class Call(threading.Thread):
    """One call; `outcome` afterwards: None, (status, code) or "gone" when the caller was made to go."""

    def __init__(self, pair, kind, size):
        super().__init__(daemon=True)
        self.pair, self.kind, self.size = pair, kind, size
        self.outcome = self.problem = None
        self.gone = False
        self.reads = threading.Event()
        self.reads.set()
        self.n_read = 0
        self.sock = None
        self.seconds = 0

    def request(self):
        if self.kind == "GET":
            return b"GET /%d HTTP/1.1\r\nHost: far\r\n\r\n" % self.size, b""
        if self.kind == "PUT":
            body = (PATTERN * (self.size // len(PATTERN) + 1))[:self.size]
            return b"PUT /x HTTP/1.1\r\nHost: far\r\nContent-Length: %d\r\n\r\n" % self.size, body
        return b"GET /silent HTTP/1.1\r\nHost: far\r\nMidtls-Timeout: 2s\r\n\r\n", b""

    def run(self):
        started = time.monotonic()
        try:
            self.talk()
        except (OSError, http.client.HTTPException) as problem:
            self.outcome = ("cut", type(problem).__name__)
        except AssertionError as problem:
            self.problem = str(problem)
        self.seconds = time.monotonic() - started

    def talk(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE_SEC + 5)
        self.sock.connect(self.pair.socket)
        head, body = self.request()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(head)
            self.sock.sendall(body)
        response = http.client.HTTPResponse(self.sock)
        response.begin()
        if response.status == 200 and response.getheader("Proxy-Status") is None:
            self.take(response)
            return
        answer = Answer(response)
        if answer.code() is None:
            fail("an answer of nobody: %d %r" % (answer.status, answer.body[:100]))
        self.outcome = (answer.status, answer.code())

    def take(self, response):
        data = b""
        while True:
            self.reads.wait(DEADLINE_SEC)
            part = response.read(65536)
            if not part:
                break
            self.n_read += len(part)
            data = part if self.kind == "PUT" else b""
        wanted = b"%d" % zlib.crc32(self.request()[1]) if self.kind == "PUT" else b""
        if self.kind == "PUT" and data != wanted:
            fail("the server got another body")
        if self.kind == "GET" and self.n_read != self.size:
            self.outcome = ("cut", "short")
        else:
            self.outcome = (200, None)
        self.sock.close()

    def go(self):
        self.gone = True
        if self.sock:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def caller_goes(bench, calls):
    calls[0].go()


def caller_stops(bench, calls):
    calls[0].reads.clear()
    return lambda: calls[0].reads.set()


def server_resets(bench, calls):
    bench.server.reset_all()


def server_stops(bench, calls):
    bench.server.runs.clear()
    return bench.server.runs.set


def kills(name):
    def act(bench, calls):
        bench.pair.kill(name)
    act.__name__ = name + "_is_killed"
    return act


def stops(name):
    def act(bench, calls):
        pid = bench.pair.find(name)
        os.kill(pid, signal.SIGSTOP)
        return lambda: os.kill(pid, signal.SIGCONT)
    act.__name__ = name + "_stops"
    return act


EVENTS = [caller_goes, caller_stops, server_resets, server_stops, kills("keyd-signer"), kills("keyd-verifier"), kills("keyd"),
          stops("keyd-signer"), stops("keyd-verifier"), stops("keyd")]


class Bench:
    def __init__(self, pair, server):
        self.pair = pair
        self.server = server
        self.seen = {}

    def good(self):
        return self.pair.call("GET", "/1000", host="far", timeout=DEADLINE_SEC).status == 200


def one_round(bench, number):
    draw = random.Random(SEED * 1000 + number)
    event = EVENTS[number % len(EVENTS)]
    calls = [Call(bench.pair, draw.choice(["GET", "GET", "PUT", "PUT", "SILENT"]), draw.choice([1, 10000, 300000, 3000000])) for _ in range(draw.randint(2, 6))]
    threshold = draw.choice([0, 0, 1, 50000, 1000000])
    before = bench.server.n_moved
    for call in calls:
        call.start()
    # at the start, or after so many bytes, or when there is nobody left to disturb
    wait_until(lambda: bench.server.n_moved - before >= threshold or not all(call.is_alive() for call in calls), "the calls are under way", DEADLINE_SEC)
    undo = event(bench, calls)
    if undo:
        # longer than what is in flight takes: whoever does not need the one that stopped comes to its end
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not any(call.is_alive() for call in calls), "nobody waits", draw.choice([0.05, 0.5, 5]))
        undo()
    for call in calls:
        call.join(DEADLINE_SEC + 5)
        check(bench, event, call)
    wait_until(bench.good, "a good call afterwards", DEADLINE_SEC)


def check(bench, event, call):
    what = "%s, %s of %d bytes" % (event.__name__, call.kind, call.size)
    if call.is_alive():
        fail("%s: it has not ended" % what)
    if call.problem:
        fail("%s: %s" % (what, call.problem))
    if call.seconds > DEADLINE_SEC:
        fail("%s: took %.1f s" % (what, call.seconds))
    bench.seen[call.outcome] = bench.seen.get(call.outcome, 0) + 1
    if call.gone:
        return
    status, code = call.outcome
    if status == "cut":
        # only when the header was out already, which it is when the far server was the one to end, or the time was over
        equal(event in (server_resets, server_stops, caller_stops), True, "%s: cut (%s)" % (what, code))
    elif code is not None:
        equal(code in (BY_KEYD if "keyd" in event.__name__ else CODES), True, "%s: %d %s" % (what, status, code))
    if call.kind == "SILENT":
        equal(code is not None, True, "%s: %r" % (what, call.outcome))


def nothing_left(bench, usages):
    wait_until(lambda: bench.pair.call("GET", "/status", host="midtls").json()["n_calls"] == 0, "no call is under way")
    for usage in usages:
        usage.check()
    started = {record["MIDTLS_CALL_ID"] for record in bench.pair.records("calld", "call")}
    equal(len(started), len(bench.pair.records("calld", "call")), "a record for each call, and one alone")
    print("   outcomes: " + ", ".join("%s %s: %d" % (*outcome, n) for outcome, n in sorted(bench.seen.items(), key=str)))


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "chaos")
        server = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("far", "mauth", server.port, http=HTTP)
        stack.enter_context(pair)
        bench = Bench(pair, server)
        wait_until(bench.good, "a first call")
        usages = [Usage(pair.pid("calld"))]
        for number in range(ROUNDS if not SANITIZED else min(ROUNDS, 20)):
            suite.run("round %d: %s" % (number, EVENTS[number % len(EVENTS)].__name__), one_round, bench, number)
        suite.run("nothing is left", nothing_left, bench, usages)
        if server.problems:
            fail(server.problems[0])


Suite().main(main)
