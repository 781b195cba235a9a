#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""GET http://midtls/metrics: what is counted, read by Prometheus's own parsers."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, contains, equal, fail, wait_until
from hostile import Far
from peers import Nginx, Server, free_port

PLAIN = [("Accept", "text/plain")]


def scrape(pair, headers=()):
    """The samples: name with labels -> value."""
    text = pair.call("GET", "/metrics", host="midtls", headers=headers).body.decode()
    return {name: float(value) for name, value in re.findall(r"^([a-z][^ ]*) (\S+)$", text, re.MULTILINE)}


def difference(pair, act):
    """What ACT adds."""
    before = scrape(pair)
    act()
    return {name: value - before.get(name, 0) for name, value in scrape(pair).items() if value != before.get(name, 0)}


def calls(pair, alias, n=1, target="/tell", status=200):
    for _ in range(n):
        answer = pair.call("GET", target, host=alias)
        equal(answer.status, status, "status of %s (%r)" % (alias, answer.body[:200]))
        pair.wait_record("calld", "call", CALL_ID=answer.header("Midtls-Call-Id"))


def counted(pair):
    got = difference(pair, lambda: calls(pair, "crm", 3, "/bytes/1000"))
    equal(got.get('midtls_calls_total{alias="crm",code="ok"}'), 3, "good calls (%r)" % got)
    equal(got.get("midtls_call_received_bytes_total"), 3000, "bytes (%r)" % got)
    equal(got.get("midtls_call_duration_seconds_count"), 3, "durations (%r)" % got)
    equal(got.get('midtls_call_duration_seconds_bucket{le="+Inf"}'), 3, "durations (%r)" % got)
    got = difference(pair, lambda: calls(pair, "refused", 2, status=502))
    equal(got.get('midtls_calls_total{alias="refused",code="connect-failed"}'), 2, "calls that failed (%r)" % got)


def handshakes(pair):
    """Workers keep connections of their own, so a call may need one that another has already."""
    def kinds(got):
        return {kind: got.get('midtls_handshakes_total{kind="%s"}' % kind, 0) for kind in ("full", "resumed", "reused")}

    got = kinds(difference(pair, lambda: calls(pair, "crm", 20)))
    equal(sum(got.values()), 20, "handshakes of 20 calls: %r" % got)
    equal(got["reused"] >= 10, True, "most of them over kept connections: %r" % got)
    got = kinds(difference(pair, lambda: calls(pair, "fresh", 5)))
    equal(got, {"full": 5, "resumed": 0, "reused": 0}, "a server that closes, without resumption")
    got = kinds(difference(pair, lambda: calls(pair, "resumes", 20)))
    equal((sum(got.values()), got["resumed"] >= 10), (20, True), "a server that closes, with resumption: %r" % got)


def signatures(pair):
    got = difference(pair, lambda: calls(pair, "fresh", 5))
    equal(got.get("midtls_signature_seconds_count"), 5, "signatures (%r)" % got)
    equal(0 < got.get("midtls_signature_seconds_sum", 0) < 5, True, "time for signatures (%r)" % got)
    sums = [got.get("midtls_signature%s_seconds_sum" % kind, 0) for kind in ("", "_queue", "_execution")]
    equal(min(sums) > 0 and abs(sums[0] - sums[1] - sums[2]) < 0.00001, True, "the whole, waiting and work: %r" % sums)
    equal(got.get("midtls_signature_execution_seconds_count"), 5, "signatures made (%r)" % got)
    calls(pair, "limited")
    got = difference(pair, lambda: calls(pair, "limited", 2, status=502))
    equal(got.get('midtls_signatures_refused_total{reason="rate-limited"}'), 2, "refusals (%r)" % got)
    equal(got.get('midtls_calls_total{alias="limited",code="signing-refused"}'), 2, "calls that failed (%r)" % got)


