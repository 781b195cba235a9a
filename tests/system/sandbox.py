# SPDX-License-Identifier: Apache-2.0
"""What the units take away: tried by a probe that runs in the place of the daemon, and read off the running processes."""

import json
import os
import re
import stat

import records
from harness import equal, fail
from host import HERE, SERVICES, SOCKETS, good, main_pid, pids, process_name, role, run, systemctl, write

UNITS = "/usr/lib/systemd/system/"
# What belongs to a daemon that listens, not to its sandbox.
LISTENER = re.compile(r"^(?:Type|NotifyAccess|ExecReload|Sockets|Requires|Wants|After|WatchdogSec|Restart|RestartSec|Documentation)=.*\n", re.MULTILINE)

# What must be said to each attempt; a tuple: one of these.
REFUSED = ("EACCES", "EPERM", "ENOENT", "EROFS", "ENXIO")
EVERYBODY = {
    "read:/etc/shadow": REFUSED, "read:/etc/passwords/plain": REFUSED, "write:/etc": REFUSED, "write:/usr": REFUSED, "write:/var/lib": REFUSED,
    "write:/dev/shm": REFUSED, "write:/run": REFUSED, "write:/home": REFUSED, "execute:/usr/bin/true": REFUSED, "execute:/bin/sh": REFUSED,
    "map-wx": REFUSED, "unshare": REFUSED, "setuid": REFUSED, "mount": REFUSED, "ptrace": REFUSED,
    "socket:AF_PACKET": "EAFNOSUPPORT", "socket:AF_VSOCK": "EAFNOSUPPORT", "read:/proc/sys/kernel/ostype": REFUSED, "read:/proc/1/status": REFUSED,
}
KEYD = {
    "socket:AF_INET": "EAFNOSUPPORT", "socket:AF_INET6": "EAFNOSUPPORT", "socket:AF_NETLINK": "EAFNOSUPPORT", "socket:AF_UNIX": "ok",
    "read:/etc/midtls": "ok", "read:/etc/midtls/keys/plain.p12": "ok", "write:/etc/midtls": REFUSED,
}
CALLD = {
    "socket:AF_INET": "ok", "socket:AF_INET6": "ok", "read:/etc/hosts": "ok", "seqpacket:/run/midtls/keyd.sock": "ok",
    "read:/etc/midtls": REFUSED, "read:/etc/midtls/keys/plain.p12": REFUSED, "read:/etc/midtls/midtls.conf": REFUSED,
    "read:/etc/midtls/host.key": REFUSED, "read:/run/credentials": REFUSED, "read:/run/credentials/midtls-keyd.service/plain": REFUSED,
    "seqpacket:/run/midtls/keyd-admin.sock": REFUSED + ("ECONNREFUSED",),
}


def probe(daemon, actions):
    """Runs probe.py by the unit of DAEMON. Returns action -> result."""
    name, out = "midtls-probe-%s.service" % daemon, "/results/probe-" + daemon
    with open("%smidtls-%s.service" % (UNITS, daemon)) as file:
        text = LISTENER.sub("", file.read())
    text, n = re.subn(r"^ExecStart=.*$", "Type=oneshot\nExecPaths=%s\nStandardOutput=truncate:%s\nExecStart=/usr/bin/python3 -B %s/probe.py %s" % (
        os.path.realpath("/usr/bin/python3"), out, HERE, " ".join(actions)), text, flags=re.MULTILINE)
    equal(n, 1, "ExecStart= of " + daemon)
    write("/run/systemd/system/" + name, text, mode=0o644)
    systemctl("daemon-reload")
    systemctl("start", name)
    with open(out) as file:
        return json.load(file)


def confined(daemon, expected):
    found = probe(daemon, list(expected))
    wrong = {action: got for action, got in found.items() if got != expected[action] and got not in expected[action]}
    if wrong or set(found) != set(expected):
        fail("not as it should be: %r" % wrong)


def memory_level():
    """What the signer recorded is what this kernel has: its unit takes nothing of it away."""
    reached = records.sandbox_reached()
    has = json.loads(run("/usr/bin/python3", "-B", HERE + "/probe.py", "memfd-secret"))["memfd-secret"] == "ok"
    equal(reached == "memfd_secret", has, "keys in %s; that memfd_secret works here" % reached)


def status_of(pid):
    with open("/proc/%d/status" % pid) as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def processes():
    """Each process that serves: no rights, a filter, no core, a network of its own where it is keyd's."""
    for unit in SERVICES:
        for pid in pids(unit):
            what, status = process_name(pid), status_of(pid)
            equal((status["CapEff"], status["CapBnd"], status["NoNewPrivs"], status["Seccomp"]), ("0" * 16, "0" * 16, "1", "2"), "rights of " + what)
            with open("/proc/%d/limits" % pid) as file:
                equal(re.search(r"^Max core file size\s+(\S+)\s+(\S+)", file.read(), re.MULTILINE).groups(), ("0", "0"), "core limit of " + what)
            own = os.readlink("/proc/%d/ns/net" % pid) != os.readlink("/proc/self/ns/net")
            equal(own, unit == "midtls-keyd.service", "a network namespace of its own: " + what)


def roles_filters():
    """Outer filter and inner filter: the roles that face others have one more than the supervisor."""
    n = {name: int(status_of(role(name))["Seccomp_filters"]) for name in ("keyd", "keyd-verifier", "keyd-signer")}
    equal((n["keyd-verifier"], n["keyd-signer"]), (n["keyd"] + 1, n["keyd"] + 1), "filters of verifier and signer (keyd: %d)" % n["keyd"])


def calld_sees_nothing():
    """Not even as root, in calld's own view of the files."""
    root = "/proc/%d/root" % main_pid("midtls-calld.service")
    for path in ("/etc/midtls", "/run/credentials", "/dev/shm"):
        equal(os.listdir(root + path), [], path + " as calld sees it")
    equal(stat.S_IMODE(os.stat(root + "/run/midtls/keyd-admin.sock").st_mode), 0, "mode of the admin socket as calld sees it")


def verified():
    names = sorted(name for name in os.listdir(UNITS) if name.startswith("midtls-") and name != "midtls-tests.service")
    equal(set(SERVICES + SOCKETS) <= set(names), True, "the units that are installed")
    equal(run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", *names), "", "systemd-analyze verify")


def exposure(unit, threshold):
    """THRESHOLD is ten times the score."""
    run("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=%d" % threshold, UNITS + unit)


def tests(suite):
    good("crm")
    suite.run("units: systemd-analyze verify says nothing", verified)
    for unit, threshold in (("midtls-keyd.service", 4), ("midtls-calld.service", 13), ("midtls-host-key.service", 10)):
        suite.run("units: exposure of %s is at most %.1f" % (unit, threshold / 10), exposure, unit, threshold)
    suite.run("keyd: no network, no writing, no programs", confined, "keyd", {**EVERYBODY, **KEYD})
    suite.run("calld: no configuration, no keystores, no admin socket", confined, "calld", {**EVERYBODY, **CALLD})
    suite.run("calld: keyd's folders are empty to it", calld_sees_nothing)
    suite.run("processes: no rights, no cores", processes)
    suite.run("keyd's roles have filters of their own", roles_filters)
    suite.run("the level of the memory for keys is recorded", memory_level)
