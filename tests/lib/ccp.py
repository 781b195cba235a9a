# SPDX-License-Identifier: Apache-2.0
"""A stand-in for CyberArk's Central Credential Provider: no part of CyberArk, and no proof that the real one behaves the same.

It answers GET /AIMWebService/api/Accounts?AppID=&Safe=&Object= as public client code and a public emulator show it: values are strings, errors are
ErrorCode and ErrorMsg with a status. It demands a client certificate, counts requests, and does wrong what `lie` names.
"""

import http.server
import json
import os
import socketserver
import ssl
import threading
import urllib.parse

PATH = "/AIMWebService/api/Accounts"
# code: status, what a real one says
ERRORS = {
    "AIMWS030E": (400, "Invalid query format"),
    "AIMWS031E": (400, "Invalid request. The AppID parameter is required"),
    "APPAP227E": (400, "Too many objects"),
    "APPAP228E": (400, "Too many objects"),
    "APPAP229E": (400, "Too many objects"),
    "APPAP230E": (400, "Too many objects"),
    "APPAP251E": (400, "Too many objects"),
    "APPAP007E": (400, "Connection to the Vault has failed"),
    "APPAP081E": (400, "Request message content is invalid"),
    "CASVL010E": (400, "Invalid characters"),
    "APPAP306E": (403, "Authentication failed"),
    "APPAP008E": (403, "ITATS982E User app is not defined"),
    "APPAP004E": (404, "Password object matching query was not found (Diagnostic Info: 5)"),
    "APPAP249E": (404, "Password object was not found"),
    "APPAP324E": (404, "Password object was not found"),
    "APPAP282E": (500, "Password change in process"),
    "APPAP087E": (403, "Path is not allowed"),
    "APPAP132E": (403, "Hash is not allowed"),
    "APPAP133E": (403, "OS user is not allowed"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format, *arguments):
        pass

    def setup(self):
        self.request.settimeout(20)
        self.request.do_handshake()
        super().setup()

    def answer(self, status, body, headers=(), kind="application/json; charset=utf-8"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def error(self, code):
        status, text = ERRORS[code]
        self.answer(status, {"ErrorCode": code, "ErrorMsg": "%s %s" % (code, text)})

    def value(self, query, content, **more):
        self.answer(200, dict({"Content": content, "PolicyID": "WinDomain", "Name": query["Object"], "SequenceID": "5", "UserName": "svc",
                               "Folder": query.get("Folder", "Root"), "Safe": query["Safe"], "CPMStatus": "success", "LastTask": "VerifyTask",
                               "RetriesCount": "-1", "CreationMethod": "PVWA", "PasswordChangeInProcess": "False"}, **more))

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

    def tell_lie(self, lie, query):
        acts = {
            "503": lambda: self.answer(503, b"<h1>Service Unavailable</h1>", kind="text/html"),
            "500": lambda: self.answer(500, b"oops", kind="text/plain"),
            "401": lambda: self.answer(401, b"", kind="text/html"),
            "403": lambda: self.answer(403, b"<h1>Forbidden</h1>", kind="text/html"),
            "404": lambda: self.answer(404, b"<h1>Not Found</h1>", kind="text/html"),
            "429": lambda: self.answer(429, b"", [("Retry-After", "7")]),
            "html": lambda: self.answer(200, b"<html><title>Sign in</title></html>", kind="text/html"),
            "nothing": lambda: self.answer(200, b""),
            "empty": lambda: self.value(query, ""),
            "number": lambda: self.value(query, 12345),
            "twice": lambda: self.answer(200, b'{"Content":"a","Content":"b","Name":"x"}'),
            "deep": lambda: self.answer(200, b"[" * 100000),
            "cut": lambda: self.answer(200, b'{"Content":"a"'),
            "unknown": lambda: self.answer(400, {"ErrorCode": "XYZ999E", "ErrorMsg": "\x1b[31mred"}),
            "evil": lambda: self.answer(403, {"ErrorCode": "<script>\n", "ErrorMsg": "x"}),
            "other": lambda: self.value(query, self.server.secrets.get(query["Object"], "other"), Name="SomebodyElse"),
            "othersafe": lambda: self.value(query, self.server.secrets.get(query["Object"], "other"), Safe="Elsewhere"),
            "redirect": lambda: self.answer(302, b"", [("Location", "https://localhost:%d/elsewhere" % self.server.port)]),
            "slow": lambda: self.server.ended.wait(60),
            "large": lambda: self.value(query, "x" * 200000),
            "huge": self.huge,
            "reset": self.reset,
        }
        acts[lie]()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self.server.asked.append(dict(query, path=url.path, subject=dict(row[0] for row in self.connection.getpeercert()["subject"]),
                                      headers=dict(self.headers.items())))
        wrong = self.server.wrong.get(query.get("Object"), self.server.wrong.get(None))
        if wrong in ERRORS:
            self.error(wrong)
        elif wrong:
            self.tell_lie(wrong, query)
        elif url.path != PATH:
            self.answer(404, b"", kind="text/html")
        elif not query.get("AppID"):
            self.error("AIMWS031E")
        elif query.get("Object") not in self.server.secrets or query.get("Safe") != self.server.safe:
            self.error("APPAP004E")
        else:
            self.value(query, self.server.secrets[query["Object"]], **self.server.more)


class Ccp(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A context manager. `secrets`: object to content; `wrong`: object (None: every one) to an error code or a lie; `asked`: what was asked."""

    daemon_threads = True
    safe = "MidSafe"

    def __init__(self, pki, server="server-ecdsa", port=0):
        self.pki = pki
        self.secrets, self.wrong, self.more, self.asked = {}, {}, {}, []
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        self.use(server)

    def use(self, server="server-ecdsa", client_ca="client-root"):
        """Another certificate, or another CA for clients, from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.pki, server + ".pem"), os.path.join(self.pki, server + ".key"))
        context.load_verify_locations(os.path.join(self.pki, client_ca + ".pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        self.context = context

    def section(self, certificate="p256.bundle.pem", more=""):
        """[CyberArk] of midtls.conf for this one."""
        return ("[CyberArk]\nEndpoint=https://localhost:%d%s\nAppID=MID & Co\nSafe=%s\nCertFile=%s\nCAFile=%s/server-ca.pem\n%s\n"
                % (self.port, PATH, self.safe, os.path.join(self.pki, certificate), self.pki, more))

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
