#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""For every code: the answer (problem, status, Proxy-Status), the record and `midtls test` say the same, with a hint."""

import contextlib
import http.client
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import TOP, Answer, Pair, Suite, contains, equal, wait_until
from hostile import Far
from peers import Nginx, Server, free_port

HTTP = "ConnectTimeout=2s\nTimeout=3s"

# code -> alias, statuses, error types of RFC 9209, the step of midtls test that fails or why there is none
ROWS = {
    "alias-unknown": ("nobody", [404], ["destination_not_found"], None),
    "caller-denied": ("denied", [403], ["http_request_denied"], None),
    "key-unavailable": ("wrongpw", [503], ["proxy_configuration_error"], "signature"),
    "key-expired": ("expired", [503], ["proxy_configuration_error"], "signature"),
    "signing-refused": ("limited", [502], ["proxy_internal_error"], "signature"),
    "dns-failed": ("nodns", [502, 504], ["dns_error", "dns_timeout"], "dns"),
    "address-denied": ("loopback", [502], ["destination_ip_prohibited"], "dns"),
    "connect-failed": ("refused", [502], ["connection_refused"], "tcp"),
    "server-certificate": ("stranger", [502], ["tls_certificate_error"], "server-certificate"),
    "client-certificate-rejected": ("rejects", [502], ["tls_alert_received"], "accepted"),
    "tls-failed": ("oldtls", [502], ["tls_protocol_error", "tls_alert_received"], "tls"),
    "response-invalid": ("garbage", [502], ["http_protocol_error", "http_response_incomplete"], "http"),
    "timeout": ("silent", [504], ["http_response_timeout"], "http"),
}

# Those that need a state of their own.
STATES = {"overloaded", "keyd-unavailable"}

# Answer and record are compared all the same.
NOT_IN_MIDTLS_TEST = {
    "request-invalid": "the caller's request is at fault, and midtls test makes its own",
    "request-too-large": "the caller's request is at fault, and midtls test makes its own",
    "request-timeout": "the caller's request is at fault, and midtls test makes its own",
    "response-too-large": "midtls test asks by HEAD, so no body comes",
}

# Memory, or the program itself, fails: nothing outside can bring that about.
NOT_TRIED = {"internal"}


def check_problem(answer, code, statuses, errors):
    """Returns the problem."""
    equal(answer.code(), code, "code (%d %r)" % (answer.status, answer.body[:300]))
    contains(statuses, answer.status, "status")
    problem = answer.json()
    for member in ("title", "detail", "hint", "call_id"):
        equal(bool(problem.get(member)), True, "%s of the problem" % member)
    equal((problem["status"], problem["call_id"]), (answer.status, answer.header("Midtls-Call-Id")), "status and call id of the problem")
    found = re.fullmatch(r'midtls; error=(\w+)(?:; alert-id=\d+; alert-message="\w+")?; details="(.+)"', answer.header("Proxy-Status") or "")
    equal(bool(found), True, "form of Proxy-Status: %r" % answer.header("Proxy-Status"))
    contains(errors, found.group(1), "error of Proxy-Status")
    equal(re.sub(r"\\(.)", r"\1", found.group(2)), re.sub(r"[^ -~]", "?", problem["detail"]), "details of Proxy-Status")
    return problem


def check_record(pair, problem, code):
    record = pair.wait_record("calld", "call", CALL_ID=problem["call_id"])
    got = {key: record.get("MIDTLS_" + key) for key in ("VERDICT", "REASON", "HINT", "STATUS")}
    equal(got, {"VERDICT": "failed", "REASON": code, "HINT": problem["hint"], "STATUS": str(problem["status"])}, "record")
    contains(record["MESSAGE"], problem["detail"], "message of the record")
    shown = pair.midtls("log", "--input=-", "--call=" + problem["call_id"], stdin=pair.log_lines())[1]
    contains(shown, "(%s)" % code, "what midtls log shows")
    contains(shown, problem["hint"], "what midtls log shows")


def check_test(pair, alias, code, step):
    """The answer to POST /test/ALIAS, and what the command makes of it. A call's own numbers and ports differ from one to the next."""
    answer = pair.call("POST", "/test/" + alias, host="midtls")
    if step is None:
        problem = answer.json()
        equal(answer.code(), code, "code of the test")
        status, _, err = pair.midtls("test", alias)
        equal(status, 1, "exit status of midtls test")
        contains(err, "hint: " + problem["hint"], "error output of midtls test")
        return
    test = answer.json()
    failed = [one for one in test["steps"] if one["ok"] is False]
    equal((answer.status, test["ok"], test["code"], [one["name"] for one in failed]), (200, False, code, [step]), "test, and the step that failed")
    equal(bool(failed[0]["detail"] and failed[0]["hint"]), True, "detail and hint of the step %r" % failed[0])
    record = pair.wait_record("calld", "call", CALL_ID=test["call_id"])
    equal((record["MIDTLS_REASON"], record["MIDTLS_HINT"]), (code, failed[0]["hint"]), "record of the test")
    contains(record["MESSAGE"], failed[0]["detail"], "message of the test's record")
    status, out, _ = pair.midtls("test", alias)
    equal(status, 3, "exit status of midtls test")
    contains(out, "hint: " + failed[0]["hint"], "output of midtls test")
    return failed[0]["hint"]


