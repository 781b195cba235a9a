#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many calls, kept and new connections mixed: memory and descriptors of both daemons stay flat.

MIDTLS_TEST_CALLS says how many (10,000); the first tenth is for warming up.
"""

import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import SANITIZED, Pair, Suite, equal, fail, wait_until
from peers import Nginx

CALLS = int(os.environ.get("MIDTLS_TEST_CALLS") or 10000)
# What an allocator may keep; a leak of a hundred bytes in each call would show.
SLACK_KIB = 1024


def usage(pair, daemon):
    """(RSS in KiB, number of descriptors)"""
    pid = pair.pid(daemon)
    with open("/proc/%d/status" % pid) as file:
        rss = [int(line.split()[1]) for line in file if line.startswith("VmRSS:")][0]
    return rss, len(os.listdir("/proc/%d/fd" % pid))


def run_calls(pair, count):
    connection = pair.connect()
    for n in range(count):
        if n % 10 == 9:  # a caller that comes and goes
            connection.close()
            connection = pair.connect()
        alias = ("crm", "crm", "fresh", "crm", "old")[n % 5]
        if n % 7 == 0:
            answer = pair.call("POST", "/x", host=alias, body=b"b" * 2000, connection=connection)
        elif n % 101 == 0:
            answer = pair.call("GET", "/x", host="nobody", connection=connection)
            equal(answer.status, 404, "status")
            continue
        else:
            answer = pair.call("GET", "/x", host=alias, connection=connection)
        equal(answer.status, 200, "status of call %d (%r)" % (n, answer.body[:300]))
    connection.close()


def soak(pair, before):
    run_calls(pair, CALLS // 10)
    for daemon in ("keyd", "calld"):
        before[daemon] = usage(pair, daemon)
    run_calls(pair, CALLS - CALLS // 10)


def flat(pair, daemon, before):
    rss, n_fds = before[daemon]
    # The last caller's descriptor goes when calld's loop has seen its end.
    wait_until(lambda: usage(pair, daemon)[1] <= n_fds + 2, "%s's descriptors are back at about %d" % (daemon, n_fds), 5)
    if SANITIZED:
        return  # freed memory stays in quarantine: leaks are reported at the end instead
    after = usage(pair, daemon)[0]
    print("   %s: %d KiB after %d calls, %d KiB after %d" % (daemon, rss, CALLS // 10, after, CALLS))
    if after > rss + SLACK_KIB:
        fail("%s grew from %d to %d KiB in %d calls" % (daemon, rss, after, CALLS))


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "soak")
        extra = "keepalive_requests %d;"
        servers = {"crm": Nginx(pair.pki, extra=extra % 50), "fresh": Nginx(pair.pki, server="server-ecdsa", extra=extra % 1),
                   "old": Nginx(pair.pki, tls="1.2", extra=extra % 2)}
        for alias, server in servers.items():
            stack.enter_context(server)
            pair.profile(alias, {"crm": "rsa2048", "fresh": "p256", "old": "ed25519"}[alias] + ".keytool.p12")
            pair.connection(alias, alias, server.port, http="SessionResumption=" + ("yes" if alias == "crm" else "no"))
        stack.enter_context(pair)

        before = {}
        suite.run("%d calls" % CALLS, soak, pair, before)
        for daemon in ("keyd", "calld"):
            if daemon not in before:
                fail("no figures of " + daemon)
            suite.run(daemon + " is flat", flat, pair, daemon, before)


Suite().main(main)
