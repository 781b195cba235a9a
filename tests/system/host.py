# SPDX-License-Identifier: Apache-2.0
"""The container as the tests see it: configuration, commands, units, the journal, partners, calls."""

import json
import os
import pwd
import shutil
import subprocess
import threading
import time

from harness import PASSWORD, Answer, UnixConnection, equal, fail
from peers import Handler, Server

HERE = os.path.dirname(os.path.abspath(__file__))
PKI = os.path.join(HERE, "pki")
ETC = "/etc/midtls"
KEYS = ETC + "/keys"
PASSWORDS = "/etc/passwords"
CALLD_SOCKET = "/run/midtls/calld.sock"
# Whose keystores: Java's ask for five times the work of those of OpenSSL, which is too much for an emulated processor.
MAKER = os.environ.get("MIDTLS_TEST_KEYSTORES", "keytool")
# Nor is it always quick enough for calld to know keyd before the first call has its answer, which is then 503: its caller tries again.
PATIENCE = ("--retry", "30", "--retry-delay", "1") if MAKER == "openssl" else ()
SERVICES = ("midtls-keyd.service", "midtls-calld.service")
SOCKETS = ("midtls-keyd.socket", "midtls-keyd-admin.socket", "midtls-calld.socket")


def run(*command, status=0, user=None, stdin=b""):
    """Runs it, as USER with the groups that user has. STATUS None: any. Returns what it printed, errors too."""
    identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": os.getgrouplist(user, pwd.getpwnam(user).pw_gid)} if user else {}
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, cwd="/", **identity)
    text = done.stdout.decode(errors="replace")
    if status is not None:
        equal(done.returncode, status, "exit status of %s (%s)" % (" ".join(command), text[-600:]))
    return text


def write(path, text, group="root", mode=0o640):
    """A complete new file is renamed."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    shutil.chown(path + ".new", "root", group)
    os.rename(path + ".new", path)


# configuration


def install_key(name, keystore):
    """The keystore KEYSTORE of the PKI in the place of NAME."""
    path = os.path.join(KEYS, name)
    shutil.copy(os.path.join(PKI, keystore), path + ".new")
    os.chmod(path + ".new", 0o640)
    shutil.chown(path + ".new", "root", "midtls-keyd")
    os.rename(path + ".new", path)


def add_profile(name, keystore, password):
    install_key(name + ".p12", keystore)
    write("%s/%s.profile" % (ETC, name), "[Profile]\nKeystorePath=%s/%s.p12\nPassword=%s\n[Server]\nCAFile=%s/ca.pem\n" % (KEYS, name, password, ETC),
          "midtls-keyd")


def add_connection(alias, profile, port, http=""):
    write("%s/%s.connection" % (ETC, alias), "[Connection]\nProfile=%s\nHost=localhost\nPort=%d\n[HTTP]\n%s\n" % (profile, port, http), "midtls-keyd")


def configure(partners):
    """Before anything runs. Profile `plain`: MAKER's keystore, its password by LoadCredential=; `sealed`: one of openssl, encrypted credential."""
    os.makedirs(KEYS, mode=0o750)
    shutil.chown(KEYS, "root", "midtls-keyd")
    write(PASSWORDS + "/plain", PASSWORD, mode=0o600)
    run("systemd-creds", "encrypt", "--with-key=host", "--name=sealed", "-", PASSWORDS + "/sealed", stdin=PASSWORD.encode())
    shutil.copy(os.path.join(PKI, "server-ca.pem"), ETC + "/ca.pem")
    write(ETC + "/midtls.conf", "[MID]\nName=mid-system\n", "midtls-keyd")
    add_profile("plain", "p256.%s.p12" % MAKER, "credential:plain")
    add_profile("sealed", "rsa2048.openssl.p12", "credential:sealed")
    add_connection("crm", "plain", partners["kept"].port)
    add_connection("fresh", "plain", partners["fresh"].port, "SessionResumption=no")
    add_connection("billing", "sealed", partners["fresh"].port)


# units and journal


def systemctl(*arguments, status=0):
    return run("systemctl", *arguments, status=status).strip()


def show(unit, name):
    return systemctl("show", "--value", "--property=" + name, unit)


def main_pid(unit):
    pid = int(show(unit, "MainPID"))
    if not pid:
        fail("%s does not run" % unit)
    return pid


def pids(unit):
    main_pid(unit)
    with open("/sys/fs/cgroup%s/cgroup.procs" % show(unit, "ControlGroup")) as file:
        return [int(line) for line in file]


def process_name(pid):
    with open("/proc/%d/comm" % pid) as file:
        return file.read().strip()


def role(name):
    """The PID of a process of keyd."""
    found = [pid for pid in pids("midtls-keyd.service") if process_name(pid) == name]
    equal(len(found), 1, "processes named " + name)
    return found[0]


def journal(**fields):
    """Records as dictionaries; fields by name without MIDTLS_."""
    run("journalctl", "--sync")
    matches = ["MIDTLS_%s=%s" % item for item in fields.items()]
    return [json.loads(line) for line in run("journalctl", "--no-pager", "--quiet", "--output=json", *matches).splitlines()]


def journal_of(unit):
    run("journalctl", "--sync")
    return run("journalctl", "--no-pager", "--quiet", "--output=cat", "--unit=" + unit)


# calls


class Closing(Handler):
    """Each call is a handshake of its own."""

    def answer(self, status, body, headers=(), content_type="application/octet-stream"):
        super().answer(status, body, [*headers, ("Connection", "close")], content_type)


class Partner(Server):
    """A server that demands a client certificate."""

    def __init__(self, closes):
        super().__init__(PKI)
        if closes:
            self.RequestHandlerClass = Closing


def call(alias, connection=None, path="/tell"):
    """GET, as root."""
    c = connection or UnixConnection(CALLD_SOCKET)
    c.request("GET", path, headers={"Host": alias})
    answer = Answer(c.getresponse())
    if not connection:
        c.close()
    return answer


def good(alias, connection=None):
    answer = call(alias, connection)
    equal(answer.status, 200, "status of %s (%.300r)" % (alias, answer.body))
    return answer


class Calls:
    """A context manager: calls one after the other, over one connection when KEPT, all of which must be good."""

    def __init__(self, alias, kept=True):
        self.alias = alias
        self.kept = kept
        self.n_good = 0
        self.problem = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)

    def loop(self):
        connection = UnixConnection(CALLD_SOCKET) if self.kept else None
        try:
            while not self.ended.is_set():
                good(self.alias, connection)
                self.n_good += 1
        except Exception as problem:
            self.problem = problem

    def __enter__(self):
        self.started = time.time()
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.ended.set()
        self.thread.join(30)
        if not kind and (self.problem or not self.n_good):
            fail("after %d good calls: %s" % (self.n_good, self.problem))
