#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every client key with both TLS versions and both kinds of server certificate, and every kind of store: the server sees the
right certificate."""

import contextlib
import hashlib
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from harness import Pair, Suite, equal
from peers import Nginx


def fingerprint(folder, name):
    with open(os.path.join(folder, name + ".leaf.pem")) as file:
        return hashlib.sha1(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def check(pair, alias, key, tls):
    answer = pair.call("GET", "/who?x=1", host=alias)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    seen = answer.json()
    equal(seen["fingerprint"], fingerprint(pair.pki, key), "the certificate that the server saw")
    equal(seen["protocol"], "TLSv" + tls, "TLS version")
    equal(seen["uri"], "/who?x=1", "path and query")


def check_record(pair, alias, tls):
    """Signature and call carry one call id, and say what was used."""
    call_id = pair.call("GET", "/", host=alias).header("Midtls-Call-Id")
    call = pair.wait_record("calld", "call", CALL_ID=call_id)
    equal(call.get("MIDTLS_ALIAS"), alias, "alias of the call")
    equal(call.get("MIDTLS_STATUS"), "200", "status of the call")
    signatures = [r for r in pair.records("keyd", "signature") if r.get("MIDTLS_ALIAS") == alias]
    equal(bool(signatures), True, "a signature record for " + alias)
    calls = {r.get("MIDTLS_CALL_ID") for r in pair.records("calld", "call") if r.get("MIDTLS_ALIAS") == alias}
    equal(signatures[0].get("MIDTLS_CALL_ID") in calls, True, "the signature's call id is a call's")
    # What the record calls the version is for people; it must at least tell the two apart.
    equal(tls in signatures[0].get("MIDTLS_TLS_VERSION", ""), True,
          "TLS version of the record %r" % signatures[0].get("MIDTLS_TLS_VERSION"))


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "matrix")
        servers = {(tls, kind): stack.enter_context(Nginx(pair.pki, server="server-" + kind, tls=tls))
                   for tls in ("1.2", "1.3") for kind in ("rsa", "ecdsa")}
        stores = {"xml": ".keytool.p12", "openssl": ".openssl.p12", "pem": ".bundle.pem"}
        for key in pki.KEYS:
            pair.profile(key, key + ".keytool.p12")
            for (tls, kind), server in servers.items():
                pair.connection("%s-%s-%s" % (key, tls.replace(".", ""), kind), key, server.port)
            for store, suffix in stores.items():
                pair.profile(store + key, None if store == "xml" else key + suffix)
                pair.connection("%s-%s" % (key, store), store + key, servers["1.3", "rsa"].port, host="127.0.0.1")
        special = {"hrr": Nginx(pair.pki, extra="ssl_ecdh_curve secp384r1;"), "large13": Nginx(pair.pki, server="server-large"),
                   "large12": Nginx(pair.pki, server="server-large", tls="1.2")}
        for alias, server in special.items():
            pair.connection(alias, "p256", stack.enter_context(server).port)
        pair.config_xml({"xml" + key: key + ".keytool.p12" for key in pki.KEYS})
        stack.enter_context(pair)

        for key in pki.KEYS:
            for tls, kind in servers:
                alias = "%s-%s-%s" % (key, tls.replace(".", ""), kind)
                suite.run("matrix %s TLS %s, %s server" % (key, tls, kind), check, pair, alias, key, tls)
            for store in stores:
                suite.run("store %s %s" % (store, key), check, pair, "%s-%s" % (key, store), key, "1.3")
        suite.run("HelloRetryRequest", check, pair, "hrr", "p256", "1.3")
        for tls in ("1.2", "1.3"):
            suite.run("a certificate of 20 kB, TLS " + tls, check, pair, "large" + tls.replace(".", ""), "p256", tls)
            suite.run("records TLS " + tls, check_record, pair, "p256-%s-rsa" % tls.replace(".", ""), tls)


Suite().main(main)
