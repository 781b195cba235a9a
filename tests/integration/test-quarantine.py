#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fifty profiles, and among them keystores that take seconds to open, or at which the loader dies or stops: the others never wait for them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from dated import DAY, Issuer
from harness import BUILD, PASSWORD, SANITIZED, Pair, Suite, contains, equal, wait_until
from loader import make_slow, reading
from peers import Nginx

ITERATIONS = 1500000 if SANITIZED else 5000000  # three times
OTHERS = ["p%02d" % number for number in range(49)]


def rows(pair):
    return {row["name"]: row for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"]}


def is_ready(pair, name):
    row = rows(pair).get(name)
    return bool(row) and row["state"] == "ready"


def others_work(pair):
    for name in OTHERS:
        answer = pair.call("GET", "/", host=name)
        equal(answer.status, 200, "status of %s (%r)" % (name, answer.body[:300]))


def add_slow(pair, server, slow, name):
    pair.profile(name, slow, PASSWORD)
    pair.connection(name, name, server.port)


def becomes_ready(pair, name):
    wait_until(lambda: is_ready(pair, name), name + " is ready in the end", 120)
    equal(pair.call("GET", "/", host=name).status, 200, "status of " + name)


def at_start(pair):
    """It comes first in the alphabet; the others work long before it is read."""
    wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "calld knows the connections", 30)
    others_work(pair)
    answer = pair.call("GET", "/", host="aslow")
    equal((answer.status, answer.code()), (503, "key-unavailable"), "answer of the slow one meanwhile")
    contains(answer.json()["detail"], "take long to read", "detail")
    others_work(pair)
    becomes_ready(pair, "aslow")
    equal(pair.records("keyd", "key-load-failed"), [], "key-load-failed records: it is not bad")


def reload(pair):
    return subprocess.Popen([os.path.join(BUILD, "calld", "midtls"), "--socket", os.path.join(pair.dir, "run", "keyd-admin.sock"), "reload"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def at_reload(pair, issuer):
    """While it is read again it works with the key that it has, and a change of another one does not wait either."""
    with reload(pair) as process:
        reading(pair)
        equal(pair.call("GET", "/", host="aslow").status, 200, "status of the slow one while it is read")
        others_work(pair)
        os.rename(issuer.path("other.bundle.pem"), os.path.join(pair.dir, "p07.pem"))
        wait_until(lambda: rows(pair)["p07"]["generation"] == 2, "the new key of p07 is loaded")
        equal(process.poll(), None, "whether the reload waits for the slow one still")
        equal(pair.call("GET", "/", host="p07").status, 200, "status of p07")
        out, err = process.communicate(timeout=60)
    equal(process.returncode, 0, "exit status of midtls reload (%r %r)" % (out, err))
    contains(out.decode(), "aslow: unchanged: generation 1", "output")
    equal(is_ready(pair, "aslow"), True, "it is ready")
    equal(rows(pair)["aslow"]["reason"], "", "reason")


def killed(pair, server, slow):
    """The loader dies at a profile that is new: it is named and tried again by itself."""
    add_slow(pair, server, slow, "bslow")
    os.kill(reading(pair), signal.SIGKILL)
    record = pair.wait_record("keyd", "key-load-failed", PROFILE="bslow")
    contains(record["MESSAGE"], "was killed by signal 9 (KILL) while it read its files", "record")
    contains(record["MIDTLS_HINT"], "it is tried again", "hint")
    others_work(pair)
    becomes_ready(pair, "bslow")


def stopped(pair, server, slow):
    """It hangs at a profile that is new: it costs the others five seconds, once, and they were served before."""
    add_slow(pair, server, slow, "cslow")
    loader = reading(pair)
    os.kill(loader, signal.SIGSTOP)
    pair.connection("late", "p00", server.port)
    others_work(pair)
    wait_until(lambda: pair.call("GET", "/", host="late").status == 200, "what came later works")
    equal(is_ready(pair, "cslow"), False, "whether the one that hung is ready")
    others_work(pair)
    record = pair.wait_record("keyd", "key-load-failed", PROFILE="cslow")
    contains(record["MESSAGE"], "it was not done in time", "record")
    becomes_ready(pair, "cslow")


def bad_for_long(pair, slow):
    """A known one is killed at each attempt: it keeps its key and says so; reload tells it, and the next reload tries it again."""
    with reload(pair) as process:
        while process.poll() is None:
            with contextlib.suppress(AssertionError, ProcessLookupError):
                os.kill(reading(pair, 3), signal.SIGKILL)
        out = process.stdout.read().decode()
    equal(process.returncode, 1, "exit status of midtls reload")
    for name in ("aslow", "bslow", "cslow"):
        contains(out, name + ": kept-old: the last reload failed: the loader was killed by signal 9", "output")
        contains(rows(pair)[name]["reason"], "the last reload failed: the loader was killed", "reason of " + name)
        equal(pair.call("GET", "/", host=name).status, 200, "status of " + name)
    others_work(pair)

    for name in ("bslow", "cslow"):
        os.unlink(os.path.join(pair.etc, name + ".profile"))
    wait_until(lambda: rows(pair)["aslow"]["reason"] == "" and len(rows(pair)) == 50, "a change has it tried again", 60)


def main(suite):
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="midtls-slow-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        slow = make_slow(folder, pki.make(os.path.join(BUILD, "tests", "pki")), ITERATIONS)
        pair = Pair(suite, "quarantine")
        issuer = Issuer(os.path.join(pair.dir, "clients"), pair.pki)
        issuer.issue("one", 90 * DAY)
        issuer.issue("other", 90 * DAY)
        server = stack.enter_context(Nginx(pair.pki))
        for name in OTHERS:
            path = os.path.join(pair.dir, name + ".pem")
            shutil.copy(issuer.path("one.bundle.pem"), path)
            pair.write(name + ".profile", "[Profile]\nKeystorePath=%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (path, pair.pki))
            pair.connection(name, name, server.port)
        add_slow(pair, server, slow, "aslow")
        stack.enter_context(pair)

        suite.run("a slow store at the first start", at_start, pair)
        suite.run("a slow store at reload", at_reload, pair, issuer)
        suite.run("the loader is killed at a profile", killed, pair, server, slow)
        suite.run("the loader is stopped at a profile", stopped, pair, server, slow)
        suite.run("killed at each attempt", bad_for_long, pair, slow)


Suite().main(main)
