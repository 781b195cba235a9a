#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every form a password can have opens its keystore; every wrong one has its reason at the caller, with what to do; none is seen in a log, an
argument or the environment of any process of the pair."""

import base64
import contextlib
import os
import pty
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import corpus
import pki as pki_module
from harness import BUILD, Pair, Suite, contains, equal, fail, wait_until
from leaks import descendants, name_of, seen_in
from peers import Nginx

KEYD = os.path.join(BUILD, "keyd", "keyd")
MIDTLS = os.path.join(BUILD, "calld", "midtls")
PREFIX = "Pw-"  # all secrets of this test begin so; nothing else does
WRONG = PREFIX + secrets.token_hex(8)


def write(path, data, mode=0o600):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    return path


def run(*command, stdin=b""):
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if done.returncode:
        fail("%s: %r" % (" ".join(command), done.stderr[-400:]))
    return done.stdout


def make_host_key(folder):
    run(KEYD, "--make-host-key", "--config-dir=" + folder)


class Stores:
    """Keystores, each with a password of its own, and the credentials' folder."""

    def __init__(self, pki, java):
        self.pki, self.java = pki, java
        self.dir = tempfile.mkdtemp(prefix="midtls-stores-")
        self.credentials = os.path.join(self.dir, "credentials")
        os.mkdir(self.credentials, 0o700)
        self.secrets = {"wrong": WRONG}

    def secret(self, name):
        return self.secrets.setdefault(name, PREFIX + secrets.token_hex(8))

    def path(self, name):
        return os.path.join(self.dir, name)

    def p12(self, name):
        """A PKCS#12 file whose password is secret(NAME)."""
        path = self.path(name + ".p12")
        run("openssl", "pkcs12", "-export", "-inkey", self.pki + "/p256.key", "-in", self.pki + "/p256.pem", "-passout", "stdin", "-out", path,
            stdin=self.secret(name).encode() + b"\n")
        os.chmod(path, 0o600)
        return path

    def jks(self, name):
        """A JKS whose key has a password of its own: secret(NAME-key)."""
        path = self.path(name + ".jks")
        answer = self.java.ask("write", type="JKS", out=path, keypass=self.secret(name + "-key"), **{
            "from": self.pki + "/p256.openssl.p12", "pass": self.secret(name)})
        equal(answer, "written", "Java's answer")
        os.chmod(path, 0o600)
        return path

    def credential(self, name, data, mode=0o400):
        write(os.path.join(self.credentials, name), data, mode)
        return "credential:" + name


def encrypt(folder, secret):
    """What `midtls encrypt` prints, taken from a pipe."""
    return run(MIDTLS, "encrypt", "--config-dir=" + folder, stdin=secret.encode() + b"\n").decode().strip()


def openssl_cms(folder, secret, *options):
    """The same by openssl alone, out of what echo writes."""
    der = run("openssl", "cms", "-encrypt", *options[:2], "-outform", "DER", "-recip", folder + "/host.pem", *options[2:], stdin=secret.encode() + b"\n")
    return "midtls:" + base64.b64encode(der).decode()


def decrypt(folder, value):
    return run("openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", folder + "/host.key", "-recip", folder + "/host.pem",
               stdin=base64.b64decode(value[len("midtls:"):], validate=True))


class Profiles:
    """Writes a profile and a connection of its name."""

    def __init__(self, pair, port):
        self.pair, self.port = pair, port

    def add(self, name, keystore=None, password=None, key_password=None, mode=0o600):
        lines = ["[Profile]"]
        for key, value in (("KeystorePath", keystore), ("Password", password), ("KeyPassword", key_password)):
            if value is not None:
                lines.append("%s=%s" % (key, value))
        path = self.pair.write(name + ".profile", "\n".join(lines + ["[Server]", "CAFile=" + self.pair.pki + "/server-ca.pem", ""]))
        os.chmod(path, mode)
        self.pair.connection(name, name, self.port)


def good(pair, name):
    answer = pair.call("GET", "/", host=name)
    equal(answer.status, 200, "status (%.400r)" % answer.body)


def bad(pair, name, words):
    answer = pair.call("GET", "/", host=name)
    equal(answer.code(), "key-unavailable", "code (%d %.300r)" % (answer.status, answer.body))
    equal(answer.status, 503, "status")
    problem = answer.json()
    equal(bool(problem["detail"]) and bool(problem["hint"]), True, "detail and hint")
    for word in words:
        contains(problem["detail"] + "; " + problem["hint"], word, "detail and hint")
    if PREFIX in answer.body.decode():
        fail("a password is in the answer: %.600r" % answer.body)


# What is good: name -> function(stores, folder) -> keystore, password, key password

