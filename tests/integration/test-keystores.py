#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Over two hundred keystores of all formats and verdicts through `keyd --inspect`; every good one is opened by Java or openssl with the same leaf.
Hostile files are refused within a second of CPU and 64 MiB."""

import collections
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from corpus import KEYS, Corpus, Java
from harness import BUILD, SANITIZED, Suite, contains, equal, fail

KEYD = os.path.join(BUILD, "keyd", "keyd")
FILES_MIN = 150
CPU_SEC = 1
RSS_KIB = 64 * 1024


def inspect(file):
    """(verdict document, exit status, CPU seconds, RSS in KiB)"""
    passwords = file.password.encode() + b"\n" + (file.keypass.encode() + b"\n" if file.keypass is not None else b"")
    command = [KEYD, "--inspect", file.path] + (["--key-alias=" + file.alias] if file.alias else [])
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(passwords, timeout=60)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        return json.loads(out), process.returncode, usage
    except ValueError:
        fail("%s: no JSON: %r %r" % (file.name, out[:200], err[-600:]))


def check(corpus, file, verdicts):
    found, status, _ = inspect(file)
    equal(found["verdict"] in file.verdict.split("|"), True, "%s: verdict %s (%s), want %s" % (
        file.name, found["verdict"], found.get("detail"), file.verdict))
    equal(status, 0 if found["verdict"] == "ok" else 1, "exit status")
    verdicts[found["verdict"]] += 1
    if found["verdict"] != "ok":
        equal(bool(found.get("detail")) and bool(found.get("hint")), True, file.name + ": detail and hint")
        if found["verdict"] == "alias":
            contains(found.get("aliases"), "second", file.name + ": aliases")
        return
    equal(found["leaf_sha256"], corpus.leaf(file.key), file.name + ": leaf")
    equal(found["key_type"], KEYS[file.key][1], file.name + ": key type")
    equal(found["format"], file.format, file.name + ": format")


def check_group(corpus, files, verdicts):
    problems = []
    for file in files:
        try:
            check(corpus, file, verdicts)
        except AssertionError as problem:
            problems.append(str(problem))
    if problems:
        fail("%d of %d: %s" % (len(problems), len(files), "\n     ".join(problems[:20])))


def with_java(corpus, files):
    with Java() as java:
        for file in files:
            options = {"in": file.path, "pass": file.password, "type": file.java}
            options.update({name: value for name, value in (("keypass", file.keypass), ("alias", file.alias)) if value is not None})
            equal(java.ask("open", **options), "leaf " + corpus.leaf(file.key), file.name + " in Java")


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.stdout if done.returncode == 0 else fail("openssl %s: %s" % (" ".join(arguments), done.stderr.decode()[-300:]))


def with_openssl(corpus, files):
    for file in files:
        if file.format == "pkcs12":
            openssl("pkcs12", "-legacy", "-in", file.path, "-passin", "pass:" + file.password, "-nodes", "-nocerts", "-out", "/dev/null")
            pem = subprocess.run(["openssl", "pkcs12", "-legacy", "-in", file.path, "-passin", "pass:" + file.password, "-nokeys", "-clcerts"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout
        else:
            openssl("pkey", "-in", file.path, "-passin", "pass:" + file.password, "-noout")
            pem = open(file.path, "rb").read()
        done = subprocess.run(["openssl", "x509", "-passin", "pass:" + file.password, "-noout", "-fingerprint", "-sha256"], input=pem,
                              stdout=subprocess.PIPE, timeout=60)
        equal(done.stdout.decode().partition("=")[2].strip().replace(":", "").lower(), corpus.leaf(file.key), file.name + " in openssl")


def hostile(file):
    """In a process of its own, so that the figures are this file's."""
    child = os.fork()
    if child == 0:
        try:
            _, _, usage = inspect(file)
            os._exit(1 if usage.ru_utime + usage.ru_stime > CPU_SEC else 2 if usage.ru_maxrss > RSS_KIB else 0)
        except BaseException:
            os._exit(3)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    equal(status, 0, "%s (1: over %d s of CPU, 2: over %d KiB, 3: failed)" % (file.name, CPU_SEC, RSS_KIB))


def main(suite):
    folder = tempfile.mkdtemp(prefix="midtls-corpus-")
    try:
        corpus = Corpus(folder, pki.make(os.path.join(BUILD, "tests", "pki")))
        files = corpus.make()
        verdicts = collections.Counter()
        groups = collections.defaultdict(list)
        for file in files:
            groups["good " + file.format if file.verdict == "ok" else "refused: " + file.verdict].append(file)
        for name, group in sorted(groups.items()):
            suite.run("%s: %d files" % (name, len(group)), check_group, corpus, group, verdicts)
        suite.run("%d files, all verdicts" % len(files), lambda: (
            equal(len(files) >= FILES_MIN, True, "at least %d files" % FILES_MIN),
            equal(sorted(set("ok format auth keypass alias nokey nocert mismatch limit unsupported policy io".split()) - set(verdicts)), [],
                  "verdicts that no file had")))
        good = [file for file in files if file.verdict == "ok"]
        java = [file for file in good if file.java]
        suite.run("%d good files in Java" % len(java), with_java, corpus, java)
        other = [file for file in good if file.openssl]
        suite.run("%d good files in openssl" % len(other), with_openssl, corpus, other)
        for file in files:
            if file.name.startswith("hostile-"):
                if SANITIZED:
                    suite.skip(file.name, "a sanitizer takes more memory and time than the bound")
                else:
                    suite.run(file.name, hostile, file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


Suite().main(main)
