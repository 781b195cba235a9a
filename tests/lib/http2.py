# SPDX-License-Identifier: Apache-2.0
"""A far server that speaks HTTP/2 by python3-h2, as a path says: /echo, /bytes/N, /hold (waits for `goes`), /trailers, /reset/CODE, /reset-body/CODE,
/refuse-once, /goaway (after the answer), /goaway-refuse (that stream was not looked at, once), /early (100 and 103 first)."""

import ssl
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from hostile import Far


def offer(context):
    context.set_alpn_protocols(["h2"])


class Stream:
    def __init__(self, headers):
        self.headers = [(name.decode(), value.decode()) for name, value in headers]
        self.path = dict(self.headers)[":path"]
        self.body = []
        self.to_send = b""
        self.n_sent = 0
        self.answered = False
        self.trailers = None
        self.reset = None


class Http2(Far):
    """`connections`: for each the paths asked for, in order."""

    def __init__(self, pki, tls=None):
        super().__init__(pki, self.speak, tls=tls, setup=offer)
        self.connections = []
        self.goes = threading.Event()
        self.refused = 0
        self.n_held = 0

    def speak(self, peer):
        Session(self, peer).run()


class Session:
    def __init__(self, server, peer):
        self.server = server
        self.peer = peer
        self.paths = []
        self.held = []
        self.streams = {}
        self.ending = self.gone = False
        server.connections.append(self.paths)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, validate_inbound_headers=False))

    def run(self):
        self.h2.initiate_connection()
        self.flush()
        self.peer.sock.settimeout(0.02)
        while not self.gone and not self.server.stopping.is_set():
            try:
                data = self.peer.sock.recv(65536)
                if not data:
                    return
                for event in self.h2.receive_data(data):
                    self.take(event)
            except (TimeoutError, ssl.SSLWantReadError):
                if self.server.goes.is_set():
                    for number in self.held:
                        self.answer(number, b"held")
                    self.held = []
            self.send_bodies()
            self.flush()
            if self.ending and not self.streams:
                self.h2.close_connection()
                self.flush()
                return

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.peer.sock.settimeout(20)
            self.peer.sock.sendall(data)
            # whether more has come is seen at once while there is something to send
            self.peer.sock.settimeout(0.02 if not any(stream.answered for stream in self.streams.values()) else 0)

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[event.stream_id] = Stream(event.headers)
            self.paths.append(stream.path)
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self.streams:
                self.streams[event.stream_id].body.append(event.data)
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in self.streams:
            self.act(event.stream_id, self.streams[event.stream_id])
        elif isinstance(event, h2.events.StreamReset):
            self.streams.pop(event.stream_id, None)

    def act(self, number, stream):
        what, _, rest = stream.path[1:].partition("/")
        if what == "echo":
            self.answer(number, b"".join(stream.body))
        elif what == "bytes":
            self.answer(number, b"b" * int(rest))
        elif what == "hold":
            self.server.n_held += 1
            self.held.append(number)
        elif what == "trailers":
            self.answer(number, b"body", trailers=[("x-trailer", "t"), ("x-other", "o")])
        elif what == "reset":
            self.h2.reset_stream(number, int(rest))
            del self.streams[number]
        elif what == "reset-body":
            self.answer(number, b"b" * 20000, reset=int(rest), length=40000)
        elif what == "refuse-once" and self.server.refused == 0:
            self.server.refused += 1
            self.h2.reset_stream(number, 7)  # REFUSED_STREAM: RFC 9113, 8.7
            del self.streams[number]
        elif what == "goaway":
            self.answer(number, b"goodbye")
            self.ending = True
        elif what == "goaway-refuse" and self.server.refused == 0:
            self.server.refused += 1
            self.h2.close_connection(last_stream_id=max(number - 2, 0))
            self.flush()
            self.streams.clear()
            self.gone = True
        else:
            if what == "early":
                for status in ("100", "103"):
                    self.h2.send_headers(number, [(":status", status), ("link", "</x>")])
            self.answer(number, stream.path.encode())

    def answer(self, number, body, trailers=None, reset=None, length=None):
        self.h2.send_headers(number, [(":status", "200"), ("content-length", str(len(body) if length is None else length)), ("x-path", self.streams[number].path)])
        stream = self.streams[number]
        stream.to_send, stream.trailers, stream.reset = body, trailers, reset
        stream.answered = True

    def send_bodies(self):
        for number, stream in list(self.streams.items()):
            if not stream.answered:
                continue
            try:
                self.send_body(number, stream)
            except h2.exceptions.StreamClosedError:
                self.streams.pop(number, None)

    def send_body(self, number, stream):
        n_bytes = 0
        while stream.n_sent < len(stream.to_send):
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size, len(stream.to_send) - stream.n_sent)
            if room == 0 or n_bytes > 1 << 20:
                return
            self.h2.send_data(number, stream.to_send[stream.n_sent:stream.n_sent + room])
            stream.n_sent += room
            n_bytes += room
        if stream.reset is not None:
            self.h2.reset_stream(number, stream.reset)
        elif stream.trailers:
            self.h2.send_headers(number, stream.trailers, end_stream=True)
        else:
            self.h2.end_stream(number)
        del self.streams[number]
