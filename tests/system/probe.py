# SPDX-License-Identifier: Apache-2.0
"""probe.py ACTION...: tries each and prints one JSON object, ACTION -> "ok" or the errno's name. Run in the place of a daemon, in its sandbox."""

import ctypes
import errno
import json
import mmap
import os
import socket
import sys

SYS_MEMFD_SECRET = 447
CLONE_NEWUSER = 0x10000000
LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def connect(kind, path):
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.connect(path)


def read(path):
    if os.path.isdir(path):
        if not os.listdir(path):
            raise OSError(errno.ENOENT, "nothing in it")
    else:
        with open(path, "rb") as file:
            file.read(1)


def execute(path):
    pid = os.posix_spawn(path, [path], {})
    os.waitpid(pid, 0)


ACTIONS = {
    "socket": lambda name: socket.socket(getattr(socket, name), socket.SOCK_RAW if name in ("AF_PACKET", "AF_NETLINK") else socket.SOCK_STREAM).close(),
    "read": read,
    "write": lambda path: os.close(os.open(path + "/probe", os.O_WRONLY | os.O_CREAT)),
    "execute": execute,
    "stream": lambda path: connect(socket.SOCK_STREAM, path),
    "seqpacket": lambda path: connect(socket.SOCK_SEQPACKET, path),
    "map-wx": lambda _: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "unshare": lambda _: checked(LIBC.unshare(CLONE_NEWUSER)),
    "memfd-secret": lambda _: checked(LIBC.syscall(SYS_MEMFD_SECRET, 0)),
    "setuid": lambda _: os.setuid(0),
    "mount": lambda _: checked(LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "ptrace": lambda _: checked(LIBC.ptrace(16, 1, 0, 0)),
}


def attempt(action):
    name, _, argument = action.partition(":")
    try:
        ACTIONS[name](argument)
    except OSError as problem:
        return errno.errorcode.get(problem.errno, str(problem))
    return "ok"


print(json.dumps({action: attempt(action) for action in sys.argv[1:]}))
