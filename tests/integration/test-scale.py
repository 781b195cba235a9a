#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ten thousand callers at once, of one user, most of them slow, some at a slow server: whoever else calls is served, and memory is bounded.

MIDTLS_TEST_CALLERS says how many (10,000), MIDTLS_TEST_SHORT_CALLS how many short calls follow on kept connections (20,000; a million is what a
long run is).
"""

import contextlib
import http.client
import os
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import SANITIZED, Pair, Suite, equal, fail, wait_until
from hostile import Far
from peers import Nginx

CALLERS = int(os.environ.get("MIDTLS_TEST_CALLERS") or (2000 if SANITIZED else 10000))
SHORT_CALLS = int(os.environ.get("MIDTLS_TEST_SHORT_CALLS") or (2000 if SANITIZED else 20000))
AT_SLOW_SERVER = 150
# One that has sent a part of a request costs about 16 KiB, one whose connection is kept 130: libmicrohttpd clears what it reserved for the next one
KIB_EACH = 40
SLACK_KIB = 24 * 1024
CONFIG = "[Calls]\nHeaderTimeout=5min\nIdleTimeout=5min\n"


class Callers:
    """Connections by what they do."""

    def __init__(self, pair):
        self.pair = pair
        self.all = []

    def connect(self):
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(30)
        caller.connect(self.pair.socket)
        self.all.append(caller)
        return caller

    def close(self):
        for caller in self.all:
            caller.close()
        self.all = []


def usage(pair, daemon="calld"):
    pid = pair.pid(daemon)
    with open("/proc/%d/status" % pid) as file:
        rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    return rss, len(os.listdir("/proc/%d/fd" % pid))


def open_all(pair, callers, far, before):
    """One in five has sent nothing, two a part of a header, one a part of a body, one waits for its next request."""
    n_slow = CALLERS - AT_SLOW_SERVER
    for number in range(n_slow):
        caller = callers.connect()
        kind = number % 5
        if kind in (1, 2):
            caller.sendall(b"GET /x HTTP/1.1\r\nHost: crm\r\nX-Slow: " + b"s" * (number % 100))
        elif kind == 3:
            caller.sendall(b"POST /x HTTP/1.1\r\nHost: nobody\r\nContent-Length: 100\r\n\r\nsome")
        elif kind == 4:
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: midtls\r\n\r\n")
            if not caller.recv(4096).startswith(b"HTTP/1.1 200"):
                fail("a caller was not served")
    for _ in range(AT_SLOW_SERVER):
        callers.connect().sendall(b"GET /slow HTTP/1.1\r\nHost: slow\r\n\r\n")
    wait_until(lambda: far.n_connections >= AT_SLOW_SERVER, "the slow server has its calls", 60)
    rss, n_fds = usage(pair)
    print("   %d callers: %d descriptors, %d KiB, %.1f KiB each" % (CALLERS, n_fds, rss, (rss - before[0]) / CALLERS))
    if n_fds < CALLERS:
        fail("calld has only %d descriptors" % n_fds)
    if not SANITIZED and rss > before[0] + CALLERS * KIB_EACH + SLACK_KIB:
        fail("resident memory grew from %d to %d KiB" % (before[0], rss))


def others(pair):
    """On new connections and on a kept one; nobody waits for those who are slow."""
    times = []
    kept = pair.connect()
    for number in range(200):
        started = time.monotonic()
        answer = pair.call("POST", "/x", host="crm", body=b"b" * 1000, connection=kept if number % 2 else None)
        equal(answer.status, 200, "status (%r)" % answer.body[:300])
        times.append(time.monotonic() - started)
    kept.close()
    times.sort()
    print("   others: median %.1f ms, the slowest %.1f ms" % (times[100] * 1000, times[-1] * 1000))
    if times[-1] > 5:
        fail("one of them waited for %.1f s" % times[-1])


def still_there(callers):
    """None of the slow ones was turned away."""
    for caller in callers.all:
        caller.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            if caller.recv(1, socket.MSG_PEEK) == b"":
                fail("a caller was closed")


def all_go(pair, callers, before):
    callers.close()
    wait_until(lambda: usage(pair)[1] <= before[1] + 200, "descriptors are closed: %r" % (usage(pair),), 30)
    equal(pair.call("GET", "/x", host="crm").status, 200, "a good call afterwards")


def again(pair, far, before, peak):
    """Once more: most of what the first ten thousand needed is used again."""
    callers = Callers(pair)
    far.n_connections = 0
    open_all(pair, callers, far, before)
    rss = usage(pair)[0]
    callers.close()
    if not SANITIZED and rss > peak[0] * 5 // 4:
        fail("resident memory grew from %d to %d KiB" % (peak[0], rss))


def short_calls(pair):
    """On eight kept connections: nothing grows."""
    request = b"GET /x HTTP/1.1\r\nHost: crm\r\n\r\n"
    problems = []

    def run(count):
        caller = socket.socket(socket.AF_UNIX)
        caller.settimeout(30)
        caller.connect(pair.socket)
        for _ in range(count):
            caller.sendall(request)
            data = caller.recv(65536)
            while b"}" not in data:
                part = caller.recv(65536)
                if not part:
                    break
                data += part
            if not data.startswith(b"HTTP/1.1 200"):
                problems.append(data[:300])
                return
        caller.close()

    def run_all(count):
        threads = [threading.Thread(target=run, args=(count // 8,), daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run_all(SHORT_CALLS // 10)
    early = {daemon: usage(pair, daemon) for daemon in ("calld", "keyd")}
    started = time.monotonic()
    run_all(SHORT_CALLS - SHORT_CALLS // 10)
    seconds = time.monotonic() - started
    equal(problems, [], "answers")
    for daemon, (rss, n_fds) in early.items():
        now = usage(pair, daemon)
        print("   %s: %d KiB and %d descriptors after %d calls, %d KiB and %d after %d" % (daemon, rss, n_fds, SHORT_CALLS // 10, *now, SHORT_CALLS))
        if now[1] > n_fds + 20 or (not SANITIZED and now[0] > rss + 2048):
            fail("%s grew from %d to %d KiB, from %d to %d descriptors" % (daemon, rss, now[0], n_fds, now[1]))
    print("   %.0f calls a second" % ((SHORT_CALLS - SHORT_CALLS // 10) / seconds))


def hang(peer):
    if peer.read_head():
        peer.wait_end()


def share():
    """L11, L12: with few descriptors a user has no more than its share of connections; what is beyond is closed at once, and nothing waits for it."""
    with Pair(None, "share") as pair:
        # calld, which the first call starts, inherits it
        resource.prlimit(pair.pid("calld-activate"), resource.RLIMIT_NOFILE, (700, 700))
        callers = Callers(pair)
        equal(pair.call("GET", "/healthz", host="midtls").status, 200, "a first call")
        for _ in range(500):
            callers.connect().setblocking(False)

        def closed():
            n = 0
            for caller in callers.all:
                with contextlib.suppress(BlockingIOError):
                    n += caller.recv(1, socket.MSG_PEEK) == b""
            return n

        # three quarters of the descriptors, and of these three quarters
        wait_until(lambda: closed() == 500 - 700 * 3 // 4 * 3 // 4, "all but the share are closed: %d" % closed())
        callers.close()

        def served():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return pair.call("GET", "/healthz", host="midtls").status == 200

        wait_until(served, "calld takes calls again")


def main(suite):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < CALLERS * 3 / 2:
        suite.skip("many callers", "the limit on descriptors is %d" % hard)
        return
    suite.run("a user's share", share)
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "scale", CONFIG)
        nginx = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 100000000;"))
        far = stack.enter_context(Far(pair.pki, hang))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("crm", "mauth", nginx.port)
        pair.connection("slow", "mauth", far.port)
        stack.enter_context(pair)

        equal(pair.call("GET", "/x", host="crm").status, 200, "a first call")
        callers, before, peak = Callers(pair), usage(pair), [0]
        suite.run("%d callers at once" % CALLERS, open_all, pair, callers, far, before)
        peak[0] = usage(pair)[0]
        suite.run("others are served", others, pair)
        suite.run("the slow ones wait on", still_there, callers)
        suite.run("all go at once", all_go, pair, callers, before)
        suite.run("as many again", again, pair, far, before, peak)
        suite.run("short calls", short_calls, pair)


Suite().main(main)
