#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names, by calld's resolver: files and DNS that change, answer late, never, or with addresses of which one is dead; the resolver stopped and killed."""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import names
from harness import SANDBOX, Pair, Suite, contains, equal, fail, wait_until
from peers import Nginx, free_port

FOLDER = names.enter()
HOSTS = "127.0.0.1 localhost\n127.0.0.1 kept.test\n127.0.0.1 other.test\n"
LOOKUPS_MAX = 16
N_DEAF = 24


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def resolver(pair):
    """The resolver's pid: calld has no other child."""
    found = wait_until(lambda: children(pair.pid("calld")), "the resolver runs")
    equal(len(found), 1, "children of calld")
    return found[0]


def write_hosts(text):
    names.write(os.path.join(FOLDER, "hosts"), HOSTS + text)


def good(pair, alias, connection=None):
    answer = pair.call("GET", "/", host=alias, connection=connection)
    equal(answer.status, 200, "status of %s (%r)" % (alias, answer.body[:400]))
    return answer


def bad(pair, alias, status, code, error, at_most):
    started = time.monotonic()
    answer = pair.call("GET", "/", host=alias)
    took = time.monotonic() - started
    equal((answer.status, answer.code()), (status, code), "answer (%r)" % answer.body[:400])
    contains(answer.header("Proxy-Status"), "error=" + error, "Proxy-Status")
    if took > at_most:
        fail("took %.2f s, at most %g s are right" % (took, at_most))
    return answer


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


# files and DNS


def by_dns(pair, dns):
    dns.names["plain.test"] = ["127.0.0.1"]
    good(pair, "plain")
    contains(dns.asked, "plain.test", "names that DNS was asked for")


def kept_for_a_while(pair, dns):
    """Neither a kept connection nor a new one asks DNS again."""
    dns.names["plain.test"] = ["127.0.0.1"]
    good(pair, "plain")
    n = dns.asked.count("plain.test")
    for _ in range(20):
        good(pair, "plain")
    equal(dns.asked.count("plain.test"), n, "questions to DNS")


def no_such_name(pair, dns):
    answer = bad(pair, "nowhere", 502, "dns-failed", "dns_error", 3)
    contains(answer.json()["detail"], "nowhere.test", "detail")
    dns.names["nowhere.test"] = ["127.0.0.1"]
    wait_until(lambda: pair.call("GET", "/", host="nowhere").status == 200, "the new name is found", 8)
    del dns.names["nowhere.test"]


def hosts_change(pair):
    write_hosts("127.0.0.1 moved.test\n")
    good(pair, "moved")
    write_hosts("127.0.0.9 moved.test\n")

    def at_nine():
        answer = pair.call("GET", "/", host="moved")
        return answer.code() == "connect-failed" and "127.0.0.9" in answer.json()["detail"]

    wait_until(at_nine, "the new address is used", 5)
    write_hosts("127.0.0.1 moved.test\n")
    wait_until(lambda: pair.call("GET", "/", host="moved").status == 200, "the former address is used again", 5)


def resolv_conf_changes(pair, dns):
    dns.names["served.test"] = ["127.0.0.9"]
    with names.Dns("127.0.0.53") as other:
        other.names["served.test"] = ["127.0.0.1"]
        bad(pair, "served", 502, "connect-failed", "connection_refused", 3)
        names.write(os.path.join(FOLDER, "resolv.conf"), "nameserver 127.0.0.53\n")
        wait_until(lambda: pair.call("GET", "/", host="served").status == 200, "the other server is asked", 5)
        names.write(os.path.join(FOLDER, "resolv.conf"), "nameserver 127.0.0.1\n")


def slow(pair, dns):
    dns.names["late.test"] = ["127.0.0.1"]
    dns.late["late.test"] = threading.Event()
    answers = []
    caller = threading.Thread(target=lambda: answers.append(pair.call("GET", "/", host="late")))
    caller.start()
    wait_until(lambda: "late.test" in dns.asked, "DNS is asked")
    for _ in range(5):
        good(pair, "plain")
    equal(answers, [], "answers meanwhile")
    dns.late["late.test"].set()
    caller.join(10)
    equal([a.status for a in answers], [200], "statuses")


def silent(pair):
    bad(pair, "deaf0", 504, "dns-failed", "dns_timeout", 3.5)


# addresses


def both_families(pair, dns):
    """glibc puts ::1 first; nobody listens there."""
    dns.names["both.test"] = ["127.0.0.1", "::1"]
    good(pair, "both")


def blackhole(pair, dns, port):
    """Connections to ::1 get no answer: the queue there is full. RFC 8305: the other family after a moment."""
    with socket.socket(socket.AF_INET6) as full, socket.socket(socket.AF_INET6) as first, socket.socket(socket.AF_INET6) as second:
        full.bind(("::1", port))
        full.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(("::1", port))
        dns.names["hole.test"] = ["127.0.0.1", "::1"]
        started = time.monotonic()
        good(pair, "hole")
        took = time.monotonic() - started
        if took > 1.5:
            fail("took %.2f s" % took)