def agrees(pair, code):
    alias, statuses, errors, step = ROWS[code]
    problem = check_problem(pair.call("GET", "/x", host=alias), code, statuses, errors)
    check_record(pair, problem, code)
    hint = check_test(pair, alias, code, step)
    if hint:
        equal(hint, problem["hint"], "hint of the test, and of the problem")


def denied(pair):
    agrees(pair, "caller-denied")
    record = pair.wait_record("calld", "caller-denied", ALIAS="denied")
    equal((record["MIDTLS_VERDICT"], record["MIDTLS_REASON"], bool(record["MIDTLS_HINT"])), ("denied", "caller-denied", True), "caller-denied record")


def refused(pair):
    """The rule's name is the record's and the answer's; the hint is the same in both daemons."""
    equal(pair.call("GET", "/x", host="limited").status, 200, "the one signature of the minute")
    agrees(pair, "signing-refused")
    record = pair.wait_record("keyd", "signature-refused", ALIAS="limited")
    call = pair.wait_record("calld", "call", CALL_ID=record["MIDTLS_CALL_ID"])
    contains(call["MESSAGE"], "(%s)" % record["MIDTLS_REASON"], "message of the call's record")
    equal(record["MIDTLS_HINT"], call["MIDTLS_HINT"], "hint in both daemons")


def of_request(pair, code, statuses, errors, **options):
    """A request that is at fault itself."""
    options.setdefault("host", "crm")
    check_record(pair, check_problem(pair.call(options.pop("method", "GET"), options.pop("target", "/x"), **options), code, statuses, errors), code)


def slow_header(pair):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as caller:
        caller.settimeout(10)
        caller.connect(pair.socket)
        caller.sendall(b"GET /x HTTP/1.1\r\nHost: cr")
        response = http.client.HTTPResponse(caller)
        response.begin()
        check_record(pair, check_problem(Answer(response), "request-timeout", [408], ["http_request_error"]), "request-timeout")


def not_http(pair, data, status, detail):
    """libmicrohttpd answers such requests itself; the record is ours."""
    known = {record["MIDTLS_CALL_ID"] for record in pair.records("calld", "call", REASON="request-invalid")}
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as caller:
        caller.settimeout(10)
        caller.connect(pair.socket)
        with contextlib.suppress(BrokenPipeError):
            caller.sendall(data)
        if status:
            contains(caller.recv(4096), b"HTTP/1.1 %d " % status, "answer")
    new = wait_until(lambda: [r for r in pair.records("calld", "call", REASON="request-invalid") if r["MIDTLS_CALL_ID"] not in known], "a record")[0]
    equal((new["MIDTLS_VERDICT"], bool(new["MIDTLS_HINT"])), ("failed", True), "record")
    contains(new["MESSAGE"], detail, "message of the record")


def n_calls(pair):
    return pair.call("GET", "/status", host="midtls").json()["n_calls"]


def overloaded(pair):
    """MaxCalls=2, and two calls that wait for their answer."""
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            waiting = stack.enter_context(contextlib.closing(socket.socket(socket.AF_UNIX)))
            waiting.connect(pair.socket)
            waiting.sendall(b"GET /silent HTTP/1.1\r\nHost: patient\r\n\r\n")
        wait_until(lambda: n_calls(pair) == 2, "two calls are under way")
        answer = pair.call("GET", "/x", host="crm")
        problem = check_problem(answer, "overloaded", [503], ["connection_limit_reached"])
        equal(bool(answer.header("Retry-After")), True, "Retry-After")
        check_record(pair, problem, "overloaded")
        equal(check_test(pair, "crm", "overloaded", "dns"), problem["hint"], "hint of the test")
    wait_until(lambda: n_calls(pair) == 0, "the callers that went away are noticed")


