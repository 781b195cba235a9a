# SPDX-License-Identifier: Apache-2.0
"""Far servers that misbehave: raw TLS sockets under the control of one function for each connection.

Far(pki, act) runs ACT(peer) in a thread for each connection, after the handshake; what ACT leaves open is closed. `requests` tells what was
received, `n_bytes` how many bytes of application data, whatever became of them. Raw(act) is the same on plain TCP, before any TLS.
"""

import contextlib
import os
import socket
import ssl
import struct
import threading
import time

from harness import SANITIZED, fail, wait_until
from peers import VERSIONS

TIMEOUT_SEC = 20


class Usage:
    """What a process holds, compared with what it held when this was made."""

    def __init__(self, pid, rss_kib=64 * 1024, descriptors=70):
        self.pid = pid
        self.rss_kib = rss_kib
        self.descriptors = descriptors
        self.before = self.now()

    def now(self):
        with open("/proc/%d/status" % self.pid) as file:
            rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        return len(os.listdir("/proc/%d/fd" % self.pid)), rss

    def check(self):
        """DESCRIPTORS more are for connections that are kept."""
        wait_until(lambda: self.now()[0] <= self.before[0] + self.descriptors, "descriptors are closed: %r, %r" % (self.before, self.now()))
        # ASan keeps what was freed
        if not SANITIZED and self.now()[1] > self.before[1] + self.rss_kib:
            fail("resident memory grew from %d to %d KiB" % (self.before[1], self.now()[1]))


class Request:
    def __init__(self, method, path, headers, body, whole):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.whole = whole
        self.time = time.monotonic()


class Peer:
    """One connection. SOCK: an ssl or a plain socket."""

    def __init__(self, far, sock, number):
        self.far = far
        self.sock = sock
        self.number = number
        self.buffer = b""

    def receive(self):
        data = self.sock.recv(65536)
        self.far.n_bytes += len(data)
        self.buffer += data
        return data

    def line_end(self, mark):
        while mark not in self.buffer:
            if not self.receive():
                return False
        return True

    def take(self, size):
        while len(self.buffer) < size and self.receive():
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_head(self):
        """Returns (method, path, headers) or None at the end of the connection."""
        if not self.line_end(b"\r\n\r\n"):
            return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, path = lines[0].split(" ")[:2]
        return method, path, {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}

    def read_body(self, headers):
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while self.line_end(b"\r\n"):
                size, self.buffer = self.buffer.split(b"\r\n", 1)
                part = self.take(int(size, 16) + 2)[:-2]
                body += part
                if not part:
                    return body, True
            return body, False
        size = int(headers.get("content-length", 0))
        body = self.take(size)
        return body, len(body) == size

    def read_request(self):
        """Returns a Request, also noted in far.requests; None at the end of the connection."""
        head = self.read_head()
        if not head:
            return None
        body, whole = self.read_body(head[2])
        request = Request(*head, body, whole)
        self.far.requests.append(request)
        return request

    def send(self, data):
        self.sock.sendall(data)

    def answer(self, status=200, body=b"fine", headers=()):
        lines = ["HTTP/1.1 %d X" % status, "Content-Length: %d" % len(body), *headers, "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def flood(self, data, seconds=15):
        """Sends DATA again and again until the other side has had enough."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.send(data)

    def wait_end(self):
        """Until the other side closes."""
        with contextlib.suppress(OSError, ValueError):
            while self.receive():
                pass

    def reset(self):
        """RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RD)  # wakes another thread that reads
        self.close()

    def close(self):
        """FIN without close_notify."""
        with contextlib.suppress(OSError):
            socket.socket.close(self.sock)

    def linger(self):
        """FIN without close_notify, and what still comes is read, so that no RST takes from the other side what was sent last."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)
            socket.socket.settimeout(self.sock, 1)
            while socket.socket.recv(self.sock, 65536):
                pass
        self.close()

    def end(self):
        """close_notify, then FIN."""
        with contextlib.suppress(OSError, ValueError):
            self.sock.settimeout(0.2)
            self.sock.unwrap()
        self.close()


class Raw:
    """A context manager; `port`."""

    def __init__(self, act):
        self.act = act
        self.requests = []
        self.n_bytes = self.n_connections = 0
        self.problems = []
        self.stopping = threading.Event()
        self.peers = set()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in list(self.peers):
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.n_connections += 1
            sock.settimeout(TIMEOUT_SEC)
            threading.Thread(target=self.serve, args=(sock, self.n_connections), daemon=True).start()

    def wrap(self, sock):
        return sock

    def serve(self, sock, number):
        peer = Peer(self, sock, number)
        self.peers.add(peer)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sock = self.wrap(sock)
            self.act(peer)
        except (OSError, ValueError):
            pass  # how most of these connections end
        except Exception as problem:
            self.problems.append(repr(problem))
        finally:
            peer.close()
            self.peers.discard(peer)


class Far(Raw):
    """TLS before ACT. CHAIN and KEY: files; SETUP(context) changes what ssl offers."""

    def __init__(self, pki, act, server="server-ecdsa", tls=None, client_ca="client-root", chain=None, key=None, setup=None):
        super().__init__(act)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if setup:
            setup(self.context)
        self.context.load_cert_chain(chain or os.path.join(pki, server + ".pem"), key or os.path.join(pki, server + ".key"))
        if tls:
            self.context.minimum_version = self.context.maximum_version = VERSIONS[tls]
        if client_ca:
            self.context.load_verify_locations(os.path.join(pki, client_ca + ".pem"))
            self.context.verify_mode = ssl.CERT_REQUIRED

    def wrap(self, sock):
        return self.context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)
