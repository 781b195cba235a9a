#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""IdleExit=: both daemons end when nobody has called, the next call starts them, and no call is lost between."""

import contextlib
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, fail, wait_until
from peers import Nginx

CONFIG = "[Calls]\nIdleExit=%s\n"


@contextlib.contextmanager
def pair(suite, name, idle_exit):
    with Pair(suite, name, CONFIG % idle_exit) as p, Nginx(p.pki) as nginx:
        p.profile("mauth", "p256.openssl.p12")
        p.connection("crm", "mauth", nginx.port)
        yield p


def good(p, connection=None):
    answer = p.call("GET", "/", host="crm", connection=connection)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])


def messages(p, daemon, text):
    return [record for record in p.records(daemon) if text in record.get("MESSAGE", "")]


def ends(p):
    """calld, then keyd, whose last caller it was; and the next call starts both."""
    for n in (1, 2):
        good(p)
        wait_until(lambda: len(messages(p, "calld", "calld ends until somebody does")) == n, "calld ends", 20)
        wait_until(lambda: len(messages(p, "keyd", "keyd ends until somebody does")) == n, "keyd ends", 20)
    good(p)


def kept(p):
    """A caller that stays connected keeps calld, silent as it is; and calld keeps keyd."""
    connection = p.connect()
    good(p, connection)
    pids, until = (p.pid("calld"), p.pid("keyd")), time.monotonic() + 2.5
    wait_until(lambda: time.monotonic() > until, "IdleExit= has passed twice")
    good(p, connection)
    equal((p.pid("calld"), p.pid("keyd")), pids, "processes")
    connection.close()


def nothing_lost(p):
    """Each caller waits until calld is about to end, and calls just then."""
    problems, n_good = [], [0]

    def caller():
        try:
            for _ in range(6):
                seen = len(messages(p, "calld", "calld ends"))
                wait_until(lambda: len(messages(p, "calld", "calld ends")) > seen, "calld ends", 30)
                good(p)
                n_good[0] += 1
        except Exception as problem:
            problems.append(problem)

    good(p)
    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if problems or n_good[0] != 24:
        fail("after %d good calls: %s" % (n_good[0], problems[:1]))


def main(suite):
    with pair(suite, "idle", "1s") as p:
        suite.run("both end, and the next call starts both", ends, p)
        suite.run("a kept connection keeps both", kept, p)
        suite.run("no call is lost when calld is about to end", nothing_lost, p)


Suite().main(main)
