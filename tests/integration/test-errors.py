#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every failure has the right code, status, Proxy-Status and hint, a record with the same code, and an end within its deadline."""

import contextlib
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal, fail, wait_until
from peers import Nginx, OpensslServer, Server, Silent, free_port, listens

# Timeout= of every connection here is 3 s; nothing may take longer than that and a little.
HTTP = "ConnectTimeout=2s\nTimeout=3s"
DEADLINE_SEC = 6


def check_problem(pair, answer, code, statuses, error):
    """ERROR: acceptable error types of RFC 9209."""
    equal(answer.code(), code, "code (%d %r)" % (answer.status, answer.body[:400]))
    contains(statuses, answer.status, "status")
    problem = answer.json()
    for member in ("type", "title", "status", "detail", "hint", "call_id"):
        if not problem.get(member):
            fail("member %s is empty in %r" % (member, problem))
    equal(problem["status"], answer.status, "status in the problem")
    equal(problem["call_id"], answer.header("Midtls-Call-Id"), "call id")
    proxy = answer.header("Proxy-Status") or ""
    if not any(proxy.startswith("midtls; error=" + one) for one in error) or "details=" not in proxy:
        fail("Proxy-Status is %r, wanted midtls; error=%s; details=..." % (proxy, " or ".join(error)))
    return problem


def failure(pair, alias, code, statuses, error, words=(), method="GET", target="/x", headers=()):
    started = time.monotonic()
    answer = pair.call(method, target, host=alias, headers=headers)
    took = time.monotonic() - started
    problem = check_problem(pair, answer, code, statuses, error)
    if took > DEADLINE_SEC:
        fail("took %.1f s" % took)
    record = pair.wait_record("calld", "call", CALL_ID=problem["call_id"])
    equal(record.get("MIDTLS_REASON"), code, "reason of the record")
    for word in words:
        contains((problem["detail"] + " " + problem["hint"]).lower(), word, "detail and hint")


def refused_path(pair, server, path):
    n_seen = len(server.seen)
    answer = pair.call("GET", path, host="base")
    check_problem(pair, answer, "request-invalid", [400], ["http_request_error"])
    equal(len(server.seen), n_seen, "calls that reached the server")


def allowed_path(pair, server, path):
    equal(pair.call("GET", path, host="base").status, 200, "status")
    equal(server.seen[-1]["path"], "/api/v2" + path, "path at the server")


def cut_answer(pair, path):
    """Either a 502 of ours, or, when the header was out already, a cut connection; never a whole answer."""
    known = {r["MIDTLS_CALL_ID"] for r in pair.records("calld", "call")}
    started = time.monotonic()
    try:
        answer = pair.call("GET", path, host="echo")
    except (ConnectionError, socket.timeout) as problem:
        if time.monotonic() - started > DEADLINE_SEC:
            fail("hung: %s" % problem)
        answer = None
    if answer and not answer.cut:
        check_problem(pair, answer, "response-invalid", [502], ["http_protocol_error", "http_response_incomplete"])
    wait_until(lambda: [r for r in pair.records("calld", "call", REASON="response-invalid") if r["MIDTLS_CALL_ID"] not in known],
               "a call record with the reason")


def too_large_request(pair):
    answer = pair.call("POST", "/echo", host="small", body=b"x" * 5000)
    check_problem(pair, answer, "request-too-large", [413], ["http_request_error"])


def too_large_answer(pair):
    answer = pair.call("GET", "/bytes/5000", host="small")
    check_problem(pair, answer, "response-too-large", [502], ["http_response_body_size"])


def lower_timeout(pair):
    started = time.monotonic()
    answer = pair.call("GET", "/silent", host="patient", headers=[("Midtls-Timeout", "1s")])
    check_problem(pair, answer, "timeout", [504], ["http_response_timeout"])
    if time.monotonic() - started > 5:
        fail("Midtls-Timeout: 1s took %.1f s" % (time.monotonic() - started))


def bad_request_line(pair):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as raw:
        raw.settimeout(10)
        raw.connect(pair.socket)
        raw.sendall(b"\x16\x03\x01\x00\x05hello\r\n\r\n")
        data = raw.recv(4096)
        if data and not data.startswith(b"HTTP/1."):
            fail("an answer that is not HTTP: %r" % data)
    equal(pair.call("GET", "/healthz", host="midtls").status, 200, "calld lives on")


