# SPDX-License-Identifier: Apache-2.0
"""Passwords: LoadCredential=, LoadCredentialEncrypted= with the host's key of systemd, midtls encrypt; and keystores that are replaced."""

import hashlib
import os
import pwd
import ssl
import stat

from harness import PASSWORD, contains, equal, wait_until
from host import KEYS, MAKER, PKI, Calls, add_connection, add_profile, call, good, install_key, journal, main_pid, run, show, write


def fingerprint(name):
    """Of the PKI's client certificate NAME."""
    with open(os.path.join(PKI, name + ".leaf.pem")) as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def by_credential(alias, name):
    equal(good(alias).json()["fingerprint"], fingerprint(name), "the client certificate that the partner saw")


def credential_is_private():
    path = "/run/credentials/midtls-keyd.service"
    for name in ("plain", "sealed"):
        status = os.stat(os.path.join(path, name))
        equal((status.st_uid, stat.S_IMODE(status.st_mode)), (pwd.getpwnam("midtls-keyd").pw_uid, 0o400), name)
    with open("/etc/passwords/sealed", "rb") as file:
        equal(PASSWORD.encode() in file.read(), False, "the password in the encrypted credential")


def by_host_key(port):
    """midtls encrypt; keyd takes the new profile by itself."""
    value = run("midtls", "encrypt", stdin=PASSWORD.encode() + b"\n").splitlines()[-1]
    contains(value, "midtls:", "output of midtls encrypt")
    add_profile("vaulted", "p384.%s.p12" % MAKER, value)
    add_connection("vaulted", "vaulted", port)
    wait_until(lambda: call("vaulted").status == 200, "a connection that was added works")
    by_credential("vaulted", "p384")


def generation():
    return max(int(record["MIDTLS_GENERATION"]) for record in journal(EVENT="key-loaded", PROFILE="plain"))


def replaced():
    """A new keystore in the place of the old one: the next generation, without restart, without a call that fails."""
    good("crm")
    before, pids = generation(), [main_pid(unit) for unit in ("midtls-keyd.service", "midtls-calld.service")]
    with Calls("crm"):
        install_key("plain.p12", "rsa3072.%s.p12" % MAKER)
        wait_until(lambda: good("crm").json()["fingerprint"] == fingerprint("rsa3072"), "calls use the new key")
    by_credential("fresh", "rsa3072")
    equal(generation() > before, True, "the next generation after %d" % before)
    equal([main_pid(unit) for unit in ("midtls-keyd.service", "midtls-calld.service")], pids, "processes")


def broken():
    """A keystore that is no keystore: the old key stays, and reload tells."""
    write(KEYS + "/plain.p12", "this is no keystore", "midtls-keyd")
    try:
        contains(run("midtls", "reload", status=1), "plain: kept-old", "midtls reload")
        by_credential("fresh", "rsa3072")
    finally:
        install_key("plain.p12", "rsa3072.%s.p12" % MAKER)
    run("midtls", "reload")
    equal(show("midtls-keyd.service", "NRestarts"), "0", "restarts")


def tests(suite, fresh):
    suite.run("a password by LoadCredential=", by_credential, "fresh", "p256")
    suite.run("a password by LoadCredentialEncrypted=", by_credential, "billing", "rsa2048")
    suite.run("credentials are keyd's alone", credential_is_private)
    suite.run("a password by midtls encrypt, in a profile that is added", by_host_key, fresh.port)
    suite.run("a keystore is replaced while calls run", replaced)
    suite.run("a broken keystore leaves the old key in use", broken)
