#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`midtls log`: the records of real calls, filtered, and compared: silent when calls and signatures agree, and each gap that is planted is found."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Pair, Suite, contains, equal, fail, wait_until
from hostile import Far
from peers import Nginx, Server, free_port


class Busy:
    """Each answer is the last of its connection; every Nth is good."""

    def __init__(self, every):
        self.every = every
        self.n = 0

    def __call__(self, peer):
        if peer.read_request():
            self.n += 1
            peer.answer(200 if self.n % self.every == 0 else 503, b"", ("Connection: close",))


def call_of(pair, answer):
    return pair.wait_record("calld", "call", CALL_ID=answer.header("Midtls-Call-Id"))


def signatures(record):
    return record["MIDTLS_SIGNATURES"], record.get("MIDTLS_SIGNATURES_UNANSWERED")


def counted(pair, alias, status, wanted, **options):
    answer = pair.call("GET", "/tell", host=alias, **options)
    equal(answer.status, status, "status (%r)" % answer.body[:300])
    equal(signatures(call_of(pair, answer)), (wanted, None), "signatures of the record")


def cancelled(pair):
    """The caller goes away after the handshake: no answer comes, and the signature is counted all the same."""
    known = {r["MIDTLS_CALL_ID"] for r in pair.records("calld", "call")}
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as caller:
        caller.connect(pair.socket)
        caller.sendall(b"GET /silent HTTP/1.1\r\nHost: silent\r\n\r\n")
        pair.wait_record("keyd", "signature", ALIAS="silent")
    new = wait_until(lambda: [r for r in pair.records("calld", "call") if r["MIDTLS_CALL_ID"] not in known], "the record of the call")
    equal((signatures(new[0]), new[0]["MIDTLS_VERDICT"]), (("1", None), "failed"), "record")


def refused(pair):
    """The second signature of a minute is one too many."""
    equal(pair.call("GET", "/tell", host="slow").status, 200, "the first")
    answer = pair.call("GET", "/tell", host="slow")
    equal(answer.code(), "signing-refused", "the second")
    equal(signatures(call_of(pair, answer)), ("0", None), "signatures of the record")
    equal(pair.wait_record("keyd", "signature-refused", ALIAS="slow")["MIDTLS_REASON"], "rate-limited", "reason")


def log(pair, *arguments, records, status=0):
    got, out, err = pair.midtls("log", *arguments, "--input=-", stdin=b"\n".join(records) + b"\n")
    equal(got, status, "exit status of midtls log %s (%.300r, %.300r)" % (" ".join(arguments), out, err))
    return out


def silent(pair, records):
    equal(log(pair, "--reconcile", records=records), "", "output")
    equal(log(pair, "--reconcile", records=records[::-1]), "", "output, last record first")
    equal(json.loads(log(pair, "--reconcile", "-j", records=records)), {"gaps": []}, "JSON")


def planted(pair, records):
    """Leaves out each record that is to be missed: exactly that is found."""
    n = {"signature": 0, "call": 0}
    for i, line in enumerate(records):
        record = json.loads(line)
        event = record.get("MIDTLS_EVENT")
        if event == "signature":
            wanted = "call-without-signature"
        elif event == "call" and record["MIDTLS_SIGNATURES"] != "0":
            wanted = "signature-without-call"
        else:
            continue
        n[event] += 1
        rest = records[:i] + records[i + 1:]
        gaps = json.loads(log(pair, "--reconcile", "-j", records=rest, status=1))["gaps"]
        equal([(gap["gap"], gap["call_id"], gap["alias"]) for gap in gaps], [(wanted, record["MIDTLS_CALL_ID"], record["MIDTLS_ALIAS"])], "gaps")
        contains(log(pair, "--reconcile", records=rest, status=1), record["MIDTLS_CALL_ID"], "the gap to read")
        equal(log(pair, "--reconcile", "nobody", records=rest), "", "of another alias")
    if n["signature"] < 7 or n["call"] < 5:
        fail("too few were left out: %r" % n)


def twice(pair, records):
    """A signature more than the calls count."""
    line = next(line for line in records if b'"signature"' in line)
    gaps = json.loads(log(pair, "--reconcile", "-j", records=records + [line], status=1))["gaps"]
    equal([gap["gap"] for gap in gaps], ["signature-without-call"], "gaps")


