#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tests' own socket activation, with a toy daemon: started by the first connection, again after its end, ended by SIGTERM."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Suite, contains, equal, wait_until

# Says its pid and its environment to one caller and ends; or, called "stubborn", ignores SIGTERM.
TOY = """
import os, signal, socket, sys
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
listening = socket.socket(fileno=3)
print(sys.argv[1], file=sys.stderr, flush=True)
while True:
    listening.setblocking(True)
    caller = listening.accept()[0]
    right = os.environ["LISTEN_PID"] == str(os.getpid()) and "NOTIFY_SOCKET" not in os.environ
    caller.send(("%s %s %s" % (os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"], right)).encode())
    caller.close()
    if sys.argv[1] == "brief":
        break
"""


class Activated:
    def __init__(self, kind, toy):
        self.dir = tempfile.mkdtemp(prefix="midtls-")
        self.path = self.dir + "/toy.sock"
        self.kind = kind
        self.command = [os.path.join(BUILD, "tests", "lib", "activate"), "--name=toy", "--type=" + kind, "--path=" + self.path,
                        "--log=" + self.dir + "/log", "--pid-file=" + self.dir + "/pid", "--exits=" + self.dir + "/exits",
                        "--stop-timeout=3", "--",
                        sys.executable, "-c", TOY, toy]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, env=dict(os.environ, NOTIFY_SOCKET="/nowhere"))
        equal(self.process.stdout.readline(), b"ready\n", "ready")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir)

    def read(self, name):
        try:
            with open(os.path.join(self.dir, name)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def ask(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET if self.kind == "seqpacket" else socket.SOCK_STREAM) as caller:
            caller.settimeout(10)
            caller.connect(self.path)
            return caller.recv(100).decode()

    def ask_or_lose(self):
        try:
            return self.ask()
        except ConnectionError:
            return ""


def lazily(kind):
    with Activated(kind, "brief") as a:
        equal(oct(os.stat(a.path).st_mode & 0o777), "0o660", "mode of the socket")
        equal(a.read("pid"), "", "pid before the first connection")
        for _ in range(3):
            equal(a.ask(), "1 toy True", "environment of the daemon")
        wait_until(lambda: a.read("exits").count("exited 0\n") == 3, "three ends are noted")
        equal(a.read("log"), "brief\n" * 3, "log")


def restarted():
    with Activated("stream", "lasting") as a:
        a.ask()
        first = int(a.read("pid"))
        a.ask()
        equal(int(a.read("pid")), first, "the same daemon")
        os.kill(first, signal.SIGKILL)
        # The killed one may have taken a connection with it: that is as lost as it is with systemd.
        wait_until(lambda: a.ask_or_lose() and int(a.read("pid") or first) != first, "another daemon")
        contains(a.read("exits"), "killed 9\n", "exits")


def ended(toy, end):
    with Activated("stream", toy) as a:
        a.ask()
        pid = int(a.read("pid"))
        a.process.terminate()
        equal(a.process.wait(15), 0, "exit status")
        equal(a.read("exits"), end, "end of the daemon")
        equal(os.path.exists("/proc/%d" % pid), False, "the daemon is there")
        equal(os.path.exists(a.path), False, "the socket is there")


def limited():
    """A daemon that dies at once is not started without end."""
    with Activated("stream", "brief") as a:
        for _ in range(20):
            a.ask()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(1)
            caller.connect(a.path)
            try:
                answer = caller.recv(100)
            except socket.timeout:
                answer = b""
        equal(answer, b"", "the answer of a 21st daemon within 10 s")


def main(suite):
    for kind in ("stream", "seqpacket"):
        suite.run("started by a connection: " + kind, lazily, kind)
    suite.run("started again after a kill", restarted)
    for toy, end in (("lasting", "killed 15\n"), ("stubborn", "killed 9\n")):
        suite.run("SIGTERM ends a daemon: " + toy, ended, toy, end)
    suite.run("starts are limited", limited)


Suite().main(main)
