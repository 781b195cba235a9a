#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""calld's worker threads: callers are spread over them, one that waits for a signature holds up no other, limits hold for all together."""

import contextlib
import os
import re
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, wait_until
from peers import Nginx, Server

WORKERS = 4
CALLERS = 16


def threads(pair):
    return len(os.listdir("/proc/%d/task" % pair.pid("calld")))


def number_of_threads(pair):
    # a thread that looks a name up is one more for a moment
    wait_until(lambda: threads(pair) == WORKERS + 1, "%d workers and the main thread" % WORKERS)


def serials(pair, n):
    """As many callers' connections at once, in the order they came: the number that nginx gives to the connection each call went over."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(contextlib.closing(pair.connect())) for _ in range(n)]
        return [pair.call("GET", "/", host="kept", connection=connection).json()["serial"] for connection in connections]


def spread(pair):
    """Every worker opens one connection to the far server, and its callers share it."""
    found = serials(pair, CALLERS)
    equal(len(set(found)), WORKERS, "connections to the far server")
    for serial in set(found):
        # calld may not have noticed yet that a caller from before has gone
        equal(abs(found.count(serial) - CALLERS // WORKERS) <= 1, True, "callers of one worker: %d" % found.count(serial))


def one_waits(pair):
    """keyd takes the request and says nothing: calls over kept connections of the other workers go on meanwhile."""
    with contextlib.ExitStack() as stack:
        workers = {}
        for _ in range(2 * WORKERS):
            connection = stack.enter_context(contextlib.closing(pair.connect()))
            workers.setdefault(pair.call("GET", "/", host="kept", connection=connection).json()["serial"], connection)
        connections = list(workers.values())
        equal(len(connections), WORKERS, "workers with a caller")
        pair.signal("keyd-verifier", signal.SIGSTOP)
        try:
            answers = []
            waiting = threading.Thread(target=lambda: answers.append(pair.call("GET", "/", host="fresh", connection=connections[0])))
            waiting.start()
            for _ in range(20):
                for connection in connections[1:]:
                    equal(pair.call("GET", "/", host="kept", connection=connection).status, 200, "status of another worker's call")
            equal(waiting.is_alive(), True, "the first one waits still")
            waiting.join(10)
            equal(answers[0].code(), "keyd-unavailable", "code of the first one")
        finally:
            pair.signal("keyd-verifier", signal.SIGCONT)
    wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "all workers know keyd")


def limit_for_all(pair):
    """MaxCallsPerUser= counts calls of all workers."""
    with contextlib.ExitStack() as stack:
        for n in range(CALLERS):
            connection = stack.enter_context(contextlib.closing(pair.connect()))
            connection.putrequest("GET", "/silent", skip_host=True)
            connection.putheader("Host", "far")
            connection.endheaders()
            line = b"\nmidtls_calls_in_flight %d\n" % (n + 1)
            wait_until(lambda: line in pair.call("GET", "/metrics", host="midtls").body, "%d calls" % (n + 1))
        answer = pair.call("GET", "/", host="kept")
        equal((answer.status, answer.code()), (429, "overloaded"), "one more")
    wait_until(lambda: b"\nmidtls_calls_in_flight 0\n" in pair.call("GET", "/metrics", host="midtls").body, "all are gone")
    equal(pair.call("GET", "/", host="kept").status, 200, "status")


def counted_together(pair):
    """Calls of all workers are in the metrics."""
    def ok():
        body = pair.call("GET", "/metrics", host="midtls").body.decode()
        return sum(int(n) for n in re.findall(r'^midtls_calls_total\{[^}]*code="ok"\} (\d+)$', body, re.M))

    before = ok()
    serials(pair, CALLERS)
    # one from before may be counted late
    wait_until(lambda: ok() >= before + CALLERS, "%d calls more" % CALLERS)


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "workers", "[Calls]\nMaxCallsPerUser=%d\n" % CALLERS, workers=WORKERS)
        kept = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 1000000;"))
        fresh = stack.enter_context(Nginx(pair.pki, extra="keepalive_timeout 0;"))
        far = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("kept", "mauth", kept.port)
        pair.connection("fresh", "mauth", fresh.port, http="SessionResumption=no")
        pair.connection("far", "mauth", far.port)
        stack.enter_context(pair)
        equal(pair.call("GET", "/", host="kept").status, 200, "status")

        suite.run("a thread each", number_of_threads, pair)
        suite.run("callers are spread", spread, pair)
        suite.run("one waits for keyd, the others do not", one_waits, pair)
        suite.run("limits for all together", limit_for_all, pair)
        suite.run("metrics of all together", counted_together, pair)


Suite().main(main)
