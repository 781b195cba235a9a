#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates that have expired, will soon, do while the pair runs, or are not valid yet; and those that a server may not like."""

import contextlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from dated import DAY, Issuer
from harness import Pair, Suite, contains, equal, wait_until
from peers import Nginx

HOUR = 3600
# profile: (seconds from now to notAfter, words of the one warning; None: no warning is due)
EXPIRING = {
    "far": (31 * DAY, None),
    "month": (29 * DAY, "within 29 days"),
    "weeks": (13 * DAY, "within 13 days"),
    "week": (6 * DAY, "within 6 days"),
    "hours": (12 * HOUR, "within 12 hours"),
}
# profile: (how it is issued, what its warning says)
WEAK = {
    "nousage": ({"section": "servers"}, "its extended key usage lacks clientAuth"),
    "nosign": ({"section": "agreement"}, "its key usage lacks digitalSignature"),
    "shaone": ({"digest": "sha1"}, "signed with SHA-1"),
    "nochain": ({"chain": False}, "the certificate of the issuer CN=Client Intermediate CA,O=MID is not in the store"),
}


def profile(pair, name, keystore, port):
    pair.write(name + ".profile", "[Profile]\nKeystorePath=%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (keystore, pair.pki))
    pair.connection(name, name, port, http="SessionResumption=no")


def state(pair, name):
    rows = {row["name"]: row for row in pair.call("GET", "/connections", host="midtls").json()["connections"]}
    return rows[name]["state"]


def expect_expired(pair, name, *words):
    answer = pair.call("GET", "/", host=name)
    equal((answer.status, answer.code()), (503, "key-expired"), "answer of %s (%r)" % (name, answer.body[:300]))
    for word in words:
        contains(answer.json()["detail"], word, "detail")
    equal(bool(answer.json()["hint"]), True, "hint")


def command(pair, status, *arguments):
    got, out, err = pair.midtls(*arguments)
    equal(got, status, "exit status of midtls %s (%.300r %.300r)" % (" ".join(arguments), out, err))
    return out


def row_of(out, name):
    return [line for line in out.splitlines() if line.split()[:1] == [name]][0]


def expired(pair):
    expect_expired(pair, "past", "expired on 2021-01-01")
    contains(row_of(command(pair, 0, "list"), "past"), " expired", "row of midtls list")
    contains(row_of(command(pair, 0, "list", "--profiles"), "past"), " expired", "row of midtls list --profiles")
    contains(row_of(command(pair, 1, "certs"), "past"), " expired", "row of midtls certs")
    contains(command(pair, 0, "show", "past"), "expired on 2021-01-01", "midtls show")
    equal(len(pair.records("keyd", "key-expiring", PROFILE="past")), 1, "records")
    contains(pair.records("keyd", "key-expiring", PROFILE="past")[0]["MESSAGE"], "has expired", "record")


def not_yet_valid(pair):
    begins = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * DAY))
    expect_expired(pair, "future", "not valid before", begins)
    contains(row_of(command(pair, 0, "list"), "future"), " not-yet-valid", "row of midtls list")
    equal(pair.records("keyd", "key-expiring", PROFILE="future"), [], "records of one that has not begun")


def expiring(pair, name, words):
    equal(pair.call("GET", "/", host=name).status, 200, "status")
    equal(state(pair, name), "ready", "state")
    records = pair.records("keyd", "key-expiring", PROFILE=name)
    equal(len(records), 1 if words else 0, "key-expiring records of " + name)
    if words:
        contains(records[0]["MESSAGE"], words, "record")
        equal(str(records[0]["PRIORITY"]), "4", "priority (warning)")


def said_once(pair):
    """Loads again: a threshold that was passed before is not told again."""
    n_before = len(pair.records("keyd", "key-expiring"))
    equal(pair.reload()[0], 0, "midtls reload")
    equal(len(pair.records("keyd", "key-expiring")), n_before, "key-expiring records after a reload")


def certs_expiring(pair):
    """Only what ends within the time that was asked for, or has ended, is a failure."""
    data = json.loads(command(pair, 1, "certs", "--expiring=1d", "--json=short"))
    equal(bool(data["profiles"]), True, "certificates of midtls certs --json")
    out = command(pair, 1, "certs", "--expiring=14d")
    for name, want in (("far", "ok"), ("month", "ok"), ("weeks", "expiring"), ("hours", "expiring")):
        equal(row_of(out, name).split()[-1], want, "state of " + name)


def weak(pair, name, sentence):
    warnings = [record for record in pair.records("keyd", PROFILE=name) if sentence in record["MESSAGE"]]
    equal(len(warnings), 1, "warnings of %s (%r)" % (name, [r["MESSAGE"] for r in pair.records("keyd", PROFILE=name)]))
    equal(str(warnings[0]["PRIORITY"]), "4", "priority (warning)")
    answer = pair.call("GET", "/", host=name)
    equal(answer.code(), None, "an answer of midtls instead of the server's (%r)" % answer.body[:400])
    equal(len(pair.records("keyd", "signature", PROFILE=name)), 1, "signatures")


