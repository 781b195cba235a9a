# SPDX-License-Identifier: Apache-2.0
"""The escape program run by a unit, and what it reports."""

import contextlib
import ctypes
import itertools
import os
import re
import socket

from harness import equal, fail, wait_until
from host import HERE, run, systemctl, write

UNITS = "/usr/lib/systemd/system/"
# What belongs to a daemon that listens, not to its sandbox.
LISTENER = re.compile(r"^(?:Type|NotifyAccess|Exec\w+|Sockets|Requires|Wants|After|WatchdogSec|Restart|RestartSec|Documentation|Log\w+)=.*\n", re.MULTILINE)
# All of its records are ours: the journal drops none.
PROGRAM = "Type=oneshot\nLogRateLimitIntervalSec=1s\nLogRateLimitBurst=1000000\nTimeoutStartSec=60s\nExecStart=%s\n"
NAKED = "[Service]\n"
COUNTER = itertools.count(1)
SYS_LANDLOCK_CREATE_RULESET = 444
# Of Landlock: the first to know TCP ports, and abstract sockets and signals
ABI_TCP, ABI_SCOPES = 4, 6


@contextlib.contextmanager
def target():
    """Somebody's abstract socket, which the program tries to reach."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0midtls-escape-target")
        listener.listen(16)
        yield


def sandbox_of(unit, without=()):
    """The text of a unit that runs another program in the sandbox of UNIT; WITHOUT: directives that are left out."""
    with open(UNITS + unit) as file:
        text = LISTENER.sub("", file.read())
    for name in without:
        text, n = re.subn(r"^%s=.*\n" % re.escape(name), "", text, flags=re.MULTILINE)
        equal(n > 0, True, "%s has %s=" % (unit, name))
    # The program itself is to be found there.
    return text.replace("[Service]\n", "[Service]\nBindReadOnlyPaths=%s\nExecPaths=+%s\n" % (HERE, HERE))


def attempt(name, text, command):
    """Runs COMMAND by a unit with TEXT, which is named after NAME. Returns try -> result."""
    unit = "midtls-escape-%s-%d.service" % (name, next(COUNTER))
    write("/run/systemd/system/" + unit, text.replace("[Service]\n", "[Service]\n" + PROGRAM % command), mode=0o644)
    systemctl("daemon-reload")
    with target():
        systemctl("start", unit)
    return results(unit)


def results(unit):
    """The journal may have taken the end of the program before its last lines."""
    def read():
        run("journalctl", "--sync")
        lines.extend(run("journalctl", "--no-pager", "--quiet", "--output=cat", "_SYSTEMD_UNIT=" + unit).splitlines()[len(lines):])
        return "end" in lines

    lines = []
    wait_until(read, unit + " reports to the end")
    return dict(line.split() for line in lines if re.fullmatch(r"[a-z0-9-]+ [A-Za-z0-9?]+", line))


def succeeded(found):
    """A try that was not answered in time has not been refused."""
    return {name for name, result in found.items() if result in ("ok", "timeout")}


def check(found, allowed, what):
    """ALLOWED: all that may succeed."""
    if "unconfined" in found.values():
        fail("%s: could not confine itself" % what)
    equal(len(found) >= 100, True, "tries of %s: %d" % (what, len(found)))
    beyond, short = succeeded(found) - allowed, allowed - succeeded(found)
    if beyond:
        fail("%s: let through: %s" % (what, " ".join(sorted(beyond))))
    if short:
        fail("%s: said to be possible, and is not: %s" % (what, " ".join("%s (%s)" % (name, found.get(name)) for name in sorted(short))))


def landlock_abi():
    """0: this kernel has none."""
    return max(0, ctypes.CDLL(None).syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, 1))


def program(variant):
    return os.path.join(HERE, "escape-" + variant)
