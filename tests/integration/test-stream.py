#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bodies that are larger than memory: both ways through the pair, whoever is slow, bytes as they are.

MIDTLS_TEST_STREAM_MIB says how large (1024); a run with 10240 is what "10 GiB within 64 MiB" means.
"""

import contextlib
import gzip
import os
import socket
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import SANITIZED, Pair, Suite, equal, fail, wait_until
from hostile import Far

MIB = 1 << 20
SIZE = int(os.environ.get("MIDTLS_TEST_STREAM_MIB") or (64 if SANITIZED else 512)) * MIB
RSS_KIB = 64 * 1024
# What the sockets on the way may hold, besides the buffers of calld
IN_FLIGHT = 32 * MIB
BLOCK = os.urandom(MIB)
GOES = threading.Event()


def crc_of(size):
    crc = 0
    for _ in range(size // MIB):
        crc = zlib.crc32(BLOCK, crc)
    return crc


class Counts:
    """What the far server sent and received in the last call."""

    sent = received = crc = 0


def receive_body(peer, size):
    Counts.received, Counts.crc = len(peer.buffer), zlib.crc32(peer.buffer)
    buffer = bytearray(MIB)
    while Counts.received < size:
        n = peer.sock.recv_into(buffer)
        if n == 0:
            return
        Counts.crc = zlib.crc32(memoryview(buffer)[:n], Counts.crc)
        Counts.received += n


def act(peer):
    """/down/N sends N bytes, with a length or (?chunked) in chunks; /up takes what comes, /up?slow not before GOES; /zip is compressed."""
    while True:
        head = peer.read_head()
        if not head:
            return
        method, path, headers = head
        if path.startswith("/down"):
            size = int(path.split("?")[0].split("/")[2])
            Counts.sent = 0
            chunked = "chunked" in path
            peer.send(b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % size))
            while Counts.sent < size:
                peer.send(b"%x\r\n" % MIB + BLOCK + b"\r\n" if chunked else BLOCK)
                Counts.sent += MIB
            if chunked:
                peer.send(b"0\r\n\r\n")
        elif path.startswith("/up"):
            if "slow" in path:
                GOES.wait(30)
            receive_body(peer, int(headers["content-length"]))
            peer.buffer = b""
            peer.answer(body=b"%d %d" % (Counts.received, Counts.crc))
        else:
            body, _ = peer.read_body(headers)
            peer.answer(body=body or gzip.compress(b"0" * 10 * MIB), headers=["Content-Encoding: gzip", "X-Asked: " + headers.get("accept-encoding", "nothing")])


class Caller:
    """A raw caller: what http.client buffers is not wanted here."""

    def __init__(self, pair):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(pair.socket)

    def begin(self, method, path, fields=b""):
        self.sock.sendall(b"%s %s HTTP/1.1\r\nHost: big\r\n%s\r\n" % (method, path, fields))

    def head(self):
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.sock.recv(65536)
            if not part:
                fail("no answer: %r" % data)
            data += part
        head, _, rest = data.partition(b"\r\n\r\n")
        equal(head.split(b" ")[1], b"200", "status (%r)" % data[:600])
        return rest

    def text(self, size):
        """A short answer, whole."""
        data = self.head()
        while len(data) < size:
            part = self.sock.recv(65536)
            if not part:
                fail("the answer ended after %r" % data)
            data += part
        return data

    def read(self, size, rest):
        n, crc, buffer = len(rest), zlib.crc32(rest), bytearray(MIB)
        while n < size:
            got = self.sock.recv_into(buffer)
            if got == 0:
                fail("the body ended after %d bytes" % n)
            crc = zlib.crc32(memoryview(buffer)[:got], crc)
            n += got
        return n, crc


def peak_kib(pid):
    with open("/proc/%d/status" % pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def within_memory(pair):
    peaks = {daemon: peak_kib(pair.pid(daemon)) for daemon in ("calld", "keyd")}
    print("   peak of resident memory: " + ", ".join("%s %d KiB" % item for item in peaks.items()))
    for daemon, kib in peaks.items():
        if not SANITIZED and kib > RSS_KIB:
            fail("%s had %d KiB at most" % (daemon, kib))


def told(what, size, started):
    seconds = time.monotonic() - started
    print("   %s of %d MiB: %.1f s, %.0f MiB/s" % (what, size // MIB, seconds, size / MIB / seconds))


def download(pair, size):
    caller, started = Caller(pair), time.monotonic()
    caller.begin(b"GET", b"/down/%d" % size)
    equal(caller.read(size, caller.head()), (size, crc_of(size)), "size and CRC")
    told("download", size, started)
    within_memory(pair)


def download_chunked(pair, size):
    """The same bytes in chunks; libmicrohttpd's own framing is read by http.client."""
    connection = pair.connect(60)
    connection.request("GET", "/down/%d?chunked" % size, headers={"Host": "big"})
    response = connection.getresponse()
    n, crc, buffer = 0, 0, bytearray(MIB)
    while True:
        got = response.readinto(buffer)
        if got == 0:
            break
        crc = zlib.crc32(memoryview(buffer)[:got], crc)
        n += got
    equal((n, crc), (size, crc_of(size)), "size and CRC")
    within_memory(pair)


