#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may call what: one connection for each rule, callers with other users and groups; then the same rules with Enforce=no."""

import contextlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal
from peers import Server

STRANGER, GROUP, OTHER_GROUP = 61234, 61300, 61301
ROOT = {}
NOBODY = {"uid": STRANGER, "gid": STRANGER}

CONNECTIONS = {  # alias -> lines of [Connection]
    "silent": "",
    "user": "AllowUsers=%d" % STRANGER,
    "user-name": "AllowUsers=daemon",
    "group": "AllowGroups=%d" % GROUP,
    "everybody": "AllowUsers=*",
    "unknown": "AllowUsers=no-such-user-here\nAllowGroups=no-such-group-here",
    "context": "AllowSELinuxContexts=*:midtls_mid_t:*",
    "context-user": "AllowUsers=*\nAllowSELinuxContexts=*:midtls_mid_t:*",
    "methods": "AllowUsers=*\nAllowMethods=GET P*",
    "paths": "AllowUsers=*\nBasePath=/api\nAllowPaths=/tell/* /tell/deep/**",
}

ROWS = [  # alias, caller, method, path, whether it may
    ("silent", ROOT, "GET", "/tell", True),
    ("silent", NOBODY, "GET", "/tell", False),
    ("silent", {"uid": STRANGER, "gid": 0}, "GET", "/tell", False),
    ("user", NOBODY, "GET", "/tell", True),
    ("user", ROOT, "GET", "/tell", False),
    ("user", {"uid": STRANGER + 1, "gid": STRANGER}, "GET", "/tell", False),
    ("user-name", {"uid": 1, "gid": 1}, "GET", "/tell", True),
    ("user-name", NOBODY, "GET", "/tell", False),
    ("group", {"uid": STRANGER, "gid": GROUP}, "GET", "/tell", True),
    ("group", {"uid": STRANGER, "gid": STRANGER, "groups": (GROUP, OTHER_GROUP)}, "GET", "/tell", True),
    ("group", {"uid": STRANGER, "gid": STRANGER, "groups": (OTHER_GROUP,)}, "GET", "/tell", False),
    ("group", ROOT, "GET", "/tell", False),
    ("everybody", NOBODY, "DELETE", "/tell", True),
    ("unknown", NOBODY, "GET", "/tell", False),
    ("unknown", ROOT, "GET", "/tell", False),
    # here nobody has a context, so nobody has the right one
    ("context", ROOT, "GET", "/tell", False),
    ("context-user", NOBODY, "GET", "/tell", False),
    ("methods", NOBODY, "GET", "/tell", True),
    ("methods", NOBODY, "PATCH", "/tell", True),
    ("methods", NOBODY, "DELETE", "/tell", False),
    ("methods", ROOT, "HEAD", "/tell", False),
    ("paths", NOBODY, "GET", "/tell/a", True),
    ("paths", NOBODY, "GET", "/tell/a?x=/../y", True),
    ("paths", NOBODY, "GET", "/t%65ll/a", True),
    ("paths", NOBODY, "GET", "/tell/deep/a/b/c", True),
    ("paths", NOBODY, "GET", "/tell", False),
    ("paths", NOBODY, "GET", "/tell/a/b", False),
    ("paths", NOBODY, "GET", "/tell/a%2fb", False),
    ("paths", NOBODY, "GET", "/TELL/a", False),
    ("paths", NOBODY, "GET", "/tell/x/./y", False),
    ("paths", NOBODY, "GET", "/tell/deep/../a", False),
    ("paths", ROOT, "GET", "/other", False),
]


