# SPDX-License-Identifier: Apache-2.0
"""What the stand-ins for secret stores have in common: HTTPS on loopback, every request noted, and lies that any server may tell."""

import http.server
import json
import os
import socketserver
import ssl
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format, *arguments):
        pass

    def setup(self):
        self.request.settimeout(20)
        self.request.do_handshake()
        super().setup()

    def answer(self, status, body=b"", headers=(), kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def huge(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(1600):  # 100 MB
            self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def reset(self):
        # Neither an answer nor TLS's close_notify
        self.close_connection = True
        self.request.unwrap = lambda: None

    def lies(self):
        return {
            "503": lambda: self.answer(503, b"<h1>Service Unavailable</h1>", kind="text/html"),
            "500": lambda: self.answer(500, b"oops", kind="text/plain"),
            "400": lambda: self.answer(400, {"errors": ["EVIL\x1b[31m"]}),
            "401": lambda: self.answer(401, b"", kind="text/html"),
            "403": lambda: self.answer(403, {"errors": ["EVIL permission denied"]}),
            "404": lambda: self.answer(404, {"errors": []}),
            "429": lambda: self.answer(429, b"", [("Retry-After", "7")]),
            "html": lambda: self.answer(200, b"<html><title>EVIL sign in</title></html>", kind="text/html; charset=utf-8"),
            "nothing": lambda: self.answer(200, b""),
            "deep": lambda: self.answer(200, b"[" * 100000),
            "cut": lambda: self.answer(200, b'{"data":{"data":{"password":"a"'),
            "redirect": lambda: self.answer(302, b"", [("Location", "https://localhost:%d/elsewhere" % self.server.port)]),
            "standby": lambda: self.answer(307, b"", [("Location", "https://localhost:%d/elsewhere" % self.server.port)]),
            "slow": lambda: self.server.ended.wait(60),
            "huge": self.huge,
            "reset": self.reset,
        }

    def note(self, body):
        certificate = self.connection.getpeercert()
        url = urllib.parse.urlsplit(self.path)
        subject = dict(row[0] for row in certificate["subject"]) if certificate else {}
        asked = {"method": self.command, "path": url.path, "query": url.query, "headers": dict(self.headers.items()), "body": body,
                 "subject": subject.get("commonName")}
        self.server.asked.append(asked)
        return asked

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = self.note(body)
        lie = self.server.find_lie(asked)
        if lie:
            {**self.lies(), **self.server.own_lies(self, asked)}[lie]()
        else:
            self.server.serve_good(self, asked)

    do_GET = do_POST = serve


class StandIn(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A context manager. `wrong`: a part of the path (None: every request) to a lie; `asked`: the requests."""

    daemon_threads = True

    def __init__(self, pki, server="server-ecdsa", port=0):
        self.pki = pki
        self.wrong, self.asked = {}, []
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self.use(server)

    def use(self, server="server-ecdsa", client_ca="client-root", demand=False):
        """Another certificate, or another CA for clients, from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.pki, server + ".pem"), os.path.join(self.pki, server + ".key"))
        context.load_verify_locations(os.path.join(self.pki, client_ca + ".pem"))
        context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
        self.context = context

    def find_lie(self, asked):
        return next((lie for part, lie in self.wrong.items() if part is None or part in asked["path"]), None)

    def own_lies(self, handler, asked):
        return {}

    def serve_good(self, handler, asked):
        raise NotImplementedError

    def get_request(self):
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, address):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()
