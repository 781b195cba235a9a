#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""REST through the pair: methods, bodies both ways, headers, addressing; curl and HTTP/2 too."""

import contextlib
import hashlib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal
from peers import Nginx, Server

SIZES = [0, 1, 1000, 1 << 20]


def pieces(body, size=10000):
    """An iterable: sent chunked."""
    return (body[i:i + size] for i in range(0, len(body), size))


def method(pair, server, name):
    body = b'{"a":1}' if name in ("POST", "PUT", "PATCH") else None
    answer = pair.call(name, "/tell/me?q=%20a+b&q=2", host="crm", body=body, headers=[("Content-Type", "application/json")] if body else [])
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    equal(answer.code(), None, "no error of ours")
    seen = server.seen[-1]
    equal((seen["method"], seen["path"]), (name, "/api/v2/tell/me?q=%20a+b&q=2"), "method and path at the server")
    equal(seen["body"], body or b"", "body at the server")
    if name == "HEAD":
        equal(answer.body, b"", "body of HEAD")
        equal(int(answer.header("Content-Length") or 0) > 0, True, "Content-Length of HEAD")


def upload(pair, server, size, chunked):
    body = os.urandom(size)
    answer = pair.call("POST", "/tell", host="crm", body=pieces(body) if chunked else body)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    equal(answer.json()["size"], size, "size at the server")
    equal(answer.json()["sha256"], hashlib.sha256(body).hexdigest(), "body at the server")


def download(pair, kind, size):
    answer = pair.call("GET", "/%s/%d" % (kind, size), host="root")
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    equal((answer.cut, len(answer.body)), (False, size), "body")
    equal(set(answer.body) - set(b"bc"), set(), "other bytes in the body")


def echo(pair, size):
    body = os.urandom(size)
    for sent in (body, pieces(body)):
        answer = pair.call("PUT", "/echo", host="root", body=sent)
        equal(answer.status, 200, "status")
        equal(hashlib.sha256(answer.body).hexdigest(), hashlib.sha256(body).hexdigest(), "echoed body")


def request_headers(pair, server):
    sent = [("X-Many", "1"), ("Accept", "text/x"), ("X-Many", "2"), ("Connection", "X-Hop, close"), ("X-Hop", "stays"),
            ("Keep-Alive", "timeout=3"), ("TE", "trailers"), ("Midtls-Timeout", "20s"), ("X-Many", "3"),
            ("User-Agent", "it/1.0"), ("Proxy-Authorization", "Basic eDp5")]
    equal(pair.call("GET", "/tell", host="crm", headers=sent).status, 200, "status")
    seen = server.seen[-1]["headers"]
    names = [name.lower() for name, _ in seen]
    equal([value for name, value in seen if name.lower() == "x-many"], ["1", "2", "3"], "duplicates in order")
    equal([value for name, value in seen if name.lower() == "accept"], ["text/x"], "Accept")
    equal([value for name, value in seen if name.lower() == "user-agent"], ["it/1.0"], "User-Agent")
    equal([value for name, value in seen if name.lower() == "host"], ["localhost:%d" % server.port], "Host")
    for name in ("x-hop", "keep-alive", "te", "proxy-authorization", "midtls-timeout", "midtls-call-id"):
        equal(name in names, False, name + " reached the server")
    order = [name for name in names if name in ("x-many", "accept")]
    equal(order, ["x-many", "accept", "x-many", "x-many"], "order of headers")


def no_headers_added(pair, server):
    """What the caller did not send does not appear by itself."""
    equal(pair.call("POST", "/tell", host="root", body=b"x").status, 200, "status")
    names = {name.lower() for name, _ in server.seen[-1]["headers"]}
    equal(names - {"host", "content-length", "accept", "user-agent"}, set(), "headers nobody sent")
    equal("content-type" in names or "expect" in names, False, "headers of libcurl's own")


def connection_headers(pair, server):
    equal(pair.call("GET", "/tell", host="crm").status, 200, "status")
    contains([list(pair_) for pair_ in server.seen[-1]["headers"]], ["X-Tenant", "42"], "header of the connection")


def response_headers(pair):
    answer = pair.call("GET", "/many", host="root")
    equal(answer.status, 200, "status")
    equal(answer.all("X-Many"), ["one", "two"], "duplicates in order")
    equal(answer.header("X-Other"), "o", "X-Other")
    equal(answer.header("X-Hop"), None, "X-Hop, named by Connection")
    equal(answer.header("Proxy-Status"), None, "Proxy-Status on an answer of the far server")
    equal(len(answer.all("Midtls-Call-Id")), 1, "Midtls-Call-Id")


