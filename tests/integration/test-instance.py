#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Profiles from a ServiceNow instance (tests/lib/tableapi.py stands in for its Table API): what it says is kept on disk without a secret in clear;
an instance that is away or lies changes nothing; local files win or lose by Precedence=."""

import base64
import contextlib
import os
import secrets
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, SANITIZED, Pair, Suite, contains, equal, fail, wait_until
from peers import Server
from stores import ALERT, CONFIGURATION, RETRY, canary, configure, good, p12, replace, row, settled
from tableapi import COLUMNS, PASSWORD, TableApi

CANARY = "Canary-" + secrets.token_hex(12)
HEAD = "[MID]\nName=mid-test-01\nKeystoreDirectory=.\n"
LIES = {
    "503": (RETRY, "not available"), "500": (RETRY, "failed inside"), "429": (RETRY, "too often"), "400": (CONFIGURATION, "no such table"),
    "401": (ALERT, "the user is not accepted"), "403": (ALERT, "access is refused"), "404": (CONFIGURATION, "no such table"),
    "redirect": (CONFIGURATION, "not followed"), "html": (RETRY, "not what the Table API answers"), "nothing": (RETRY, "not what the Table API answers"),
    "deep": (RETRY, "not what the Table API answers"), "cut": (RETRY, "not what the Table API answers"),
    "object": (RETRY, "not what the Table API answers"), "twice": (RETRY, "not what the Table API answers"), "many": (CONFIGURATION, "more than 500"),
    "large": (CONFIGURATION, "more than 160 KiB"), "huge": (CONFIGURATION, "more than 1 MiB"), "reset": (RETRY, "without an answer"),
    "slow": (RETRY, "did not answer in time"),
}


def kept(pair):
    """What is on disk: name to text"""
    folder = os.path.join(pair.dir, "state", "instance")
    found = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of " + name)
        with open(path) as file:
            found[name] = file.read()
    return found


def encrypted(pair, text):
    """As midtls encrypt prints it"""
    done = subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes-256-cbc", "-outform", "DER", "-recip", os.path.join(pair.etc, "host.pem"),
                           "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"], input=text.encode(), stdout=subprocess.PIPE, check=True,
                          timeout=60)
    return "midtls:" + base64.b64encode(done.stdout).decode()


def reload(pair, status=0):
    got, out, _ = pair.reload()
    equal(got, status, "reload (%s)" % out)
    return out


def ready(pair, name):
    wait_until(lambda: row(pair, name) and row(pair, name)["generation"] > 0 and row(pair, name)["reason"] == "", name + " is loaded", 15)
    good(pair, name)


def loaded(pair, instance):
    for name in ("remote", "here"):
        ready(pair, name)
    equal(row(pair, "there"), None, "a profile for other hosts")
    equal(set(kept(pair)), {"remote.profile", "here.profile", "there.profile"}, "files")
    asked = instance.asked[0]
    equal(asked["path"], "/api/now/table/mid_protocol_profile", "path")
    contains(asked["query"], "sysparm_fields=" + "%2C".join(COLUMNS), "query")
    equal(sorted(asked["headers"]), ["Accept", "Authorization", "Host", "User-Agent"], "headers")
    equal(CANARY in str(kept(pair)), False, "the password on disk")
    contains(kept(pair)["there.profile"], "AppliesTo=specific\nMidServers=mid-other-01  mid-other-02\n", "the profile for others")


def check(pair, instance):
    """Without the service's folder the configuration is not found wrong for that."""
    environment = {name: value for name, value in os.environ.items() if name != "STATE_DIRECTORY"}
    done = subprocess.run([os.path.join(BUILD, "keyd", "keyd"), "--check", "--config-dir=" + pair.etc], env=environment, stdout=subprocess.PIPE,
                          timeout=60)
    equal(done.returncode, 0, "status of --check (%r)" % done.stdout)
    contains(done.stdout.decode(), "may come from the instance", "--check")
    good_conf = HEAD + instance.section("Timeout=1500ms")
    for section, word in ((instance.section("Refresh=1s"), "Refresh="), (instance.section().replace("https:", "http:"), "no https URL"),
                          (instance.section().replace("User=", "#"), "User= and Password= are needed"), (instance.section("Precedence=x"), "local or instance")):
        configure(pair, HEAD + section)
        contains(reload(pair, 1), word, "reload")
    configure(pair, good_conf)
    ready(pair, "remote")


