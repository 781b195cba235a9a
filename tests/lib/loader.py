# SPDX-License-Identifier: Apache-2.0
"""A loader that reads a slow keystore, and a keyd-loader by hand, with the caller as its supervisor and its signer, over the socket pairs of common/role.h."""

import fcntl
import os
import signal
import socket
import struct
import time

from dated import DAY, Issuer
from harness import BUILD, PASSWORD, SANDBOX, equal, fail, wait_until

SNAPSHOT_END, KEY, KEYS_END, KEYS_TAKEN, REPORT = 0x86, 0x46, 0x49, 0x4a, 0x69
LOAD, LOAD_END, WATCH, GENERATION, PROGRESS, QUARANTINE = 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50
FD_CONTROL, FD_KEYS = 3, 5
RECORD_MAX = 192 * 1024


class Role:
    """A keyd-loader of which we hold the other ends; a context manager. KEYS False: it has no channel to a signer."""

    def __init__(self, folder, keys=True):
        self.etc = os.path.join(folder, "etc")
        self.log = os.path.join(folder, "loader.json")
        self.keys = keys

    def pair(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(20)
        theirs.setblocking(False)
        return ours, fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, 64)

    def __enter__(self):
        self.supervisor, control = self.pair()
        self.signer, keys = self.pair()
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        # What we hold ourselves is CLOEXEC.
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, log, 2), (os.POSIX_SPAWN_DUP2, control, FD_CONTROL)]
        if self.keys:
            actions.append((os.POSIX_SPAWN_DUP2, keys, FD_KEYS))
        program = os.path.join(BUILD, "keyd", "keyd-loader")
        arguments = [program, "--config-dir=" + self.etc, "--log=json"] + (["--sandbox=off"] if SANDBOX == "off" else [])
        self.pid = os.posix_spawn(program, arguments, dict(os.environ), file_actions=actions)
        self.status = None
        for descriptor in (log, control, keys):
            os.close(descriptor)
        return self

    def __exit__(self, *_):
        self.supervisor.close()
        self.signer.close()
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self):
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def ask(self, previous=(), revision=1, last_generation=0, resend=False, empty=False, dry_run=False, quiet=False, now=None, before=0, left_out=None):
        """As common/msg-load.c and msg-quarantine.c write it. LEFT_OUT: (whether it is put off, why)."""
        self.supervisor.send(struct.pack(">BQ????QQ4Q", LOAD, revision, resend, empty, dry_run, quiet, int(now or time.time()), int(before), 0, 0, 0, 0))
        self.supervisor.send(struct.pack(">BH5sQ", GENERATION, 5, b"mauth", last_generation))
        if left_out:
            why = left_out[1].encode()
            self.supervisor.send(struct.pack(">BH5s?H%dsH" % len(why), QUARANTINE, 5, b"mauth", left_out[0], len(why), why, 0))
        for record in previous:
            self.supervisor.send(record)
        self.supervisor.send(bytes([LOAD_END]))

    def take_keys(self):
        """The records of the keys channel up to KEYS_END, which is not answered yet."""
        records = []
        while not records or records[-1][0] != KEYS_END:
            record = self.signer.recv(RECORD_MAX)
            if not record:
                fail("the loader closed the keys channel")
            records.append(record)
        self.batch = records[0][1:]
        return records

    def answer_keys(self):
        self.signer.send(struct.pack(">B8sI", KEYS_TAKEN, self.batch, 0))

    def snapshot(self):
        """(records of the snapshot, reports); what the loader says until it ends."""
        records, reports = [], []
        self.progress = []
        while True:
            record = self.supervisor.recv(RECORD_MAX)
            if not record:
                return records, reports
            if record[0] == REPORT:
                reports.append(record)
            elif record[0] == PROGRESS:
                self.progress.append(record[3:].decode())
            elif record[0] != WATCH:
                records.append(record)

    def load(self, **options):
        """A whole load that goes well."""
        self.ask(**options)
        keys = self.take_keys() if self.keys else []
        if self.keys:
            self.answer_keys()
        records, reports = self.snapshot()
        equal((self.wait(), records[-1][0]), (0, SNAPSHOT_END), "exit status and last record")
        return records, reports, [record for record in keys if record[0] == KEY]


def make_slow(folder, pki_folder, iterations):
    """A PKCS#12 with a good key that takes long to open: three times as many iterations."""
    issuer = Issuer(folder, pki_folder)
    issuer.issue("slow", 90 * DAY)
    issuer.maker.run("openssl", "pkcs12", "-export", "-inkey", "slow.key", "-in", "slow.bundle.pem", "-iter", str(iterations), "-passout",
                     "pass:" + PASSWORD, "-out", "slow.p12")
    os.chmod(issuer.path("slow.p12"), 0o600)
    return issuer.path("slow.p12")


def cpu_ticks(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[11])


def reading(pair, seconds=20):
    """The pid of a loader that reads a slow keystore now: those of the others cost far less."""
    found = []

    def is_reading():
        keyd = pair.pid("keyd")
        with open("/proc/%d/task/%d/children" % (keyd, keyd)) as file:
            found[:] = [int(pid) for pid in file.read().split() if cpu_ticks(int(pid)) > 30 and is_loader(pid)]
        return found

    return wait_until(is_reading, "a slow store is read", seconds)[0]


def is_loader(pid):
    try:
        with open("/proc/%s/comm" % pid) as file:
            return file.read().strip() == "keyd-loader"
    except OSError:
        return False
