#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords and whole keystores from Vault or OpenBao (tests/lib/vaultd.py stands in for them): both engines, all logins; each error and each lie
has its class, its words and its way out; the old key stays; others go on; nobody is asked in a busy loop; no secret is where it must not be."""

import base64
import contextlib
import os
import secrets
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import PASSWORD, SANITIZED, Pair, Suite, contains, equal, fail, wait_until
from peers import Server, Silent
from stores import ALERT, CONFIGURATION, RETRY, canary, configure, good, loaded, p12, profile, replace, row, settled, told
from vaultd import ROLE, SECRET_ID, Vaultd

CANARY = "Canary-" + secrets.token_hex(12)
HEAD = "[MID]\nName=mid-test-01\n"
PROFILES = ("byfield", "whole", "elsewhr", "fresh")

LIES = {
    "503": (RETRY, "sealed, or in maintenance"), "sealed": (RETRY, "sealed, or in maintenance"), "500": (RETRY, "failed inside"),
    "429": (RETRY, "too often, or this node is a standby"), "standby": (RETRY, "a standby that sends elsewhere"),
    "400": (CONFIGURATION, "does not take the query"), "401": (CONFIGURATION, "does not take the query"), "403": (ALERT, "permission is denied"),
    "expired": (ALERT, "permission is denied"), "404": (CONFIGURATION, "no such secret"), "redirect": (CONFIGURATION, "not followed"),
    "html": (RETRY, "not what a Vault answers"), "nothing": (RETRY, "not what a Vault answers"), "deep": (RETRY, "not what a Vault answers"),
    "cut": (RETRY, "not what a Vault answers"), "twice": (RETRY, "not what a Vault answers"), "nodata": (RETRY, "not what a Vault answers"),
    "unversioned": (RETRY, "not what a Vault answers"), "empty": (CONFIGURATION, "is empty"), "number": (CONFIGURATION, "no text field p"),
    "other": (CONFIGURATION, "no text field p"), "large": (CONFIGURATION, "200000 bytes"), "huge": (CONFIGURATION, "more than 1 MiB"),
    "reset": (RETRY, "without an answer"), "slow": (RETRY, "did not answer in time"),
}
LOGIN_LIES = {
    "400": (ALERT, "the login is refused"), "403": (ALERT, "the login is refused"), "404": (CONFIGURATION, "no such login method"),
    "sealed": (RETRY, "sealed"), "html": (RETRY, "not what a Vault answers"), "badtoken": (RETRY, "not what a Vault answers"),
    "notoken": (RETRY, "not what a Vault answers"), "500": (RETRY, "failed inside"), "slow": (RETRY, "did not answer in time"),
}
# What is about the vault and not about one secret: it is asked once a load.
ABOUT_ALL = ("503", "sealed", "429", "standby", "reset", "slow")


def reload(pair, status=1):
    got, out, _ = pair.reload()
    equal(got, status, "reload (%s)" % out)
    return out


def text_for(vault, login, more=""):
    return HEAD + vault.section(login, "Timeout=1500ms\n" + more)


def use(pair, vault, login, more=""):
    configure(pair, text_for(vault, login, more))


def values(pair, vault):
    """A field, the default field, a keystore; nobody is told more than needed."""
    for alias in ("byfield", "whole", "elsewhr"):
        good(pair, alias)
    contains(row(pair, "whole")["key_type"], "ec-p384", "key of the keystore in the vault")
    asked = next(row for row in vault.asked if "partner" in row["path"])
    equal(asked["path"], "/v1/secret/data/team%20a/partner", "path")
    equal(sorted(asked["headers"]), ["Accept", "Host", "User-Agent", "X-Vault-Request", "X-Vault-Token"], "headers")
    equal(asked["subject"], None, "client certificate")


def fails(pair, vault, kind, expected, part=None):
    """The fresh profile has no key; the old ones keep theirs. Every request goes wrong, or those with PART in their path."""
    settled(pair)
    n = len(vault.asked)
    vault.wrong[part] = kind
    out = reload(pair)
    n = len(vault.asked) - n
    # Another load may have begun by itself.
    limit = 4 if kind in ABOUT_ALL or part else 3 * len(PROFILES)
    if n == 0 or n > limit:
        fail("%d requests in one load" % n)
    told(pair, out, *expected, "byfield", "fresh")
    vault.wrong.clear()


def deleted(pair, vault):
    vault.deleted.add("team a/partner")
    contains(reload(pair), "the secret was deleted (HTTP 404) [configuration]", "reload")
    vault.deleted.clear()
    reload(pair)


def logins(pair, vault):
    """AppRole and certificate: what a login gives is used, and given back."""
    cases = (("Login=approle\nRole=%s\nSecretID=file:secret-id" % ROLE, None), ("Login=certificate\nCertFile=%s/p256.bundle.pem" % pair.pki, "p256"),
             ("Login=certificate\nRole=midtls\nCertFile=%s/p256.bundle.pem" % pair.pki, "p256"))
    pair.write("secret-id", SECRET_ID + "\n")
    for login, subject in cases:
        n, n_revoked = len(vault.paths("/login")), len(vault.revoked)
        use(pair, vault, login)
        reload(pair)
        wait_until(lambda: row(pair, "byfield")["reason"] == "", "all is well", 3)
        if len(vault.paths("/login")) - n < 1 or vault.paths("/login")[-1]["subject"] != subject:
            fail("logins: %r" % [(row["path"], row["subject"]) for row in vault.paths("/login")[n:]])
        wait_until(lambda: len(vault.revoked) - n_revoked == len(vault.paths("/login")) - n, "given back what the logins gave")
        good(pair, "byfield")


def refused(pair, vault):
    """A secret ID, a certificate, a token that is not good."""
    cases = ("Login=approle\nRole=%s\nSecretID=wrong" % ROLE, "Login=certificate\nCertFile=%s/p384.bundle.pem" % pair.pki)
    for login in cases:
        use(pair, vault, login)
        contains(reload(pair), "Vault, at the login: the login is refused (HTTP 400) [alert]", "reload")
    use(pair, vault, "Token=hvs.unknown")
    contains(reload(pair), "permission is denied (HTTP 403) [alert]", "reload")
    use(pair, vault, "Token=file:absent")
    contains(reload(pair), "the token for Vault: ", "reload")
    good(pair, "byfield")


def renewal(pair, vault, token):
    """A token is made to live longer when half of its life is over; not before."""
    use(pair, vault, token)
    reload(pair)
    equal(len(vault.paths("renew-self")), 0, "renewals of a young token")
    name, = vault.tokens
    vault.tokens[name] -= vault.ttl * 0.6
    before = vault.tokens[name]
    reload(pair)
    equal(len(vault.paths("renew-self")), 1, "renewals")
    equal(vault.tokens[name] > before, True, "it lives longer")
    reload(pair)
    equal(len(vault.paths("renew-self")), 1, "renewals")


def versions(pair, vault, token):
    """An engine of version 1, another mount and field, a namespace."""
    use(pair, vault, token, "KVVersion=1\nMount=kv\n")
    reload(pair)
    equal(vault.asked[-1]["path"].startswith("/v1/kv/"), True, "path (%s)" % vault.asked[-1]["path"])
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "all is well", 3)
    use(pair, vault, token, "KVVersion=1")
    contains(reload(pair), "no such secret (HTTP 404) [configuration]", "reload of version 2 as 1")
    vault.namespace = "team/a"
    use(pair, vault, token)
    contains(reload(pair), "no such secret", "reload without the namespace")
    use(pair, vault, token, "Namespace=team/a")
    reload(pair)
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "all is well", 3)
    vault.namespace = None
    use(pair, vault, token)
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "all is well", 20)


def tls_wrong(pair, vault, server):
    settled(pair)
    n = len(vault.asked)
    vault.use(server)
    out = reload(pair)
    vault.use()
    contains(out, "Vault: the server's certificate is not accepted", "reload")
    contains(out, "[alert]", "reload")
    equal(len(vault.asked), n, "requests that came through")
    good(pair, "byfield")


def away(pair, vault, token, server):
    """A vault that takes connections and says nothing: other profiles are loaded meanwhile; it is asked again by itself."""
    with Silent() as silent:
        replace(pair, "midtls.conf", text_for(vault, token).replace(":%d" % vault.port, ":%d" % silent.port))
        pair.profile("newcome", "p384.openssl.p12")
        pair.connection("newcome", "newcome", server.port)
        wait_until(lambda: pair.call("GET", "/tell", host="newcome").status == 200, "a profile without the vault is loaded", 15)
        good(pair, "byfield")
        wait_until(lambda: "[retry]" in row(pair, "byfield")["reason"], "told", 15)
    use(pair, vault, token)
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "all is well", 15)
    vault.wrong[None] = "sealed"
    reload(pair)
    vault.wrong.clear()
    n = len(vault.asked)
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "asked again by itself", 20)
    if len(vault.asked) - n > 3 * len(PROFILES):
        fail("%d requests" % (len(vault.asked) - n))


def ages(pair, vault):
    """A value is asked for again when it is old, and not while another profile is tried again."""
    use(pair, vault, "Token=file:token", "Refresh=20s")
    reload(pair)
    vault.secrets["fresh"] = {"password": CANARY}
    vault.wrong["/fresh"] = "500"
    reload(pair)
    n, begun = len(vault.asked), time.monotonic()
    wait_until(lambda: [row for row in vault.asked[n:] if row["path"].endswith("/fresh")], "what failed is asked for again", 16)
    equal([row["path"] for row in vault.asked[n:] if "data/fresh" not in row["path"] and "/auth/" not in row["path"]], [], "what is young")
    wait_until(lambda: [row for row in vault.asked[n:] if "partner" in row["path"]], "what is old is asked for again", 25)
    equal(time.monotonic() - begun > 15, True, "that it was old")
    vault.wrong.clear()
    vault.secrets["team a/partner"]["pw"] = "changed-" + CANARY
    wait_until(lambda: "the last reload failed" in row(pair, "byfield")["reason"], "the change is seen by itself", 25)
    vault.secrets["team a/partner"]["pw"] = CANARY
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "and its end", 25)
    del vault.secrets["fresh"]
    with open(os.path.join(pair.etc, "fresh.profile")) as file:
        text = file.read()
    # One that is broken keeps no key.
    pair.write("fresh.profile", "[Profile]\nColour=blue\n")
    reload(pair)
    pair.write("fresh.profile", text)
    use(pair, vault, "Token=file:token")
    reload(pair)


def configuration(pair, vault):
    """What is missing is told with section and remedy, without anybody being asked; nor is there a load after the other."""
    cases = (("", "Token= is not set"), ("Login=approle\nRole=x", "SecretID="), ("Login=certificate", "CertFile="), ("Login=x", "approle or certificate"),
             ("KVVersion=3", "write 1 or 2"), ("Token=x\nRefresh=1s", "Refresh="), ("Token=x\nRefresh=500ms", "Refresh="),
             ("Token=x\nTimeout=2min", "Timeout="), ("Token=x\nNamespace=%s" % ("x" * 600), "too long"))
    n_asked = []
    for login, word in cases:
        configure(pair, HEAD + vault.section(login))
        contains(reload(pair), word, "reload")
        # What an earlier load asks is over then.
        n_asked.append(len(vault.asked))
        good(pair, "byfield")
    equal(n_asked[1:], n_asked[1:2] * (len(cases) - 1), "requests")
    loads = len(pair.records("keyd", "config-loaded"))
    use(pair, vault, "Token=file:token")
    wait_until(lambda: row(pair, "byfield")["reason"] == "", "all is well", 20)
    equal(len(pair.records("keyd", "config-loaded")) - loads <= 3, True, "loads")


def rotation(pair, vault):
    before = row(pair, "byfield")["generation"]
    os.rename(p12(pair, "ed25519", "another-" + CANARY), os.path.join(pair.dir, "byfield.p12"))
    wait_until(lambda: "the last reload failed" in row(pair, "byfield")["reason"], "the file is new, the password is not")
    good(pair, "byfield")
    vault.secrets["team a/partner"]["pw"] = "another-" + CANARY
    wait_until(lambda: row(pair, "byfield")["generation"] == before + 1, "the new one, by itself", 25)
    good(pair, "byfield")


def prepare(pair, vault, server):
    os.rename(p12(pair, "p384", CANARY), os.path.join(pair.dir, "byfield.p12"))
    with open(p12(pair, "p384", PASSWORD), "rb") as file:
        whole = base64.b64encode(file.read()).decode()
    vault.secrets.update({"team a/partner": {"pw": CANARY, "password": CANARY}, "whole": {"password": whole}, "keypw": {"password": PASSWORD}})
    token = vault.new_token()
    pair.write("token", token + "\n")
    pair.write("midtls.conf", text_for(vault, "Token=file:token"))
    profile(pair, "vault", "byfield", server, "team a/partner#pw", os.path.join(pair.dir, "byfield.p12"))
    profile(pair, "vault", "whole", server, "whole", extra="KeyPassword=vault:keypw")
    profile(pair, "vault", "fresh", server, "fresh", p12(pair, "p384", CANARY))
    # Named by Password= alone
    pair.write("elsewhr.profile", "[Profile]\nKeystorePath=%s\nPassword=vault:team a/partner\n[Server]\nCAFile=%s/server-ca.pem\n" % (
        p12(pair, "p384", CANARY), pair.pki))
    pair.connection("elsewhr", "elsewhr", server.port)
    return token


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "vault")
        vault, server = stack.enter_context(Vaultd(pair.pki)), stack.enter_context(Server(pair.pki))
        token = prepare(pair, vault, server)
        stack.enter_context(pair)
        loaded(pair, "byfield", "whole", "elsewhr")
        suite.run("passwords and keystores", values, pair, vault)
        for kind, expected in LIES.items():
            suite.run("wrong: " + kind, fails, pair, vault, kind, expected)
        suite.run("deleted", deleted, pair, vault)
        suite.run("renewal", renewal, pair, vault, "Token=file:token")
        suite.run("engines and namespaces", versions, pair, vault, "Token=file:token")
        for server_name in ("server-stranger", "server-wrongname", "server-expired"):
            suite.run("certificate: " + server_name, tls_wrong, pair, vault, server_name)
        suite.run("away", away, pair, vault, "Token=file:token", server)
        suite.run("ages", ages, pair, vault)
        suite.run("logins", logins, pair, vault)
        for kind, expected in LOGIN_LIES.items():
            suite.run("wrong at the login: " + kind, fails, pair, vault, kind, expected, "auth/")
        suite.run("refused", refused, pair, vault)
        use(pair, vault, "Token=file:token")
        suite.run("configuration", configuration, pair, vault)
        suite.run("rotation", rotation, pair, vault)
        if SANITIZED:
            suite.skip("the secret is where it must be", "a sanitizer's shadow memory is too large to be searched")
        else:
            suite.run("the secret is where it must be", canary, pair, CANARY, token)


Suite().main(main)