def lies(pair, instance, kind, expected):
    """Nothing changes, and it is told."""
    klass, word = expected
    settled(pair)
    before, n = kept(pair), len(instance.asked)
    instance.wrong[None] = kind
    out = reload(pair, 1)
    instance.wrong.clear()
    contains(out, "[Instance]: ", "reload")
    contains(out, word, "reload")
    contains(out, "[%s]" % klass, "reload")
    equal("\x1b" in out or "EVIL" in out, False, "the instance's own words in the output")
    contains(pair.records("keyd", "config-error")[-1]["MESSAGE"] + out, word, "journal")
    equal(kept(pair), before, "what is kept")
    if len(instance.asked) - n > 3:
        fail("%d requests" % (len(instance.asked) - n))
    good(pair, "remote")


def in_clear(pair, instance):
    """A password in clear, a line that is two, a name that is none: not taken; what was kept of it stays."""
    before = kept(pair)
    for change, word in (({"password": CANARY}, "stands in clear in the instance"), ({"keystore_path": "x\nPassword=y"}, "cannot be in a line"),
                         ({"keystore_path": "x\\"}, "cannot be in a line")):
        old = dict(instance.records[0])
        instance.records[0].update(change)
        out = reload(pair, 1)
        contains(out, "profile remote is not taken: ", "reload")
        contains(out, word, "reload")
        equal(CANARY in out, False, "the password in the output")
        equal(kept(pair), before, "what is kept")
        instance.records[0] = old
    instance.records.append({"protocol": "../../evil"})
    contains(reload(pair, 1), "no protocol's name", "reload")
    equal(kept(pair), before, "what is kept")
    del instance.records[-1]
    reload(pair)
    good(pair, "remote")


def changes(pair, instance, server):
    """A record that is new, changed, gone."""
    instance.records.append({"protocol": "newone", "keystore_path": "p384.p12", "applies_to": "all", "password": encrypted(pair, CANARY)})
    pair.connection("newone", "newone", server.port)
    # Whether this load knows the profile already, or the next one, is a matter of time.
    pair.reload()
    ready(pair, "newone")
    instance.records[-1]["default_port"] = "444"
    pair.reload()
    wait_until(lambda: "DefaultPort=444" in kept(pair)["newone.profile"], "changed")
    os.unlink(os.path.join(pair.etc, "newone.connection"))
    del instance.records[-1]
    pair.reload()
    wait_until(lambda: row(pair, "newone") is None, "gone", 15)
    equal("newone.profile" in kept(pair), False, "its file")


def precedence(pair, instance):
    """A profile of both: the local file, or the instance's."""
    pair.profile("remote", "p384.openssl.p12")
    reload(pair)
    wait_until(lambda: row(pair, "remote")["key_type"] == "ec-p384", "the local one", 15)
    replace(pair, "midtls.conf", HEAD + instance.section("Precedence=instance\nTimeout=1500ms"))
    wait_until(lambda: row(pair, "remote")["key_type"] == "ec-p256", "the instance's", 15)
    replace(pair, "midtls.conf", HEAD + instance.section("Precedence=local\nTimeout=1500ms"))
    wait_until(lambda: row(pair, "remote")["key_type"] == "ec-p384", "the local one", 15)
    os.unlink(os.path.join(pair.etc, "remote.profile"))
    wait_until(lambda: row(pair, "remote")["key_type"] == "ec-p256", "the instance's", 15)


