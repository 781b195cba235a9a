#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords and whole keystores from CyberArk (tests/lib/ccp.py stands in for it): each error and each lie has its class, its words and its way
out; the old key stays; others go on; nobody is asked in a busy loop; the secret is nowhere it must not be."""

import base64
import contextlib
import os
import re
import secrets
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from ccp import ERRORS, PATH, Ccp
from harness import PASSWORD, SANDBOX, SANITIZED, Pair, Suite, contains, equal, fail, wait_until
from peers import Server, Silent, free_port
from stores import ALERT, CONFIGURATION, RETRY, canary, good, loaded, p12, profile, replace, row, settled, told

N_ACCOUNTS = 8  # that all profiles ask for
CANARY = "Canary-" + secrets.token_hex(12)

# what the stand-in does wrong: class, words of detail and hint
CODES = {
    "AIMWS030E": (CONFIGURATION, "invalid format"), "AIMWS031E": (CONFIGURATION, "AppID="),
    "APPAP227E": (CONFIGURATION, "more than one"), "APPAP228E": (CONFIGURATION, "more than one"), "APPAP229E": (CONFIGURATION, "more than one"),
    "APPAP230E": (CONFIGURATION, "more than one"), "APPAP251E": (CONFIGURATION, "more than one"),
    "APPAP007E": (RETRY, "connection to the vault failed"), "APPAP081E": (CONFIGURATION, "invalid content"),
    "CASVL010E": (CONFIGURATION, "invalid characters"), "APPAP306E": (ALERT, "authenticated"), "APPAP008E": (ALERT, "not defined"),
    "APPAP004E": (CONFIGURATION, "may not read it"), "APPAP249E": (CONFIGURATION, "may not read it"), "APPAP324E": (CONFIGURATION, "may not read it"),
    "APPAP282E": (RETRY, "being changed"), "APPAP087E": (ALERT, "path"), "APPAP132E": (ALERT, "hash"), "APPAP133E": (ALERT, "may not use"),
}
LIES = {
    "503": (RETRY, "not available"), "500": (RETRY, "failed inside"), "429": (RETRY, "too often"), "401": (ALERT, "client certificate"),
    "403": (ALERT, "refused"), "404": (CONFIGURATION, "Endpoint="), "html": (RETRY, "not what a Central Credential Provider"),
    "nothing": (RETRY, "not what a Central Credential Provider"), "empty": (CONFIGURATION, "empty"), "number": (RETRY, "not what"),
    "twice": (RETRY, "not what"), "deep": (RETRY, "not what"), "cut": (RETRY, "not what"), "unknown": (CONFIGURATION, "XYZ999E"),
    "evil": (ALERT, "refused"), "other": (ALERT, "another object"), "othersafe": (ALERT, "another object"), "redirect": (CONFIGURATION, "not followed"),
    "large": (CONFIGURATION, "200000 bytes"), "huge": (CONFIGURATION, "more than 1 MiB"), "reset": (RETRY, "without an answer"),
    "slow": (RETRY, "did not answer in time"),
}


def request(ccp, pair):
    """What was asked: over mutual TLS, with every parameter encoded, by nobody who tells more than needed."""
    good(pair, "byname")
    asked = next(row for row in ccp.asked if row["Object"] == "Partner & Co/1")
    equal((asked["AppID"], asked["Safe"], asked["path"]), ("MID & Co", ccp.safe, PATH), "what was asked")
    equal(asked["subject"], "p256", "client certificate")
    equal(sorted(asked["headers"]), ["Accept", "Host", "User-Agent"], "headers")
    asked = next(row for row in ccp.asked if row.get("PolicyID"))
    equal((asked["Safe"], asked["Object"], asked["PolicyID"]), (ccp.safe, "Partner & Co/1", "WinDomain"), "SAFE:ID:PLATFORM")


def values(pair):
    """A password; a whole PKCS#12 with its password elsewhere in the vault; PEM; by ID, SAFE:ID, SAFE:ID:PLATFORM."""
    for alias in ("byname", "bysafe", "byplatform", "whole", "lines", "pem"):
        good(pair, alias)
    contains(row(pair, "whole")["key_type"], "ec-p384", "key of the keystore in the vault")


def ask_again(pair, ccp, kind):
    """One load while every request goes wrong, as they do from then on. Returns (requests, output)."""
    settled(pair)
    ccp.wrong.update({None: kind, "fresh": kind})
    n = len(ccp.asked)
    status, out, _ = pair.reload()
    equal(status, 1, "status of reload (%s)" % out)
    return len(ccp.asked) - n, out


def fails(pair, ccp, kind, expected):
    """The fresh profile has no key; the old one keeps its own."""
    klass, word = expected
    n, out = ask_again(pair, ccp, kind)
    if klass == RETRY and kind not in ("APPAP282E", "500", "html", "nothing", "number", "twice", "deep", "cut"):
        # One a load, not one a profile; another load may have begun by itself.
        equal(n <= 3, True, "a vault that is away is asked once a load (%d)" % n)
    elif n > 2 * N_ACCOUNTS:
        fail("%d requests in one load" % n)
    if kind in CODES:
        contains(out, kind, "reload")
        wait_until(lambda: kind in pair.midtls("test", "fresh")[1], "midtls test tells the code")
    told(pair, out, klass, word, "byname", "fresh")
    del ccp.wrong[None]
    equal("Diagnostic" in out, False, "the vault's own words in the output")