def without_keyd(pair):
    pair.signal("keyd-activate", signal.SIGSTOP)
    try:
        pair.kill("keyd")
        wait_until(lambda: pair.call("GET", "/x", host="fresh").code() == "keyd-unavailable", "calld notices", 5)
        problem = check_problem(pair.call("GET", "/x", host="fresh"), "keyd-unavailable", [503], ["proxy_internal_error"])
        check_record(pair, problem, "keyd-unavailable")
        equal(check_test(pair, "fresh", "keyd-unavailable", "signature"), problem["hint"], "hint of the test")
    finally:
        pair.signal("keyd-activate", signal.SIGCONT)
    wait_until(lambda: pair.call("GET", "/x", host="fresh").status == 200, "keyd is back")


def all_codes():
    """The codes in the page, in the program's table and here are the same."""
    with open(os.path.join(TOP, "calld", "call", "error.c")) as file:
        rows = dict(re.findall(r'^        \[CALL_\w+\] = \{"([a-z-]+)", (\d+)', file.read(), re.MULTILINE))
    del rows["ok"]
    with open(os.path.join(TOP, "docs", "midtls.7")) as file:
        page = dict(re.findall(r"^\.It ([a-z-]+) Ta (\d+)[^\n]* Ta ", file.read(), re.MULTILINE))
    equal(page, rows, "codes and statuses of midtls(7)")
    equal(set(ROWS) | STATES | set(NOT_IN_MIDTLS_TEST) | NOT_TRIED, set(rows), "codes that are tried here")


def configure(pair, stack):
    echo = stack.enter_context(Server(pair.pki))
    closing = stack.enter_context(Far(pair.pki, lambda peer: peer.read_request() and peer.answer(200, b"", ("Connection: close",))))

    def connection(alias, port, profile="mauth", host="localhost", extra="", http=HTTP):
        pair.connection(alias, profile, port, host=host, extra=extra, http=http)

    for name, keystore, options in (("mauth", "p256.keytool.p12", {}), ("wrongpw", "p256.keytool.p12", {"password": "not-it"}),
                                    ("expired", "expired.openssl.p12", {}), ("strict", "p256.keytool.p12", {"server": "MinimumTLS=1.3"}),
                                    ("limited", "p256.keytool.p12", {"server": "[Limits]\nMaxSignaturesPerMinute=1"})):
        pair.profile(name, keystore, **options)
    connection("crm", echo.port)
    connection("fresh", closing.port)
    connection("patient", echo.port, http="Timeout=20s")
    connection("small", echo.port, http=HTTP + "\nMaxRequestBytes=1K\nMaxResponseBytes=1K")
    connection("denied", echo.port, extra="AllowMethods=PUT")
    connection("wrongpw", echo.port, profile="wrongpw")
    connection("expired", echo.port, profile="expired")
    connection("limited", closing.port, profile="limited", http=HTTP + "\nSessionResumption=no")
    connection("nodns", 443, host="nx.invalid")
    connection("loopback", echo.port, http=HTTP + "\nDenyAddresses=loopback")
    connection("refused", free_port())
    connection("stranger", stack.enter_context(Nginx(pair.pki, server="server-stranger")).port)
    connection("rejects", stack.enter_context(Server(pair.pki, client_ca="other-ca")).port)
    connection("oldtls", stack.enter_context(Nginx(pair.pki, tls="1.2")).port, profile="strict")
    connection("garbage", echo.port, extra="BasePath=/garbage")
    connection("silent", echo.port, extra="BasePath=/silent", http="Timeout=1s")


def main(suite):
    suite.run("every code is here", all_codes)
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "agree", config="[Calls]\nMaxCalls=2\nHeaderTimeout=300ms\nMaxHeaderBytes=8K\n")
        configure(pair, stack)
        stack.enter_context(pair)
        for code in ROWS:
            special = {"caller-denied": denied, "signing-refused": refused}.get(code)
            suite.run(code, *((special, pair) if special else (agrees, pair, code)))
        suite.run("request-invalid", of_request, pair, "request-invalid", [400], ["http_request_error"], target="/../x")
        suite.run("request-too-large, body", of_request, pair, "request-too-large", [413], ["http_request_error"], host="small", method="POST",
                  body=b"x" * 5000)
        suite.run("request-too-large, header", of_request, pair, "request-too-large", [431], ["http_request_error"], headers=[("X", "x" * 9000)])
        suite.run("response-too-large", of_request, pair, "response-too-large", [502], ["http_response_body_size"], host="small", target="/bytes/5000")
        suite.run("request-timeout", slow_header, pair)
        suite.run("a header that is none", not_http, pair, b"GET /x HTTP/1.1\r\nHost: crm\r\nno field\r\n\r\n", 400, "header is malformed")
        suite.run("a header beyond all bounds", not_http, pair, b"GET /x HTTP/1.1\r\nX: " + b"x" * 1000000 + b"\r\n\r\n", None, "far too large")
        suite.run("overloaded", overloaded, pair)
        suite.run("keyd-unavailable", without_keyd, pair)


Suite().main(main)