def still_works(pair):
    equal(pair.call("GET", "/tell", host="echo").status, 200, "a good call after all this")


def configure(pair, stack):
    """Servers and connections; returns the server of the good connections."""
    def connection(alias, port, profile="mauth", host="localhost", extra="", http=HTTP):
        pair.connection(alias, profile, port, host=host, extra=extra, http=http)

    echo = stack.enter_context(Server(pair.pki))
    pair.profile("mauth", "p256.keytool.p12")
    connection("echo", echo.port)
    connection("base", echo.port, extra="BasePath=/api/v2")
    connection("small", echo.port, http=HTTP + "\nMaxRequestBytes=1K\nMaxResponseBytes=1K")
    connection("patient", echo.port, http="Timeout=20s")

    pair.profile("wrongpw", "p256.keytool.p12", password="not-it")
    pair.profile("absent", "nowhere.p12")
    pair.profile("expired", "expired.openssl.p12")
    pair.profile("strict", "p256.keytool.p12", server="MinimumTLS=1.3")
    for name in ("wrongpw", "absent", "expired"):
        connection(name, echo.port, profile=name)
    pair.connection("dangling", "noprofile", echo.port)

    connection("nocert", stack.enter_context(Nginx(pair.pki, verify="off")).port)
    connection("nocert12", stack.enter_context(Nginx(pair.pki, verify="off", tls="1.2")).port)
    for tls in ("1.2", "1.3"):
        short = tls.replace(".", "")
        connection("refuses" + short, stack.enter_context(OpensslServer(pair.pki, tls)).port)
        connection("refusespy" + short, stack.enter_context(Server(pair.pki, tls=tls, client_ca="other-ca")).port)
        for kind in ("stranger", "wrongname", "expired"):
            connection(kind + short, stack.enter_context(Nginx(pair.pki, server="server-" + kind, tls=tls)).port)
    connection("strict", stack.enter_context(Nginx(pair.pki, tls="1.2")).port, profile="strict")
    connection("refused", free_port())
    connection("nodns", 443, host="nx.invalid")
    connection("denied", echo.port, http=HTTP + "\nDenyAddresses=loopback")
    silent = stack.enter_context(Silent())
    connection("silent", silent.port)
    plain = stack.enter_context(PlainHttp())
    connection("plain", plain.port)
    return echo


class PlainHttp:
    """Speaks HTTP where TLS is expected."""

    def __enter__(self):
        self.port = free_port()
        self.process = subprocess.Popen(["socat", "TCP-LISTEN:%d,bind=127.0.0.1,fork,reuseaddr" % self.port,
                                         "SYSTEM:printf 'HTTP/1.0 400 Bad Request\\r\\n\\r\\n'"],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port), "socat listens")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


ROWS = [  # name, alias, code, statuses, error types, words in detail or hint
    ("unknown alias", "nobody", "alias-unknown", [404], ["destination_not_found"], ["nobody"]),
    ("wrong password", "wrongpw", "key-unavailable", [503], ["proxy_configuration_error"], ["password"]),
    ("absent keystore", "absent", "key-unavailable", [503], ["proxy_configuration_error"], ["nowhere.p12"]),
    ("profile that does not exist", "dangling", "key-unavailable", [503], ["proxy_configuration_error"], ["noprofile"]),
    ("expired client certificate", "expired", "key-expired", [503], ["proxy_configuration_error"], []),
    ("refuses ours, TLS 1.2, s_server", "refuses12", "client-certificate-rejected", [502], ["tls_alert_received"], []),
    ("refuses ours, TLS 1.3, s_server", "refuses13", "client-certificate-rejected", [502], ["tls_alert_received"], []),
    ("refuses ours, TLS 1.2, python", "refusespy12", "client-certificate-rejected", [502], ["tls_alert_received"], []),
    ("refuses ours, TLS 1.3, python", "refusespy13", "client-certificate-rejected", [502], ["tls_alert_received"], []),
    ("another CA, TLS 1.2", "stranger12", "server-certificate", [502], ["tls_certificate_error"], []),
    ("another CA, TLS 1.3", "stranger13", "server-certificate", [502], ["tls_certificate_error"], []),
    ("another name, TLS 1.2", "wrongname12", "server-certificate", [502], ["tls_certificate_error"], ["localhost"]),
    ("another name, TLS 1.3", "wrongname13", "server-certificate", [502], ["tls_certificate_error"], ["localhost"]),
    ("expired server, TLS 1.2", "expired12", "server-certificate", [502], ["tls_certificate_error"], ["expired"]),
    ("expired server, TLS 1.3", "expired13", "server-certificate", [502], ["tls_certificate_error"], ["expired"]),
    ("below MinimumTLS", "strict", "tls-failed", [502], ["tls_protocol_error", "tls_alert_received"], []),
    ("HTTP instead of TLS", "plain", "tls-failed", [502], ["tls_protocol_error"], []),
    ("connection refused", "refused", "connect-failed", [502], ["connection_refused"], []),
    ("name not found", "nodns", "dns-failed", [502, 504], ["dns_error", "dns_timeout"], ["nx.invalid"]),
    ("denied address", "denied", "address-denied", [502], ["destination_ip_prohibited"], []),
]