def tls_wrong(pair, ccp, server):
    settled(pair)
    n = len(ccp.asked)
    ccp.use(server)
    _, out, _ = pair.reload()
    ccp.use()
    contains(out, "certificate is not accepted", "reload")
    contains(out, "[alert]", "reload")
    equal(len(ccp.asked), n, "requests that came through")
    good(pair, "byname")


def not_accepted(pair, ccp):
    """A server may end the connection before its alert is read: then nobody can tell why, and the hint names the certificate."""
    ccp.use(client_ca="other-ca")
    for _ in range(20):
        _, out, _ = pair.reload()
        if "refuses the TLS connection" in out:
            break
        contains(out, "CyberArk ends the connection without an answer [retry]", "reload")
        contains(out, "CertFile=", "reload")
    ccp.use()
    contains(out, "refuses the TLS connection", "reload")
    contains(out, "[alert]", "reload")
    good(pair, "byname")


def away(pair, server):
    """No vault at all, one that takes connections and says nothing: other profiles are loaded meanwhile, and nobody asks all the time."""
    with Silent() as silent:
        text = open(os.path.join(pair.etc, "midtls.conf")).read()
        replace(pair, "midtls.conf", re.sub(r"localhost:\d+", "localhost:%d" % silent.port, text))
        pair.profile("newcomer", "p384.openssl.p12")
        pair.connection("newcomer", "newcomer", server.port)
        wait_until(lambda: pair.call("GET", "/tell", host="newcomer").status == 200, "a profile without the vault is loaded", 15)
        good(pair, "byname")
        wait_until(lambda: "[retry]" in row(pair, "byname")["reason"], "told", 15)
        replace(pair, "midtls.conf", re.sub(r"localhost:\d+", "localhost:%d" % free_port(), text))
        wait_until(lambda: "cannot be reached" in row(pair, "byname")["reason"], "told that nobody is there", 15)
        good(pair, "byname")
        replace(pair, "midtls.conf", text)
        wait_until(lambda: row(pair, "byname")["reason"] == "", "all is well", 15)


