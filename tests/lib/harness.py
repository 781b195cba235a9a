# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: a suite that counts, the pair with its configuration, its logs, an HTTP client.

Environment: BUILD (build folder), MIDTLS_TEST_SANDBOX (full or off), MIDTLS_TEST_SANITIZED (the
build is for ASan and UBSan), MIDTLS_TEST_KEEP (leave the folders behind). Arguments: run only tests whose names contain one.
"""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import pki

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(TOP, "build"))
SANITIZED = bool(os.environ.get("MIDTLS_TEST_SANITIZED"))
SANDBOX = os.environ.get("MIDTLS_TEST_SANDBOX") or "full"
PASSWORD = pki.PASSWORD
POLL_SEC = 0.01
# What LeakSanitizer says when a process that it looks at is killed meanwhile, as tests do
NOISE = re.compile(r"==[0-9]+==Unable to get registers from thread [0-9]+\.$")
REPORTS = re.compile(r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|LeakSanitizer has encountered|runtime error:|DEADLYSIGNAL")


def fail(message):
    raise AssertionError(message)


def equal(got, want, what):
    if got != want:
        fail("%s: got %.300r, want %.300r" % (what, got, want))


def contains(got, want, what):
    if want not in got:
        fail("%s: no %r in %.600r" % (what, want, got))


def wait_until(condition, what, seconds=10.0):
    """Polls CONDITION until it is true and returns what it returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            fail("not within %g s: %s" % (seconds, what))
        time.sleep(POLL_SEC)


class Suite:
    """Counts; prints `ok NAME`, `FAIL NAME: why`, `skip NAME: why` and the closing line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.only = sys.argv[1:]

    def run(self, name, function, *arguments, **options):
        if self.only and not any(word in name for word in self.only) and not name.startswith("daemons ended"):
            return
        started = time.monotonic()
        try:
            function(*arguments, **options)
        except AssertionError as problem:
            self.failed += 1
            print("FAIL %s: %s" % (name, problem), flush=True)
        except Exception as problem:  # the other tests are to run all the same
            self.failed += 1
            print("FAIL %s: %s: %s" % (name, type(problem).__name__, problem), flush=True)
            traceback.print_exc(limit=-2, file=sys.stdout)
        else:
            self.passed += 1
            print("ok %s (%.2f s)" % (name, time.monotonic() - started), flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print("skip %s: %s" % (name, why), flush=True)

    def main(self, function):
        """Runs FUNCTION(suite), which runs the tests; ends the program."""
        try:
            function(self)
        except Exception as problem:
            self.failed += 1
            print("FAIL set-up: %s: %s" % (type(problem).__name__, problem), flush=True)
            traceback.print_exc(limit=-6, file=sys.stdout)
        skipped = ", %d skipped" % self.skipped if self.skipped else ""
        print("%d passed, %d failed%s" % (self.passed, self.failed, skipped), flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("midtls", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    """One answer; `cut` when the connection ended before the body did."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.cut = False
        try:
            self.body = response.read()
        except (http.client.IncompleteRead, ConnectionResetError) as problem:
            self.body = getattr(problem, "partial", b"")
            self.cut = True

    def header(self, name):
        """The one value of a header, None without it."""
        found = self.all(name)
        if len(found) > 1:
            fail("%d %s headers: %r" % (len(found), name, found))
        return found[0] if found else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            fail("no JSON in the answer with status %d: %.300r" % (self.status, self.body))

    def code(self):
        """The problem's code, None for an answer of the far server."""
        if self.header("Content-Type") != "application/problem+json":
            return None
        return self.json()["type"].replace("urn:midtls:error:", "", 1)


