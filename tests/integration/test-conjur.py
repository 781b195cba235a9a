#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords and whole keystores from Conjur (tests/lib/conjurd.py stands in for it): each error and each lie has its class, its words and its way
out; the old key stays; others go on; nobody is asked in a busy loop; no secret is where it must not be."""

import base64
import contextlib
import os
import secrets
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from conjurd import Conjurd
from harness import PASSWORD, SANITIZED, Pair, Suite, contains, equal, fail, wait_until
from peers import Server
from stores import ALERT, CONFIGURATION, RETRY, canary, configure, good, loaded, p12, profile, row, settled, told

CANARY = "Canary-" + secrets.token_hex(12)
PROFILES = ("byname", "whole", "pem", "fresh")

LIES = {
    "503": (RETRY, "not available"), "500": (RETRY, "failed inside"), "429": (RETRY, "too often"), "400": (CONFIGURATION, "does not take the query"),
    "401": (ALERT, "the login is not accepted"), "403": (ALERT, "permission is denied"), "404": (CONFIGURATION, "no such variable"),
    "422": (CONFIGURATION, "does not take the query"), "redirect": (CONFIGURATION, "not followed"), "html": (RETRY, "not what Conjur answers"),
    "nothing": (CONFIGURATION, "is empty"), "empty": (CONFIGURATION, "is empty"), "large": (CONFIGURATION, "200000 bytes"),
    "huge": (CONFIGURATION, "more than 1 MiB"), "reset": (RETRY, "without an answer"), "slow": (RETRY, "did not answer in time"),
}
LOGIN_LIES = {
    "401": (ALERT, "at the login: the login is not accepted"), "404": (CONFIGURATION, "at the login: the account or the login is not known"),
    "500": (RETRY, "failed inside"), "503": (RETRY, "not available"), "html": (RETRY, "not what Conjur answers"),
    "nothing": (RETRY, "not what Conjur answers"), "deep": (RETRY, "not what Conjur answers"), "redirect": (CONFIGURATION, "not known"),
}
ABOUT_ALL = ("503", "429", "reset", "slow")


def reload(pair, status=1):
    got, out, _ = pair.reload()
    equal(got, status, "reload (%s)" % out)
    return out


def values(pair, conjur):
    for alias in ("byname", "whole", "pem"):
        good(pair, alias)
    asked = [row for row in conjur.asked if row["method"] == "GET"]
    equal(asked[0]["path"], "/secrets/my%20org/variable/team%2Fa%20b", "path")
    equal(sorted(asked[0]["headers"]), ["Accept", "Authorization", "Host", "User-Agent"], "headers")
    logins = [row for row in conjur.asked if row["method"] == "POST"]
    equal(logins[0]["path"], "/authn/my%20org/host%2Fmidtls%2F1/authenticate", "path of the login")


def one_login(pair, conjur):
    """A load logs in once."""
    settled(pair)
    n = len(conjur.asked)
    reload(pair)
    equal(len([row for row in conjur.asked[n:] if row["method"] == "POST"]), 1, "logins of a load")


def fails(pair, conjur, kind, expected, part):
    settled(pair)
    n = len(conjur.asked)
    conjur.wrong[part] = kind
    out = reload(pair)
    n = len(conjur.asked) - n
    # A load, its login, and for each profile what may be an old login
    limit = 5 if kind in ABOUT_ALL else 4 * len(PROFILES)
    if n == 0 or n > limit:
        fail("%d requests in one load" % n)
    told(pair, out, *expected, "byname", "fresh")
    conjur.wrong.clear()


def ended(pair, conjur):
    """The token ends between two requests of a load: a new one is got."""
    tokens, conjur.tokens = conjur.tokens, OnceSet()
    out = reload(pair)
    contains(out, "byname: unchanged", "reload")
    contains(out, "pem: unchanged", "reload")
    conjur.tokens = tokens


class OnceSet(set):
    """Tokens that are good for one request."""

    def __iter__(self):
        items = list(super().__iter__())
        self.clear()
        return iter(items)


def wrong_key(pair, conjur):
    text = open(os.path.join(pair.etc, "midtls.conf")).read()
    configure(pair, text.replace(conjur.key, "0" * 40))
    contains(reload(pair), "Conjur, at the login: the login is not accepted (HTTP 401) [alert]", "reload")
    good(pair, "byname")
    configure(pair, text)
    wait_until(lambda: row(pair, "byname")["reason"] == "", "all is well", 20)


def tls_wrong(pair, conjur, server):
    settled(pair)
    n = len(conjur.asked)
    conjur.use(server)
    out = reload(pair)
    conjur.use()
    contains(out, "Conjur: the server's certificate is not accepted", "reload")
    contains(out, "[alert]", "reload")
    equal(len(conjur.asked), n, "requests that came through")
    good(pair, "byname")


def again(pair, conjur):
    conjur.wrong[None] = "503"
    reload(pair)
    conjur.wrong.clear()
    n = len(conjur.asked)
    wait_until(lambda: row(pair, "byname")["reason"] == "", "asked again by itself", 20)
    if len(conjur.asked) - n > 3 * len(PROFILES):
        fail("%d requests" % (len(conjur.asked) - n))


def prepare(pair, conjur, server):
    with open(p12(pair, "p384", PASSWORD), "rb") as file:
        whole = base64.b64encode(file.read())
    with open(pair.pki + "/p256.bundle.pem", "rb") as file:
        conjur.secrets.update({"team/a b": CANARY.encode(), "whole": whole, "keypw": PASSWORD.encode(), "pem": file.read()})
    pair.write("midtls.conf", "[MID]\nName=mid-test-01\n" + conjur.section(more="Timeout=1500ms"))
    profile(pair, "conjur", "byname", server, "team/a b", p12(pair, "p384", CANARY))
    profile(pair, "conjur", "whole", server, "whole", extra="KeyPassword=conjur:keypw")
    profile(pair, "conjur", "pem", server, "pem")
    profile(pair, "conjur", "fresh", server, "fresh", p12(pair, "p384", CANARY))


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "conjur")
        conjur, server = stack.enter_context(Conjurd(pair.pki)), stack.enter_context(Server(pair.pki))
        prepare(pair, conjur, server)
        stack.enter_context(pair)
        loaded(pair, "byname", "whole", "pem")
        suite.run("passwords and keystores", values, pair, conjur)
        suite.run("one login a load", one_login, pair, conjur)
        for kind, expected in LIES.items():
            suite.run("wrong: " + kind, fails, pair, conjur, kind, expected, "/secrets/")
        for kind, expected in LOGIN_LIES.items():
            suite.run("wrong at the login: " + kind, fails, pair, conjur, kind, expected, "/authn/")
        suite.run("a token that ends", ended, pair, conjur)
        suite.run("another key", wrong_key, pair, conjur)
        for server_name in ("server-stranger", "server-wrongname", "server-expired"):
            suite.run("certificate: " + server_name, tls_wrong, pair, conjur, server_name)
        suite.run("asked again", again, pair, conjur)
        if SANITIZED:
            suite.skip("the secret is where it must be", "a sanitizer's shadow memory is too large to be searched")
        else:
            suite.run("the secret is where it must be", canary, pair, CANARY, conjur.key)


Suite().main(main)
