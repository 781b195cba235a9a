#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The `midtls` command: output and exit status of list, show, call, soap, test, check."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Pair, Suite, contains, equal, fail
from peers import Nginx, OpensslServer, Server, free_port


def expect(pair, arguments, status, *words, stdin=b"", error=False):
    """Runs the command; WORDS must be in its output (or, with ERROR, in its error output)."""
    got, out, err = pair.midtls(*arguments, stdin=stdin)
    equal(got, status, "exit status of midtls %s (out %.300r, err %.300r)" % (" ".join(arguments), out, err))
    for word in words:
        contains(err if error else out, word, "output of midtls " + " ".join(arguments))
    return out


def listing(pair, server):
    out = expect(pair, ["list"], 0, "crm", "https://localhost:%d/api" % server.port, "wrongpw", "ready", "unavailable")
    equal("\x1b" in out, False, "colour without a terminal")
    expect(pair, ["list", "--profiles"], 0, "mauth", "broken")
    data = json.loads(expect(pair, ["list", "--json=short"], 0))
    names = {row["name"]: row for row in (data["connections"] if isinstance(data, dict) else data)}
    equal(names["crm"]["state"], "ready", "state of crm")
    equal(names["wrongpw"]["state"], "unavailable", "state of wrongpw")


def show(pair):
    out = expect(pair, ["show", "crm"], 0, "crm", "mauth", "/api", "p256", "(hidden)")
    equal("hush" in out or "changeit" in out, False, "a secret in the output")
    expect(pair, ["show", "mauth"], 0, "mauth")
    expect(pair, ["show", "wrongpw"], 0, "password")
    expect(pair, ["show", "nobody"], 1, "nobody", error=True)


def origins(pair):
    """Where each setting stands: the file, a drop-in that comes later, or nowhere. Secrets are not told."""
    crm = os.path.join(pair.etc, "crm.connection")
    os.mkdir(crm + ".d")
    pair.write("crm.connection.d/20-b.conf", "[HTTP]\n# first\nTimeout=20s\n")
    pair.write("crm.connection.d/10-a.conf", "[HTTP]\nTimeout=10s\nHTTP2=no\n")
    pair.reload()
    out = expect(pair, ["show", "crm", "--config-dir=" + pair.etc], 0, "Timeout: 20s  (%s.d/20-b.conf:3)" % crm, "HTTP/2: no  (%s.d/10-a.conf:3)" % crm,
                 "Host: localhost  (%s:3)" % crm, "Largest request: 64M  (default)", "X-Api-Key=(hidden)  (%s:" % crm, "MID Servers: all  (default)")
    equal("hush" in out, False, "a header's value in the output")
    profile = os.path.join(pair.etc, "mauth.profile")
    out = expect(pair, ["show", "mauth", "--config-dir=" + pair.etc], 0, "Keystore: %s  (%s:" % (os.path.join(pair.pki, "p256.keytool.p12"), profile),
                 "Password: (hidden)  (%s:" % profile, "Signatures per minute: 6000  (default)")
    equal("changeit" in out, False, "a password in the output")
    settings = json.loads(expect(pair, ["show", "-j", "crm", "--config-dir=" + pair.etc], 0))["settings"]
    equal(settings["HTTP.Timeout"], {"value": "20s", "where": crm + ".d/20-b.conf:3"}, "the setting in JSON")
    equal(settings["Headers.X-Api-Key"]["value"], "(hidden)", "the header in JSON")
    expect(pair, ["show", "crm", "--config-dir=/nonexistent"], 0, "Timeout: 20s\n", "is told to who can read the files")
    shutil.rmtree(crm + ".d")
    pair.reload()


