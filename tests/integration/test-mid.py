#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a MID Server's REST and SOAP steps rely on: order and duplicates, bodies byte for byte, PROTOCOL:// addresses, its limits; and codes of errors."""

import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal
from peers import Server, free_port
from proxies import Tap

BYTES = bytes(range(256))
BOUNDARY = "----=_Part_7_\"q\".1"


def fields(server, *names):
    return [(name, value) for name, value in server.seen[-1]["headers"] if name.lower() in names]


def duplicates(pair, server):
    """Header fields and query parameters, in order, empty ones too."""
    sent = [("X-A", "1"), ("x-b", "2"), ("X-a", "3"), ("X-B", ""), ("X-A", "1"), ("Cookie", "a=1"), ("Cookie", "b=2"), ("Accept", "x/y"), ("Accept", "z/w")]
    query = "?b=2&a=1&a=2&&a=1&c&=d&e=%26%3D+%20&sysparm_query=active%3Dtrue%5EORDERBYnumber&a[]=1&a[]=2&u=%C3%A4&q='x'(y)*!;v=1,2"
    equal(pair.call("GET", "/api/now/table/incident" + query, host="crm", headers=sent).status, 200, "status")
    equal(server.seen[-1]["path"], "/api/now/table/incident" + query, "path and query at the server")
    got = fields(server, "x-a", "x-b", "cookie", "accept")
    equal([(name.lower(), value) for name, value in got], [(name.lower(), value) for name, value in sent], "fields at the server")


def exact(pair, server, body, content_type, method="POST", chunked=False):
    sent = (body[i:i + 777] for i in range(0, len(body), 777)) if chunked else body
    headers = [("Content-Type", content_type)] if content_type else []
    equal(pair.call(method, "/tell", host="crm", headers=headers, body=sent).status, 200, "status")
    equal(server.seen[-1]["body"], body, "body at the server")
    equal(fields(server, "content-type"), headers, "Content-Type at the server")
    echoed = pair.call(method, "/echo", host="crm", headers=headers, body=body)
    equal((echoed.status, echoed.body), (200, body), "body that came back")
    if content_type:
        equal(echoed.all("Content-Type"), [content_type], "Content-Type that came back")


def multipart():
    parts = [b'Content-Disposition: form-data; name="note"\r\n\r\ntext \xc3\xa4',
             b'Content-Disposition: form-data; name="file"; filename="a b.bin"\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n' + BYTES * 20,
             b'Content-Disposition: form-data; name="note"\r\n\r\n']
    mark = b"--" + BOUNDARY.encode()
    return b"preamble\r\n" + b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\nepilogue"


def defaults(pair):
    """175 seconds for a call, 10 for the connection, 64 MiB each way."""
    found = {c["name"]: c for c in pair.call("GET", "/connections", host="midtls").json()["connections"]}["crm"]
    text = json.dumps(found)
    for word in ("175000000", "10000000", str(64 << 20)):
        contains(text, word, "limits of the connection")
    status, out, err = pair.midtls("show", "crm")
    equal(status, 0, "exit status (%s)" % err)
    contains(out.replace(" ", ""), "2min55s", "midtls show")


# request target, the path at the server or the code of the refusal. Connections: root (no base path), api (/api), apiv2 (/api/v2), host2 (partner.test)
ADDRESSES = [
    ("mauth://localhost:PORT/x", "/x"),
    ("mauth://localhost:PORT", "/"),
    ("mauth://localhost:PORT?a=1", "/?a=1"),
    ("mauth://localhost:PORT/api", "/api"),
    ("mauth://localhost:PORT/api/y?z=/../1", "/api/y?z=/../1"),
    ("mauth://localhost:PORT/api/v2/incident/42", "/api/v2/incident/42"),
    ("mauth://localhost:PORT/api/v2", "/api/v2"),
    ("mauth://localhost:PORT/apiv2", "/apiv2"),
    ("MAUTH://LOCALHOST:PORT/api/v2/a%2Fb", "/api/v2/a%2Fb"),
    ("mauth://partner.test/x", "/x"),
    ("mauth://partner.test:PORT/x", "/x"),
    ("mauth://localhost/x", "/x"),
    ("mauth://localhost:1/x", "alias-unknown"),
    ("mauth://127.0.0.1:PORT/x", "alias-unknown"),
    ("mauth://localhost.:PORT/x", "alias-unknown"),
    ("other://localhost:PORT/x", "alias-unknown"),
    ("https://localhost:PORT/x", "alias-unknown"),
    ("file:///etc/passwd", "request-invalid"),
    ("mauth://user@localhost:PORT/x", "request-invalid"),
    ("mauth://localhost:PORT@evil.test/x", "request-invalid"),
    ("mauth://localhost:99999/x", "request-invalid"),
    ("mauth://localhost:PORT/api/v2/../../secret", "request-invalid"),
    ("mauth://localhost:PORT/api/v2/..%2f..%2fsecret", "request-invalid"),
    ("mauth://localhost:PORT/x#fragment", "request-invalid"),
]
ALIAS_OF = {"/api/v2/incident/42": "apiv2", "/api/v2": "apiv2", "/api/y?z=/../1": "api", "/api": "api", "/x": None}