def ends_meanwhile(pair, issuer):
    """Nobody asks for a load: calld refuses by the date, keyd looks again when the date has come, and says so."""
    profile(pair, "brief", issuer.issue("brief", 4), pair.port)
    wait_until(lambda: pair.call("GET", "/", host="brief").status == 200, "it works while it is valid", 3)
    contains(pair.wait_record("keyd", "key-expiring", PROFILE="brief")["MESSAGE"], "within 1 hour", "record")
    wait_until(lambda: pair.call("GET", "/", host="brief").code() == "key-expired", "it expires")
    equal(time.time() >= issuer.ends["brief"] + 1, True, "refused after its last second")
    equal(state(pair, "brief"), "expired", "state")
    expect_expired(pair, "brief", "expired")
    n_signatures = len(pair.records("keyd", "signature", PROFILE="brief"))

    wait_until(lambda: "has expired" in pair.records("keyd", "key-expiring", PROFILE="brief")[-1]["MESSAGE"], "keyd's record", 3)
    wait_until(lambda: "expired on" in pair.call("GET", "/", host="brief").json()["detail"], "calld has keyd's sentence", 3)
    equal(pair.reload()[0], 0, "midtls reload")
    equal(len(pair.records("keyd", "key-expiring", PROFILE="brief")), 2, "key-expiring records")
    equal(len(pair.records("keyd", "signature", PROFILE="brief")), n_signatures, "signatures after its end")


def begins_meanwhile(pair, issuer):
    begins = int(time.time() + 3)
    profile(pair, "soon", issuer.issue("soon", 90 * DAY, begins=3), pair.port)
    wait_until(lambda: pair.call("GET", "/", host="soon").code() == "key-expired", "it is there and not valid yet", 3)
    wait_until(lambda: pair.call("GET", "/", host="soon").status == 200, "it begins")
    equal(time.time() >= begins, True, "used when its day has come")


def successor(pair, issuer):
    """One that is put in place before its time waits: the old one stays, and at the end of the old one there is no gap of a refresh."""
    profile(pair, "heir", issuer.issue("heir", 5), pair.port)
    wait_until(lambda: pair.call("GET", "/", host="heir").status == 200, "the old one works", 3)
    issuer.issue("heir", 90 * DAY, begins=issuer.ends["heir"] + 1 - time.time())
    record = pair.wait_record("keyd", "key-load-failed", PROFILE="heir")
    contains(record["MESSAGE"], "not valid before", "why the new one waits")
    equal(pair.call("GET", "/", host="heir").code(), None, "an answer of midtls while the old one is in force")
    wait_until(lambda: len(pair.records("keyd", "key-loaded", PROFILE="heir")) == 2, "the new one is taken at its time", 8)
    wait_until(lambda: pair.call("GET", "/", host="heir").status == 200, "it is used", 3)


def renewed(pair, issuer):
    """Put in place it is loaded by itself, and the profile works again."""
    issuer.issue("brief", 40 * DAY)
    wait_until(lambda: pair.call("GET", "/", host="brief").status == 200, "the renewed certificate is in use", 20)
    equal(state(pair, "brief"), "ready", "state")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "expiry")
        issuer = Issuer(os.path.join(pair.dir, "clients"), pair.pki)
        # Whatever certificate it is: what is refused is refused by us.
        server = stack.enter_context(Nginx(pair.pki, verify="optional_no_ca", extra="keepalive_timeout 0;"))
        pair.port = server.port
        profile(pair, "past", os.path.join(pair.pki, "expired.bundle.pem"), server.port)
        profile(pair, "future", issuer.issue("future", 90 * DAY, begins=2 * DAY), server.port)
        for name, (ends, _) in EXPIRING.items():
            # Some seconds pass until it is looked at.
            profile(pair, name, issuer.issue(name, ends), server.port)
        for name, (options, _) in WEAK.items():
            profile(pair, name, issuer.issue(name, 90 * DAY, **options), server.port)
        profile(pair, "alone", issuer.self_sign("alone"), server.port)
        stack.enter_context(pair)
        equal(pair.call("GET", "/", host="far").status, 200, "status of a call")

        suite.run("expired", expired, pair)
        suite.run("not yet valid", not_yet_valid, pair)
        for name, (_, words) in EXPIRING.items():
            suite.run("ends in %s: %s" % (name, words or "no warning"), expiring, pair, name, words)
        suite.run("a threshold is told once", said_once, pair)
        suite.run("midtls certs --expiring", certs_expiring, pair)
        for name, (_, sentence) in WEAK.items():
            suite.run("warned of and usable: " + sentence, weak, pair, name, sentence)
        suite.run("warned of and usable: self-signed", weak, pair, "alone", "the certificate is self-signed")
        suite.run("expires while the pair runs", ends_meanwhile, pair, issuer)
        suite.run("begins while the pair runs", begins_meanwhile, pair, issuer)
        suite.run("a successor that lies ready", successor, pair, issuer)
        suite.run("renewed", renewed, pair, issuer)


Suite().main(main)
