#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many calls that want a new connection at once: a worker has so many handshakes under way and no more, and a silent server holds up its own."""

import contextlib
import os
import select
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, wait_until
from peers import Nginx

HANDSHAKES = 8  # GATE_MAX in calld/call/gate.h
HELD_SEC = 0.2  # libcurl looks again at a socket that does not connect, and goes on then: CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS(3)
MANY = 60


class Mute:
    """Takes connections, counts those that have begun a handshake, and says nothing."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.peers = []
        self.n_hellos = 0
        self.thread = threading.Thread(target=self.run)
        self.end, end = socket.socketpair()
        self.ended = end
        self.thread.start()
        return self

    def run(self):
        silent = {self.listener, self.ended}
        while True:
            for sock in select.select(silent, [], [])[0]:
                if sock is self.ended:
                    return
                if sock is self.listener:
                    self.peers.append(sock.accept()[0])
                    silent.add(self.peers[-1])
                else:
                    silent.remove(sock)
                    self.n_hellos += bool(sock.recv(1))

    def __exit__(self, *_):
        self.end.close()
        self.thread.join()
        for sock in (self.listener, self.ended, *self.peers):
            sock.close()


def begin(pair, stack, alias):
    """A call whose answer nobody waits for."""
    connection = stack.enter_context(contextlib.closing(pair.connect()))
    connection.putrequest("GET", "/", skip_host=True)
    connection.putheader("Host", alias)
    connection.endheaders()


def held_up(pair, mute):
    """As many handshakes as there may be, none of which ends: the next one is held back, though not for long."""
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        for _ in range(HANDSHAKES):
            begin(pair, stack, "mute")
        wait_until(lambda: mute.n_hellos == HANDSHAKES, "%d handshakes have begun" % HANDSHAKES)
        equal(pair.call("GET", "/", host="fresh").status, 200, "status")
        equal(time.monotonic() - started >= HELD_SEC, True, "it waited (%.2f s)" % (time.monotonic() - started))

        # In the end the mute server's others wait for nobody, and nobody for them.
        for _ in range(2 * HANDSHAKES):
            begin(pair, stack, "mute")
        wait_until(lambda: mute.n_hellos == 3 * HANDSHAKES, "all handshakes have begun")
        equal(pair.call("GET", "/", host="fresh").status, 200, "status")


def burst(pair):
    """All get their turn."""
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(pair.call("GET", "/", host="fresh"))) for _ in range(MANY)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    equal([answer.status for answer in answers], [200] * MANY, "status")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "handshakes", workers=1)
        fresh = stack.enter_context(Nginx(pair.pki, extra="keepalive_timeout 0;"))
        mute = stack.enter_context(Mute())
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("fresh", "mauth", fresh.port, http="SessionResumption=no")
        pair.connection("mute", "mauth", mute.port)
        stack.enter_context(pair)
        equal(pair.call("GET", "/", host="fresh").status, 200, "status")

        suite.run("many at once", burst, pair)
        suite.run("a silent server", held_up, pair, mute)
        suite.run("many at once, afterwards", burst, pair)


Suite().main(main)
