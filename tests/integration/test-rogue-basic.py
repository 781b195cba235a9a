#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A calld that breaks the protocol: its connection is closed and recorded, and keyd serves the others on."""

import array
import contextlib
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import Pair, Suite, equal, fail, wait_until
from peers import Nginx
from rogue import BYE, REFUSAL, SIGN, VERSION, WATCH, WELCOME, connect, greet, hello, sign

def read_to_end(keyd):
    """What keyd said before it closed; hanging fails."""
    said = []
    while True:
        try:
            record = keyd.recv(1 << 18)
        except ConnectionResetError:
            return said
        except socket.timeout:
            fail("not closed within 5 s; said so far: %r" % [r[:20] for r in said])
        if not record:
            return said
        said.append(record)


def closed(pair, records, greeted=True):
    """RECORDS are sent after HELLO; the connection must be closed with a record in the log, and no signature."""
    before = len(pair.records("keyd"))
    with connect(pair) as keyd:
        if greeted:
            greet(keyd)
        try:
            for record in records:
                keyd.send(record)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answers = read_to_end(keyd)
    if any(answer[0] == 0x87 for answer in answers):
        fail("keyd signed")
    wait_until(lambda: len(pair.records("keyd")) > before, "a record in keyd's log", 5)
    equal(pair.call("GET", "/", host="crm").status, 200, "keyd serves the others")


def with_descriptor(pair):
    before = len(pair.records("keyd"))
    with connect(pair) as keyd:
        greet(keyd)
        n_fds = len(os.listdir("/proc/%d/fd" % pair.pid("keyd")))
        keyd.sendmsg([bytes([WATCH])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1]))])
        read_to_end(keyd)
    wait_until(lambda: len(pair.records("keyd")) > before, "a record in keyd's log", 5)
    wait_until(lambda: len(os.listdir("/proc/%d/fd" % pair.pid("keyd"))) <= n_fds, "descriptors are closed", 5)


def refused(pair, record, code):
    """A well-formed request that keyd must not sign: a refusal, recorded with its code."""
    with connect(pair) as keyd:
        greet(keyd)
        keyd.send(record)
        answer = keyd.recv(1 << 18)
        equal(answer[:9], struct.pack(">BQ", REFUSAL, 7), "REFUSAL of request 7")
    found = pair.wait_record("keyd", "signature-refused", CALL_ID="rogue-call", REASON=code)
    equal(bool(found.get("MESSAGE")), True, "a message")


def goodbye(pair):
    with connect(pair) as keyd:
        greet(keyd)
        keyd.send(bytes([BYE]))
        equal(read_to_end(keyd), [], "keyd closes after BYE")


def many(pair):
    """Many that connect and say nothing do not keep the others out."""
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect(pair))
        equal(pair.call("GET", "/", host="crm").status, 200, "keyd serves the others")


def same_keyd(pair, pid):
    equal(pair.pid("keyd"), pid, "keyd's pid after all this")


CASES = [  # name, records after HELLO
    ("empty body of SIGN", [bytes([SIGN])]),
    ("truncated SIGN", [sign()[:-1]]),
    ("SIGN with a byte left over", [sign() + b"\0"]),
    ("SIGN whose length lies", [sign()[:-8] + b"\0\xff\xff\xff" + b"\1\0\0\0"]),
    ("request id 0", [sign(request=0)]),
    ("WATCH with a body", [bytes([WATCH, 0])]),
    ("unknown type 5", [bytes([5])]),
    ("unknown type 0", [bytes([0])]),
    ("keyd's own word", [struct.pack(">BH", WELCOME, VERSION)]),
    ("HELLO twice", [hello()]),
    ("record too long", [bytes([SIGN]) + b"\0" * (193 * 1024)]),
]


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "rogue")
        pair.asked_directly = ["rogue-"]
        server = stack.enter_context(Nginx(pair.pki, extra="keepalive_requests 1;"))
        pair.profile("mauth", "p256.keytool.p12")
        pair.connection("crm", "mauth", server.port, http="SessionResumption=no")
        stack.enter_context(pair)
        equal(pair.call("GET", "/", host="crm").status, 200, "the pair works")
        pid = pair.pid("keyd")

        suite.run("SIGN before HELLO", closed, pair, [sign()], False)
        suite.run("WATCH before HELLO", closed, pair, [bytes([WATCH])], False)
        suite.run("another version", closed, pair, [hello(VERSION + 1)], False)
        for name, records in CASES:
            suite.run(name, closed, pair, records)
        suite.run("a descriptor", with_descriptor, pair)
        suite.run("unknown alias", refused, pair, sign(alias=b"nobody"), "profile-unknown")
        suite.run("generation that is not there", refused, pair, sign(generation=99), "generation-gone")
        suite.run("transcript that is none", refused, pair, sign(transcript=b"to be signed"), "transcript-malformed")
        suite.run("transcript out of order", refused, pair, sign(transcript=b"\x0f\0\0\0"), "sequence")
        suite.run("BYE", goodbye, pair)
        suite.run("many silent connections", many, pair)
        suite.run("keyd lived through it", same_keyd, pair, pid)


Suite().main(main)