def status(pair, number):
    answer = pair.call("GET", "/status/%d" % number, host="root")
    equal(answer.status, number, "status")
    equal(answer.header("Proxy-Status"), None, "Proxy-Status on an answer of the far server")
    if number not in (204, 304):
        equal(answer.body, b"far server says %d" % number, "body")


def call_ids(pair):
    found = {pair.call("GET", "/status/200", host="root").header("Midtls-Call-Id") for _ in range(5)}
    equal(len(found - {None}), 5, "different call ids")
    for call_id in found:
        record = pair.wait_record("calld", "call", CALL_ID=call_id)
        equal(record["MIDTLS_METHOD"], "GET", "method of the record")
        equal(record["MIDTLS_CALLER_UID"], str(os.getuid()), "caller of the record")
        contains(record["MIDTLS_DESTINATION"], "localhost:", "destination of the record")


def record_is_discreet(pair):
    pair.call("POST", "/tell?token=hush1", host="root", headers=[("Authorization", "Bearer hush2")], body=b"hush3")
    for daemon in ("keyd", "calld"):
        with open(os.path.join(pair.dir, "log", daemon + ".json")) as file:
            text = file.read()
        for word in ("hush1", "hush2", "hush3", "changeit"):
            equal(word in text, False, word + " in the log of " + daemon)


def absolute_form(pair, server):
    equal(pair.call("GET", "http://crm/tell?a=b", host="crm").status, 200, "status with the alias")
    equal(server.seen[-1]["path"], "/api/v2/tell?a=b", "path")


def scheme_form(pair, server):
    """The connection with profile, host and port whose base path matches longest."""
    target = "mauth://localhost:%d/api/v2/tell?a=b" % server.port
    answer = pair.call("GET", target, host="localhost:%d" % server.port)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    equal(server.seen[-1]["path"], "/api/v2/tell?a=b", "path")
    contains([list(pair_) for pair_ in server.seen[-1]["headers"]], ["X-Tenant", "42"], "header of the longest match")
    answer = pair.call("GET", "mauth://elsewhere.test/x", host="elsewhere.test")
    equal((answer.status, answer.code()), (404, "alias-unknown"), "a host that no connection names")


def with_curl(pair):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", "--unix-socket", pair.socket, "-d", "hello", "http://root/echo"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    equal((done.returncode, done.stdout, done.stderr), (0, b"hello", b""), "curl")


def keep_alive(pair):
    """One connection of the caller, one of calld's: the handshake happens once."""
    connection = pair.connect()
    before = len(pair.records("keyd", "signature"))
    for _ in range(20):
        equal(pair.call("GET", "/bytes/10", host="kept", connection=connection).status, 200, "status")
    connection.close()
    equal(len(pair.records("keyd", "signature")) - before <= 1, True, "at most one signature for 20 calls")


def http2(pair):
    answer = pair.call("POST", "/x", host="two", body=b"a" * 5000)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    equal(answer.json()["http"], "HTTP/2.0", "protocol at the server")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "rest")
        server = stack.enter_context(Server(pair.pki))
        nginx = stack.enter_context(Nginx(pair.pki, http2=True))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("root", "mauth", server.port)
        pair.connection("crm", "mauth", server.port, extra="BasePath=/api/v2", more="[Headers]\nX-Tenant=42")
        pair.connection("kept", "mauth", server.port)
        pair.connection("two", "mauth", nginx.port)
        stack.enter_context(pair)

        for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
            suite.run("method " + name, method, pair, server, name)
        for size in SIZES:
            suite.run("upload %d bytes" % size, upload, pair, server, size, False)
            suite.run("upload %d bytes, chunked" % size, upload, pair, server, size, True)
            suite.run("download %d bytes" % size, download, pair, "bytes", size)
            suite.run("download %d bytes, chunked" % size, download, pair, "chunked", size)
            suite.run("echo %d bytes" % size, echo, pair, size)
        suite.run("request headers", request_headers, pair, server)
        suite.run("no headers added", no_headers_added, pair, server)
        suite.run("headers of the connection", connection_headers, pair, server)
        suite.run("response headers", response_headers, pair)
        for number in (201, 204, 301, 400, 401, 404, 500, 503):
            suite.run("status %d" % number, status, pair, number)
        suite.run("call ids and records", call_ids, pair)
        suite.run("records hold no query, header, body or password", record_is_discreet, pair)
        suite.run("absolute form", absolute_form, pair, server)
        suite.run("PROTOCOL://host/path", scheme_form, pair, server)
        suite.run("curl --unix-socket", with_curl, pair)
        suite.run("keep-alive", keep_alive, pair)
        suite.run("HTTP/2", http2, pair)


Suite().main(main)
