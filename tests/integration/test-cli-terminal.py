#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`midtls` on a terminal: colour, width, pager, progress; and none of it elsewhere."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Pair, Suite, contains, equal
from hostile import Far
from peers import Server, free_port

ESCAPES = re.compile(r"\x1b\[[0-9;]*[mK]")


def terminal(pair, *arguments, columns=80, environment=(), both=True):
    """Runs the command with standard output (and, with BOTH, standard error) on a terminal. Returns (exit status, what it shows)."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    variables = dict(os.environ, MIDTLS_SOCKET=pair.socket, TERM="xterm", LC_ALL="C.UTF-8", SYSTEMD_PAGER="")
    variables.pop("NO_COLOR", None)
    variables.update(dict(environment))
    process = subprocess.Popen([os.path.join(BUILD, "calld", "midtls"), *arguments], stdin=subprocess.DEVNULL, stdout=other,
                               stderr=other if both else subprocess.DEVNULL, env=variables)
    os.close(other)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other end was closed
        while True:
            data = os.read(main, 65536)
            if not data:
                break
            shown += data
    os.close(main)
    return process.wait(30), shown.decode().replace("\r\n", "\n")


def colour(pair):
    """A state is a word and a colour; the colour is for terminals alone."""
    status, shown = terminal(pair, "list")
    equal(status, 0, "exit status")
    contains(shown, "\x1b[32mready\x1b[0m", "list")
    contains(shown, "\x1b[1;31munavailable\x1b[0m", "list")
    for environment, arguments in (({"NO_COLOR": "1"}, ()), ({"TERM": "dumb"}, ()), ({}, ("--color=never",))):
        equal("\x1b" in terminal(pair, "list", *arguments, environment=environment)[1], False, "colour with %r %r" % (environment, arguments))
    contains(pair.midtls("list", "--color")[1], "\x1b[32mready\x1b[0m", "--color without a terminal")
    for arguments in (("list",), ("certs",), ("status",), ("show", "crm"), ("test", "crm"), ("list", "--profiles")):
        equal("\x1b" in pair.midtls(*arguments)[1], False, "colour without a terminal: " + " ".join(arguments))
    contains(terminal(pair, "test", "crm")[1], "\x1b[32m\u2713\x1b[0m dns", "ticks")
    contains(terminal(pair, "test", "refused")[1], "\x1b[1;31m\u2717\x1b[0m tcp", "crosses")


def width(pair):
    for columns in (60, 80, 200):
        for arguments in (("list",), ("list", "--profiles"), ("certs",)):
            for line in terminal(pair, *arguments, columns=columns)[1].splitlines():
                equal(len(ESCAPES.sub("", line)) <= columns, True, "%d columns of %r in %s" % (columns, line, arguments))
    contains(terminal(pair, "list", columns=60)[1], "\u2026", "what is cut has an ellipsis")
    equal("\u2026" in pair.midtls("list")[1], False, "an ellipsis without a terminal")


def json_everywhere(pair):
    """One JSON document, of both forms, and no colour."""
    for arguments in (("status",), ("list",), ("list", "--profiles"), ("show", "crm"), ("show", "mauth"), ("certs",), ("test", "crm"), ("test", "refused"),
                      ("test", "nobody"), ("call", "nobody", "/x"), ("log", "--reconcile", "--input=/dev/stdin")):
        for form in ("--json=short", "--json=pretty"):
            out = pair.midtls(*arguments, form, stdin=pair.log_lines())[1]
            try:
                json.loads(out)
            except ValueError:
                raise AssertionError("midtls %s %s: no JSON document: %.200r" % (" ".join(arguments), form, out)) from None
            equal(out.count("\n") == 1, form == "--json=short", "lines of midtls %s %s" % (" ".join(arguments), form))
    contains(terminal(pair, "list", "-j")[1], '\n  "connections": [', "-j on a terminal")
    equal(pair.midtls("list", "-j")[1].count("\n"), 1, "lines of -j elsewhere")


def pager(pair):
    """A pager of our own keeps what it is given."""
    script, kept = os.path.join(pair.dir, "pager"), os.path.join(pair.dir, "paged")
    with open(script, "w") as file:
        file.write('#!/bin/sh\nprintf "%%s\\n" "$LESS" "$@" >%s\ncat >>%s\n' % (kept, kept))
    os.chmod(script, 0o755)

    def paged(*arguments, environment=None):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(kept)
        status, shown = terminal(pair, *arguments, environment=environment or {"SYSTEMD_PAGER": script + " -x"})
        with contextlib.suppress(FileNotFoundError), open(kept) as file:
            equal(shown, "", "what is shown besides")
            return status, file.read()
        return status, None

    records = os.path.join(pair.dir, "records")
    with open(records, "wb") as file:
        file.write(pair.log_lines())
    for arguments in (("list",), ("show", "crm"), ("certs",), ("log", "--input=" + records)):
        status, text = paged(*arguments)
        equal((status, (text or "").splitlines()[:2]), (0, ["FRSXMK", "-x"]), "pager of " + " ".join(arguments))
    contains(paged("list")[1], "\x1b[32mready\x1b[0m", "colour in the pager")
    equal(paged("list", environment={"PAGER": script})[1], None, "$PAGER behind an empty $SYSTEMD_PAGER")
    for arguments in (("list", "--no-pager"), ("list", "-j"), ("status",), ("call", "crm", "/tell")):
        equal(paged(*arguments)[1], None, "no pager of " + " ".join(arguments))
    contains(terminal(pair, "list", environment={"SYSTEMD_PAGER": "/nonexistent"})[1], "ready", "a pager that is not there")
    with open(records, "ab") as file:
        for _ in range(200):
            file.write(pair.log_lines())
    status, shown = terminal(pair, "log", "--input=" + records, environment={"SYSTEMD_PAGER": "head -n 1"})
    equal((status, len(shown.splitlines())), (0, 1), "a pager that is left early")


def slowly(go):
    def act(peer):
        """Half of the answer, the rest when the test says so."""
        if peer.read_request():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 500000)
            for _ in range(2):
                go.wait(1.2)
                peer.send(b"x" * 750000)

    return act


def progress(pair):
    """After a second, and for a terminal only; nothing of it is left in the last line."""
    path = os.path.join(pair.dir, "out")
    status, shown = terminal(pair, "call", "slow", "/x", "-o", path)
    equal((status, os.path.getsize(path)), (0, 2000000), "exit status and size")
    contains(shown, "of 1.9M received (", "progress")
    equal(shown.endswith("\r\x1b[K"), True, "the end of %r" % shown[-60:])
    pair.go.set()
    status, shown = terminal(pair, "call", "slow", "/x", "-o", path)
    equal((status, shown), (0, ""), "a short download")
    pair.go.clear()
    status, _, err = pair.midtls("call", "slow", "/x", "-o", path)
    equal((status, err), (0, ""), "no terminal")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "terminal")
        pair.go = threading.Event()
        server = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "p256.keytool.p12")
        pair.profile("broken", "p256.keytool.p12", password="not-it")
        pair.connection("crm", "mauth", server.port)
        pair.connection("a-connection-with-a-rather-long-name", "broken", server.port, extra="BasePath=/with/a/base/path/that/is/long/too")
        pair.connection("refused", "mauth", free_port())
        pair.connection("slow", "mauth", stack.enter_context(Far(pair.pki, slowly(pair.go))).port)
        stack.enter_context(pair)

        suite.run("colour", colour, pair)
        suite.run("tables fit", width, pair)
        suite.run("JSON", json_everywhere, pair)
        suite.run("pager", pager, pair)
        suite.run("progress", progress, pair)


Suite().main(main)
