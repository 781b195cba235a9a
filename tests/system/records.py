# SPDX-License-Identifier: Apache-2.0
"""Records in the journal: fields, who wrote them, explanations; and what the `midtls` command makes of a running pair."""

import json
import pwd
import re

from harness import contains, equal
from host import CALLD_SOCKET, good, journal, run


def joined():
    """Call and signature by the call's id, each from its own unit and user."""
    call_id = good("fresh").header("Midtls-Call-Id")
    found = {record["MIDTLS_EVENT"]: record for record in journal(CALL_ID=call_id)}
    equal(sorted(found), ["call", "signature"], "records of one call")
    for event, name in (("call", "midtls-calld"), ("signature", "midtls-keyd")):
        equal(found[event]["_SYSTEMD_UNIT"], name + ".service", "unit of " + event)
        equal(int(found[event]["_UID"]), pwd.getpwnam(name).pw_uid, "user of " + event)
        equal(found[event]["MIDTLS_ALIAS"], "fresh", "alias in " + event)
        contains(found[event]["MIDTLS_DESTINATION"], "localhost:", "destination in " + event)
    equal(found["call"]["MIDTLS_STATUS"], "200", "status")
    equal(found["call"]["MIDTLS_CALLER_UID"], "0", "caller")
    equal(len(found["signature"]["MIDTLS_SERVER_SPKI_SHA256"]) > 40, True, "server's key in the signature")


def caller():
    uid = str(pwd.getpwnam("alice").pw_uid)
    before = len(journal(EVENT="call", CALLER_UID=uid))
    run("curl", "--silent", "--fail", "--max-time", "20", "--unix-socket", CALLD_SOCKET, "http://crm/tell", user="alice")
    equal([record["MIDTLS_STATUS"] for record in journal(EVENT="call", CALLER_UID=uid)][before:], ["200"], "alice's call")


def explained():
    """journalctl -x finds the catalog's text by MESSAGE_ID."""
    text = run("journalctl", "--no-pager", "--catalog", "MIDTLS_EVENT=key-loaded", "MIDTLS_PROFILE=plain")
    contains(text, "Subject: A client key was loaded", "explanation")
    contains(text, "The key and certificate of profile plain were loaded as generation", "explanation")
    for record in journal():
        if "MIDTLS_EVENT" in record:
            contains(run("journalctl", "--list-catalog", record["MESSAGE_ID"]), "midtls: ", "catalog of " + record["MIDTLS_EVENT"])


def sandbox_reached():
    """The signer tells where its keys lie; on this kernel that is memory which not even root can read, or locked memory."""
    texts = [record["MESSAGE"] for record in journal(EVENT="sandbox") if record["MESSAGE"].startswith("Signer")]
    equal(bool(texts), True, "a record of the signer")
    contains(texts[-1], "keys in ", "what the signer reached")
    contains(texts[-1], "; syscall filter", "what the signer reached")
    return re.search(r"keys in (\w+)", texts[-1]).group(1)


def command_status():
    for arguments in ((), ("status",)):
        text = run("midtls", *arguments, user="alice")
        contains(text, "up", "midtls status")
    data = json.loads(run("midtls", "list", "--json=short", user="alice"))
    rows = data["connections"] if isinstance(data, dict) else data
    equal({row["name"]: row["state"] for row in rows}, {"crm": "ready", "fresh": "ready", "billing": "ready"}, "midtls list")


def command_test():
    text = run("midtls", "test", "crm", "billing", user="alice")
    contains(text, "signature", "midtls test")


def command_check():
    """As root, who can read the configuration; nobody else may."""
    run("midtls", "check")
    contains(run("midtls", "check", user="alice", status=1), "Cannot look at the configuration: Permission denied", "midtls check of a user who may not")


def command_reload():
    contains(run("midtls", "reload"), "plain: unchanged", "midtls reload")
    contains(run("midtls", "reload", "--dry-run"), "plain", "midtls reload --dry-run")
    contains(run("midtls", "reload", user="alice", status=1), "keyd-admin.sock", "midtls reload of a user who may not")


def command_log():
    text = run("midtls", "log", "crm")
    contains(text, "crm", "midtls log")
    equal("billing" in text, False, "another alias in midtls log crm")
    contains(run("midtls", "log"), "signature", "midtls log")


def command_reconcile():
    """The journal of all that the tests before did; without the signatures, each is a gap. What others write is none."""
    good("fresh")
    run("journalctl", "--sync")
    equal(run("midtls", "log", "--reconcile", "--until=now"), "", "midtls log --reconcile")
    run("logger", "--journald", stdin=b"MESSAGE=forged\nMIDTLS_EVENT=signature\nMIDTLS_CALL_ID=forged\nSYSLOG_IDENTIFIER=keyd\n")
    equal(run("midtls", "log", "--reconcile", "--until=now"), "", "midtls log --reconcile after a forged record")
    calls = run("journalctl", "--output=export", "_SYSTEMD_UNIT=midtls-calld.service").encode()
    contains(run("midtls", "log", "--reconcile", "--input=-", stdin=calls, status=1), "call-without-signature", "without keyd's records")


def command_call():
    contains(run("midtls", "call", "--fail", "crm", "/tell", user="alice"), '"path": "/tell"', "midtls call")


def tests(suite):
    suite.run("records of call and signature are joined by the call's id", joined)
    suite.run("the caller's user is recorded", caller)
    suite.run("journalctl -x explains records", explained)
    suite.run("the signer records where its keys lie", sandbox_reached)
    suite.run("midtls status, list", command_status)
    suite.run("midtls test", command_test)
    suite.run("midtls check", command_check)
    suite.run("midtls reload", command_reload)
    suite.run("midtls call", command_call)
    suite.run("midtls log", command_log)
    suite.run("midtls log --reconcile", command_reconcile)
