# SPDX-License-Identifier: Apache-2.0
"""What a process shows of itself to others: its arguments and its environment, and those of all that it started."""

import contextlib
import os


def descendants(pid):
    found = [pid]
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread)) as file:
                for child in file.read().split():
                    found += descendants(int(child))
    return found


def seen_in(pid, secret):
    """Names of the files of /proc/PID that have SECRET."""
    found = []
    for name in ("cmdline", "environ"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                if secret.encode() in file.read():
                    found.append(name)
    return found


def name_of(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open("/proc/%d/comm" % pid) as file:
            return file.read().strip()
    return ""