def unreadable(pair, records):
    contains(log(pair, "--reconcile", records=records + [b'{"cut off'], status=1), "record-unreadable", "output")
    got, out, err = pair.midtls("log", "--reconcile", "--input=/dev/null")
    equal((got, out), (1, ""), "nothing at all")
    contains(err, "no records", "error output")
    equal(pair.midtls("log", "--reconcile", "--input=/nonexistent")[0], 1, "a file that is not there")


def export(records):
    """The journal's export format."""
    data = b""
    for line in records:
        for name, value in json.loads(line).items():
            value = value.encode()
            data += name.encode() + (b"\n" + struct.pack("<Q", len(value)) + value if b"\n" in value else b"=" + value) + b"\n"
        data += b"\n"
    return data


def export_form(pair, records):
    got, out, err = pair.midtls("log", "--reconcile", "--input=-", stdin=export(records))
    equal((got, out, err), (0, "", ""), "reconciled")
    rest = [line for line in records if b'"signature"' not in line]
    equal(pair.midtls("log", "--reconcile", "--input=-", stdin=export(rest))[0], 1, "without signatures")
    plain = pair.midtls("log", "--input=-", stdin=b"\n".join(records))
    equal(pair.midtls("log", "--input=-", stdin=export(records)), plain, "the log")


