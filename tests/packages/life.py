# SPDX-License-Identifier: Apache-2.0
"""A package's life: upgraded and removed while calls are in flight, installed again, purged; the configuration is the administrator's."""

import hashlib
import os
import pwd
import re
import threading

import start
from harness import PASSWORD, contains, equal, fail, wait_until
from host import CALLD_SOCKET, ETC, SERVICES, SOCKETS, Calls, add_connection, call, good, main_pid, run, show, systemctl, write

ADMINISTRATORS = ("mauth.profile", "crm.connection", "partner.p12", "partner-ca.pem")
# What a partner may take for an answer
SLOW_SEC = 5
OURS = ("host.key", "host.pem")
LINKS = "/etc/systemd/system"
STORE = "/var/lib/selinux/default/active/modules/200/midtls"


class Held(threading.Thread):
    """A context manager: a call that the partner, to whom each call is a new connection, answers when it is told to."""

    def __init__(self, partner):
        super().__init__(daemon=True)
        self.arrived, self.released, self.answer = threading.Event(), threading.Event(), None
        outer, base = self, partner.RequestHandlerClass

        class Holding(base):
            def do_GET(self):
                outer.arrived.set()
                outer.released.wait(60)
                self.server.ended.wait(SLOW_SEC)
                super().do_GET()

        self.partner, self.before, self.holding = partner, base, Holding

    def run(self):
        self.answer = call("held")

    def __enter__(self):
        wait_until(lambda: call("held").status == 200, "keyd knows the connection")
        self.partner.RequestHandlerClass = self.holding
        self.start()
        if not self.arrived.wait(20):
            fail("the partner is not called")
        self.partner.RequestHandlerClass = self.before
        return self

    def __exit__(self, *_):
        self.released.set()
        self.join(30)


class Step(threading.Thread):
    """What the package manager does meanwhile."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.function, self.arguments, self.problem = function, arguments, None
        self.start()

    def run(self):
        try:
            self.function(*self.arguments)
        except Exception as problem:
            self.problem = problem

    def end(self):
        self.join(90)
        if self.is_alive() or self.problem:
            fail("the package manager: %s" % (self.problem or "does not end"))


def digest(names):
    found = {}
    for name in names:
        with open(os.path.join(ETC, name), "rb") as file:
            status = os.stat(file.fileno())
            found[name] = (hashlib.sha256(file.read()).hexdigest(), status.st_mode, status.st_uid, status.st_gid)
    return found


def drains():
    wait_until(lambda: show("midtls-calld.service", "ActiveState") == "deactivating", "calld ends", 60)


def complete(package):
    """Each file is root's, and what is no link nor folder can be written by root alone."""
    files = package.files()
    for wanted in ("/usr/bin/midtls", "/usr/libexec/midtls/keyd-signer", "/usr/libexec/midtls/calld", "/usr/share/bash-completion/completions/midtls"):
        contains(files, wanted, "files of the package")
    for path in files:
        if os.path.isfile(path) and not os.path.islink(path):
            status = os.lstat(path)
            equal((status.st_uid, status.st_gid, status.st_mode & 0o022), (0, 0, 0), path)
    contains(run("midtls", "--version"), package.version().partition("-")[0], "midtls --version")


def upgraded(package, partner):
    """Sockets stay, so that no caller is refused; who is in flight is answered; both services are new; the configuration is untouched."""
    good("crm")
    before = package.version()
    pids = {unit: main_pid(unit) for unit in SERVICES}
    kept, socket = digest(ADMINISTRATORS + OURS), os.stat(CALLD_SOCKET)
    with Held(partner) as call_in_flight, Calls("kept", kept=False) as kept_calls, Calls("fresh", kept=False) as fresh_calls:
        step = Step(package.install, "/next")
        drains()
        call_in_flight.released.set()
        step.end()
        for calls in (kept_calls, fresh_calls):
            n = calls.n_good
            wait_until(lambda: calls.problem or calls.n_good > n + 20, "calls go on", 30)
    equal((call_in_flight.answer and call_in_flight.answer.status), 200, "the call that was in flight")
    equal(package.version() != before, True, "another version than " + before)
    contains(run("midtls", "--version"), package.version().partition("-")[0], "midtls --version")
    for unit, pid in pids.items():
        equal(main_pid(unit) != pid, True, "another process of " + unit)
        path = os.readlink("/proc/%d/exe" % main_pid(unit))
        equal(path.endswith("(deleted)"), False, "an executable that is gone: " + path)
    now = os.stat(CALLD_SOCKET)
    equal((now.st_ino, now.st_ctime_ns), (socket.st_ino, socket.st_ctime_ns), "calld's socket")
    equal(digest(ADMINISTRATORS + OURS), kept, "configuration")
    equal(systemctl("--failed", "--no-legend", "--plain"), "", "failed units")


