# SPDX-License-Identifier: Apache-2.0
"""What the tests of secret stores have in common."""

import contextlib
import os
import secrets
import subprocess
import sys

from harness import contains, equal, fail, wait_until

CONFIGURATION, ALERT, RETRY = "configuration", "alert", "retry"


def row(pair, name):
    return {row["name"]: row for row in pair.call("GET", "/profiles", host="midtls").json()["profiles"]}.get(name)


def good(pair, alias):
    answer = pair.call("GET", "/tell", host=alias)
    equal(answer.status, 200, "status of %s (%r)" % (alias, answer.body[:400]))
    return answer.json()


def children(pair):
    """Name and state of keyd's children."""
    keyd = pair.pid("keyd")
    with open("/proc/%d/task/%d/children" % (keyd, keyd)) as file:
        for child in file.read().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open("/proc/%s/stat" % child) as stat:
                    name, _, rest = stat.read().partition("(")[2].rpartition(")")
                yield name, rest.split()[0]


def settled(pair):
    """No load is under way: a loader that has ended is left for a while."""
    wait_until(lambda: not any(name in ("keyd-fetcher", "keyd-runner") or name == "keyd-loader" and state not in "ZX" for name, state in children(pair)),
               "no load is under way", 30)


def loaded(pair, *names):
    """All is well with them: the first load has little time for a store, and leaves to another what it could not ask."""
    wait_until(lambda: all(row(pair, name) and row(pair, name)["generation"] > 0 and row(pair, name)["reason"] == "" for name in names),
               "all is well", 30)
    settled(pair)


def replace(pair, name, text):
    """A file of the configuration in one step: a load sees the old one or the new one."""
    path = os.path.join(pair.dir, "new.conf")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.rename(path, os.path.join(pair.etc, name))


def configure(pair, text):
    """midtls.conf; the load that keyd begins by itself for that is over."""
    settled(pair)
    n = len(pair.records("keyd", "config-loaded"))
    replace(pair, "midtls.conf", text)
    wait_until(lambda: len(pair.records("keyd", "config-loaded")) > n, "the new midtls.conf is loaded", 30)
    settled(pair)


def p12(pair, name, password):
    """A PKCS#12 file of the key NAME in the pair's folder, with PASSWORD."""
    path = os.path.join(pair.dir, "%s.%s.p12" % (name, secrets.token_hex(3)))
    subprocess.run(["openssl", "pkcs12", "-export", "-inkey", pair.pki + "/%s.key" % name, "-in", pair.pki + "/%s.pem" % name, "-passout", "stdin",
                    "-out", path], input=password.encode() + b"\n", check=True, timeout=60)
    os.chmod(path, 0o600)
    return path


def profile(pair, store, name, server, account, keystore=None, extra=""):
    pair.write(name + ".profile", "[Profile]\n%sExternalCredentialStore=%s\nPassword=%s\n%s\n[Server]\nCAFile=%s/server-ca.pem\n" % (
        "KeystorePath=%s\n" % keystore if keystore else "", store, account, extra, pair.pki))
    pair.connection(name, name, server.port)


def told(pair, out, klass, word, kept, fresh):
    """The profile `kept` keeps its key, `fresh` has none; class and word are in the output of reload, in midtls list, midtls test, the journal and
    the caller's answer."""
    line = next(line for line in out.splitlines() if line.startswith(kept + ": kept-old"))
    contains(out, word, "reload")
    contains(line, "[%s]" % klass, "reload")
    contains(line, "generation %d stays in force" % row(pair, kept)["generation"], "reload")
    wait_until(lambda: word in row(pair, kept)["reason"] + row(pair, kept)["hint"], "midtls list tells why")
    good(pair, kept)
    answer = wait_until(lambda: next((got for got in (pair.call("GET", "/tell", host=fresh),) if word in got.body.decode()), None), "the caller is told why")
    equal((answer.status, answer.code()), (503, "key-unavailable"), "at the caller")
    # Another worker of calld may hear of a load a little later.
    test = wait_until(lambda: next((text for text in (pair.midtls("test", fresh)[1],) if word in text), None), "midtls test tells why")
    record = pair.records("keyd", "key-load-failed", PROFILE=fresh)[-1]
    equal(record["PRIORITY"], "1" if klass == ALERT else "3", "priority")
    for text, where in ((answer.json()["detail"] + "; " + answer.json()["hint"], "at the caller"), (test, "midtls test"), (record["MESSAGE"], "journal")):
        contains(text, word, where)
        contains(text, "[%s]" % klass, where)
    equal("\x1b" in out or "EVIL" in out or "<script>" in out, False, "the store's own words in the output")


def found_in(pid, needle):
    """Whether NEEDLE is in a process's readable memory; and that memory was read."""
    found, n_bytes = False, 0
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for line in maps:
            first, last = (int(part, 16) for part in line.split()[0].split("-"))
            if "r" not in line.split()[1] or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            with contextlib.suppress(OSError, OverflowError, ValueError):
                memory.seek(first)
                data = memory.read(last - first)
                n_bytes += len(data)
                found = found or needle in data
    if n_bytes < 100000:
        fail("only %d bytes of process %d could be read" % (n_bytes, pid))
    return found


def canary(pair, *needles):
    """The search finds what is there; then: not in another process, nor in a log, an argument, an environment, a file."""
    control = subprocess.Popen([sys.executable, "-c", "import sys; s = sys.stdin.readline(); print('up', flush=True); sys.stdin.readline()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    control.stdin.write("\n".join(needles[:1]) + "\n")
    control.stdin.flush()
    control.stdout.readline()
    try:
        equal(found_in(control.pid, needles[0].encode()), True, "found in a process that holds it")
    finally:
        control.stdin.close()
        control.wait(10)
    for needle in needles:
        for name in ("calld", "keyd", "keyd-verifier", "keyd-signer"):
            pid = pair.find(name)
            equal(found_in(pid, needle.encode()), False, "found in " + name)
            for part in ("cmdline", "environ"):
                with open("/proc/%d/%s" % (pid, part), "rb") as file:
                    equal(needle.encode() in file.read(), False, "found in the %s of %s" % (part, name))
        for folder in ("log", "run"):
            for name in os.listdir(os.path.join(pair.dir, folder)):
                path = os.path.join(pair.dir, folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        equal(needle.encode() in file.read(), False, "found in " + name)
    wait_until(lambda: not any(name in ("keyd-fetcher", "keyd-runner", "keyd-loader") for name, _ in children(pair)), "fetcher and loader are gone")