def denied(pair):
    bad(pair, "denied", 502, "address-denied", "destination_ip_prohibited", 3)


def literal(pair, dns):
    n = len(dns.asked)
    good(pair, "literal")
    equal(len(dns.asked), n, "questions to DNS")


class ConnectProxy:
    """One CONNECT after the other, to whatever is asked for at PORT of this host; `asked` has the targets."""

    def __init__(self, port):
        self.target = port
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.asked.append(head.split()[1].decode())
            server = socket.create_connection(("127.0.0.1", self.target))
            client.sendall(b"HTTP/1.1 200 Good\r\n\r\n")
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(a, b), daemon=True).start()

    @staticmethod
    def copy(source, to):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)


def proxied(pair, dns, proxy):
    """The proxy's name is looked up, the far server's is the proxy's affair."""
    dns.names["proxy.test"] = ["127.0.0.1"]
    good(pair, "proxied")
    equal([target.split(":")[0] for target in proxy.asked], ["behind.test"], "targets")
    equal("behind.test" in dns.asked, False, "the far server's name was asked for")


def proxy_unknown(pair):
    answer = bad(pair, "lost", 502, "dns-failed", "dns_error", 3)
    contains(answer.json()["detail"], "the proxy nobody.test", "detail")


# hostile moments


def cancelled(pair, dns):
    """The caller goes away while its name is looked up. Each worker keeps a few descriptors for the connection, the callers leave none."""
    good(pair, "plain")
    pid = pair.pid("calld")
    n = descriptors(pid)
    for _ in range(100):
        connection = pair.connect()
        connection.putrequest("GET", "/", skip_host=True)
        connection.putheader("Host", "deaf1")
        connection.endheaders()
        wait_until(lambda: "deaf1.test" in dns.asked, "DNS is asked")
        connection.close()
    wait_until(lambda: descriptors(pid) < n + 40, "no descriptor is left (%d before)" % n)
    good(pair, "plain")
    equal(pair.pid("calld"), pid, "the same calld")


def flood(pair):
    """More silent names than may be looked up at once, each by several callers."""
    pid = resolver(pair)
    codes, most = [], 0
    callers = [threading.Thread(target=lambda alias=alias: codes.append(pair.call("GET", "/", host=alias).code()))
               for alias in ["deaf%d" % n for n in range(N_DEAF)] * 3]
    for caller in callers:
        caller.start()
    while any(caller.is_alive() for caller in callers):
        most = max(most, len(children(pid)))
        callers[0].join(0.002)
        callers = [caller for caller in callers if caller.is_alive()] or [callers[0]]
        if not callers[0].is_alive():
            break
    equal(most, LOOKUPS_MAX, "lookups at once")
    equal(codes, ["dns-failed"] * 3 * N_DEAF, "codes")
    good(pair, "plain")
    equal(resolver(pair), pid, "the same resolver")
    wait_until(lambda: not children(pid), "no lookup is left")


def lookup_killed(pair):
    """As foreign code in it might: costs that answer."""
    pid = resolver(pair)
    answers = []
    wait_until(lambda: not children(pid), "no lookup is under way")
    caller = threading.Thread(target=lambda: answers.append(pair.call("GET", "/", host="deaf2")))
    caller.start()
    os.kill(wait_until(lambda: children(pid), "a lookup is under way")[0], signal.SIGKILL)
    caller.join(1.5)
    equal([(a.status, a.code()) for a in answers], [(502, "dns-failed")], "answer")
    contains(answers[0].json()["detail"], "the lookup died", "detail")
    good(pair, "plain")
    equal(resolver(pair), pid, "the same resolver")


def stopped(pair):
    """Kept connections go on; a call that needs a name ends by its deadline, and all is well when the resolver goes on."""
    kept = pair.connect()
    serial = good(pair, "kept", kept).json()["serial"]
    pid = resolver(pair)
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(20):
            equal(good(pair, "kept", kept).json()["serial"], serial, "the kept connection")
        bad(pair, "other", 504, "dns-failed", "dns_timeout", 3.5)
    finally:
        os.kill(pid, signal.SIGCONT)
    good(pair, "other")
    equal(resolver(pair), pid, "the same resolver")


def killed(pair, dns):
    """calld answers what waits, ends, and is started again with the next caller."""
    good(pair, "plain")
    before, pid = pair.pid("calld"), resolver(pair)
    pair.expected_exits.add("exited 1")
    answers = []
    n = dns.asked.count("deaf3.test")
    caller = threading.Thread(target=lambda: answers.append(pair.call("GET", "/", host="deaf3")))
    caller.start()
    wait_until(lambda: dns.asked.count("deaf3.test") > n, "DNS is asked")
    os.kill(pid, signal.SIGKILL)
    caller.join(1.5)
    equal([(a.status, a.code()) for a in answers], [(502, "dns-failed")], "answer")
    contains(answers[0].json()["detail"], "the resolver of midtls has ended", "detail")
    wait_until(lambda: not os.path.exists("/proc/%d" % before), "calld ends")
    good(pair, "plain")
    equal(pair.pid("calld") != before, True, "a new calld")


