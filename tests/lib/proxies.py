# SPDX-License-Identifier: Apache-2.0
"""Proxies between the pair and a far server: tinyproxy (CONNECT), microsocks (SOCKS5), and one that passes on what it sees."""

import os
import selectors
import shutil
import socket
import subprocess
import tempfile

from harness import fail, wait_until
from hostile import Raw
from peers import free_port, listens

USER = "mid_7"
PASSWORD = "hush-proxy-7"

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 50
LogLevel Connect
{extra}
"""


class Program:
    """A context manager; `port`, and lines() of its log."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="midtls-proxy-")
        self.log = os.path.join(self.dir, "log")
        self.port = free_port()

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: listens(self.port) or self.process.poll() is not None, "the proxy listens")
        if self.process.poll() is not None:
            fail("the proxy does not start: %r" % self.lines()[-5:])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)

    def lines(self):
        with open(self.log, errors="replace") as file:
            return file.read().splitlines()

    def count(self, port):
        """Tunnels to PORT that the log has."""
        return sum(str(port) in line and self.mark in line for line in self.lines())


class Tinyproxy(Program):
    mark = "CONNECT"

    def __init__(self, user=None, extra=""):
        super().__init__()
        self.config = os.path.join(self.dir, "conf")
        extra += "\nBasicAuth %s %s" % (user, PASSWORD) if user else ""
        with open(self.config, "w") as file:
            file.write(TINYPROXY.format(port=self.port, extra=extra))

    def command(self):
        return ["tinyproxy", "-d", "-c", self.config]


class Microsocks(Program):
    mark = "connected to"

    def __init__(self, user=None):
        super().__init__()
        self.options = ["-u", user, "-P", PASSWORD] if user else []

    def command(self):
        return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *self.options]


class Tap(Raw):
    """An HTTP proxy that keeps what passes it: `connects` has the heads of the requests, `seen` and `answered` the bytes in the tunnels.

    CUT: after so many bytes of the far server's it closes both sides. EXTRA goes into the head of its answer.
    LEADS_TO: where every tunnel leads, whatever was asked for.
    """

    def __init__(self, cut=None, extra="", leads_to=None):
        super().__init__(self.tunnel)
        self.cut = cut
        self.extra = extra
        self.leads_to = leads_to
        self.connects = []
        self.seen = b""
        self.answered = b""

    def tunnel(self, peer):
        if not peer.line_end(b"\r\n\r\n"):
            return
        head, rest = peer.buffer.split(b"\r\n\r\n", 1)
        self.connects.append(head.decode("latin-1"))
        host, port = head.split(b" ")[1].decode().rsplit(":", 1)
        leads_to = self.leads_to or ("127.0.0.1" if host == "localhost" else host, int(port))
        with socket.create_connection(leads_to, 10) as far:
            peer.send(("HTTP/1.1 200 yes\r\n%s\r\n" % self.extra).encode())
            if rest:
                far.sendall(rest)
            self.pump(peer.sock, far)

    def pump(self, near, far):
        n_far = 0
        with selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select(20):
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if key.fileobj is near:
                        self.seen += data
                    else:
                        self.answered += data
                        n_far += len(data)
                    key.data.sendall(data)
                    if self.cut is not None and n_far >= self.cut:
                        return