def call(pair, caller, method, url):
    """As another user, by curl; returns (status, body)."""
    command = ["curl", "-sS", "--max-time", "20", "--path-as-is", "--unix-socket", pair.socket, "-X", method, "-w", "\n%{http_code}", url]
    if method == "HEAD":
        command[command.index("-X"):command.index("-X") + 2] = ["-I", "-o", "/dev/null"]
    if caller:
        groups = ",".join(str(group) for group in caller.get("groups", ()))
        command = ["setpriv", "--reuid=%d" % caller["uid"], "--regid=%d" % caller["gid"], "--groups=" + groups if groups else "--clear-groups", *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    equal((done.returncode, done.stderr), (0, b""), "curl")
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def row(pair, server, alias, caller, method, path, may):
    n_seen, n_denied = len(server.seen), len(pair.records("calld", "caller-denied"))
    status, body = call(pair, caller, method, "http://%s%s" % (alias, path))
    if may:
        equal((status, len(server.seen) - n_seen), (200, 1), "status and calls at the server (%r)" % body[:300])
        equal(len(pair.records("calld", "caller-denied")), n_denied, "denials")
        return
    equal((status, len(server.seen) - n_seen), (403, 0), "status and calls at the server (%r)" % body[:300])
    if body:
        contains(body, b"urn:midtls:error:caller-denied", "body")
    record = pair.records("calld", "caller-denied")[n_denied]
    equal((record["MIDTLS_ALIAS"], record["MIDTLS_VERDICT"]), (alias, "denied"), "record")
    equal((record["MIDTLS_CALLER_UID"], record["MIDTLS_CALLER_GID"]), (str(caller.get("uid", 0)), str(caller.get("gid", 0))), "caller of the record")


def keyd_untouched(pair):
    """A caller that is turned away costs keyd nothing."""
    before = len(pair.records("keyd"))
    for alias, caller, method, path, may in ROWS:
        if not may:
            call(pair, caller, method, "http://%s%s" % (alias, path))
    equal(len(pair.records("keyd")), before, "records of keyd")


def reported(pair, server, alias, caller, method, path, may):
    n_seen, n_denied = len(server.seen), len(pair.records("calld", "caller-denied"))
    status, body = call(pair, caller, method, "http://%s%s" % (alias, path))
    equal((status, len(server.seen) - n_seen), (200, 1), "status and calls at the server (%r)" % body[:300])
    records = pair.records("calld", "caller-denied")[n_denied:]
    equal(bool(records), not may, "whether it was recorded")
    for record in records:
        equal((record["MIDTLS_ALIAS"], record["MIDTLS_VERDICT"]), (alias, "allowed"), "record")
        contains(record["MESSAGE"], "Enforce=no", "message")


def still_refused(pair):
    """Enforce=no is about access alone."""
    for path in ("/../secret", "/a/..%2f..%2fsecret"):
        status, body = call(pair, {}, "GET", "http://paths" + path)
        equal(status, 400, "status of %s (%r)" % (path, body[:200]))
    equal(call(pair, NOBODY, "GET", "http://nowhere/tell")[0], 404, "an alias that is not there")


def status_says(pair, enforced):
    status, out, err = pair.midtls("status")
    equal(status, 0, "exit status (%s)" % err)
    equal("Enforce=no" in out, not enforced, "midtls status says Enforce=no")
    equal(pair.call("GET", "/status", host="midtls").json()["enforce"], enforced, "enforce")


def run(suite, name, config, enforced):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, name, config)
        server = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "p256.keytool.p12")
        for alias, lines in CONNECTIONS.items():
            pair.connection(alias, "mauth", server.port, extra=lines)
        stack.enter_context(pair)
        # as the installed units have it, but for everybody
        for path in (pair.dir, os.path.dirname(pair.socket)):
            os.chmod(path, 0o711)
        os.chmod(pair.socket, 0o666)

        for alias, caller, method, path, may in ROWS:
            who = "root" if not caller else "%(uid)d:%(gid)d" % caller + "".join("+%d" % group for group in caller.get("groups", ()))
            suite.run("%s: %s %s %s by %s" % (name, alias, method, path, who), row if enforced else reported, pair, server, alias, caller, method, path, may)
        if enforced:
            suite.run(name + ": keyd hears nothing", keyd_untouched, pair)
        else:
            suite.run(name + ": what is no matter of access", still_refused, pair)
        suite.run(name + ": midtls status", status_says, pair, enforced)


def main(suite):
    if os.getuid() != 0:
        suite.skip("access", "only root can be other users")
        return
    run(suite, "enforced", "", True)
    run(suite, "reported", "[Calls]\nEnforce=no\n", False)


Suite().main(main)
