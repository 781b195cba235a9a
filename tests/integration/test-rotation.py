#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keys are replaced while 200 calls a second run: no call fails, new calls never open a connection with the old certificate; what is half
replaced or broken keeps the old generation; one broken profile of fifty disturbs nobody."""

import contextlib
import hashlib
import os
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from corpus import KEYS, Corpus
from harness import Pair, Suite, equal, fail, wait_until
from peers import Nginx

CALLERS = 8
CALLS_PER_SECOND = 200
LOG_FORMAT = "log_format rotation '$msec $connection $connection_time $ssl_client_fingerprint $http_x_sent';"


class Clients:
    """Client certificates beyond those of the PKI."""

    def __init__(self, pair):
        self.corpus = Corpus(os.path.join(pair.dir, "clients"), pair.pki)

    def make(self, name):
        self.corpus.make_key(name, KEYS["p256"][0])
        return self

    def bundle(self, key, chain=None):
        return self.corpus.read(key + ".key") + self.corpus.read((chain or key) + ".pem")

    def fingerprint(self, name):
        """SHA-1, as nginx has it."""
        return hashlib.sha1(ssl.PEM_cert_to_DER_cert(self.corpus.read(name + ".leaf.pem").decode())).hexdigest()


def replace(path, data):
    """As an administrator should: a complete new file is renamed."""
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


class Load:
    """CALLERS threads, half of them on an alias whose server closes each connection; bounded by `stop`."""

    def __init__(self, pair):
        self.pair = pair
        self.n_calls = 0
        self.problems = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=("kept" if n % 2 else "fresh",)) for n in range(CALLERS)]

    def work(self, alias):
        connection = self.pair.connect()
        pause = CALLERS / CALLS_PER_SECOND
        due = time.monotonic()
        while not self.ended.wait(max(0, due - time.monotonic())):
            due += pause
            try:
                answer = self.pair.call("GET", "/", host=alias, connection=connection, headers=[("X-Sent", "%.6f" % time.time())])
                if answer.status != 200:
                    self.problems.append("%s: %d %r" % (alias, answer.status, answer.body[:300]))
            except Exception as problem:
                self.problems.append("%s: %r" % (alias, problem))
                connection.close()
                connection = self.pair.connect()
            self.n_calls += 1
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join(30)


def generation(pair, name="mauth"):
    rows = {row["name"]: row for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"]}
    return rows[name]["generation"]


def next_generation(pair, before, seconds=20):
    return wait_until(lambda: generation(pair) != before and generation(pair), "a generation after %d" % before, seconds)


def log_rows(pair):
    rows = []
    for name in ("kept", "fresh"):
        with open(os.path.join(pair.dir, name + ".log")) as file:
            for line in file:
                msec, connection, age, fingerprint, sent = line.split()
                rows.append((float(msec) - float(age), fingerprint, sent))
    return rows


def under_load(pair, path, clients):
    """Five rotations, each by rename, while calls run."""
    switches = {}
    with Load(pair) as load:
        wait_until(lambda: load.n_calls > CALLS_PER_SECOND, "calls run")
        for name in ("second", "third", "first", "second", "third"):
            before = generation(pair)
            replace(path, clients.bundle(name))
            next_generation(pair, before)
            switches.setdefault(name, []).append(time.time())
            count = load.n_calls
            wait_until(lambda: load.n_calls > count + CALLS_PER_SECOND, "calls go on")
    if load.problems:
        fail("%d of %d calls failed: %s" % (len(load.problems), load.n_calls, load.problems[:3]))
    equal(load.n_calls > 5 * CALLS_PER_SECOND, True, "calls made")

    # Until a switch was seen, which is a little after it was made, the one before is right too.
    order = sorted((when, name) for name, times in switches.items() for when in times)
    wrong = []
    for opened, fingerprint, sent in log_rows(pair):
        if sent == "-":
            continue
        # The latest switch that lay before both the call and its connection: from then on its certificate or a newer one
        passed = [name for when, name in order if when < float(sent) and when < opened]
        if not passed:
            continue
        later = [name for _, name in order[len(passed) - 1:len(passed) + 1]]
        if fingerprint not in [clients.fingerprint(name) for name in later]:
            wrong.append((opened, fingerprint, sent))
    equal(wrong, [], "requests with an old certificate on a new connection")


def half_replaced(pair, path, clients):
    """The certificate first, the key later: no mixed pair, one step."""
    before = generation(pair)
    n_failed = len(pair.records("keyd", "key-load-failed"))
    replace(path, clients.bundle("third", chain="first"))
    wait_until(lambda: len(pair.records("keyd", "key-load-failed")) > n_failed, "the half replaced keystore was looked at", 20)
    equal(generation(pair), before, "generation while half is replaced")
    equal(pair.call("GET", "/", host="fresh").json()["fingerprint"], clients.fingerprint("third"), "certificate while half is replaced")
    replace(path, clients.bundle("first"))
    equal(next_generation(pair, before), before + 1, "one step")
    equal(pair.call("GET", "/", host="fresh").json()["fingerprint"], clients.fingerprint("first"), "certificate afterwards")


def garbage(pair, path, clients):
    before = generation(pair)
    n_failed = len(pair.records("keyd", "key-load-failed"))
    replace(path, b"garbage\n")
    wait_until(lambda: len(pair.records("keyd", "key-load-failed")) > n_failed, "garbage was looked at", 20)
    equal(generation(pair), before, "generation")
    equal(pair.call("GET", "/", host="fresh").status, 200, "status with garbage on disk")
    record = pair.records("keyd", "key-load-failed")[-1]
    equal(record.get("MIDTLS_PROFILE"), "mauth", "profile of the record")
    replace(path, clients.bundle("second"))
    next_generation(pair, before)


def touched(pair, path, clients):
    """The same content again is no new generation."""
    before = generation(pair)
    n_loads = len(pair.records("keyd", "config-loaded"))
    replace(path, clients.bundle("second"))
    wait_until(lambda: len(pair.records("keyd", "config-loaded")) > n_loads, "a load", 20)
    equal(generation(pair), before, "generation")


def rotate(suite):
    pair = Pair(suite, "rotation")
    clients = Clients(pair).make("first").make("second").make("third")
    path = os.path.join(pair.dir, "clients", "live.pem")
    replace(path, clients.bundle("first"))
    with contextlib.ExitStack() as stack:
        for alias, extra in (("kept", "keepalive_requests 1000000;"), ("fresh", "keepalive_timeout 0;")):
            server = stack.enter_context(Nginx(pair.pki, http=LOG_FORMAT, extra=extra + " access_log %s rotation;" % os.path.join(
                pair.dir, alias + ".log")))
            pair.connection(alias, "mauth", server.port, http="SessionResumption=no")
        pair.write("mauth.profile", "[Profile]\nKeystorePath=%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (path, pair.pki))
        stack.enter_context(pair)
        equal(pair.call("GET", "/", host="fresh").json()["fingerprint"], clients.fingerprint("first"), "certificate at first")
        suite.run("five rotations under %d calls/s" % CALLS_PER_SECOND, under_load, pair, path, clients)
        suite.run("certificate first, key later", half_replaced, pair, path, clients)
        suite.run("garbage keeps the old one", garbage, pair, path, clients)
        suite.run("the same content again", touched, pair, path, clients)


def fifty(suite):
    """One of fifty profiles is broken, in ways that take time where they can."""
    pair = Pair(suite, "fifty")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Nginx(pair.pki))
        names = ["p%02d" % n for n in range(50)]
        for name in names:
            pair.profile(name, "p256.keytool.p12")
            pair.connection(name, name, server.port)
        broken = os.path.join(pair.dir, "broken.p12")
        os.mkfifo(broken, 0o600)
        pair.write("p25.profile", "[Profile]\nKeystorePath=%s\nPassword=changeit\n[Server]\nCAFile=%s/server-ca.pem\n" % (broken, pair.pki))
        stack.enter_context(pair)
        suite.run("at start", others_work, pair, names)
        os.unlink(broken)
        n_loads = len(pair.records("keyd", "config-loaded"))
        replace(broken, b"\x30\x84\x7f\xff\xff\xff" + bytes(1000))
        wait_until(lambda: len(pair.records("keyd", "config-loaded")) > n_loads, "a load", 20)
        suite.run("after a reload", others_work, pair, names)


def others_work(pair, names):
    wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "calld knows the connections", 30)
    for name in names:
        answer = pair.call("GET", "/", host=name)
        if name == "p25":
            equal((answer.status, answer.code()), (503, "key-unavailable"), "the broken one")
        else:
            equal(answer.status, 200, "status of %s (%r)" % (name, answer.body[:200]))


def main(suite):
    rotate(suite)
    fifty(suite)


Suite().main(main)
