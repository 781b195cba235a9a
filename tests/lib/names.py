# SPDX-License-Identifier: Apache-2.0
"""A world of names: namespaces with a hosts file and a DNS server of their own. For a whole test program, see enter()."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

INSIDE = "MIDTLS_TEST_NAMES"
TYPE_A, TYPE_AAAA = 1, 28


def enter():
    """Runs this program anew in its own network and mount namespace. Returns the folder whose files are /etc's there; None: not possible here."""
    if INSIDE not in os.environ:
        options = ["--mount", "--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount", "--net"]
        if not shutil.which("unshare") or subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return None
        os.environ[INSIDE] = tempfile.mkdtemp(prefix="midtls-names-")
        status = subprocess.run(["unshare", *options, "/usr/bin/python3", *sys.argv], check=False).returncode
        shutil.rmtree(os.environ[INSIDE], ignore_errors=True)
        sys.exit(status)

    folder = os.environ[INSIDE]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, text in (("hosts", "127.0.0.1 localhost\n"), ("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", NSSWITCH)):
        path = os.path.join(folder, name)
        write(path, text)
        if os.path.islink("/etc/" + name) or not os.path.exists("/etc/" + name):
            return None
        subprocess.run(["mount", "--bind", path, "/etc/" + name], check=True)
    return folder


NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


def write(path, text):
    """In place: what is bound is the file, not its name."""
    with open(path, "w") as file:
        file.write(text)


class Dns:
    """A DNS server on ADDRESS port 53; a context manager. `names`: name -> addresses; other names do not exist. In `silent`: no answer.
    In `late`: answered when the event there is set."""

    def __init__(self, address="127.0.0.1"):
        self.names, self.silent, self.late = {}, set(), {}
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        self.socket.close()
        for event in self.late.values():
            event.set()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            labels, offset = [], 12
            while query[offset]:
                labels.append(query[offset + 1:offset + 1 + query[offset]].decode())
                offset += 1 + query[offset]
            name, kind = ".".join(labels), struct.unpack_from("!H", query, offset + 1)[0]
            self.asked.append(name)
            if name in self.silent:
                continue
            answer = self.answer(query[:2], query[12:offset + 5], name, kind)
            if name in self.late:
                threading.Thread(target=self.answer_late, args=(name, answer, peer), daemon=True).start()
            else:
                self.socket.sendto(answer, peer)

    def answer_late(self, name, answer, peer):
        self.late[name].wait(30)
        self.socket.sendto(answer, peer)

    def answer(self, number, question, name, kind):
        """RFC 1035, 4.1; 3 is NXDOMAIN."""
        records = b""
        n = 0
        for address in self.names.get(name, ()):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if kind == (TYPE_AAAA if ":" in address else TYPE_A):
                data = socket.inet_pton(family, address)
                records += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
                n += 1
        flags = 0x8180 | (0 if name in self.names else 3)
        return number + struct.pack("!HHHHH", flags, 1, n, 0, 0) + question + records