def call(pair, server):
    expect(pair, ["call", "crm", "/tell/1?a=b"], 0, '"/api/tell/1?a=b"')
    expect(pair, ["call", "crm", "POST", "/tell", "-d", "hello", "-H", "X-One: 1"], 0)
    equal((server.seen[-1]["method"], server.seen[-1]["body"]), ("POST", b"hello"), "method and body at the server")
    contains([list(row) for row in server.seen[-1]["headers"]], ["X-One", "1"], "header at the server")
    expect(pair, ["call", "crm", "PUT", "/tell", "-d", "-"], 0, stdin=b"from stdin")
    equal(server.seen[-1]["body"], b"from stdin", "body at the server")
    path = os.path.join(pair.dir, "data")
    with open(path, "wb") as file:
        file.write(b"\0" * 100000)
    expect(pair, ["call", "crm", "POST", "/tell", "-d", "@" + path], 0)
    equal(len(server.seen[-1]["body"]), 100000, "size at the server")
    expect(pair, ["call", "-i", "crm", "/tell"], 0, "200", "Midtls-Call-Id")
    out = os.path.join(pair.dir, "out")
    expect(pair, ["call", "plain", "/bytes/70000", "-o", out], 0)
    equal(os.path.getsize(out), 70000, "size of the file written")
    expect(pair, ["call", "mauth://localhost:%d/api/tell" % server.port], 0, "/api/tell")


def call_fails(pair):
    expect(pair, ["call", "plain", "/status/404"], 0, "far server says 404")
    expect(pair, ["call", "--fail", "plain", "/status/404"], 22)
    expect(pair, ["call", "nobody", "/x"], 1, "nobody", error=True)
    expect(pair, ["call", "refused", "/x"], 1, error=True)
    expect(pair, ["call"], 2)
    expect(pair, ["frobnicate"], 2)
    got, _, err = pair.midtls("--socket", "/nonexistent/calld.sock", "call", "crm", "/x")
    equal(got, 1, "exit status without a daemon")
    contains(err, "/nonexistent/calld.sock", "error output")


def test_steps(pair):
    out = expect(pair, ["test", "crm"], 0, "signature")
    for word in ("dns", "tcp", "tls"):
        contains(out.lower(), word, "steps")
    expect(pair, ["test", "refused"], 3)
    detail(pair)
    expect(pair, ["test", "stranger"], 3, "certificate")
    expect(pair, ["test", "wrongpw"], 3)
    got, _, _ = pair.midtls("test", "nobody")
    equal(got in (1, 3), True, "exit status for an unknown alias")


