# SPDX-License-Identifier: Apache-2.0
"""What the units take away: tried by a program that runs in the place of the daemon, and read off the running processes."""

import ctypes
import os
import re
import stat

import escapes
import records
from harness import equal
from host import SERVICES, SOCKETS, good, main_pid, pids, process_name, role, run

UNITS = escapes.UNITS
SYS_MEMFD_SECRET = 447


# All that a daemon's place lets through, whatever runs there. Of the tries, "signal" and "fork" are the supervisor's work.
COMMON = {"be-dumpable", "connect-journal", "connect-notify", "fork", "list-etc", "memfd-to-code", "read-machine-id", "read-passwd", "unix", "write-own-code"}
CONFIGURATION = {"list-configuration", "list-keystores", "read-configuration", "read-host-key", "read-keystore", "stat-keystore"}
NETWORK = {"connect-https", "connect-smtp", "connect-ssh", "inet", "inet6", "send-dns", "send-other"}
ALLOWED = {
    "midtls-keyd.service": COMMON | CONFIGURATION | {"inotify", "signal", "write-state"},
    "midtls-calld.service": COMMON | NETWORK | {"connect-abstract", "connect-keyd", "list-sys"},
}
# The same with the program's own filter. The fetcher gets a network by a drop-in only.
FILTERS = {
    "calld": NETWORK,
    "resolver": NETWORK - {"connect-https", "connect-smtp", "connect-ssh"} | {
        "connect-journal", "connect-keyd", "connect-notify", "fork", "list-etc", "list-sys", "read-machine-id", "read-passwd", "unix"},
    "role": set(),
    "fetcher": set(),
    "loader": CONFIGURATION | {"list-etc", "read-machine-id", "read-passwd"},
}


def allowed_of(variant):
    """What older kernels' Landlock does not know is let through: TCP ports, and others' abstract sockets."""
    allowed, abi = FILTERS[variant], escapes.landlock_abi()
    if variant == "resolver":
        allowed = allowed | ({"connect-https", "connect-smtp", "connect-ssh"} if abi < escapes.ABI_TCP else set())
        allowed = allowed | ({"connect-abstract"} if abi < escapes.ABI_SCOPES else set())
    return allowed


def unit_of(variant):
    return "midtls-calld.service" if variant in ("calld", "landlock", "resolver") else "midtls-keyd.service"


def confined(unit, variant, allowed, confine=True):
    """The escape program in the place of a daemon; VARIANT: whose filter it installs."""
    command = "%s %s --victim=%d" % (escapes.program(variant), "--confine" if confine else "", role("keyd-signer"))
    found = escapes.attempt(variant, escapes.sandbox_of(unit), command)
    escapes.check(found, allowed, "%s with the filter of %s" % (unit, variant))


def memory_level():
    """What the signer recorded is what this kernel has: its unit takes nothing of it away."""
    reached = records.sandbox_reached()
    has = ctypes.CDLL(None).syscall(SYS_MEMFD_SECRET, 0) >= 0
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
    for path in ("/etc/midtls", "/run/credentials", "/dev/shm", "/opt", "/var/lib/midtls", "/home", "/root"):
        equal(os.listdir(root + path) if os.path.exists(root + path) else [], [], path + " as calld sees it")
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
    for unit, threshold in (("midtls-keyd.service", 3), ("midtls-calld.service", 12), ("midtls-host-key.service", 10)):
        suite.run("units: exposure of %s is at most %.1f" % (unit, threshold / 10), exposure, unit, threshold)
    for unit in SERVICES:
        suite.run("%s: what its unit alone lets through" % unit, confined, unit, "none", ALLOWED[unit], False)
    for variant in FILTERS:
        suite.run("%s: what unit and filter let through" % variant, confined, unit_of(variant), variant, allowed_of(variant))
    suite.run("calld: keyd's folders are empty to it", calld_sees_nothing)
    suite.run("processes: no rights, no cores", processes)
    suite.run("keyd's roles have filters of their own", roles_filters)
    suite.run("the level of the memory for keys is recorded", memory_level)