def patient(pair, ccp):
    """A vault that takes longer than the loader may for one profile: that is its own fault, and nobody is put off for it."""
    text = open(os.path.join(pair.etc, "midtls.conf")).read()
    ccp.wrong[None] = "slow"
    begun = time.monotonic()
    replace(pair, "midtls.conf", text.replace("Timeout=1500ms", "Timeout=7s"))
    wait_until(lambda: "did not answer in time [retry]" in row(pair, "byname")["reason"], "told", 15)
    equal(time.monotonic() - begun >= 7, True, "the whole time-out was waited")
    ccp.wrong.clear()
    equal(pair.records("keyd", "key-load-failed", REASON="limit"), [], "profiles that were late")
    equal([row["name"] for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"] if "the loader" in row["reason"]], [], "blame")
    replace(pair, "midtls.conf", text)
    wait_until(lambda: row(pair, "byname")["reason"] == "", "all is well", 15)


def tried_again(pair, ccp):
    """By itself, not at once, and not often; what was left is loaded then."""
    ccp.wrong[None] = "503"
    pair.reload()
    n = len(ccp.asked)
    wait_until(lambda: len(ccp.asked) > n, "asked again", 12)
    equal(len(ccp.asked), n + 1, "requests")
    del ccp.wrong[None]
    wait_until(lambda: row(pair, "byname")["reason"] == "", "loaded by itself", 20)
    n = len(ccp.asked)
    ccp.wrong[None] = "429"
    pair.reload()
    ccp.wrong.clear()
    # Retry-After says 7 seconds.
    equal(len(ccp.asked), n + 1, "requests")
    with contextlib.suppress(AssertionError):
        wait_until(lambda: len(ccp.asked) > n + 1, "asked before it may", 6)
        fail("asked before Retry-After")
    wait_until(lambda: row(pair, "byname")["reason"] == "", "loaded by itself", 12)


def confined(pair, ccp):
    """The fetcher while it waits for an answer: filtered, without files, and told nothing by arguments or environment."""
    ccp.wrong[None] = "slow"
    pair.signal("keyd", signal.SIGHUP)
    n = len(ccp.asked)
    wait_until(lambda: len(ccp.asked) > n, "it asks")
    pid = pair.role("keyd-fetcher")
    with open("/proc/%d/status" % pid) as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    targets = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
    with open("/proc/%d/environ" % pid, "rb") as file:
        environment = file.read()
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        arguments = file.read().split(b"\0")
    ccp.wrong.clear()
    equal(status["NoNewPrivs"], "1", "NoNewPrivs")
    equal(b"PROXY" in environment or CANARY.encode() in environment, False, "its environment")
    equal([part for part in arguments[1:] if part and not part.startswith((b"--log=", b"--sandbox="))], [], "its arguments")
    equal([target for target in targets if not target.startswith(("socket:", "/dev/null", "pipe:", "anon_inode:", pair.dir + "/log/"))], [], "its files")
    if SANDBOX == "full" and not SANITIZED:
        equal(status["Seccomp"], "2", "Seccomp")
    wait_until(lambda: row(pair, "byname")["reason"] == "", "all is well", 30)


def rotation(pair, ccp):
    """A new keystore in the vault, a new password with its file: new generations."""
    before = row(pair, "whole")["generation"]
    path = p12(pair, "ed25519", PASSWORD)
    with open(path, "rb") as file:
        ccp.secrets["whole"] = base64.b64encode(file.read()).decode()
    equal(pair.reload()[0], 0, "reload")
    wait_until(lambda: row(pair, "whole")["generation"] == before + 1 or row(pair, "whole")["key_type"] == "ed25519", "the new one")
    good(pair, "whole")

    before = row(pair, "bysafe")["generation"]
    os.rename(p12(pair, "ed25519", "another-" + CANARY), os.path.join(pair.dir, "bysafe.p12"))
    wait_until(lambda: "the last reload failed" in row(pair, "bysafe")["reason"], "the file is new, the password is not")
    good(pair, "bysafe")
    # Nobody tells that the password has changed too.
    ccp.secrets["rotated"] = "another-" + CANARY
    wait_until(lambda: row(pair, "bysafe")["key_type"] == "ed25519" and row(pair, "bysafe")["generation"] > before, "the new one", 25)


def prepare(pair, ccp, server):
    keystores = {name: p12(pair, "p384", CANARY) for name in ("byname", "bysafe", "byplatform", "fresh")}
    os.rename(keystores["bysafe"], os.path.join(pair.dir, "bysafe.p12"))
    with open(p12(pair, "p384", PASSWORD), "rb") as file:
        whole = file.read()
    with open(pair.pki + "/p256.bundle.pem") as file:
        pem = file.read()
    ccp.secrets.update({"Partner & Co/1": CANARY, "rotated": CANARY, "fresh": CANARY, "whole": base64.b64encode(whole).decode(), "pem": pem,
                        "lines": base64.encodebytes(whole).decode(), "keypw": PASSWORD})
    ccp.wrong["fresh"] = "APPAP004E"
    pair.write("midtls.conf", "[MID]\nName=mid-test-01\n" + ccp.section(more="Timeout=1500ms"))
    profile(pair, "cyberark", "byname", server, "Partner & Co/1", keystores["byname"])
    profile(pair, "cyberark", "bysafe", server, ccp.safe + ":rotated", os.path.join(pair.dir, "bysafe.p12"))
    profile(pair, "cyberark", "byplatform", server, ccp.safe + ":Partner & Co/1:WinDomain", keystores["byplatform"])
    profile(pair, "cyberark", "fresh", server, "fresh", keystores["fresh"])
    profile(pair, "cyberark", "whole", server, "whole", extra="KeyPassword=cyberark:keypw")
    profile(pair, "cyberark", "lines", server, "lines", extra="KeyPassword=" + PASSWORD)
    profile(pair, "cyberark", "pem", server, "pem")


def main(suite):
    # Nobody asks by way of it.
    os.environ["HTTPS_PROXY"] = os.environ["ALL_PROXY"] = "http://127.0.0.1:9"
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "cyberark")
        ccp, server = stack.enter_context(Ccp(pair.pki)), stack.enter_context(Server(pair.pki))
        prepare(pair, ccp, server)
        stack.enter_context(pair)
        loaded(pair, "byname", "bysafe", "byplatform", "whole", "lines", "pem")
        suite.run("passwords and keystores", values, pair)
        suite.run("what is asked", request, ccp, pair)
        for kind, expected in {**CODES, **LIES}.items():
            suite.run("wrong: " + kind, fails, pair, ccp, kind, expected)
        equal(set(CODES), set(ERRORS), "codes of the stand-in")
        suite.run("another certificate", tls_wrong, pair, ccp, "server-stranger")
        suite.run("a certificate for another name", tls_wrong, pair, ccp, "server-wrongname")
        suite.run("an expired certificate", tls_wrong, pair, ccp, "server-expired")
        suite.run("the client certificate is not accepted", not_accepted, pair, ccp)
        ccp.wrong.clear()
        suite.run("a vault that is away", away, pair, server)
        suite.run("a vault that takes long", patient, pair, ccp)
        suite.run("tried again", tried_again, pair, ccp)
        suite.run("the fetcher is confined", confined, pair, ccp)
        suite.run("rotation", rotation, pair, ccp)
        if SANITIZED:
            suite.skip("the secret is where it must be", "a sanitizer's shadow memory is too large to be searched")
        else:
            suite.run("the secret is where it must be", canary, pair, CANARY)


Suite().main(main)