GOOD = {
    "plain": lambda s, etc: (s.p12("plain"), s.secret("plain"), None),
    "pwfile": lambda s, etc: (s.p12("pwfile"), "file:" + write(s.path("file.pw"), s.secret("pwfile") + "\n", 0o640), None),
    "relative": lambda s, etc: (s.p12("relative"), "file:" + os.path.basename(write(etc + "/relative.pw", s.secret("relative"))), None),
    "cred": lambda s, etc: (s.p12("cred"), s.credential("cred-pw", s.secret("cred") + "\n"), None),
    "whole": lambda s, etc: (s.credential("whole.p12", open(s.p12("whole"), "rb").read()), s.credential("whole-pw", s.secret("whole")), None),
    "sealed": lambda s, etc: (s.p12("sealed"), encrypt(etc, s.secret("sealed")), None),
    "cms": lambda s, etc: (s.p12("cms"), openssl_cms(etc, s.secret("cms"), "-aes256", "-binary"), None),
    "cmstext": lambda s, etc: (s.p12("cmstext"), openssl_cms(etc, s.secret("cmstext"), "-aes256"), None),
    "cmsgcm": lambda s, etc: (s.p12("cmsgcm"), openssl_cms(etc, s.secret("cmsgcm"), "-aes-256-gcm", "-binary"), None),
    "cmsoaep": lambda s, etc: (s.p12("cmsoaep"), openssl_cms(etc, s.secret("cmsoaep"), "-aes256", "-binary", "-keyopt", "rsa_padding_mode:oaep"), None),
    "keypass": lambda s, etc: (s.jks("keypass"), encrypt(etc, s.secret("keypass")), encrypt(etc, s.secret("keypass-key"))),
    "keycred": lambda s, etc: (s.jks("keycred"), s.secret("keycred"), s.credential("key-pw", s.secret("keycred-key"))),
}


def bad_profiles(s, etc, other):
    """name -> (keystore, password, key password, words of detail and hint)"""
    store, secret = s.p12("bad"), s.secret("bad")
    value = encrypt(etc, secret)
    return {
        "wplain": (store, WRONG, None, ["password", "Password="]),
        "wfile": (store, "file:" + write(s.path("wrong.pw"), WRONG), None, ["password", "Password="]),
        "wcred": (store, s.credential("wrong-pw", WRONG), None, ["password", "Password="]),
        "wmidtls": (store, encrypt(etc, WRONG), None, ["password", "Password="]),
        "wkey": (s.jks("wkey"), s.secret("wkey"), encrypt(etc, WRONG), ["KeyPassword="]),
        "nokeypw": (s.jks("nokeypw"), s.secret("nokeypw"), None, ["KeyPassword="]),
        "nofile": (store, "file:" + s.path("absent.pw"), None, ["absent.pw", "put the file there"]),
        "nocred": (store, "credential:absent", None, ["absent", "LoadCredential"]),
        "badcred": (store, "credential:../x", None, ["no valid name", "slash"]),
        "nowhole": ("credential:absent.p12", secret, None, ["absent.p12", "LoadCredential"]),
        "ofile": (store, "file:" + write(s.path("loose.pw"), secret, 0o644), None, ["loose.pw", "0644", "chmod"]),
        "wrfile": (store, "file:" + write(s.path("writable.pw"), secret, 0o660), None, ["writable.pw", "0660", "chmod"]),
        "ocred": (store, s.credential("loose-pw", secret, 0o444), None, ["loose-pw", "0444", "chmod"]),
        "ostore": (loosen(s.p12("loose")), s.secret("loose"), None, ["loose.p12", "0644", "chmod"]),
        "othost": (store, encrypt(other, secret), None, ["another host", "midtls encrypt"]),
        "nobase": (store, value + "!", None, ["not base64", "midtls encrypt"]),
        "short": (store, value[:407], None, ["not CMS", "midtls encrypt"]),
        "damaged": (store, damage(value), None, ["damaged", "midtls encrypt"]),
        "des": (store, openssl_cms(etc, secret, "-des3"), None, ["AES", "-aes256"]),
        "midenc": (store, "encrypted:u0aPAzcEPDrBnPmIFSRWCw==", None, ["encrypted by a MID", "midtls encrypt", "credential:NAME"]),
    }


def loosen(path):
    os.chmod(path, 0o644)
    return path


def damage(value):
    """Another last byte: the tag's."""
    der = bytearray(base64.b64decode(value[7:]))
    der[-1] ^= 1
    return "midtls:" + base64.b64encode(der).decode()