def upload(pair, size):
    caller, started = Caller(pair), time.monotonic()
    caller.begin(b"PUT", b"/up", b"Content-Length: %d\r\n" % size)
    for _ in range(size // MIB):
        caller.sock.sendall(BLOCK)
    wanted = b"%d %d" % (size, crc_of(size))
    equal(caller.text(len(wanted)), wanted, "what the server got")
    told("upload", size, started)
    within_memory(pair)


def stalls(count, what):
    """Waits until COUNT() has stopped to grow for half a second, and returns it."""
    last = [count(), time.monotonic()]

    def quiet():
        now = count()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return now > 0 and time.monotonic() - last[1] > 0.5

    wait_until(quiet, what, 20)
    return last[0]


def slow_caller(pair):
    """Reads nothing: the far server is stopped, nobody holds the rest."""
    size = 256 * MIB
    caller = Caller(pair)
    caller.begin(b"GET", b"/down/%d" % size)
    rest = caller.head()
    on_the_way = stalls(lambda: Counts.sent, "the far server is held up")
    if on_the_way > IN_FLIGHT:
        fail("%d bytes went out to a caller that reads nothing" % on_the_way)
    within_memory(pair)
    equal(pair.call("GET", "/down/%d" % MIB, host="other").status, 200, "another caller meanwhile")
    equal(caller.read(size, rest), (size, crc_of(size)), "size and CRC")


def slow_server(pair):
    """Reads nothing: the caller is stopped."""
    size, sent = 256 * MIB, [0]
    caller = Caller(pair)
    caller.begin(b"PUT", b"/up?slow", b"Content-Length: %d\r\n" % size)

    def send():
        with contextlib.suppress(OSError):
            while sent[0] < size:
                caller.sock.sendall(BLOCK)
                sent[0] += MIB

    thread = threading.Thread(target=send, daemon=True)
    GOES.clear()
    thread.start()
    on_the_way = stalls(lambda: sent[0], "the caller is held up")
    if on_the_way > IN_FLIGHT:
        fail("%d bytes were taken for a server that reads nothing" % on_the_way)
    within_memory(pair)
    equal(pair.call("GET", "/down/%d" % MIB, host="other").status, 200, "another caller meanwhile")
    GOES.set()
    thread.join(60)
    wanted = b"%d %d" % (size, crc_of(size))
    equal(caller.text(len(wanted)), wanted, "what the server got")


def many_slow_callers(pair):
    """Forty of them at once: each has its small buffers."""
    callers = [Caller(pair) for _ in range(40)]
    for caller in callers:
        caller.begin(b"GET", b"/down/%d" % (64 * MIB))
    rests = [caller.head() for caller in callers]
    within_memory(pair)
    for caller, rest in zip(callers, rests):
        caller.read(MIB, rest)
        caller.sock.close()
    equal(pair.call("GET", "/down/%d" % MIB, host="other").status, 200, "another caller afterwards")


def compressed(pair):
    """Nothing is unpacked on the way, and nothing is asked for that the caller did not ask for."""
    answer = pair.call("GET", "/zip", host="big", headers=[("Accept-Encoding", "gzip, br")])
    equal((answer.status, answer.header("Content-Encoding"), answer.header("X-Asked")), (200, "gzip", "gzip, br"), "answer")
    equal(gzip.decompress(answer.body), b"0" * 10 * MIB, "body")
    equal(pair.call("GET", "/zip", host="big").header("X-Asked"), "nothing", "Accept-Encoding that nobody sent")
    body = gzip.compress(os.urandom(100)) + b"trailing"
    answer = pair.call("POST", "/zip", host="big", body=body, headers=[("Content-Encoding", "gzip")])
    equal(answer.body, body, "a body that no gzip reads")


def limits(pair):
    """MaxRequestBytes= and MaxResponseBytes= of the connection, in chunks too, where nobody knows beforehand."""
    answer = pair.call("PUT", "/zip", host="small", body=(BLOCK for _ in range(3)))
    equal((answer.status, answer.code()), (413, "request-too-large"), "a request in chunks")
    answer = None
    with contextlib.suppress(ConnectionError):
        answer = pair.call("GET", "/down/%d?chunked" % (64 * MIB), host="small")
    if answer and not answer.cut:
        equal((answer.status, answer.code()), (502, "response-too-large"), "an answer in chunks")
    if answer and len(answer.body) > 4 * MIB:
        fail("%d bytes came" % len(answer.body))
    if Counts.sent > IN_FLIGHT:
        fail("%d bytes were taken" % Counts.sent)


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "stream")
        far = stack.enter_context(Far(pair.pki, act))
        pair.profile("mauth", "p256.keytool.p12")
        large = "Timeout=30min\nMaxRequestBytes=100G\nMaxResponseBytes=100G"
        pair.connection("big", "mauth", far.port, http=large)
        pair.connection("other", "mauth", far.port, http=large)
        pair.connection("small", "mauth", far.port, http="MaxRequestBytes=2M\nMaxResponseBytes=2M")
        stack.enter_context(pair)

        suite.run("download", download, pair, SIZE)
        suite.run("upload", upload, pair, SIZE)
        suite.run("download in chunks", download_chunked, pair, min(SIZE, 256 * MIB))
        suite.run("a slow caller", slow_caller, pair)
        suite.run("a slow server", slow_server, pair)
        suite.run("many slow callers", many_slow_callers, pair)
        suite.run("compressed bodies pass", compressed, pair)
        suite.run("limits of a connection", limits, pair)
        if far.problems:
            fail(far.problems[0])


Suite().main(main)
