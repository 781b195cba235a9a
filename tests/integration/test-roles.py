#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Roles of keyd die and hang: the others live on, handshakes fail in bounded time, nothing is signed meanwhile, and it recovers by itself."""

import contextlib
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal, fail, wait_until
from peers import Nginx

BOUND_SEC = 5


def good(pair, alias="fresh"):
    answer = pair.call("GET", "/", host=alias)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])


def goes_on(pair):
    """A kept connection is used, whatever became of another one's handshake."""
    call_id = pair.call("GET", "/", host="kept").header("Midtls-Call-Id")
    record = pair.wait_record("calld", "call", CALL_ID=call_id)
    equal((record["MIDTLS_STATUS"], record["MIDTLS_REUSED"]), ("200", "1"), "status of the call, and whether its connection was kept")


def comes_back(pair):
    wait_until(lambda: pair.call("GET", "/", host="fresh").status == 200, "handshakes work again", 15)


def fails_in_time(pair):
    n_signatures = len(pair.records("keyd", "signature"))
    started = time.monotonic()
    answer = pair.call("GET", "/", host="fresh")
    contains(["keyd-unavailable", "signing-refused"], answer.code(), "code (%d %r)" % (answer.status, answer.body[:300]))
    if time.monotonic() - started > BOUND_SEC:
        fail("took %.1f s" % (time.monotonic() - started))
    equal(len(pair.records("keyd", "signature")), n_signatures, "signatures meanwhile")


def killed(pair, role):
    good(pair)
    keyd, other = pair.pid("keyd"), {"keyd-verifier": "keyd-signer", "keyd-signer": "keyd-verifier"}[role]
    before, neighbour = pair.role(role), pair.role(other)
    pair.kill(role)
    comes_back(pair)
    equal(pair.pid("keyd"), keyd, "the supervisor lives")
    equal(pair.role(other), neighbour, "the neighbour lives")
    equal(pair.role(role) != before, True, "a new role")


def stopped(pair, role):
    good(pair)
    pair.signal(role, signal.SIGSTOP)
    try:
        fails_in_time(pair)
        for _ in range(10):
            goes_on(pair)
    finally:
        pair.signal(role, signal.SIGCONT)
    comes_back(pair)


def verifier_keeps_generations(pair):
    """A new verifier is told what the last one knew; no load is needed, no key is loaded again."""
    n_loads = len(pair.records("keyd", "config-loaded"))
    n_keys = len(pair.records("keyd", "key-loaded"))
    pair.kill("keyd-verifier")
    comes_back(pair)
    equal(len(pair.records("keyd", "config-loaded")), n_loads, "loads")
    equal(len(pair.records("keyd", "key-loaded")), n_keys, "keys loaded")


def loader_gone(pair):
    """The loader is short-lived."""
    def children():
        with open("/proc/%d/task/%d/children" % (pair.pid("keyd"), pair.pid("keyd"))) as file:
            return len(file.read().split())

    wait_until(lambda: children() == 2, "keyd has two children: verifier and signer")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "roles", workers=1)
        fresh = stack.enter_context(Nginx(pair.pki, extra="keepalive_timeout 0;"))
        kept = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 1000000;"))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("fresh", "mauth", fresh.port, http="SessionResumption=no")
        pair.connection("kept", "mauth", kept.port)
        stack.enter_context(pair)
        good(pair)
        good(pair, "kept")
        suite.run("the loader has ended", loader_gone, pair)
        for role in ("keyd-verifier", "keyd-signer"):
            suite.run(role + " killed", killed, pair, role)
            suite.run(role + " stopped", stopped, pair, role)
        suite.run("a new verifier needs no load", verifier_keeps_generations, pair)


Suite().main(main)