def columns(pair, instance):
    """Other names of table and columns; a client certificate instead of a password."""
    instance.table = "u_profiles"
    instance.records = [{"u_" + name: value for name, value in record.items()} for record in instance.records]
    n = len(instance.asked)
    configure(pair, HEAD + instance.section("Table=u_profiles\nColumns=%s\nCertFile=%s/p256.bundle.pem" % (
        " ".join("u_" + name for name in COLUMNS), pair.pki)).replace("User=", "#").replace("Password=", "#"))
    before = kept(pair)
    reload(pair)
    equal((instance.asked[-1]["path"], instance.asked[-1]["subject"]), ("/api/now/table/u_profiles", "p256"), "what was asked")
    equal("Authorization" in instance.asked[-1]["headers"], False, "a password")
    equal(kept(pair), before, "what is kept")
    equal(len(instance.asked) > n, True, "requests")
    configure(pair, HEAD + instance.section("Table=u_profiles\nColumns=a b c"))
    contains(reload(pair, 1), "does not name 7 columns", "reload")
    instance.table = "mid_protocol_profile"
    instance.records = [{name[2:]: value for name, value in record.items()} for record in instance.records]


def away(pair, instance):
    """keyd starts while the instance is away: what was kept is loaded."""
    configure(pair, HEAD + instance.section("Timeout=1500ms"))
    reload(pair)
    instance.wrong[None] = "503"
    pair.kill("keyd")
    wait_until(lambda: pair.call("GET", "/tell", host="remote").status == 200, "loaded from what was kept", 15)
    n = len(instance.asked)
    instance.wrong.clear()
    wait_until(lambda: len(instance.asked) > n, "asked again by itself", 20)


def prepare(pair, instance):
    os.mkdir(os.path.join(pair.dir, "state"), 0o700)
    credentials = os.path.join(pair.dir, "credentials")
    os.mkdir(credentials, 0o700)
    with open(os.open(os.path.join(credentials, "instance"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(PASSWORD)
    os.environ["STATE_DIRECTORY"], os.environ["CREDENTIALS_DIRECTORY"] = os.path.join(pair.dir, "state"), credentials
    subprocess.run([os.path.join(BUILD, "keyd", "keyd"), "--make-host-key", "--config-dir=" + pair.etc], check=True, timeout=120)
    for name in ("p256", "p384"):
        os.rename(p12(pair, name, CANARY), os.path.join(pair.etc, name + ".p12"))
    instance.records = [
        {"protocol": "remote", "keystore_path": "p256.p12", "applies_to": ("all", "All MID Servers"), "default_port": "443",
         "external_credential_store": "false", "password": encrypted(pair, CANARY)},
        {"protocol": "here", "keystore_path": "p384.p12", "applies_to": ("specific", "Specific MID Servers"),
         "mid_servers": ("0a1b,2c3d", "mid-other-01,mid-test-01"), "password": encrypted(pair, CANARY)},
        {"protocol": "there", "keystore_path": "p384.p12", "applies_to": ("specific", "Specific"), "mid_servers": ("4e", "mid-other-01, mid-other-02")},
    ]
    pair.write("midtls.conf", HEAD + instance.section("Timeout=1500ms"))


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "instance")
        instance, server = stack.enter_context(TableApi(pair.pki)), stack.enter_context(Server(pair.pki))
        prepare(pair, instance)
        for name in ("remote", "here", "newone"):
            os.mkdir(os.path.join(pair.etc, name + ".profile.d"), 0o700)
        for name in ("remote", "here"):
            pair.write(name + ".profile.d/ca.conf", "[Server]\nCAFile=%s/server-ca.pem\n" % pair.pki)
            pair.connection(name, name, server.port)
        pair.write("newone.profile.d/ca.conf", "[Server]\nCAFile=%s/server-ca.pem\n" % pair.pki)
        stack.enter_context(pair)
        suite.run("profiles of the instance", loaded, pair, instance)
        suite.run("configuration", check, pair, instance)
        for kind, expected in LIES.items():
            suite.run("wrong: " + kind, lies, pair, instance, kind, expected)
        suite.run("what is not taken", in_clear, pair, instance)
        suite.run("new, changed, gone", changes, pair, instance, server)
        suite.run("precedence", precedence, pair, instance)
        suite.run("table and columns", columns, pair, instance)
        suite.run("away at the start", away, pair, instance)
        if SANITIZED:
            suite.skip("the secret is where it must be", "a sanitizer's shadow memory is too large to be searched")
        else:
            suite.run("the secret is where it must be", canary, pair, CANARY, PASSWORD)


Suite().main(main)