def detail(pair):
    """What was seen of the server, what it asked for and what it was shown; by the word of openssl."""
    def name(file, what):
        done = subprocess.run(["openssl", "x509", "-noout", "-" + what, "-nameopt", "RFC2253", "-in", os.path.join(pair.pki, file)],
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().strip().split("=", 1)[1]

    test = json.loads(expect(pair, ["test", "-j", "names"], 0))["tests"][0]
    equal((test["ok"], test["code"]), (True, None), "verdict")
    equal([step["ok"] for step in test["steps"]], [True] * 8, "steps")
    equal(test["server_chain"][0]["subject"], name("server-rsa.pem", "subject"), "server's certificate")
    equal(test["accepted_issuers"], [name("client-root.pem", "subject")], "issuers that the server accepts")
    ours = test["client_certificate"]
    equal((ours["subject"], ours["issuer"]), (name("p256.pem", "subject"), name("p256.pem", "issuer")), "our certificate")
    usec = {step["name"]: step["usec"] for step in test["steps"]}
    equal(all(usec[step] > 0 for step in ("tcp", "tls", "signature", "http")), True, "times: %r" % usec)
    out = expect(pair, ["test", "names"], 0, "sent: " + test["server_chain"][0]["subject"], "accepts: " + test["accepted_issuers"][0],
                 "ours: " + ours["subject"], "among them")
    equal("expires in " in out, True, "expiry")
    expect(pair, ["test", "rejects"], 3, "not among them", "accepts: " + name("other-ca.pem", "subject"), "issued by " + ours["issuer"])


def check(pair):
    """Offline: the same configuration as a tree under --root."""
    root = os.path.join(pair.dir, "root")
    os.makedirs(root + "/etc/midtls")
    for name in ("midtls.conf", "mauth.profile", "crm.connection"):
        with open(os.path.join(pair.etc, name)) as source, open(root + "/etc/midtls/" + name, "w") as target:
            os.fchmod(target.fileno(), 0o600)
            target.write(source.read())
    got, out, err = pair.midtls("check", "--root", root)
    equal(got, 0, "a good configuration (%r %r)" % (out, err))
    with open(root + "/etc/midtls/bad.connection", "w") as file:
        file.write("[Connection]\nProfile=nosuch\nHost=a b\nColour=blue\n")
    got, out, err = pair.midtls("check", "--root", root)
    equal(got, 1, "a bad configuration (%r %r)" % (out, err))
    for word in ("bad.connection:", "Colour", "nosuch"):
        contains(out + err, word, "all problems are named")


def daemons_check(pair):
    done = subprocess.run([os.path.join(BUILD, "keyd", "keyd"), "--check", "--config-dir=" + pair.etc], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30)
    equal(done.returncode in (0, 1), True, "exit status of keyd --check: %d %r" % (done.returncode, done.stdout[:300]))
    for daemon in ("keyd/keyd", "calld/calld", "calld/midtls"):
        for option in ("--help", "--version"):
            done = subprocess.run([os.path.join(BUILD, daemon), option], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
            equal((done.returncode, bool(done.stdout)), (0, True), daemon + " " + option)


def inspect(pair):
    path = os.path.join(pair.pki, "p256.keytool.p12")
    for password, verdict in ((b"changeit\n", "ok"), (b"wrong\n", "auth")):
        done = subprocess.run([os.path.join(BUILD, "keyd", "keyd"), "--inspect", path], input=password, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            fail("no JSON: %r %r" % (done.stdout[:300], done.stderr[:300]))
        equal((found["verdict"], done.returncode), (verdict, 0 if verdict == "ok" else 1), "verdict and exit status")


def reserved(pair):
    """GET http://midtls/..."""
    status = pair.call("GET", "/status", host="midtls").json()
    equal(status["keyd"], "up", "keyd")
    equal(status["n_connections"], 7, "connections")
    rows = {row["name"]: row for row in pair.call("GET", "/connections", host="midtls").json()["connections"]}
    equal(rows["crm"]["state"], "ready", "state of crm")
    rows = {row["name"]: row for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"]}
    equal(rows["mauth"]["key_type"], "ec-p256", "key type")
    answer = pair.call("GET", "/frobnicate", host="midtls")
    equal((answer.status, answer.code()), (404, "alias-unknown"), "an unknown path")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "cli")
        server = stack.enter_context(Server(pair.pki))
        stranger = stack.enter_context(Nginx(pair.pki, server="server-stranger"))
        pair.profile("mauth", "p256.keytool.p12")
        pair.profile("broken", "p256.keytool.p12", password="not-it")
        pair.connection("crm", "mauth", server.port, extra="BasePath=/api", more="[Headers]\nX-Api-Key=hush")
        pair.connection("plain", "mauth", server.port)
        pair.connection("wrongpw", "broken", server.port)
        pair.connection("refused", "mauth", free_port())
        pair.connection("stranger", "mauth", stranger.port)
        pair.connection("rejects", "mauth", stack.enter_context(OpensslServer(pair.pki, "1.3")).port)
        pair.connection("names", "mauth", stack.enter_context(Nginx(pair.pki)).port)
        stack.enter_context(pair)

        suite.run("midtls list", listing, pair, server)
        suite.run("midtls show", show, pair)
        suite.run("midtls show: where settings stand", origins, pair)
        suite.run("midtls call", call, pair, server)
        suite.run("midtls call that fails", call_fails, pair)
        suite.run("midtls test", test_steps, pair)
        suite.run("midtls check", check, pair)
        suite.run("--check, --help, --version", daemons_check, pair)
        suite.run("keyd --inspect", inspect, pair)
        suite.run("the reserved authority", reserved, pair)


Suite().main(main)