class Pair:
    """keyd and calld from the build tree in a folder of their own; a context manager. SUITE None: nothing is checked at the end."""

    def __init__(self, suite, name="pair", config="", workers=None):
        self.suite = suite
        self.name = name
        self.workers = ["--workers=%d" % workers] if workers else []
        self.dir = tempfile.mkdtemp(prefix="midtls-")
        self.etc = os.path.join(self.dir, "etc")
        self.socket = os.path.join(self.dir, "run", "calld.sock")
        self.pki = pki.make(os.path.join(BUILD, "tests", "pki"))
        self.process = None
        self.keep = bool(os.environ.get("MIDTLS_TEST_KEEP"))
        self.expected_exits = {"exited 0"}
        self.asked_directly = ()  # beginnings of call ids of signatures that the test itself asked keyd for
        self.answered = set()  # ids of calls whose records were not seen yet
        self.lost_calls = False  # calld was killed: calls under way have no record
        os.mkdir(self.etc, 0o700)
        self.write("midtls.conf", "[MID]\nName=mid-test-01\n" + config)

    # configuration

    def write(self, name, text):
        path = os.path.join(self.etc, name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        return path

    def profile(self, name, keystore=None, password=PASSWORD, ca="server-ca.pem", extra="", server=""):
        """KEYSTORE is a file of the PKI; None: config.xml says it."""
        lines = ["[Profile]", extra]
        if keystore:
            lines += ["KeystorePath=" + os.path.join(self.pki, keystore), "Password=" + password]
        lines += ["[Server]", "CAFile=" + os.path.join(self.pki, ca), server, ""]
        self.write(name + ".profile", "\n".join(lines))

    def connection(self, alias, profile, port, host="localhost", extra="", http="", more=""):
        self.write(alias + ".connection", "\n".join([
            "[Connection]", "Profile=" + profile, "Host=" + host, "Port=%d" % port, extra, "[HTTP]", http, more, ""]))

    def config_xml(self, profiles):
        """PROFILES: name -> file of the PKI. Also names the file in midtls.conf."""
        rows = "".join('  <parameter name="mid.httpclient.protocol.%s.path" value="%s"/>\n'
                       '  <parameter value="%s" secure="true" name="mid.httpclient.protocol.%s.password"/>\n'
                       % (name, os.path.join(self.pki, file), PASSWORD, name) for name, file in profiles.items())
        path = self.write("config.xml", "<?xml version=\"1.0\"?>\n<parameters>\n  <!-- as on a MID -->\n"
                          "  <parameter name=\"name\" value=\"mid-of-config-xml\"/>\n%s</parameters>\n" % rows)
        self.write("midtls.conf", "[MID]\nName=mid-test-01\nConfigXml=%s\n" % path)

    # life

    def __enter__(self):
        self.process = subprocess.Popen(
            [os.path.join(TOP, "tests", "pair.sh"), "--sandbox=" + SANDBOX, *self.workers, self.dir, "--", "sh", "-c", "echo up; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, BUILD=BUILD))
        if self.process.stdout.readline() != b"up\n":
            fail("tests/pair.sh did not start the pair")
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(20)
        if self.suite:
            self.suite.run("daemons ended well, logs are whole and clean: " + self.name, self.check_end)
        if kind or (self.suite and self.suite.failed):
            self.show_logs()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        return False

    def check_end(self):
        for daemon in ("keyd", "calld"):
            path = os.path.join(self.dir, "log", daemon)
            with open(path + ".json", errors="replace") as file:
                for line in file:
                    if REPORTS.search(line):
                        fail("%s: sanitizer report: %s" % (daemon, line.strip()))
                    if SANITIZED and NOISE.match(line):
                        continue
                    if not line.startswith("{"):
                        fail("%s: not a JSON record on standard error: %s" % (daemon, line.strip()))
                    json.loads(line)
            if os.path.exists(path + ".exits"):
                with open(path + ".exits") as file:
                    for line in file.read().splitlines():
                        if line not in self.expected_exits:
                            fail("%s ended unexpectedly: %s" % (daemon, line))

        gaps = self.gaps()
        if gaps:
            fail("calls and signatures do not agree: %s" % gaps[:4])

    def log_lines(self):
        self.settle()
        lines = []
        for daemon in ("keyd", "calld"):
            with open(os.path.join(self.dir, "log", daemon + ".json"), "rb") as file:
                lines += [line for line in file if line.startswith(b"{")]
        return b"".join(lines)

    def all_gaps(self):
        """What midtls log --reconcile finds."""
        status, out, err = self.midtls("log", "--reconcile", "--json=short", "--input=-", stdin=self.log_lines())
        gaps = json.loads(out)["gaps"] if out else fail("midtls log --reconcile: %s" % err)
        equal(status, 1 if gaps else 0, "status of midtls log --reconcile")
        return gaps

    def gaps(self):
        """Without what the test did itself."""
        gaps = self.all_gaps()
        direct = [gap for gap in gaps if gap["gap"] == "signature-without-call" and gap["call_id"] and
                  gap["call_id"].startswith(tuple(self.asked_directly))]
        lost = [gap for gap in gaps if self.lost_calls and gap["gap"] == "signature-without-call"]
        return [gap for gap in gaps if gap not in direct and gap not in lost]

    def show_logs(self):
        for daemon in ("keyd", "calld"):
            with open(os.path.join(self.dir, "log", daemon + ".json"), errors="replace") as file:
                lines = file.read().splitlines()
            print("--- the end of %s's log" % daemon)
            for line in lines if any(REPORTS.search(line) for line in lines) else lines[-8:]:
                try:
                    record = json.loads(line)
                    print(record.get("MIDTLS_EVENT", "-"), record.get("MESSAGE"))
                except ValueError:
                    print(line)
        sys.stdout.flush()

    # what goes on

    def pid(self, name, seconds=10):
        """Of keyd, calld, keyd-activate, calld-activate."""
        path = os.path.join(self.dir, "run", name + ".pid")

        def read():
            try:
                with open(path) as file:
                    text = file.read()
            except FileNotFoundError:
                return None
            return int(text) if text.endswith("\n") else None

        return wait_until(read, name + " runs", seconds)

    def role(self, name, seconds=10):
        """The pid of keyd-verifier or keyd-signer: keyd's child of that name."""
        def find():
            keyd = self.pid("keyd")
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open("/proc/%d/task/%d/children" % (keyd, keyd)) as file:
                    children = file.read().split()
                for child in children:
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        with open("/proc/%s/comm" % child) as file:
                            if file.read().strip() == name:
                                return int(child)
            return None

        return wait_until(find, name + " runs", seconds)

    def find(self, name):
        return self.role(name) if name.startswith("keyd-") and not name.endswith("-activate") else self.pid(name)

    def signal(self, name, number):
        os.kill(self.find(name), number)

    def kill(self, name):
        """Kills a daemon or a role and waits until it is gone; its activator may be stopped, so a zombie counts."""
        pid = self.find(name)
        self.expected_exits.add("killed 9")
        self.lost_calls |= name == "calld"
        os.kill(pid, signal.SIGKILL)

        def gone():
            try:
                with open("/proc/%d/stat" % pid) as file:
                    return file.read().rpartition(")")[2].split()[0] in "ZX"
            except (FileNotFoundError, ProcessLookupError):  # the latter when it goes between open() and read()
                return True

        wait_until(gone, name + " is gone")

    def settle(self):
        """A call's record comes after its answer: waits for those of all answers."""
        def recorded():
            self.answered -= {record["MIDTLS_CALL_ID"] for record in self.read_records("calld", "call")}
            return not self.answered or self.lost_calls

        if self.answered:
            wait_until(recorded, "the records of calls")

    def records(self, daemon, event=None, **fields):
        """Records of a log; fields by name without MIDTLS_."""
        if daemon == "calld":
            self.settle()
        return self.read_records(daemon, event, **fields)

    def read_records(self, daemon, event=None, **fields):
        found = []
        with open(os.path.join(self.dir, "log", daemon + ".json"), errors="replace") as file:
            for line in file:
                if not line.startswith("{") or not line.endswith("\n"):
                    continue
                record = json.loads(line)
                if event in (None, record.get("MIDTLS_EVENT")) and \
                        all(record.get("MIDTLS_" + key) == value for key, value in fields.items()):
                    found.append(record)
        return found

    def wait_record(self, daemon, event, **fields):
        return wait_until(lambda: self.records(daemon, event, **fields), "%s's %s record with %r" % (daemon, event, fields))[0]

    def connect(self, timeout=30):
        return UnixConnection(self.socket, timeout)

    def call(self, method, target, host=None, headers=(), body=None, connection=None, timeout=30):
        """TARGET goes into the request line as it is. HOST: the alias; None for absolute form. BODY: bytes, or an iterable: chunked."""
        kept = connection
        connection = connection or self.connect(timeout)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        if host is None:
            host = target.split("://", 1)[1].split("/", 1)[0]
        connection.putheader("Host", host)
        for name, value in headers:
            connection.putheader(name, value)
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body, encode_chunked=chunked)
        answer = Answer(connection.getresponse())
        if host != "midtls" and answer.header("Midtls-Call-Id"):
            self.answered.add(answer.header("Midtls-Call-Id"))
        if not kept:
            connection.close()
        return answer

    def midtls(self, *arguments, stdin=b"", timeout=60):
        """Runs the command. Returns (exit status, stdout, stderr)."""
        done = subprocess.run([os.path.join(BUILD, "calld", "midtls"), *arguments], input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(os.environ, MIDTLS_SOCKET=self.socket), timeout=timeout)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def reload(self, *arguments):
        """midtls reload, over the admin socket of this pair."""
        return self.midtls("--socket", os.path.join(self.dir, "run", "keyd-admin.sock"), "reload", *arguments)