def address(pair, server, target, wanted):
    n_seen = len(server.seen)
    target = target.replace("PORT", str(server.port))
    answer = pair.call("GET", target, host="whatever.test")
    if not wanted.startswith("/"):
        equal((answer.code(), len(server.seen) - n_seen), (wanted, 0), "code and calls at the server (%r)" % answer.body[:300])
        return
    equal((answer.status, len(server.seen) - n_seen), (200, 1), "status and calls at the server (%r)" % answer.body[:300])
    equal(server.seen[-1]["path"], wanted, "path at the server")
    record = pair.wait_record("calld", "call", CALL_ID=answer.header("Midtls-Call-Id"))
    if ALIAS_OF.get(wanted):
        equal(record["MIDTLS_ALIAS"], ALIAS_OF[wanted], "connection of the record")
    host = "partner.test" if "partner" in target else "localhost"
    equal(dict(fields(server, "host")), {"Host": "%s:%d" % (host, server.port)}, "Host at the server")


def status_texts(pair, server):
    """What is no success for HTTP is none of ours: it passes with its body."""
    for number in (400, 401, 403, 404, 405, 408, 409, 413, 418, 429, 500, 501, 502, 503, 504):
        answer = pair.call("POST", "/status/%d" % number, host="crm", body=b"{}")
        equal((answer.status, answer.code(), answer.header("Proxy-Status")), (number, None, None), "answer")
        equal(answer.body, b"far server says %d" % number, "body")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "mid")
        server = stack.enter_context(Server(pair.pki))
        pair.profile("mauth", "p256.keytool.p12", extra="DefaultPort=%d" % server.port)
        pair.connection("crm", "mauth", server.port, extra="BasePath=")
        pair.connection("root", "mauth", server.port, extra="MidServers=nobody-else")  # of another MID: not here
        pair.connection("api", "mauth", server.port, extra="BasePath=/api")
        pair.connection("apiv2", "mauth", server.port, extra="BasePath=/api/v2")
        # a name that leads nowhere here: it is reached by a proxy's name resolution alone
        pair.write("partner.connection", "[Connection]\nProfile=mauth\nHost=partner.test\n[HTTP]\nProxy=http://127.0.0.1:%d\n" % resolving_proxy(stack, server))
        pair.connection("elsewhere", "mauth", free_port())
        stack.enter_context(pair)

        suite.run("duplicates in order", duplicates, pair, server)
        for name, body, kind in [("multipart", multipart(), 'multipart/form-data; boundary="%s"' % BOUNDARY.replace('"', "'")),
                                 ("binary", BYTES * 100, "application/octet-stream"), ("binary without a type", BYTES, None),
                                 ("form", b"a=1&b=%20+&a=2&=&c", "application/x-www-form-urlencoded"), ("JSON", b'{"a":"\xc3\xa4"}\n\n', "application/json; charset=UTF-8"),
                                 ("XML in Latin-1", b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe4</a>', "text/xml;charset=ISO-8859-1"),
                                 ("line ends", b"\r\n\n\r\0\r\n\r\n", "text/plain"), ("empty", b"", "text/plain")]:
            suite.run("body: " + name, exact, pair, server, body, kind)
            if body:
                suite.run("body in chunks: " + name, exact, pair, server, body, kind, "PUT", True)
        suite.run("defaults", defaults, pair)
        for target, wanted in ADDRESSES:
            suite.run("address " + target, address, pair, server, target, wanted)
        suite.run("statuses pass", status_texts, pair, server)


def resolving_proxy(stack, server):
    """A proxy that leads every name to SERVER; returns its port."""
    tap = stack.enter_context(Tap(leads_to=("127.0.0.1", server.port)))
    return tap.port


Suite().main(main)