def strangers(pair):
    """Names that callers make up are no labels."""
    n = len(scrape(pair))
    for i in range(50):
        equal(pair.call("GET", "/x", host="made-up-%d" % i).status, 404, "status")
    got = scrape(pair)
    equal(len(got) <= n + 1, True, "series: %d, then %d" % (n, len(got)))
    equal(got['midtls_calls_total{alias="",code="alias-unknown"}'] >= 50, True, "they are counted all the same")


def not_after(pair, name):
    out = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", os.path.join(pair.pki, name)], stdout=subprocess.PIPE, check=True).stdout
    text = out.decode().strip().split("=", 1)[1]
    return float(int(time.mktime(time.strptime(text, "%b %d %H:%M:%S %Y %Z"))) - time.timezone)


def expiry(pair):
    """Renewed certificates show at the next scrape."""
    def part(name):
        return scrape(pair).get('midtls_certificate_not_after_seconds{profile="renewed",part="%s"}' % name)

    equal(part("leaf"), not_after(pair, "p256.pem"), "leaf")
    equal(part("ca"), not_after(pair, "server-ca.pem"), "CA")
    equal(bool(part("chain")), True, "chain")
    before = scrape(pair)
    shutil.copy(os.path.join(pair.pki, "rsa2048.openssl.p12"), os.path.join(pair.etc, "renewed.p12"))
    pair.reload()
    wait_until(lambda: part("leaf") == not_after(pair, "rsa2048.pem"), "the renewed leaf")
    after = scrape(pair)
    for name in ('midtls_profile_generation{profile="renewed"}', "midtls_configuration_timestamp_seconds"):
        equal(after[name] > before[name], True, "%s grows: %r, %r" % (name, before[name], after[name]))
    equal(after['midtls_profile_ready{profile="renewed"}'], 1, "ready")
    equal(after['midtls_profile_ready{profile="wrongpw"}'], 0, "a key that cannot be loaded")


def load_failed(pair):
    """An older key that is used on is ready; that the last load failed is told beside."""
    def state():
        got = scrape(pair)
        return [got['midtls_profile_%s{profile="renewed"}' % name] for name in ("ready", "load_failed")]

    equal(state(), [1, 0], "before")
    equal(scrape(pair)['midtls_profile_load_failed{profile="wrongpw"}'], 1, "a key that never could be loaded")
    path = os.path.join(pair.etc, "renewed.p12")
    os.rename(path, path + ".away")
    pair.reload()
    wait_until(lambda: state() == [1, 1], "the failure is told")
    os.rename(path + ".away", path)
    pair.reload()
    wait_until(lambda: state() == [1, 0], "and its end")


