#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The loader: a new process for each load, which knows no key of earlier ones; killed, stopped or slow it harms nobody.

In the first part this program is its supervisor and its signer, over the socket pairs of common/role.h."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from dated import DAY, Issuer
from harness import BUILD, PASSWORD, SANITIZED, Pair, Suite, contains, equal, fail, wait_until
from loader import KEY, SNAPSHOT_END, Role, make_slow, reading
from peers import Nginx

SLOW = 1000000 if SANITIZED else 3000000  # iterations, three times: more than a second
DEADLINE_SEC = 30  # of a load


def private_bytes(key):
    """The secret number of an EC key in PEM, 32 bytes."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], stdout=subprocess.PIPE, check=True).stdout.decode()
    digits = re.search(r"priv:\n((?: +[0-9a-f:]+\n)+)", text)[1]
    return bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]


def scan(key, pid):
    """(hits, unreadable regions, text)"""
    done = subprocess.run([os.path.join(BUILD, "tests", "lib", "scan"), "--key=" + key, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120)
    found = re.match(rb"\d+: (\d+) hits in (\d+) KiB, (\d+) regions", done.stdout)
    if not found or int(found[2]) < 500:
        fail("scanner: %r" % done.stdout)
    return int(found[1]), int(found[3]), done.stdout.decode()


class Bench:
    """A configuration with one profile whose keystore is live.pem."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="midtls-loader-")
        self.pki = pki.make(os.path.join(BUILD, "tests", "pki"))
        self.issuer = Issuer(os.path.join(self.dir, "clients"), self.pki)
        os.mkdir(os.path.join(self.dir, "etc"), 0o700)
        self.live = os.path.join(self.dir, "live.pem")
        for name, text in (("midtls.conf", "[MID]\nName=mid-test-01\n"),
                           ("mauth.profile", "[Profile]\nKeystorePath=%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (self.live, self.pki))):
            with open(os.open(os.path.join(self.dir, "etc", name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(text)
        for name, ends in (("a", 20 * DAY), ("b", 90 * DAY)):
            self.issuer.issue(name, ends)
        self.put("a")

    def put(self, name):
        shutil.copy(self.issuer.path(name + ".bundle.pem"), self.live + ".new")
        os.rename(self.live + ".new", self.live)

    def append(self, name, text):
        path = os.path.join(self.dir, "etc", name)
        shutil.copy(path, path + ".before")
        with open(path, "a") as file:
            file.write(text)

    def restore(self, name):
        path = os.path.join(self.dir, "etc", name)
        os.rename(path + ".before", path)

    def key(self, name):
        return self.issuer.path(name + ".key")

    def role(self, keys=True):
        return Role(self.dir, keys)

    def messages(self, event=None):
        with open(os.path.join(self.dir, "loader.json")) as file:
            records = [json.loads(line) for line in file]
        return [record["MESSAGE"] for record in records if event in (None, record.get("MIDTLS_EVENT"))]


def knows_no_earlier_key(bench):
    """Load 1 has key A; load 2, told of it, has B. While it waits for the signer all that it holds lies open."""
    bench.put("a")
    with bench.role() as loader:
        records, _, keys = loader.load(resend=True, empty=True)
        equal(len(keys), 1, "keys of the first load")
        contains(keys[0], private_bytes(bench.key("a")), "A in the record for the signer")

    bench.put("b")
    with bench.role() as loader:
        loader.ask(previous=records, revision=2, last_generation=1)
        sent = [record for record in loader.take_keys() if record[0] == KEY]
        equal(len(sent), 1, "keys of the second load")
        contains(sent[0], private_bytes(bench.key("b")), "B in the record for the signer")
        equal(private_bytes(bench.key("a")) in sent[0], False, "A in the record of B")
        hits, n_hidden, text = scan(bench.key("b"), loader.pid)
        equal(hits > 0, True, "the scanner finds B, which is there (%d regions hidden): %s" % (n_hidden, text))
        hits, _, text = scan(bench.key("a"), loader.pid)
        equal(hits, 0, "hits of A in the loader of B: " + text)
        # B's certificate replaces A's in what the supervisor gets; no record for it holds a key.
        loader.answer_keys()
        after, _ = loader.snapshot()
        equal(loader.wait(), 0, "exit status")
        for record in after:
            equal(private_bytes(bench.key("b")) in record, False, "B in a record for the supervisor")


def unchanged_is_not_sent(bench):
    """A key that the signer has does not leave the loader again, unless the signer is new or in doubt."""
    bench.put("a")
    with bench.role() as loader:
        records, _, keys = loader.load(resend=True, empty=True)
    for options, want in (({}, 0), ({"resend": True}, 1), ({"resend": True, "empty": True}, 1)):
        with bench.role() as loader:
            again, _, keys = loader.load(previous=records, revision=2, last_generation=1, **options)
            equal(len(keys), want, "keys with %r" % options)
            equal(again[1:], records[1:], "the snapshot but its opening")


def kept_while_in_doubt(bench):
    """The keystore is garbage: what the signer may still have stays in force, what it cannot have does not."""
    bench.put("a")
    with bench.role() as loader:
        records, _, _ = loader.load(resend=True, empty=True)
    with open(bench.live, "w") as file:
        file.write("garbage")
    for empty, want in ((False, b"; generation 1 stays in force"), (True, b"no keystore of a known format")):
        with bench.role() as loader:
            _, reports, keys = loader.load(previous=records, revision=2, last_generation=1, resend=True, empty=empty)
            equal(len(keys), 0, "keys")
            contains(reports[0], want, "report with %s signer" % ("an empty" if empty else "a doubtful"))
            equal(b"stays in force" in reports[0], not empty, "whether it is kept")


def left_out(bench):
    """The files of the profile are not read, and it keeps what it has."""
    bench.put("a")
    with bench.role() as loader:
        records, _, _ = loader.load(resend=True, empty=True)
        equal(loader.progress, ["mauth", ""], "progress")
    bench.put("b")
    with bench.role() as loader:
        again, reports, keys = loader.load(previous=records, revision=2, last_generation=1, left_out=(True, "it is slow"))
        equal((loader.progress, keys, reports), ([""], [], []), "progress, keys and reports when it is put off")
        equal(again[1:], records[1:], "the snapshot but its opening")
    with bench.role() as loader:
        _, reports, keys = loader.load(previous=records, revision=2, last_generation=1, left_out=(False, "it is bad"))
        equal((loader.progress, keys), ([""], []), "progress and keys")
        contains(reports[0], b"the last reload failed: it is bad; generation 1 stays in force", "report")
    for empty in (True, False):
        # Without CRLs, for which it wishes now, its key cannot be kept.
        if not empty:
            bench.append("mauth.profile", "CRLFile=/nowhere\n")
        for put_off in (True, False):
            with bench.role() as loader:
                again, _, keys = loader.load(previous=records, revision=2, last_generation=1, empty=empty, resend=empty, left_out=(put_off, "it is bad"))
                equal((loader.progress, keys), ([""], []), "progress and keys")
                equal([b"it is bad" in record and b"the last reload" not in record for record in again], [False, True, False], "records that say why")
    bench.restore("mauth.profile")


def dry_run(bench):
    """Without a channel to the signer; nothing is recorded."""
    bench.put("b")
    n_messages = len(bench.messages())
    with bench.role(keys=False) as loader:
        _, reports, _ = loader.load(dry_run=True)
        contains(reports[0], b"generation 1, ec-p256", "report")
    equal(len(bench.messages()), n_messages, "messages of a dry run")


def thresholds(bench):
    """What the supervisor calls now decides: each threshold is told by the first load behind it, whatever lies between."""
    bench.put("a")  # ends in 20 days
    now = time.time()
    with bench.role() as loader:
        records, _, _ = loader.load(resend=True, empty=True, now=now)
    contains(bench.messages("key-expiring")[-1], "within 20 days", "first record")
    before = now
    ends = bench.issuer.ends["a"]
    for at, words in ((ends - 14 * DAY, None), (ends - 14 * DAY + 1, "within 14 days"), (ends - 10 * DAY, None), (ends - 7 * DAY + 1, "within 7 days"),
                      (ends - DAY, None), (ends - DAY + 1, "within 24 hours"), (ends, None), (ends + 1, "has expired"), (ends + DAY, None)):
        n_records = len(bench.messages("key-expiring"))
        with bench.role() as loader:
            records, _, _ = loader.load(previous=records, revision=2, last_generation=1, quiet=True, now=at, before=before)
        equal(len(bench.messages("key-expiring")) - n_records, 1 if words else 0, "records at %d s before the end" % (ends - at))
        if words:
            contains(bench.messages("key-expiring")[-1], words, "record")
        before = at


def broken_signer(bench, act):
    """The snapshot is not completed without the signer's word."""
    bench.put("a")
    with bench.role() as loader:
        loader.ask(resend=True, empty=True)
        loader.take_keys()
        act(loader)
        records, _ = loader.snapshot()
        equal(SNAPSHOT_END in [record[0] for record in records], False, "SNAPSHOT_END")
        equal(loader.wait(), 1, "exit status")


def by_hand(suite):
    bench = Bench()
    try:
        suite.run("holds no key of earlier loads", knows_no_earlier_key, bench)
        suite.run("an unchanged key is not sent", unchanged_is_not_sent, bench)
        suite.run("garbage while the signer is in doubt", kept_while_in_doubt, bench)
        suite.run("a profile that is left out", left_out, bench)
        suite.run("dry run", dry_run, bench)
        suite.run("thresholds", thresholds, bench)
        suite.run("the signer says nonsense", broken_signer, bench, lambda loader: loader.signer.send(b"\x4a\0"))
        suite.run("the signer goes away", broken_signer, bench, lambda loader: loader.signer.close())
    finally:
        shutil.rmtree(bench.dir, ignore_errors=True)


def good(pair, alias):
    answer = pair.call("GET", "/", host=alias)
    equal(answer.status, 200, "status of %s (%r)" % (alias, answer.body[:300]))


def state(pair, name):
    rows = {row["name"]: row for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"]}
    return rows[name]["state"], rows[name]["generation"]


def is_idle(pair):
    """keyd has but its verifier and its signer."""
    keyd = pair.pid("keyd")
    with open("/proc/%d/task/%d/children" % (keyd, keyd)) as file:
        return len(file.read().split()) == 2


def reload_in_background(pair):
    """(the command, the pid of the loader that reads the slow store for it): the others are done long before they have cost as much."""
    wait_until(lambda: is_idle(pair), "no other load is under way", 20)
    process = subprocess.Popen([os.path.join(BUILD, "calld", "midtls"), "--socket", os.path.join(pair.dir, "run", "keyd-admin.sock"), "reload"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return process, reading(pair)


def killed(pair):
    """In the middle of a load, with a keystore on disk that is garbage: nothing is lost, and the next load works."""
    mauth = state(pair, "mauth")
    path = os.path.join(pair.dir, "mauth.pem")
    with open(path) as file:
        keystore = file.read()
    with open(path, "w") as file:
        file.write("garbage")
    pair.wait_record("keyd", "key-load-failed", PROFILE="mauth")
    good(pair, "fast")

    process, pid = reload_in_background(pair)
    os.kill(pid, signal.SIGKILL)
    out, err = process.communicate(timeout=20)
    equal(process.returncode, 1, "exit status of midtls reload")
    contains(out.decode(), "zslow: kept-old: the last reload failed: the loader was killed by signal 9 (KILL) while it read its files",
             "what it says (%r)" % err)
    equal(state(pair, "mauth"), mauth, "state and generation")
    good(pair, "fast")
    good(pair, "slow")

    # The file is garbage still.
    status, out, err = pair.reload()
    equal(status, 1, "exit status of midtls reload (%r %r)" % (out, err))
    contains(out, "mauth: kept-old: ", "output")
    equal(state(pair, "mauth"), mauth, "state and generation")
    good(pair, "fast")
    equal(pair.records("keyd", "key-removed"), [], "key-removed records")

    with open(path, "w") as file:
        file.write(keystore)
    n_loads = len(pair.records("keyd", "config-loaded"))
    wait_until(lambda: len(pair.records("keyd", "config-loaded")) > n_loads, "the next load, by itself", 20)
    wait_until(lambda: is_idle(pair), "its end", 30)
    equal(pair.reload()[0], 0, "exit status of midtls reload")
    equal(state(pair, "mauth"), mauth, "the same key is the same generation")
    good(pair, "fast")


def cpu_limit(pid):
    with open("/proc/%d/limits" % pid) as file:
        return [line.split()[4] for line in file if line.startswith("Max cpu time")][0]


def burns(slow):
    """Run by hand, with no supervisor that watches its time, it is the kernel that does."""
    with subprocess.Popen([os.path.join(BUILD, "keyd", "keyd"), "--inspect", slow], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        wait_until(lambda: cpu_limit(process.pid) == "20", "the loader has set its limit")
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (1, 1))
        process.communicate((PASSWORD + "\n").encode(), timeout=20)
    equal(process.returncode in (-signal.SIGKILL, -signal.SIGXCPU), True, "the kernel ends it (%d)" % process.returncode)


class Stopped:
    """A pair whose loader is stopped in the middle of a load, while other tests run."""

    def __init__(self, pair):
        self.pair = pair
        self.started = time.monotonic()
        self.process, pid = reload_in_background(pair)
        os.kill(pid, signal.SIGSTOP)

    def check(self):
        """It is killed at its deadline; until then calls go on."""
        while self.process.poll() is None and time.monotonic() < self.started + DEADLINE_SEC + 10:
            good(self.pair, "fast")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.5)
        equal(self.process.returncode, 1, "exit status of midtls reload")
        contains(self.process.stdout.read().decode(), "it was not done in time", "what it says")
        good(self.pair, "slow")
        wait_until(lambda: self.pair.reload()[0] == 0, "the next load works", 30)


def make_pair(suite, name, slow):
    """Aliases fast, with mauth.pem, and slow, with a keystore that takes seconds to open and comes last."""
    pair = Pair(suite, name)
    issuer = Issuer(os.path.join(pair.dir, "clients"), pair.pki)
    path = os.path.join(pair.dir, "mauth.pem")
    os.rename(issuer.issue("mauth", 90 * DAY), path)
    for profile, lines in (("mauth", "KeystorePath=" + path), ("zslow", "KeystorePath=%s\nPassword=%s" % (slow, PASSWORD))):
        pair.write(profile + ".profile", "[Profile]\n%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (lines, pair.pki))
    return pair


def main(suite):
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="midtls-slow-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        slow = make_slow(folder, pki.make(os.path.join(BUILD, "tests", "pki")), SLOW)
        pairs = [make_pair(suite, name, slow) for name in ("stopped", "killed")]
        server = stack.enter_context(Nginx(pairs[0].pki, extra="keepalive_timeout 0;"))
        for pair in pairs:
            for alias, profile in (("fast", "mauth"), ("slow", "zslow")):
                pair.connection(alias, profile, server.port, http="SessionResumption=no")
            stack.enter_context(pair)
        for pair in pairs:
            wait_until(lambda: pair.call("GET", "/", host="slow").status == 200, "the slow store is loaded", 30)

        stopped = Stopped(pairs[0])
        by_hand(suite)
        suite.run("killed during a load", killed, pairs[1])
        suite.run("over its CPU time", burns, slow)
        suite.run("stopped during a load", stopped.check)


Suite().main(main)