def config_xml(pair, passwords):
    """PASSWORDS: name -> (keystore, value)"""
    rows = "".join('<parameter name="mid.httpclient.protocol.%s.path" value="%s"/>\n'
                   '<parameter name="mid.httpclient.protocol.%s.password" secure="true" value="%s"/>\n' % (name, path, name, value)
                   for name, (path, value) in passwords.items())
    path = pair.write("config.xml", "<parameters>\n%s</parameters>\n" % rows)
    pair.write("midtls.conf", "[MID]\nName=mid-test-01\nConfigXml=%s\n" % path)


# a terminal


def on_terminal(folder, answers):
    """Types ANSWERS at the prompts. Returns (exit status, stdout, what the terminal showed)."""
    master, slave = pty.openpty()
    process = subprocess.Popen([MIDTLS, "encrypt", "--config-dir=" + folder], stdin=slave, stderr=slave, stdout=subprocess.PIPE, start_new_session=True)
    shown = b""
    try:
        for n, answer in enumerate(answers):
            while shown.count(b": ") <= n:
                if not select.select([master], [], [], 10)[0]:
                    fail("no prompt: %r" % shown)
                shown += os.read(master, 4096)
            equal(termios.tcgetattr(slave)[3] & termios.ECHO, 0, "echo while the secret is typed")
            os.write(master, answer.encode() + b"\n")
        out = process.communicate(timeout=30)[0]
        while select.select([master], [], [], 0)[0]:
            shown += os.read(master, 4096)
        equal(bool(termios.tcgetattr(slave)[3] & termios.ECHO), True, "echo afterwards")
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)
    return process.returncode, out.decode(), shown.decode()


def terminal_twice(etc):
    secret = PREFIX + secrets.token_hex(8)
    status, out, shown = on_terminal(etc, [secret, secret])
    equal(status, 0, "exit status (%r)" % shown)
    equal(decrypt(etc, out.strip()).decode(), secret, "what openssl decrypts")
    if secret in shown:
        fail("the terminal showed the secret: %r" % shown)
    status, out, shown = on_terminal(etc, [secret, secret + "x"])
    equal((status, out), (1, ""), "two that differ")
    contains(shown, "not the same", "what the terminal showed")