def keyd_restarted(pair):
    """The new connections to keyd are the resolver's work."""
    for _ in range(3):
        pair.kill("keyd")
        wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "all workers have keyd again", 10)
        good(pair, "plain")


def ended_together(pair):
    """Neither is left behind when the other is gone."""
    pid = resolver(pair)
    pair.kill("calld")
    wait_until(lambda: not os.path.exists("/proc/%d" % pid), "the resolver ends with calld")
    good(pair, "plain")


def thread_filters(pid):
    """The Seccomp lines of all threads; 2 is a filter: proc(5)."""
    found = set()
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, thread)) as file:
            found.add([line.split()[1] for line in file if line.startswith("Seccomp:")][0])
    return found


def confined(pair):
    """All threads have the filter; what was reached is recorded and shown."""
    good(pair, "plain")
    for pid in (pair.pid("calld"), resolver(pair)):
        equal(thread_filters(pid), {"2"}, "filters")
    level = json.loads(pair.midtls("--json=short", "status")[1])["sandbox"]
    contains(level, "syscall filter; ", "level of midtls status")
    contains(pair.midtls("status")[1], level, "midtls status")
    messages = [record["MESSAGE"] for record in pair.records("calld", "sandbox")]
    contains(messages, "calld: " + level, "records of calld")
    equal(any(message.startswith("Resolver: syscall filter; ") for message in messages), True, "a record of the resolver in %r" % messages)


def configure(pair, kept, fresh, proxy, hole):
    pair.profile("mauth", "p256.keytool.p12", server="AllowedNames=localhost")
    pair.connection("kept", "mauth", kept.port, host="kept.test")
    for alias in ("plain", "nowhere", "moved", "served", "late", "both", "other"):
        pair.connection(alias, "mauth", fresh.port, host=alias + ".test", http="SessionResumption=no\nConnectTimeout=2s" if alias == "other"
                        else "SessionResumption=no")
    for n in range(N_DEAF):
        pair.connection("deaf%d" % n, "mauth", fresh.port, host="deaf%d.test" % n, http="ConnectTimeout=2s")
    pair.connection("literal", "mauth", fresh.port, host="127.0.0.1")
    pair.connection("hole", "mauth", hole.port, host="hole.test")
    pair.connection("denied", "mauth", fresh.port, host="kept.test", http="DenyAddresses=loopback")
    pair.connection("proxied", "mauth", 443, host="behind.test", http="Proxy=http://proxy.test:%d" % proxy.port)
    pair.connection("lost", "mauth", 443, host="behind.test", http="Proxy=http://nobody.test:3128")


def main(suite):
    if not FOLDER:
        suite.skip("all", "no namespaces here, or /etc has symbolic links that cannot be bound over")
        return
    write_hosts("")
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "resolver")
        dns = stack.enter_context(names.Dns())
        dns.silent = {"deaf%d.test" % n for n in range(N_DEAF)}
        kept = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 100000;"))
        fresh = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 1;"))
        proxy = ConnectProxy(fresh.port)
        configure(pair, kept, fresh, proxy, fresh)
        stack.enter_context(pair)

        suite.run("by DNS", by_dns, pair, dns)
        if SANDBOX == "full":
            suite.run("confined", confined, pair)
        suite.run("answers are kept for a while", kept_for_a_while, pair, dns)
        suite.run("no such name, then there is", no_such_name, pair, dns)
        suite.run("no answer from DNS", silent, pair)
        suite.run("a late answer from DNS keeps nobody else waiting", slow, pair, dns)
        suite.run("hosts changes", hosts_change, pair)
        suite.run("resolv.conf changes", resolv_conf_changes, pair, dns)
        suite.run("the first address refuses, the second is taken", both_families, pair, dns)
        suite.run("the first address is silent, the second is taken", blackhole, pair, dns, fresh.port)
        suite.run("DenyAddresses= holds", denied, pair)
        suite.run("an address needs no lookup", literal, pair, dns)
        suite.run("with a proxy, its name is looked up", proxied, pair, dns, proxy)
        suite.run("a proxy without an address", proxy_unknown, pair)
        suite.run("callers go while a name is looked up", cancelled, pair, dns)
        suite.run("many names at once", flood, pair)
        suite.run("a lookup is killed", lookup_killed, pair)
        suite.run("the resolver is stopped", stopped, pair)
        suite.run("keyd is killed", keyd_restarted, pair)
        suite.run("the resolver is killed", killed, pair, dns)
        suite.run("calld is killed", ended_together, pair)


Suite().main(main)
