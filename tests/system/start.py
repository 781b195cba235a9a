# SPDX-License-Identifier: Apache-2.0
"""What is installed, what runs before the first call, what that call starts, and who may make one."""

import grp
import os
import stat

from harness import contains, equal
from host import CALLD_SOCKET, ETC, PATIENCE, SERVICES, SOCKETS, good, main_pid, pids, process_name, role, run, show, systemctl


def nothing_runs():
    for unit in SERVICES:
        equal(show(unit, "ActiveState"), "inactive", unit)
    for unit in SOCKETS:
        equal(show(unit, "ActiveState"), "active", unit)
    equal(show("midtls-calld-tcp.socket", "ActiveState"), "inactive", "the optional socket")
    equal(systemctl("--failed", "--no-legend", "--plain"), "", "failed units")


def modes(path):
    status = os.stat(path)
    return "%s %04o %s" % (grp.getgrgid(status.st_gid).gr_name, stat.S_IMODE(status.st_mode), "root" if status.st_uid == 0 else "other")


def sockets_modes():
    equal(modes("/run/midtls"), "root 0755 root", "/run/midtls")
    equal(modes(CALLD_SOCKET), "midtls 0660 root", CALLD_SOCKET)
    equal(modes("/run/midtls/keyd.sock"), "midtls-calld 0660 root", "keyd.sock")
    equal(modes("/run/midtls/keyd-admin.sock"), "root 0600 root", "keyd-admin.sock")
    equal(modes(ETC), "midtls-keyd 0750 root", ETC)
    equal(modes(ETC + "/host.key"), "midtls-keyd 0600 other", "the host's key")


def stranger():
    """The mode of the socket refuses before any of our code runs."""
    text = run("curl", "--silent", "--show-error", "--max-time", "20", "--unix-socket", CALLD_SOCKET, "http://crm/tell", status=7, user="mallory")
    contains(text, "crm", "curl's error")
    equal(show("midtls-calld.service", "ActiveState"), "inactive", "calld after a call that was refused")


def first_call():
    text = run("curl", "--silent", "--show-error", "--fail", "--max-time", "60", *PATIENCE, "--unix-socket", CALLD_SOCKET, "http://crm/tell", user="alice")
    contains(text, '"version": "TLSv1.3"', "what the partner saw")
    for unit in SERVICES:
        equal(show(unit, "ActiveState"), "active", unit)
    equal({process_name(pid) for pid in pids("midtls-keyd.service")} >= {"keyd", "keyd-verifier", "keyd-signer"}, True, "processes of keyd")
    equal(process_name(main_pid("midtls-calld.service")), "calld", "process of calld")


def loader_ends():
    """It has read the keystores: nothing of it remains."""
    role("keyd-signer")
    equal([name for name in map(process_name, pids("midtls-keyd.service")) if name == "keyd-loader"], [], "loaders")
    good("crm")


def tests(suite):
    suite.run("nothing runs before the first call", nothing_runs)
    suite.run("owners and modes of sockets and folders", sockets_modes)
    suite.run("a user outside of group midtls is refused by the socket's mode", stranger)
    suite.run("the first call, of a user in group midtls, starts calld and keyd and gets 200", first_call)
    suite.run("the loader ends when it is done", loader_ends)
