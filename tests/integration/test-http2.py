#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 to the far server: several calls at once, each with its own end; HTTP2=no; nginx and a server that misbehaves."""

import contextlib
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal, fail, wait_until
from http2 import Http2
from peers import Nginx


def at_once(count, work):
    """WORK(number) in threads; what they raise is raised here."""
    problems = []

    def run(number):
        try:
            work(number)
        except Exception as problem:
            problems.append("%d: %s: %s" % (number, type(problem).__name__, problem))

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    equal(problems[:3], [], "problems of %d" % len(problems))


def connections_with(server, path):
    return [paths for paths in server.connections if any(one.startswith(path) for one in paths)]


def get(pair, path, host="two"):
    answer = pair.call("GET", path, host=host)
    equal((answer.status, answer.code()), (200, None), "answer (%r)" % answer.body[:300])
    return answer


def multiplexes():
    """Before its 8.1, libcurl loses bytes of streams that share a connection: calld keeps them apart there."""
    text = subprocess.run(["curl", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return tuple(int(part) for part in re.search(r"libcurl/(\d+)\.(\d+)", text).groups()) >= (8, 1)


def at_once_over(pair, server):
    """Forty calls, all of which wait at the server at the same time: over one connection where that is safe, else over forty."""
    server.goes.clear()
    get(pair, "/first")
    before = server.n_held

    def release():
        wait_until(lambda: server.n_held - before == 40, "all calls wait at the server at once", 20)
        server.goes.set()

    thread = threading.Thread(target=release, daemon=True)
    thread.start()
    at_once(40, lambda number: equal(get(pair, "/hold/%d" % number).body, b"held", "body"))
    thread.join(5)
    found = connections_with(server, "/hold")
    equal(len(found), 1 if multiplexes() else 40, "connections that the calls went over (%r)" % [len(paths) for paths in found])
    get(pair, "/after")
    n_connections = len(server.connections)
    for number in range(10):
        get(pair, "/after/%d" % number)
    equal(len(server.connections), n_connections, "connections of calls one after the other")


def at_once_over_nginx(pair):
    get(pair, "/x", "nginx")
    serials = set()
    at_once(24, lambda number: serials.add(get(pair, "/x/%d" % number, "nginx").json()["serial"]))
    equal(len(serials) == 1, multiplexes(), "one connection to nginx")


def bodies(pair, server):
    """Of many sizes, both ways, at the same time, over one connection: each is whole and nobody else's."""
    def one(number):
        body = os.urandom(number * number * 997)
        sent = (body[i:i + 7000] for i in range(0, len(body), 7000)) if number % 2 and body else body
        answer = pair.call("POST", "/echo/%d" % number, host="two", body=sent)
        equal((answer.status, answer.header("X-Path")), (200, "/echo/%d" % number), "answer (%r)" % answer.body[:200])
        if answer.body != body:
            fail("%d of %d bytes, cut %s, the first other one is %s" % (len(answer.body), len(body), answer.cut,
                                                                      next((n for n, (a, b) in enumerate(zip(answer.body, body)) if a != b), None)))

    get(pair, "/first")
    at_once(24, one)


def slow_caller(pair, server):
    """One that does not read its answer holds up nobody else on the same connection."""
    get(pair, "/first")
    slow = pair.connect()
    slow.request("GET", "/bytes/50000000", headers={"Host": "two"})
    response = slow.getresponse()
    equal(response.status, 200, "status")
    at_once(8, lambda number: equal(len(get(pair, "/bytes/300000").body), 300000, "body"))
    equal(len(response.read()), 50000000, "body of the slow one")
    slow.close()


def trailers(pair, server):
    equal(get(pair, "/trailers").body, b"body", "body")


def reset(pair, server, code):
    """A stream that is reset fails one call, and the connection lives on."""
    get(pair, "/first")
    n_connections = len(server.connections)
    answer = pair.call("POST", "/reset/%d" % code, host="two", body=b"x")
    equal((answer.status, answer.code()), (502, "response-invalid"), "answer (%r)" % answer.body[:300])
    for _ in range(3):
        get(pair, "/after")
    equal(len(server.connections), n_connections, "connections")


def reset_body(pair, server):
    answer = None
    with contextlib.suppress(ConnectionError):
        answer = pair.call("GET", "/reset-body/2", host="two")
    if answer and not answer.cut:
        equal((answer.status, answer.code()), (502, "response-invalid"), "an answer that looks whole")
    record = pair.records("calld", "call", ALIAS="two")[-1]
    equal(record.get("MIDTLS_REASON"), "response-invalid", "reason of the record")
    get(pair, "/after")


def refused(pair, server, path, method):
    """
    A stream that the server says it did not look at (RFC 9113, 8.7): libcurl does not tell it from others, so that a call that is not idempotent ends
    there, and no call goes out more than twice.
    """
    get(pair, "/first")
    server.refused = 0
    before = sum(paths.count(path) for paths in server.connections)
    answer = pair.call(method, path, host="two", body=b"body" if method == "POST" else None)
    n_sent = sum(paths.count(path) for paths in server.connections) - before
    if answer.status == 200:
        equal((answer.body, n_sent), (path.encode(), 2), "answer, and times that it went out")
    else:
        equal((answer.status, answer.code(), n_sent), (502, "response-invalid", 1), "answer, and times that it went out")
    equal(method == "GET" and path == "/refuse-once" and answer.status != 200, False, "an idempotent call was not made again")
    get(pair, "/after")


def goaway(pair, server):
    """The answer that was promised comes; no other call goes over that connection."""
    equal(get(pair, "/goaway").body, b"goodbye", "body")
    for _ in range(3):
        get(pair, "/after")
    equal([paths[-1] for paths in connections_with(server, "/goaway") if "/goaway" in paths], ["/goaway"], "the last call over that connection")


def goaway_nginx(pair):
    """nginx ends a connection after so many requests, also while others are under way."""
    at_once(60, lambda number: get(pair, "/x/%d" % number, "nginx-few"))


def early(pair, server):
    equal(get(pair, "/early").body, b"/early", "body")


def not_wanted(pair):
    equal(get(pair, "/x", "one").json()["http"], "HTTP/1.1", "protocol with HTTP2=no")
    equal(get(pair, "/x", "nginx").json()["http"], "HTTP/2.0", "protocol with HTTP2=yes")


def identities(pair):
    """Two profiles to one server at the same time: never over one connection."""
    names = {}
    for alias in ("nginx", "nginx-other"):
        names[alias] = get(pair, "/x", alias).json()["fingerprint"]
    equal(len(set(names.values())), 2, "identities")
    alias_of = lambda number: ("nginx", "nginx-other")[number % 2]
    at_once(40, lambda number: equal(get(pair, "/x", alias_of(number)).json()["fingerprint"], names[alias_of(number)], "identity at the server"))


def main(suite):
    with contextlib.ExitStack() as stack:
        # connections to far servers are a worker's own
        pair = Pair(suite, "http2", workers=1)
        server = stack.enter_context(Http2(pair.pki))
        nginx = stack.enter_context(Nginx(pair.pki, http2=True))
        few = stack.enter_context(Nginx(pair.pki, http2=True, extra="keepalive_requests 7;"))
        pair.profile("mauth", "p256.keytool.p12")
        pair.profile("other", "rsa2048.keytool.p12")
        pair.connection("two", "mauth", server.port, http="Timeout=20s")
        pair.connection("nginx", "mauth", nginx.port)
        pair.connection("nginx-other", "other", nginx.port)
        pair.connection("nginx-few", "mauth", few.port)
        pair.connection("one", "mauth", nginx.port, http="HTTP2=no")
        stack.enter_context(pair)

        suite.run("calls at once", at_once_over, pair, server)
        suite.run("calls at once, nginx", at_once_over_nginx, pair)
        suite.run("bodies at once", bodies, pair, server)
        suite.run("a slow caller", slow_caller, pair, server)
        suite.run("trailers", trailers, pair, server)
        suite.run("interim answers", early, pair, server)
        for code in (1, 2, 8, 11):
            suite.run("RST_STREAM %d" % code, reset, pair, server, code)
        suite.run("RST_STREAM in the body", reset_body, pair, server)
        for method in ("GET", "POST"):
            suite.run("a refused stream, " + method, refused, pair, server, "/refuse-once", method)
            suite.run("GOAWAY before the stream, " + method, refused, pair, server, "/goaway-refuse", method)
        suite.run("GOAWAY", goaway, pair, server)
        suite.run("GOAWAY with calls under way, nginx", goaway_nginx, pair)
        suite.run("HTTP2=no", not_wanted, pair)
        suite.run("identities", identities, pair)
        if server.problems:
            fail(server.problems[0])


Suite().main(main)