def silent_server(pair):
    """No handshake within ConnectTimeout=: either row of the contract, but in time."""
    started = time.monotonic()
    answer = pair.call("GET", "/", host="silent")
    if time.monotonic() - started > DEADLINE_SEC:
        fail("took %.1f s" % (time.monotonic() - started))
    if answer.code() == "timeout":
        check_problem(pair, answer, "timeout", [504], ["http_response_timeout"])
    else:
        check_problem(pair, answer, "connect-failed", [504], ["connection_timeout"])


def no_certificate_demanded(pair, alias):
    """The call must not go out as somebody without a certificate."""
    answer = pair.call("GET", "/x", host=alias)
    if answer.code() is None:
        fail("the call went through without client authentication: %d %r" % (answer.status, answer.body[:200]))
    problem = check_problem(pair, answer, "tls-failed", [502], ["tls_protocol_error"])
    contains((problem["detail"] + problem["hint"]).lower(), "certificate", "detail and hint")
    record = pair.wait_record("calld", "call", CALL_ID=problem["call_id"])
    equal(record.get("MIDTLS_REASON"), "tls-failed", "reason of the record")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "errors")
        echo = configure(pair, stack)
        stack.enter_context(pair)

        for name, alias, code, statuses, error, words in ROWS:
            suite.run(name, failure, pair, alias, code, statuses, error, words)
        suite.run("server demands no certificate, TLS 1.3", no_certificate_demanded, pair, "nocert")
        suite.run("server demands no certificate, TLS 1.2", no_certificate_demanded, pair, "nocert12")
        for path in ("/../v1/x", "/%2e%2e/v1", "/a/..%2f..%2fx", "/a/%2e%2E/../x", "/.."):
            suite.run("path " + path, refused_path, pair, echo, path)
        for path in ("/a//b/", "/a/..b/x%20y%2Fz?..=/../x"):
            suite.run("path " + path, allowed_path, pair, echo, path)
        suite.run("bad option", failure, pair, "echo", "request-invalid", [400], ["http_request_error"], ["midtls-timeout"],
                  "GET", "/x", [("Midtls-Timeout", "soon")])
        suite.run("silent before TLS", silent_server, pair)
        suite.run("silent after the request", failure, pair, "echo", "timeout", [504], ["http_response_timeout"], [], "GET", "/silent")
        suite.run("Midtls-Timeout lowers", lower_timeout, pair)
        for path in ("/truncated", "/cut-chunks"):
            suite.run("answer cut off " + path, cut_answer, pair, path)
        suite.run("answer is not HTTP", failure, pair, "echo", "response-invalid", [502],
                  ["http_protocol_error", "http_response_incomplete"], [], "GET", "/garbage")
        suite.run("request too large", too_large_request, pair)
        suite.run("answer too large", too_large_answer, pair)
        suite.run("not HTTP at all", bad_request_line, pair)
        suite.run("a good call afterwards", still_works, pair)


Suite().main(main)
