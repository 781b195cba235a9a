#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The optional listener on a loopback port: TcpToken= in a file, hostile callers, and one that goes away. A second calld has it, of the same keyd."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, SANDBOX, Answer, Pair, Suite, contains, equal, fail, wait_until
from hostile import Far
from peers import Server, free_port, listens

TOKEN = "hush-7f3a9c55d2e14b60"


class Tcp:
    """calld with a Unix socket and a port, by systemd's own activator; a context manager."""

    def __init__(self, pair):
        self.pair = pair
        self.port = free_port()
        self.log = os.path.join(pair.dir, "log", "calld-tcp.json")
        self.socket = os.path.join(pair.dir, "run", "second.sock")

    def __enter__(self):
        program = shutil.which("systemd-socket-activate") or "/usr/bin/systemd-socket-activate"
        command = [program, "-l", self.socket, "-l", "127.0.0.1:%d" % self.port, "--fdname=calld:calld-tcp", os.path.join(BUILD, "calld", "calld"),
                   "--keyd-socket=" + os.path.join(self.pair.dir, "run", "keyd.sock"), "--log=json"] + (["--sandbox=off"] if SANDBOX == "off" else [])
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: listens(self.port), "the port listens")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(20), 0, "exit status of calld")

    def records(self, event=None, **fields):
        return [record for record in self.all_records() if event in (None, record.get("MIDTLS_EVENT")) and
                all(record.get("MIDTLS_" + key) == value for key, value in fields.items())]

    def all_records(self):
        with open(self.log, errors="replace") as file:
            return [json.loads(line) for line in file if line.startswith("{") and line.endswith("\n")]

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 20)

    def call(self, target="/tell", host="open", headers=(("Midtls-Token", TOKEN),), method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in ([("Host", host)] if host is not None else []) + list(headers):
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = Answer(connection.getresponse())
        connection.close()
        return answer


def good(tcp, server):
    answer = tcp.call(method="POST", body=b"hello")
    equal((answer.status, answer.json()["size"]), (200, 5), "answer")
    names = {name.lower() for name, _ in server.seen[-1]["headers"]}
    equal("midtls-token" in names, False, "the token at the far server")
    equal(tcp.call("/healthz", "midtls").status, 200, "healthz")


def refused(tcp, server, status, **options):
    n_seen = len(server.seen)
    n_denied = len(tcp.records("caller-denied"))
    answer = tcp.call(**options)
    equal(answer.status, status, "status (%r)" % answer.body[:300])
    if status == 403:
        equal(answer.code(), "caller-denied", "code")
        equal(answer.header("Access-Control-Allow-Origin"), None, "Access-Control-Allow-Origin")
        # what midtls tells of itself leaves no record
        if options.get("target") != "/connections":
            wait_until(lambda: len(tcp.records("caller-denied")) == n_denied + 1, "the record")
    equal(len(server.seen), n_seen, "calls at the server")


def token_changes(pair, tcp, path):
    """The file is watched: an old token is worth nothing soon after; without one nobody may call."""
    other = "another-token-of-24-letters"

    def write(text):
        with open(path, "w") as file:
            file.write(text)

    def becomes(token, status):
        wait_until(lambda: tcp.call(headers=[("Midtls-Token", token)]).status == status, "%d with %s" % (status, token))

    write(other + "\n")
    becomes(other, 200)
    equal(tcp.call().status, 403, "the old token")
    for bad in ("short\n", "", "two\nlines-of-some-length\n"):
        write(bad)
        becomes(other, 403)
        equal(tcp.call(headers=[("Midtls-Token", bad.strip().replace("\n", " ") or "x")]).status, 403, "a token that is none: %r" % bad)
        equal(pair.call("GET", "/tell", host="open").status, 200, "the Unix socket")
    write(TOKEN + "\n")
    becomes(TOKEN, 200)


def gone(tcp, far, how):
    """A caller that closes while its call is under way: the call is ended and the record says so."""
    before = far.n_connections
    n_records = len(tcp.records("call", REASON="request-invalid"))
    caller = tcp.connect()
    caller.sendall(b"GET /x HTTP/1.1\r\nHost: hanging\r\nMidtls-Token: %s\r\n\r\n" % TOKEN.encode())
    wait_until(lambda: far.n_connections > before and len(far.requests) == far.n_connections, "the far server has the request")
    how(caller)
    wait_until(lambda: len(tcp.records("call", REASON="request-invalid")) > n_records, "the call has ended", 5)
    contains(tcp.records("call", REASON="request-invalid")[-1]["MESSAGE"], "went away", "message")
    caller.close()


def many(tcp):
    """Kept connections, several callers, bodies."""
    connection = http.client.HTTPConnection("127.0.0.1", tcp.port, timeout=20)
    for number in range(50):
        connection.request("POST", "/echo", body=b"b" * (number * 1000), headers={"Host": "open", "Midtls-Token": TOKEN})
        response = connection.getresponse()
        equal((response.status, len(response.read())), (200, number * 1000), "answer")
    connection.close()


def discreet(pair, tcp):
    texts = [pair.call("GET", target, host="midtls").body.decode() for target in ("/connections", "/status", "/metrics")]
    for path in (tcp.log, os.path.join(pair.dir, "log", "keyd.json"), os.path.join(pair.dir, "log", "calld.json")):
        with open(path, errors="replace") as file:
            texts.append(file.read())
    for text in texts:
        if TOKEN in text:
            fail("the token in %.100r" % text)


def hang(peer):
    peer.read_request()
    peer.wait_end()


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "tcp", "[Calls]\nTcpToken=file:token\n")
        pair.lost_calls = True  # the second calld has a log of its own
        server = stack.enter_context(Server(pair.pki))
        far = stack.enter_context(Far(pair.pki, hang))
        token = pair.write("token", TOKEN + "\n")
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("open", "mauth", server.port, extra="AllowUsers=*")
        pair.connection("closed", "mauth", server.port)
        pair.connection("hanging", "mauth", far.port, extra="AllowUsers=*")
        stack.enter_context(pair)
        tcp = stack.enter_context(Tcp(pair))

        suite.run("with the token", good, tcp, server)
        suite.run("kept connections and bodies", many, tcp)
        shown = ("Midtls-Token", TOKEN)
        for name, status, options in [
                ("no token", 403, {"headers": []}),
                ("a wrong token", 403, {"headers": [("Midtls-Token", TOKEN[:-1] + "1")]}),
                ("a part of the token", 403, {"headers": [("Midtls-Token", TOKEN[:-1])]}),
                ("the token twice", 400, {"headers": [shown, shown]}),
                ("the token as a password", 403, {"headers": [("Authorization", "Bearer " + TOKEN)]}),
                ("the token in the query", 403, {"target": "/tell?token=" + TOKEN.replace("hush", "hus"), "headers": []}),
                ("a connection that is not for everybody", 403, {"host": "closed"}),
                ("DNS rebinding: another name", 403, {"host": "evil.test", "headers": []}),
                ("DNS rebinding: the name with a port", 403, {"host": "open:8470", "headers": []}),
                ("DNS rebinding: the address", 403, {"host": "127.0.0.1:8470", "headers": []}),
                ("DNS rebinding: localhost", 403, {"host": "localhost", "headers": []}),
                ("DNS rebinding: absolute form", 403, {"target": "http://open/tell", "host": "evil.test"}),
                ("another name with the token", 404, {"host": "evil.test"}),
                ("the name with port 80", 403, {"host": "open:80"}),
                ("a form of a web page", 403, {"method": "POST", "body": b"a=b", "headers": [shown, ("Origin", "http://evil.test")]}),
                ("a sandboxed web page", 403, {"headers": [shown, ("Origin", "null")]}),
                ("a link of a web page", 403, {"headers": [shown, ("Sec-Fetch-Site", "cross-site")]}),
                ("a preflight", 403, {"method": "OPTIONS", "headers": [("Origin", "http://evil.test"), ("Access-Control-Request-Headers", "midtls-token")]}),
                ("what is told to known callers", 403, {"target": "/connections", "host": "midtls"}),
                ("healthz without the token", 403, {"target": "/healthz", "host": "midtls", "headers": []}),
                ("no Host field", 400, {"host": None}),
        ]:
            suite.run(name, refused, tcp, server, status, **options)
        suite.run("a caller closes during its call", gone, tcp, far, lambda caller: caller.close())
        suite.run("a caller ends its side during its call", gone, tcp, far, lambda caller: caller.shutdown(socket.SHUT_WR))
        suite.run("the token changes", token_changes, pair, tcp, token)
        suite.run("nobody shows the token", discreet, pair, tcp)


Suite().main(main)