def draining(pair):
    """A call under way keeps what it began with, and is seen to."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as caller:
        caller.connect(pair.socket)
        caller.sendall(b"GET /silent HTTP/1.1\r\nHost: slow\r\n\r\n")
        wait_until(lambda: scrape(pair)["midtls_calls_in_flight"] == 1, "a call is under way")
        equal(scrape(pair)["midtls_connections_draining"], 0, "draining before the change")
        pair.connection("slow", "mauth", pair.port, http="Timeout=21s")
        pair.reload()
        wait_until(lambda: scrape(pair)["midtls_connections_draining"] == 1, "the former state is used")
    wait_until(lambda: scrape(pair)["midtls_connections_draining"] == 0, "nothing is used any more")


def promtool(pair):
    answer = pair.call("GET", "/metrics", host="midtls", headers=PLAIN)
    contains(answer.header("Content-Type"), "text/plain; version=0.0.4", "type")
    done = subprocess.run(["promtool", "check", "metrics"], input=answer.body, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    equal((done.returncode, done.stdout.decode()), (0, ""), "promtool check metrics")
    equal({name: 0 for name in scrape(pair)}, {name: 0 for name in scrape(pair, PLAIN)}, "samples of both forms")


class Bridge:
    """TCP to the call socket, for a Prometheus that is told to take it for a proxy."""

    def __init__(self, path):
        self.port = free_port()
        self.process = subprocess.Popen(["socat", "TCP-LISTEN:%d,bind=127.0.0.1,fork,reuseaddr" % self.port, "UNIX-CONNECT:" + path],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def prometheus(pair):
    """A Prometheus reads it, as OpenMetrics."""
    port, folder = free_port(), os.path.join(pair.dir, "prometheus")
    os.mkdir(folder)
    with contextlib.closing(Bridge(pair.socket)) as bridge, contextlib.ExitStack() as stack:
        with open(folder + "/config.yml", "w") as file:
            file.write("scrape_configs:\n- job_name: midtls\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n"
                       "  proxy_url: http://127.0.0.1:%d\n  static_configs:\n  - targets: ['midtls:80']\n" % bridge.port)
        process = subprocess.Popen(["prometheus", "--config.file=" + folder + "/config.yml", "--storage.tsdb.path=" + folder + "/data",
                                    "--web.listen-address=127.0.0.1:%d" % port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)

        def ask(path):
            with contextlib.suppress(OSError, ValueError), urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s" % (port, path), timeout=5) as answer:
                return json.load(answer)["data"]
            return None

        def target():
            found = (ask("targets") or {}).get("activeTargets")
            return found[0] if found and found[0]["health"] != "unknown" else None

        found = wait_until(target, "Prometheus has asked", 30)
        equal((found["health"], found["lastError"]), ("up", ""), "what Prometheus says")
        equal(bool(wait_until(lambda: (ask("query?query=midtls_keyd_up") or {}).get("result"), "a sample")), True, "a sample")
        kinds = {row["metric"]["kind"] for row in ask("query?query=midtls_handshakes_total")["result"]}
        equal(kinds, {"full", "resumed", "reused"}, "a label")
        kinds = {name: rows[0]["type"] for name, rows in ask("metadata").items() if name.startswith("midtls_")}
        equal((kinds.get("midtls_calls"), kinds.get("midtls_call_duration_seconds"), kinds.get("midtls_signature_seconds")),
              ("counter", "histogram", "summary"), "types, which only OpenMetrics names so")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "metrics")
        echo = stack.enter_context(Server(pair.pki))
        closing = stack.enter_context(Far(pair.pki, lambda peer: peer.read_request() and peer.answer(200, b"", ("Connection: close",))))
        resumes = stack.enter_context(Nginx(pair.pki, extra="keepalive_timeout 0;"))
        pair.port = echo.port
        shutil.copy(os.path.join(pair.pki, "p256.keytool.p12"), os.path.join(pair.etc, "renewed.p12"))
        pair.profile("mauth", "p256.keytool.p12")
        pair.profile("limited", "p256.keytool.p12", server="[Limits]\nMaxSignaturesPerMinute=1")
        pair.profile("wrongpw", "p256.keytool.p12", password="not-it")
        pair.profile("renewed", os.path.join(pair.etc, "renewed.p12"))
        pair.connection("crm", "mauth", echo.port)
        pair.connection("renewed", "renewed", echo.port)
        pair.connection("slow", "mauth", echo.port, http="Timeout=20s")
        pair.connection("fresh", "mauth", closing.port, http="SessionResumption=no")
        pair.connection("limited", "limited", closing.port, http="SessionResumption=no")
        pair.connection("resumes", "mauth", resumes.port)
        pair.connection("refused", "mauth", free_port())
        stack.enter_context(pair)

        for name, test in (("calls by connection and code", counted), ("handshakes full, resumed, reused", handshakes), ("signatures", signatures),
                           ("names that do not exist", strangers), ("certificates", expiry), ("a load that failed", load_failed),
                           ("draining", draining)):
            suite.run(name, test, pair)
        for tool, test in (("promtool", promtool), ("prometheus", prometheus)):
            if shutil.which(tool):
                suite.run(tool, test, pair)
            else:
                suite.skip(tool, "it is not installed")


Suite().main(main)
