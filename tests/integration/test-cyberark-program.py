#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords from CyberArk's Credential Provider, by its program (tests/lib/clipasswordsdk stands in for it): its arguments, its environment, its
errors; one that hangs, dies or talks too much; what may not be run."""

import base64
import contextlib
import json
import os
import secrets
import shutil
import socketserver
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from ccp import ERRORS
from harness import PASSWORD, SANDBOX, SANITIZED, TOP, Pair, Suite, contains, equal, fail, wait_until
from peers import Server
from stores import ALERT, CONFIGURATION, RETRY, canary, configure, good, loaded, p12, profile, row, settled, told

CANARY = "Canary,-;" + secrets.token_hex(12)
HEAD = "[MID]\nName=mid-test-01\n"
ALERTS = ("APPAP306E", "APPAP008E", "APPAP087E", "APPAP132E", "APPAP133E")
WRONG = {
    "slow": (RETRY, "did not answer in time"), "daemon": (RETRY, "did not answer in time"), "killed": (RETRY, "signal 11"),
    "huge": (CONFIGURATION, "more than 160 KiB"), "garbage": (RETRY, "not what a Credential Provider writes"),
    "nothing": (RETRY, "not what a Credential Provider writes"), "lines": (RETRY, "not what a Credential Provider writes"),
    "empty": (CONFIGURATION, "is empty"), "unknown": (RETRY, "without a known code (status 7)"),
    **{code: (ALERT if code in ALERTS else RETRY if code in ("APPAP007E", "APPAP282E") else CONFIGURATION, code) for code in ERRORS},
}


class Run(socketserver.StreamRequestHandler):
    def handle(self):
        asked = json.loads(self.rfile.readline())
        self.server.program.runs.append(asked)
        self.wfile.write(self.server.program.choose(asked["arguments"][4]).encode() + b"\n")


class Program:
    """`wrong`: "*" for every query, or a part of one, to what is done instead; `once`: likewise, for one run."""

    def __init__(self, pair):
        self.runs, self.wrong, self.once = [], {}, {}
        self.folder = os.path.join(pair.dir, "sdk")
        os.mkdir(self.folder, 0o700)
        self.path = os.path.join(self.folder, "clipasswordsdk")
        shutil.copyfile(os.path.join(TOP, "tests", "lib", "clipasswordsdk"), self.path)
        os.chmod(self.path, 0o755)
        self.server = socketserver.ThreadingUnixStreamServer(os.path.join(self.folder, "socket"), Run)
        self.server.program, self.server.daemon_threads = self, True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def choose(self, query):
        for part in list(self.once):
            if part in query:
                return self.once.pop(part)
        return next((kind for part, kind in self.wrong.items() if part == "*" or part in query), "")

    def put(self, name, value):
        with open(os.path.join(self.folder, name + ".new"), "w") as file:
            json.dump(value, file)
        os.rename(os.path.join(self.folder, name + ".new"), os.path.join(self.folder, name))

    def asked(self):
        return list(self.runs)

    def section(self, more=""):
        return "[CyberArk]\nProgram=%s\nAppID=MID & $(id)\nSafe=MidSafe\nTimeout=1500ms\n%s\n" % (self.path, more)


def reload(pair, status=1):
    got, out, _ = pair.reload()
    equal(got, status, "reload (%s)" % out)
    return out


def values(pair, program):
    for alias in ("byname", "whole"):
        good(pair, alias)
    asked = [row for row in program.asked() if "Object=Partner" in row["arguments"][4]][-1]
    equal(asked["arguments"], ["GetPassword", "-p", "AppDescs.AppID=MID & $(id)", "-p", "Query=Safe=MidSafe;Folder=Root;Object=Partner 'x' `id`", "-p",
                               "FailRequestOnPasswordChange=false", "-o", "PasswordChangeInProcess,Password"], "arguments")
    equal(set(asked["environment"]) - {"LC_CTYPE"}, {"PATH", "LANG"}, "environment")
    # The fourth is the folder that is read.
    equal(asked["files"], ["0", "1", "2", "3"], "descriptors")
    if SANDBOX == "full" and not SANITIZED:
        equal([row["writes"] for row in program.asked() if row["writes"]], [], "folders that it can write to")
    asked = next(row for row in program.asked() if "PolicyID" in row["arguments"][4])
    equal(asked["arguments"][4], "Query=Safe=MidSafe;Folder=Root;Object=plat;PolicyID=WinDomain", "query")


def running(program):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open("/proc/%s/cmdline" % pid, "rb") as file:
            if program.path.encode() in file.read().split(b"\0"):
                found.append(pid)
    return found


def fails(pair, program, kind, expected):
    settled(pair)
    n = len(program.asked())
    program.wrong["*"] = kind
    out = reload(pair)
    wait_until(lambda: running(program) == [], "no process is left", 5)
    n = len(program.asked()) - n
    # A value that is being changed is asked for again until the time is over.
    if n == 0 or n > 10:
        fail("%d runs in one load" % n)
    told(pair, out, *expected, "byname", "fresh")
    program.wrong.clear()


def changing(pair, program):
    """The value is being changed: it is asked for again, and the new one counts."""
    configure(pair, HEAD + program.section("Folder=Root").replace("1500ms", "8s"))
    program.once["Partner"] = "changing"
    n = len(program.asked())
    out = reload(pair)
    contains(out, "byname: unchanged", "reload")
    equal(len([row for row in program.asked()[n:] if "Partner" in row["arguments"][4]]) >= 2, True, "runs")
    configure(pair, HEAD + program.section("Folder=Root"))


def not_run(pair, program):
    """What others than root can change is not run; nor what is no file."""
    settled(pair)
    n = len(program.asked())
    cases = ((lambda: os.chmod(program.path, 0o775), "others than root can change it"), (lambda: os.chmod(program.folder, 0o777), "others than root"),
             (lambda: os.chown(program.path, 65534, 0), "others than root can change it"))
    for change, word in cases:
        change()
        out = reload(pair)
        os.chmod(program.path, 0o755)
        os.chmod(program.folder, 0o700)
        os.chown(program.path, 0, 0)
        contains(out, word, "reload")
        contains(out, "[configuration]", "reload")
    for path, word in ((program.folder, "it is no file"), (program.path + ".absent", "No such file"), ("/dev/null", "it is no file")):
        configure(pair, HEAD + program.section().replace(program.path, path))
        contains(reload(pair), word, "reload")
    configure(pair, HEAD + program.section() + "Endpoint=https://localhost/\n")
    contains(reload(pair), "are both set", "reload")
    equal(len(program.asked()), n, "runs")
    configure(pair, HEAD + program.section("Folder=Root"))
    wait_until(lambda: row(pair, "byname")["reason"] == "", "all is well", 20)


def semicolon(pair, program, server):
    """A name cannot add a criterion."""
    profile(pair, "cyberark", "evil", server, "MidSafe:x;Safe=Other", p12(pair, "p384", CANARY))
    contains(reload(pair), "has a semicolon [configuration]", "reload")
    equal([row for row in program.asked() if "Other" in row["arguments"][4]], [], "runs")
    os.unlink(os.path.join(pair.etc, "evil.profile"))
    os.unlink(os.path.join(pair.etc, "evil.connection"))


def main(suite):
    if os.getuid() != 0:
        suite.skip("the program", "what is run must belong to root")
        return
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "program")
        server, program = stack.enter_context(Server(pair.pki)), Program(pair)
        with open(p12(pair, "p384", PASSWORD), "rb") as file:
            program.put("secrets", {"Partner 'x' `id`": CANARY, "plat": CANARY, "whole": base64.b64encode(file.read()).decode(), "keypw": PASSWORD})
        pair.write("midtls.conf", HEAD + program.section())
        profile(pair, "cyberark", "byname", server, "Partner 'x' `id`", p12(pair, "p384", CANARY))
        profile(pair, "cyberark", "whole", server, "whole", extra="KeyPassword=cyberark:keypw")
        profile(pair, "cyberark", "fresh", server, "fresh", p12(pair, "p384", CANARY))
        os.environ["STATE_DIRECTORY"] = os.path.join(pair.dir, "state")
        os.mkdir(os.environ["STATE_DIRECTORY"], 0o700)
        stack.enter_context(pair)
        loaded(pair, "byname", "whole")
        configure(pair, HEAD + program.section("Folder=Root"))
        profile(pair, "cyberark", "plat", server, "MidSafe:plat:WinDomain", p12(pair, "p384", CANARY))
        loaded(pair, "byname", "whole", "plat")
        suite.run("what is run", values, pair, program)
        for kind, expected in WRONG.items():
            suite.run("wrong: " + kind, fails, pair, program, kind, expected)
        suite.run("while it is changed", changing, pair, program)
        suite.run("a semicolon", semicolon, pair, program, server)
        suite.run("what is not run", not_run, pair, program)
        if SANITIZED:
            suite.skip("the secret is where it must be", "a sanitizer's shadow memory is too large to be searched")
        else:
            suite.run("the secret is where it must be", canary, pair, CANARY)


Suite().main(main)
