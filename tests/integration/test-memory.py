#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The key's bytes are in keyd's memory and not in calld's; the scanner finds them in a client that holds its key."""

import contextlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from harness import BUILD, SANDBOX, Pair, Suite, equal, fail
from peers import Nginx


def scan(pair, key, pid):
    """(hits, unreadable regions) of a process."""
    done = subprocess.run([os.path.join(BUILD, "tests", "lib", "scan"), "--key=" + os.path.join(pair.pki, key + ".key"), str(pid)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    found = re.match(rb"\d+: (\d+) hits in (\d+) KiB, (\d+) regions", done.stdout)
    if not found or done.returncode not in (0, 1) or int(found[2]) < 500:
        fail("scanner: %r" % done.stdout)
    equal(done.returncode, 0 if int(found[1]) else 1, "exit status of the scanner")
    return int(found[1]), int(found[3]), done.stdout.decode()


def control(pair, key, port):
    """Before anything is said of the pair, the scanner has to find the key where it must be."""
    folder = pair.pki
    client = subprocess.Popen([os.path.join(BUILD, "tests", "lib", "plaincurl"), folder + "/" + key + ".pem", folder + "/" + key + ".key",
                               folder + "/server-ca.pem", "https://localhost:%d/" % port], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        equal(client.stdout.readline(), b"Status 200\n", "the plain client's call")
        hits, _, text = scan(pair, key, client.pid)
        equal(hits > 0, True, "hits in a client that holds its key: " + text)
    finally:
        client.stdin.close()
        client.wait(10)


def not_in_calld(pair, key, alias):
    for _ in range(5):
        for n in range(20):
            equal(pair.call("GET", "/", host=alias).status, 200, "status")
        hits, _, text = scan(pair, key, pair.pid("calld"))
        equal(hits, 0, "hits in calld: " + text)


def in_keyd(pair, key):
    """Found; or kept where even root reads nothing (memfd_secret): then there is an unreadable region instead."""
    hits, n_unreadable, text = scan(pair, key, pair.pid("keyd"))
    if hits == 0 and n_unreadable == 0:
        fail("neither found in keyd nor hidden there: " + text)


def not_dumpable(pair):
    for daemon in ("keyd", "calld"):
        # A process that is not dumpable has its files owned by root; as root there is the coredump limit to look at.
        with open("/proc/%d/limits" % pair.pid(daemon)) as file:
            line = [line for line in file if line.startswith("Max core file size")][0]
        equal(line.split()[4:6], ["0", "0"], "core file limit of " + daemon)


def no_secret_outside(pair):
    """Neither password nor key in arguments or environment."""
    for daemon in ("keyd", "calld"):
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pair.pid(daemon), name), "rb") as file:
                data = file.read()
            for secret in (b"changeit", b"PRIVATE KEY"):
                equal(secret in data, False, "%r in %s of %s" % (secret, name, daemon))


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "memory")
        server = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 1;"))
        # libcurl frees its key with the last connection: the control's has to stay.
        keeps = stack.enter_context(Nginx(pair.pki))
        for key in pki.KEYS:
            pair.profile(key, key + ".keytool.p12")
            pair.connection(key, key, server.port, http="SessionResumption=no")
        stack.enter_context(pair)
        for key in pki.KEYS:
            suite.run("control: found in a plain client: " + key, control, pair, key, keeps.port)
            suite.run("not in calld: " + key, not_in_calld, pair, key, key)
            suite.run("in keyd: " + key, in_keyd, pair, key)
        if SANDBOX == "full":
            suite.run("no core dumps", not_dumpable, pair)
        else:
            suite.skip("no core dumps", "the sandbox is off")
        suite.run("no secret in arguments and environment", no_secret_outside, pair)


Suite().main(main)