def filters(pair, records):
    everything = [json.loads(line) for line in records]

    def expect(arguments, takes):
        got = [json.loads(line) for line in log(pair, "--json=short", *arguments, records=records).splitlines()]
        want = [r for r in everything if r.get("MIDTLS_EVENT") and takes(r)]
        equal(got, want, "records of %s" % " ".join(arguments))
        if not want or (arguments and len(want) == len(everything)):
            fail("%s tells nothing: %d of %d" % (" ".join(arguments), len(want), len(everything)))
        equal(len(log(pair, *arguments, records=records).splitlines()), len(want), "lines of %s" % " ".join(arguments))

    def field(name, value):
        return lambda r: r.get("MIDTLS_" + name) == value

    expect([], lambda r: True)
    expect(["slow"], field("ALIAS", "slow"))
    expect(["limited"], field("PROFILE", "limited"))
    expect(["--profile=limited"], field("PROFILE", "limited"))
    expect(["--event=signature"], field("EVENT", "signature"))
    expect(["--verdict=failed"], field("VERDICT", "failed"))
    expect(["--code=connect-failed"], field("REASON", "connect-failed"))
    expect(["--caller=%d" % os.getuid()], field("CALLER_UID", str(os.getuid())))
    call_id = next(r["MIDTLS_CALL_ID"] for r in everything if r.get("MIDTLS_ALIAS") == "thrice")
    expect(["--call=" + call_id], field("CALL_ID", call_id))
    middle = sorted(int(r["__REALTIME_TIMESTAMP"]) for r in everything)[len(everything) // 2] // 1000000
    expect(["--since=@%d" % middle], lambda r: int(r["__REALTIME_TIMESTAMP"]) >= middle * 1000000)
    expect(["--since=1h", "--until=now", "--event=call", "crm"], lambda r: r.get("MIDTLS_EVENT") == "call" and r.get("MIDTLS_ALIAS") == "crm")
    equal(log(pair, "--until=1h", records=records), "", "before an hour ago")
    if any(r.get("MIDTLS_CALLER_UID") == "0" for r in everything):
        expect(["--caller=root"], field("CALLER_UID", "0"))


def usage(pair):
    for arguments, status in ((["--since=soon"], 1), (["--event=frob"], 1), (["--caller=no such user"], 1), (["a b"], 1), (["-f", "--input=-"], 2),
                              (["--reconcile", "-f"], 2), (["--reconcile", "--code=timeout"], 2), (["--reconcile", "--event=call"], 2)):
        got, out, err = pair.midtls("log", *arguments)
        equal((got, out), (status, ""), "midtls log " + " ".join(arguments))
        contains(err, "hint:", "error output of midtls log " + " ".join(arguments))


def from_journal(pair, records):
    """journalctl is asked for the two units only; another one's records are none of ours. A journalctl of our own answers here."""
    tools = os.path.join(pair.dir, "tools")
    os.mkdir(tools)
    with open(tools + "/records", "wb") as file:
        for line in records:
            unit = "midtls-keyd.service" if json.loads(line)["SYSLOG_IDENTIFIER"].startswith("keyd") else "midtls-calld.service"
            file.write(json.dumps(dict(json.loads(line), _SYSTEMD_UNIT=unit, _BOOT_ID="0")).encode() + b"\n")
        file.write(b'{"_SYSTEMD_UNIT":"cron.service","SYSLOG_IDENTIFIER":"keyd","MIDTLS_EVENT":"signature","MIDTLS_CALL_ID":"forged"}\n')
    with open(tools + "/journalctl", "w") as file:
        file.write('#!/bin/sh\nprintf "%%s\\n" "$@" >%s/arguments\ncat %s/records\n' % (tools, tools))
    os.chmod(tools + "/journalctl", 0o755)

    def run(*arguments):
        done = subprocess.run([os.path.join(BUILD, "calld", "midtls"), "log", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                              env=dict(os.environ, PATH=tools + ":" + os.environ["PATH"]))
        with open(tools + "/arguments") as file:
            return done.returncode, done.stdout.decode(), done.stderr.decode(), file.read().splitlines()

    got, out, err, arguments = run("--reconcile", "--until=now")
    equal((got, out, err), (0, "", ""), "reconciled")
    equal(arguments[-2:], ["_SYSTEMD_UNIT=midtls-keyd.service", "_SYSTEMD_UNIT=midtls-calld.service"], "what journalctl is asked")
    got, out, _, arguments = run("crm", "--code=x", "--since=@5")
    equal((got, out), (0, ""), "nothing of that code")
    for word in ("MIDTLS_ALIAS=crm", "MIDTLS_PROFILE=crm", "MIDTLS_REASON=x", "+", "--since=@5"):
        contains(arguments, word, "what journalctl is asked")
    got, out, _, _ = run("-j")
    equal((got, "forged" in out, len(out.splitlines())), (0, False, len([r for r in records if b"MIDTLS_EVENT" in r])), "all of them")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "log")
        echo, nginx = stack.enter_context(Server(pair.pki)), stack.enter_context(Nginx(pair.pki, tls="1.2"))
        thrice, once = (stack.enter_context(Far(pair.pki, Busy(every))) for every in (3, 1))
        pair.profile("mauth", "p256.keytool.p12")
        pair.profile("limited", "p256.keytool.p12", extra="")
        with open(os.path.join(pair.etc, "limited.profile"), "a") as file:
            file.write("[Limits]\nMaxSignaturesPerMinute=1\n")
        pair.connection("crm", "mauth", echo.port)
        pair.connection("resumed", "mauth", nginx.port)
        pair.connection("silent", "mauth", echo.port, http="Timeout=20s")
        pair.connection("slow", "limited", once.port, http="SessionResumption=no")
        pair.connection("thrice", "mauth", thrice.port, more="[Retry]\nStrategy=fixed\nInterval=10ms\nCount=3\n", http="SessionResumption=no\nHTTP2=no")
        pair.connection("refused", "mauth", free_port())
        stack.enter_context(pair)

        # A caller's connection stays with one worker, and connections to servers are a worker's.
        with contextlib.closing(pair.connect()) as caller:
            suite.run("a handshake", counted, pair, "crm", 200, "1", connection=caller)
            suite.run("a kept connection", counted, pair, "crm", 200, "0", connection=caller)
        suite.run("no connection", counted, pair, "refused", 502, "0")
        suite.run("three attempts, three handshakes", counted, pair, "thrice", 200, "3")
        suite.run("a caller that goes away", cancelled, pair)
        suite.run("a signature refused", refused, pair)
        suite.run("midtls test", lambda: equal(pair.midtls("test", "crm", "resumed")[0], 0, "exit status"))

        # what midtls test called is recorded after its answer
        wait_until(lambda: not pair.all_gaps(), "calls and signatures agree")
        records = pair.log_lines().splitlines()
        suite.run("silent when both agree", silent, pair, records)
        suite.run("a record left out", planted, pair, records)
        suite.run("a signature too many", twice, pair, records)
        suite.run("records that cannot be read", unreadable, pair, records)
        suite.run("export format", export_form, pair, records)
        suite.run("filters", filters, pair, records)
        suite.run("usage", usage, pair)
        suite.run("from the journal", from_journal, pair, records)


Suite().main(main)
