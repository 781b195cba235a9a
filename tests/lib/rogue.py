# SPDX-License-Identifier: Apache-2.0
"""A calld that has been taken over: speaks to keyd directly, and shows it whatever it likes of real TLS handshakes."""

import contextlib
import os
import socket
import ssl
import struct
import threading

from harness import equal, fail

HELLO, WATCH, SIGN, BYE = 1, 2, 3, 4
WELCOME, SIGNATURE, REFUSAL = 0x81, 0x87, 0x88
VERSION = 2
TLS12, TLS13 = 0x0303, 0x0304
REFUSALS = ["internal", "profile-unknown", "profile-not-for-alias", "generation-gone", "key-expired", "rate-limited", "transcript-malformed",
            "sequence", "version", "resumption", "post-handshake", "cipher", "sni", "alpn", "server-certificate", "server-signature",
            "client-certificate", "scheme", "replay"]

CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE, \
    CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED = 1, 2, 8, 11, 12, 13, 14, 15, 16, 20
SERVER_NAME, ALPN, EXTENDED_MASTER_SECRET, PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS, RENEGOTIATION_INFO = 0, 16, 23, 41, 42, 43, 0xff01


def connect(pair):
    keyd = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keyd.settimeout(5)
    keyd.connect(os.path.join(pair.dir, "run", "keyd.sock"))
    return contextlib.closing(keyd)


def hello(version=VERSION):
    return struct.pack(">BH", HELLO, version)


def greet(keyd):
    keyd.send(hello())
    equal(keyd.recv(1 << 18), struct.pack(">BH", WELCOME, VERSION), "WELCOME")


def text(value):
    return struct.pack(">H", len(value)) + value


def sign(alias=b"crm", transcript=b"\x01\0\0\0", request=7, generation=1, tls=TLS13, scheme=0x0403, call_id=b"rogue-call"):
    """Field by field as common/msg-sign.c writes it."""
    return struct.pack(">BQ", SIGN, request) + text(alias) + struct.pack(">Q", generation) + text(call_id) + \
        struct.pack(">HHQI", tls, scheme, 1 << 62, len(transcript)) + transcript


def ask(pair, record):
    """What keyd says to one request on a connection of its own: "signed", a refusal's code, or "closed"."""
    with connect(pair) as keyd:
        greet(keyd)
        keyd.send(record)
        try:
            answer = keyd.recv(1 << 18)
        except ConnectionResetError:
            return "closed"
    if not answer:
        return "closed"
    if answer[0] == SIGNATURE:
        return "signed"
    if answer[0] != REFUSAL:
        fail("keyd says %r" % answer[:20])
    return REFUSALS[answer[9]]


class Peer:
    """A TLS server that only makes handshakes; CHANGE(context) bends it."""

    def __init__(self, pki, server="server-ecdsa", tls=TLS13, change=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = self.context.maximum_version = ssl.TLSVersion(tls)
        self.context.load_cert_chain(os.path.join(pki, server + ".pem"), os.path.join(pki, server + ".key"))
        self.context.load_verify_locations(os.path.join(pki, "client-root.pem"))
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.context.set_alpn_protocols(["h2", "http/1.1", "acme-tls/1"])
        if change:
            change(self.context)

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(5)
            with contextlib.suppress(OSError, ssl.SSLError):
                with self.context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)


def capture(port, tls=TLS13, name="localhost", alpn=("http/1.1",), change=None):
    """The messages of a real handshake up to the client's Certificate, which was empty and is left out, with what follows it in TLS 1.2."""
    messages = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion(tls)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if change:
        change(context)

    def on_message(_connection, _direction, _version, content_type, _message_type, data):
        if int(content_type) == 22:
            messages.append(bytes(data))

    context._msg_callback = on_message
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname=name) as connection:
            connection.version()
    last = FINISHED if tls == TLS13 else CLIENT_KEY_EXCHANGE
    cut = [message[0] for message in messages].index(last)
    kept = messages[:cut + 1]
    return kept if tls == TLS13 else kept[:-2] + kept[-1:]


def length3(data):
    return len(data).to_bytes(3, "big") + data


def message(kind, body):
    return bytes([kind]) + length3(body)


def client_certificate(pki, name, tls):
    """The Certificate message of a client, chain as in NAME.pem."""
    with open(os.path.join(pki, name + ".pem")) as file:
        parts = file.read().split("-----END CERTIFICATE-----")[:-1]
    ders = [ssl.PEM_cert_to_DER_cert(part.strip() + "\n-----END CERTIFICATE-----\n") for part in parts]
    entries = b"".join(length3(der) + (b"\0\0" if tls == TLS13 else b"") for der in ders)
    return message(CERTIFICATE, (b"\0" if tls == TLS13 else b"") + length3(entries))


def with_certificate(messages, pki, name, tls):
    """MESSAGES of capture() with the client's Certificate where it belongs."""
    certificate = client_certificate(pki, name, tls)
    return messages + [certificate] if tls == TLS13 else messages[:-1] + [certificate] + messages[-1:]


def index_of(messages, kind):
    return [m[0] for m in messages].index(kind)


def replace(messages, kind, change):
    """A copy in which the first message of KIND has the body that CHANGE(body) returns."""
    at = index_of(messages, kind)
    return messages[:at] + [message(kind, change(messages[at][4:]))] + messages[at + 1:]


def hello_extensions(body, kind):
    """(what lies before the extensions, [(type, data)])"""
    at = 34
    at += 1 + body[at]
    if kind == CLIENT_HELLO:
        at += 2 + int.from_bytes(body[at:at + 2], "big")
        at += 1 + body[at]
    else:
        at += 3
    rest, found = body[at + 2:], []
    while rest:
        number, size = struct.unpack(">HH", rest[:4])
        found.append((number, rest[4:4 + size]))
        rest = rest[4 + size:]
    return body[:at], found


def extension(kind, number, change):
    """For replace(): the extension NUMBER of a hello gets CHANGE(data); None removes it; without it, it is added from CHANGE(b"")."""
    def edit(body):
        head, found = hello_extensions(body, kind)
        seen = False
        changed = []
        for name, data in found:
            if name == number:
                seen = True
                data = change(data)
            if data is not None:
                changed.append((name, data))
        if not seen:
            changed.append((number, change(b"")))
        return head + text(b"".join(struct.pack(">H", name) + text(data) for name, data in changed))
    return edit


def flip(at, bit=1):
    """For replace(): one bit of a body."""
    def edit(body):
        body = bytearray(body)
        body[at] ^= bit
        return bytes(body)
    return edit