def gone(package):
    for path in ("/usr/bin/midtls", "/usr/libexec/midtls", "/run/midtls/calld.sock", "/run/midtls/keyd.sock", "/run/midtls/keyd-admin.sock"):
        equal(os.path.exists(path), False, path)
    for unit in SERVICES + SOCKETS:
        equal(show(unit, "ActiveState"), "inactive", unit)
    equal(run("systemctl", "list-unit-files", "--no-legend", "midtls-[ckh]*", status=None).strip(), "", "unit files")
    equal(systemctl("--failed", "--no-legend", "--plain"), "", "failed units")


def removed(package, partner):
    good("crm")
    kept = digest(ADMINISTRATORS + OURS)
    with Held(partner) as call_in_flight:
        step = Step(package.remove)
        drains()
        call_in_flight.released.set()
        step.end()
    equal((call_in_flight.answer and call_in_flight.answer.status), 200, "the call that was in flight")
    gone(package)
    equal(digest(ADMINISTRATORS + OURS), kept, "configuration")
    for user in ("midtls-keyd", "midtls-calld"):
        pwd.getpwnam(user)


def installed_again(package):
    package.install("/src")
    start.nothing_runs()
    start.sockets_modes()
    good("crm")


def installed_anew(package):
    """The host's key is another one after a purge: what was encrypted to the old one is not to be read by anybody."""
    package.prepare()
    package.install("/src")
    contains(systemctl("is-enabled", "midtls-calld.socket", "midtls-keyd.socket", "midtls-keyd-admin.socket", "midtls-host-key.service"), "enabled", "units")
    password = run("midtls", "encrypt", stdin=PASSWORD.encode() + b"\n").strip()
    write(ETC + "/mauth.profile", re.sub("(?m)^Password=.*$", "Password=" + password, open(ETC + "/mauth.profile").read()), "midtls-keyd")
    good("crm")


def purged(package):
    """What the package made goes, with what enabled its units; what the administrator made stays."""
    kept = digest(ADMINISTRATORS)
    package.purge()
    gone(package)
    equal(digest(ADMINISTRATORS), kept, "configuration")
    equal([name for name in OURS if os.path.exists(os.path.join(ETC, name))], [], "the host's key")
    links = [os.path.join(where, name) for where, _, names in os.walk(LINKS) for name in names if name.startswith("midtls-") and name != "midtls-tests.service"]
    equal(links, [], "links in " + LINKS)


def policy(package):
    package.add_policy()
    equal(os.path.isdir(STORE), True, "midtls in the policy's store")
    package.remove_policy()
    equal(os.path.isdir(STORE), False, "midtls in the policy's store after the removal")


def tests(suite, package, partners):
    kept, fresh = partners
    add_connection("kept", "mauth", kept.port)
    add_connection("fresh", "mauth", fresh.port, "SessionResumption=no")
    add_connection("held", "mauth", fresh.port)
    name = package.name + ": "
    if not package.purge:
        suite.run(name + "installed", installed_anew, package)
    suite.run(name + "files and version", complete, package)
    suite.run(name + "upgraded while calls are in flight", upgraded, package, fresh)
    suite.run(name + "removed while a call is in flight", removed, package, fresh)
    suite.run(name + "installed again", installed_again, package)
    suite.run(name + "the SELinux policy comes and goes", policy, package)
    if package.purge:
        suite.run(name + "purged", purged, package)
