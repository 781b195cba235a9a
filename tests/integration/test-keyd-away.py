#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""keyd dies, stays away, comes back, or stops answering: kept connections go on, nothing hangs."""

import contextlib
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, fail, wait_until
from peers import Nginx

# Each call to `fresh` is a new handshake: its server closes after every answer.
CLOSES = "keepalive_requests 1;"


def good(pair, alias, connection=None):
    answer = pair.call("GET", "/", host=alias, connection=connection)
    equal(answer.status, 200, "status of %s (%r)" % (alias, answer.body[:300]))
    return answer


def unavailable(pair, alias, at_most):
    started = time.monotonic()
    answer = pair.call("GET", "/", host=alias)
    took = time.monotonic() - started
    equal((answer.status, answer.code()), (503, "keyd-unavailable"), "answer (%r)" % answer.body[:300])
    equal(bool(answer.json()["hint"]), True, "hint")
    if took > at_most:
        fail("took %.2f s, at most %g s are right" % (took, at_most))


def comes_back(pair, alias):
    wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "all of calld knows keyd", 10)
    good(pair, alias)


def killed_for_good(pair):
    """The activator is stopped, so keyd stays away."""
    connection = pair.connect()
    serial = good(pair, "kept", connection).json()["serial"]
    pair.signal("keyd-activate", signal.SIGSTOP)
    try:
        pair.kill("keyd")
        wait_until(lambda: pair.call("GET", "/", host="fresh").code() == "keyd-unavailable", "calld notices", 5)
        for _ in range(50):
            equal(good(pair, "kept", connection).json()["serial"], serial, "the kept connection")
        for _ in range(5):
            unavailable(pair, "fresh", 0.5)
        equal(pair.call("GET", "/readyz", host="midtls").status, 503, "/readyz")
        equal(pair.call("GET", "/healthz", host="midtls").status, 200, "/healthz")
    finally:
        pair.signal("keyd-activate", signal.SIGCONT)
    connection.close()
    comes_back(pair, "fresh")
    good(pair, "kept")


def killed_and_started_again(pair):
    """As under systemd: calld reconnects, the socket starts keyd again."""
    for _ in range(3):
        before = pair.pid("keyd")
        pair.kill("keyd")
        comes_back(pair, "fresh")
        equal(pair.pid("keyd") != before, True, "a new keyd")


def killed_under_load(pair):
    """Keep-alive calls of one caller's connection, with keyd killed in the middle: not one fails."""
    connection = pair.connect()
    for n in range(300):
        if n == 100:
            pair.kill("keyd")
        good(pair, "kept", connection)
    connection.close()
    comes_back(pair, "fresh")


def stopped(pair):
    """The verifier takes the request and says nothing: about 2 s, then the loop goes on."""
    good(pair, "fresh")
    pair.signal("keyd-verifier", signal.SIGSTOP)
    try:
        unavailable(pair, "fresh", 4)
    finally:
        pair.signal("keyd-verifier", signal.SIGCONT)
    comes_back(pair, "fresh")
    for _ in range(5):
        good(pair, "fresh")


def never_started(suite, server):
    """No keyd at all when calld gets its first call."""
    pair = Pair(suite, "no keyd")
    pair.profile("mauth", "p256.keytool.p12")
    pair.connection("crm", "mauth", server.port)
    with pair:
        pair.signal("keyd-activate", signal.SIGSTOP)
        started = time.monotonic()
        answer = pair.call("GET", "/", host="crm")
        pair.signal("keyd-activate", signal.SIGCONT)
        equal((answer.status, answer.code()), (503, "keyd-unavailable"), "answer (%r)" % answer.body[:300])
        if time.monotonic() - started > 5:
            fail("took %.1f s" % (time.monotonic() - started))
        comes_back(pair, "crm")


def tried_soon(suite, server):
    """While calls want keyd it is tried again soon, however long it has been away; who is there instead of it here counts."""
    pair = Pair(suite, "tried soon", workers=1)
    pair.profile("mauth", "p256.keytool.p12")
    pair.connection("crm", "mauth", server.port, http="SessionResumption=no")
    with pair, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        good(pair, "crm")
        path = os.path.join(pair.dir, "run", "keyd.sock")
        os.rename(path, path + ".away")
        listener.bind(path)
        listener.listen()
        pair.kill("keyd")
        listener.accept()[0].close()
        for _ in range(8):  # to wait twice as long each time would be to wait for five seconds at last
            equal(pair.call("GET", "/", host="crm").code(), "keyd-unavailable", "code")
            listener.settimeout(3)
            listener.accept()[0].close()
        os.rename(path + ".away", path)
        comes_back(pair, "crm")


def calld_killed(pair):
    pair.kill("calld")
    good(pair, "fresh")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "keyd-away")
        kept = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 100000;"))
        fresh = stack.enter_context(Nginx(pair.pki, extra=CLOSES))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("kept", "mauth", kept.port)
        pair.connection("fresh", "mauth", fresh.port, http="SessionResumption=no")
        stack.enter_context(pair)

        suite.run("killed, stays away, comes back", killed_for_good, pair)
        suite.run("killed, started again by its socket", killed_and_started_again, pair)
        suite.run("killed while keep-alive calls run", killed_under_load, pair)
        suite.run("stopped during a handshake", stopped, pair)
        suite.run("calld killed, started again by its socket", calld_killed, pair)
        suite.run("tried again when it is wanted", tried_soon, suite, fresh)
        suite.run("not there at the first call", never_started, suite, kept)


Suite().main(main)
