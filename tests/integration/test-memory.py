#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The key's bytes are in the signer's memory alone, not in calld's nor in another role's; the scanner finds them in a client that holds its key."""

import contextlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from harness import BUILD, SANDBOX, Pair, Suite, equal, fail
from peers import Nginx


DAEMONS = ("keyd", "keyd-signer", "keyd-verifier", "calld")
# All keys together; each key's part is scanned SCANS times on the way.
HANDSHAKES = int(os.environ.get("MIDTLS_TEST_CALLS") or 10000)
SCANS = 4
COPIES_MIN = 16  # of an RSA key's numbers in a client that reads it from PEM


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
        equal(hits >= (COPIES_MIN if key.startswith("rsa") else 1), True, "hits in a client that holds its key: " + text)
    finally:
        client.stdin.close()
        client.wait(10)


def not_outside(pair, key, alias):
    """Neither in calld nor in the roles of keyd that hold no key."""
    for _ in range(HANDSHAKES // len(pki.KEYS) // SCANS):
        equal(pair.call("GET", "/", host=alias).status, 200, "status")
    for name in ("calld", "keyd", "keyd-verifier"):
        hits, _, text = scan(pair, key, pair.find(name))
        equal(hits, 0, "hits in %s: %s" % (name, text))


def in_signer(pair, key):
    """Kept where even root reads nothing (memfd_secret): then there is an unreadable region and no hit; on older kernels it is found."""
    hits, n_unreadable, text = scan(pair, key, pair.role("keyd-signer"))
    print("   " + text.strip())
    if n_unreadable == 0:
        equal(hits > 0, True, "neither found in the signer nor hidden there: " + text)
    else:
        equal(hits, 0, "hits in the signer beside its secret memory: " + text)


def not_dumpable(pair):
    for daemon in DAEMONS:
        # A process that is not dumpable has its files owned by root; as root there is the coredump limit to look at.
        with open("/proc/%d/limits" % pair.find(daemon)) as file:
            line = [line for line in file if line.startswith("Max core file size")][0]
        equal(line.split()[4:6], ["0", "0"], "core file limit of " + daemon)


def no_secret_outside(pair):
    """Neither password nor key in arguments or environment."""
    for daemon in DAEMONS:
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pair.find(daemon), name), "rb") as file:
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
            for n in range(SCANS):
                suite.run("not outside the signer, scan %d: %s" % (n + 1, key), not_outside, pair, key, key)
            suite.run("in the signer: " + key, in_signer, pair, key)
        if SANDBOX == "full":
            suite.run("no core dumps", not_dumpable, pair)
        else:
            suite.skip("no core dumps", "the sandbox is off")
        suite.run("no secret in arguments and environment", no_secret_outside, pair)


Suite().main(main)
