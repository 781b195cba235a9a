#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ratios of the pair against in-process libcurl, same server, same run, interleaved rounds; prints name=value lines.

bench.py [--quick] [--only=handshake|keepalive|bulk|check|start]
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import BUILD, Pair
from peers import Nginx

LOAD = os.path.join(BUILD, "tests", "bench", "load")
HANDSHAKE_CALLERS = 8
KEYS = {"": "rsa2048", "_p256": "p256"}
QUICK = "--quick" in sys.argv
ROUNDS = 3 if QUICK else 9
SECONDS = 0.5 if QUICK else 1.0


def say(name, value):
    print("%s=%s" % (name, ("%.3f" if isinstance(value, float) and value < 100 else "%.0f") % value), flush=True)


def run(*arguments):
    """One window of load: (calls/s, CPU us a call, p50, p99, bytes/s)"""
    done = subprocess.run([LOAD, *arguments], stdout=subprocess.PIPE, timeout=120)
    if done.returncode != 0:
        sys.exit("load failed: %s %r" % (" ".join(arguments), done.stdout))
    calls, wall, cpu, p50, p99, size, _ = [int(word) for word in done.stdout.split()]
    return calls / wall * 1e6, cpu / calls, p50, p99, size / wall * 1e6, calls


def tree(pid):
    """PID and its children."""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [pid] + [child for text in file.read().split() for child in tree(int(text))]


def cpu_usec(pids):
    ticks = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid) as file:
            row = file.read().rpartition(")")[2].split()
        ticks += int(row[11]) + int(row[12])
    return ticks * 1e6 / os.sysconf("SC_CLK_TCK")


def rss_kib(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid) as file:
            total += [int(line.split()[1]) for line in file if line.startswith("VmRSS:")][0]
    return total


def pss_kib(pids):
    """As RSS, with what processes share divided among them: the libraries, most of all."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid) as file:
            total += [int(line.split()[1]) for line in file if line.startswith("Pss:")][0]
    return total


class Bench:
    def __init__(self, pair):
        self.pair = pair

    def direct(self, key, port, *more, path="/"):
        folder = self.pair.pki
        return ["--url=https://localhost:%d%s" % (port, path), "--cert=%s/%s.pem" % (folder, key), "--key=%s/%s.key" % (folder, key),
                "--ca=%s/server-ca.pem" % folder, *more]

    def through(self, alias, *more, path="/"):
        return ["--url=http://%s%s" % (alias, path), "--unix=" + self.pair.socket, *more]

    def pids(self):
        return tree(self.pair.pid("keyd")) + tree(self.pair.pid("calld"))

    def handshake(self, suffix, key, port):
        more = ["--callers=%d" % HANDSHAKE_CALLERS, "--seconds=%g" % SECONDS]
        # the server closes after each answer, so that each call is a handshake; a caller's connection to calld is kept, as local ones are
        rows = {"preloaded": self.direct(key, port, "--preload", "--new", *more), "pemfiles": self.direct(key, port, "--new", *more),
                "pair": self.through("fresh" + suffix, *more)}
        found = {name: [] for name in rows}
        daemons = []
        for name, row in rows.items():
            run(*row)
        for _ in range(ROUNDS):
            for name, row in rows.items():
                before = cpu_usec(self.pids())
                result = run(*row)
                found[name].append(result)
                if name == "pair":
                    daemons.append((cpu_usec(self.pids()) - before) / result[5])
        for name in ("preloaded", "pemfiles"):
            say("handshake_vs_%s%s" % (name, suffix), statistics.median(p[0] / d[0] for p, d in zip(found["pair"], found[name])))
        say("handshake_cpu_vs_preloaded" + suffix, statistics.median(p / d[1] for p, d in zip(daemons, found["preloaded"])))
        say("handshake_calls_per_s" + suffix, statistics.median(p[0] for p in found["pair"]))

    def keepalive(self, port):
        more = ["--callers=64", "--seconds=%g" % SECONDS]
        ratios, rates, tails = [], [], []
        for _ in range(ROUNDS):
            direct = run(*self.direct("rsa2048", port, "--preload", *more))
            before = cpu_usec(self.pids())
            pair = run(*self.through("kept", *more))
            ratios.append((cpu_usec(self.pids()) - before) / pair[5] / direct[1])
            rates.append(pair[0])
            tails.append(pair[3] / pair[2])
        say("keepalive_cpu_vs_libcurl", statistics.median(ratios))
        say("keepalive_calls_per_s", statistics.median(rates))
        say("p99_over_p50_64", statistics.median(tails))

    def bulk(self, port):
        more = ["--callers=1", "--seconds=%g" % SECONDS]
        found = [run(*self.through("kept", *more, path="/big"))[4] / run(*self.direct("rsa2048", port, "--preload", *more, path="/big"))[4]
                 for _ in range(ROUNDS)]
        say("bulk_vs_libcurl", statistics.median(found))


def check():
    program = os.path.join(BUILD, "tests", "bench", "check-cost")
    print(subprocess.run([program] + (["--quick"] if QUICK else []), stdout=subprocess.PIPE, timeout=120, check=True).stdout.decode(), end="")


def cold_start(port):
    """Both daemons from nothing to the first 200."""
    found = []
    for _ in range(3 if QUICK else 7):
        pair = Pair(None)
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("crm", "mauth", port)
        with pair:
            started = time.monotonic()
            if pair.call("GET", "/", host="crm").status != 200:
                sys.exit("cold start: not 200")
            found.append((time.monotonic() - started) * 1000)
    say("cold_start_ms", statistics.median(found))


def main(only):
    with contextlib.ExitStack() as stack:
        pair = Pair(None)
        kept = stack.enter_context(Nginx(pair.pki, server="server-ecdsa", extra="keepalive_requests 1000000000; location /big { alias %s; }"
                                         % os.path.join(pair.dir, "big")))
        fresh = stack.enter_context(Nginx(pair.pki, server="server-ecdsa", extra="keepalive_timeout 0;"))
        with open(os.path.join(pair.dir, "big"), "wb") as file:
            file.write(os.urandom(10 << 20))
        for suffix, key in KEYS.items():
            pair.profile(key, key + ".keytool.p12", extra="", server="[Limits]\nMaxSignaturesPerMinute=4000000")
            pair.connection("fresh" + suffix, key, fresh.port, http="SessionResumption=no")
        pair.connection("kept", "rsa2048", kept.port)
        stack.enter_context(pair)
        bench = Bench(pair)
        if pair.call("GET", "/", host="kept").status != 200:
            sys.exit("the pair does not work")

        if only in (None, "handshake"):
            for suffix, key in KEYS.items():
                bench.handshake(suffix, key, fresh.port)
        if only in (None, "keepalive"):
            bench.keepalive(kept.port)
            say("rss_kib_keyd", rss_kib(tree(pair.pid("keyd"))))
            say("rss_kib_calld", rss_kib(tree(pair.pid("calld"))))
            say("pss_kib", pss_kib(bench.pids()))
        if only in (None, "bulk"):
            bench.bulk(kept.port)
        if only in (None, "start"):
            cold_start(kept.port)
    if only in (None, "check"):
        check()


if __name__ == "__main__":
    chosen = [argument.split("=")[1] for argument in sys.argv[1:] if argument.startswith("--only=")]
    main(chosen[0] if chosen else None)