def never_an_argument(etc):
    done = subprocess.run([MIDTLS, "encrypt", "--config-dir=" + etc, WRONG], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal((done.returncode, done.stdout), (2, b""), "exit status and output")
    if WRONG.encode() in done.stderr:
        fail("the message repeats the argument: %r" % done.stderr)


# leaks


def control(stores):
    """The search finds what is there."""
    process = subprocess.Popen(["cat", "--", "-", "/nonexistent/" + stores.secret("plain")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env={"P": WRONG})
    try:
        process.stdin.write(b"x")
        process.stdin.flush()
        process.stdout.read(1)
        equal(seen_in(process.pid, stores.secret("plain")), ["cmdline"], "where the search finds an argument")
        equal(seen_in(process.pid, WRONG), ["environ"], "where the search finds a variable")
    finally:
        process.stdin.close()
        process.wait(10)


def not_in_processes(pair):
    # pair.sh is the parent of all; our own environment, which it has, holds none either.
    pids = descendants(pair.process.pid)
    names = {name_of(pid) for pid in pids}
    for name in ("keyd", "keyd-signer", "keyd-verifier", "calld", "activate"):
        contains(names, name, "processes of the pair")
    for pid in pids:
        equal(seen_in(pid, PREFIX), [], "where %s shows a password" % name_of(pid))


def not_in_loader(pair):
    """The one process that has them all lives as long as a load takes."""

    def look():
        for pid in descendants(pair.pid("keyd")):
            if name_of(pid) == "keyd-loader":
                leaks = seen_in(pid, PREFIX)
                # It was still there, then, and not yet at its end.
                if seen_in(pid, "--config-dir") == ["cmdline"] and seen_in(pid, "CREDENTIALS_DIRECTORY") == ["environ"]:
                    return [leaks]
        pair.write("touched.conf", "")  # in a folder that is watched: the next load
        return None

    equal(wait_until(look, "keyd-loader is seen at work", 30), [[]], "where keyd-loader shows a password")


def not_in_logs(pair, stores):
    n_loaded = len(pair.records("keyd", "key-loaded"))
    equal(n_loaded >= len(GOOD), True, "keys that the log has loaded: %d" % n_loaded)
    for daemon in ("keyd", "calld"):
        with open(os.path.join(pair.dir, "log", daemon + ".json")) as file:
            text = file.read()
        contains(text, "MIDTLS_EVENT", daemon + "'s log")
        for name, secret in stores.secrets.items():
            if secret in text:
                fail("%s's log has the password %s" % (daemon, name))
        if PREFIX in text:
            fail("%s's log has a part of a password" % daemon)


def not_in_output(pair, stores):
    for arguments in (["list", "--profiles"], ["show", "plain"], ["show", "wplain"], ["--json=short", "list", "--profiles"]):
        status, out, err = pair.midtls(*arguments)
        equal(status, 0, "exit status: " + err)
        if PREFIX in out + err:
            fail("midtls %s shows a password" % " ".join(arguments))


def host_key_made_later(pair, profiles, stores):
    """Without a host key the profile says how to make it; then it is taken without a restart."""
    bad(pair, "later", ["host.key", "midtls-host-key"])
    make_host_key(pair.etc)
    profiles.add("later", stores.p12("later"), encrypt(pair.etc, stores.secret("later")))
    wait_until(lambda: pair.call("GET", "/", host="later").status == 200, "the key is taken")


def loose_host_key(pair):
    bad(pair, "loose", ["host.key", "0644", "chmod"])
    os.chmod(os.path.join(pair.etc, "host.key"), 0o600)
    pair.write("touched.conf", "")
    wait_until(lambda: pair.call("GET", "/", host="loose").status == 200, "the key is taken")


def forms(suite, stores, server):
    pair = Pair(suite, "forms")
    profiles = Profiles(pair, server.port)
    other = stores.path("other")
    os.mkdir(other)
    make_host_key(pair.etc)
    make_host_key(other)
    for name, make in GOOD.items():
        profiles.add(name, *make(stores, pair.etc))
    refused = bad_profiles(stores, pair.etc, other)
    for name, (keystore, password, key_password, _) in refused.items():
        profiles.add(name, keystore, password, key_password)
    profiles.add("open", stores.p12("open"), stores.secret("open"), mode=0o644)
    config_xml(pair, {"xml": (stores.p12("xml"), encrypt(pair.etc, stores.secret("xml"))), "xmlcred": (stores.p12("xmlcred"), stores.credential(
        "xml-pw", stores.secret("xmlcred"))), "xmlenc": (stores.p12("xmlenc"), "encrypted:u0aPAzcEPDrBnPmIFSRWCw==")})
    for name in ("xml", "xmlcred", "xmlenc"):
        profiles.add(name)

    suite.run("encrypt on a terminal", terminal_twice, pair.etc)
    suite.run("encrypt takes no secret as an argument", never_an_argument, pair.etc)
    with pair:
        for name in [*GOOD, "xml", "xmlcred"]:
            suite.run("good: " + name, good, pair, name)
        for name, (_, _, _, words) in refused.items():
            suite.run("refused: " + name, bad, pair, name, words)
        suite.run("refused: plain text in an open file", bad, pair, "open", ["0644", "chmod", "credential:NAME"])
        suite.run("refused: a MID's own in config.xml", bad, pair, "xmlenc", ["encrypted by the MID", "midtls encrypt", "credential:NAME"])
        suite.run("control: the search finds what is there", control, stores)
        suite.run("no password in arguments and environment", not_in_processes, pair)
        suite.run("no password in the loader's", not_in_loader, pair)
        suite.run("no password in the logs", not_in_logs, pair, stores)
        suite.run("no password in what the command shows", not_in_output, pair, stores)


def host_keys(suite, stores, server):
    with Pair(suite, "later") as pair:
        profiles = Profiles(pair, server.port)
        profiles.add("later", stores.p12("later"), encrypt(stores.path("other"), stores.secret("later")))
        suite.run("the host key is made later", host_key_made_later, pair, profiles, stores)

    pair = Pair(suite, "loose")
    make_host_key(pair.etc)
    Profiles(pair, server.port).add("loose", stores.p12("loosekey"), encrypt(pair.etc, stores.secret("loosekey")))
    os.chmod(os.path.join(pair.etc, "host.key"), 0o644)
    with pair:
        suite.run("refused: a host key that others can read", loose_host_key, pair)

    pair = Pair(suite, "credential")
    make_host_key(pair.etc)
    Profiles(pair, server.port).add("hostcrd", stores.p12("hostcrd"), encrypt(pair.etc, stores.secret("hostcrd")))
    os.rename(os.path.join(pair.etc, "host.key"), os.path.join(stores.credentials, "midtls-host-key"))
    with pair:
        suite.run("the host key as a credential", good, pair, "hostcrd")


def main(suite):
    with contextlib.ExitStack() as stack:
        pki = pki_module.make(os.path.join(BUILD, "tests", "pki"))
        server = stack.enter_context(Nginx(pki))
        stores = Stores(pki, stack.enter_context(corpus.Java()))
        stack.callback(shutil.rmtree, stores.dir, ignore_errors=True)
        os.environ["CREDENTIALS_DIRECTORY"] = stores.credentials
        forms(suite, stores, server)
        host_keys(suite, stores, server)


Suite().main(main)
