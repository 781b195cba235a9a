# SPDX-License-Identifier: Apache-2.0
"""Far servers: nginx, a server in Python that echoes and misbehaves on demand, and sockets that say nothing."""

import hashlib
import http.server
import json
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading

from harness import fail, wait_until

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

NGINX = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_max_body_size 0;
    {http}
    server {{
        listen 127.0.0.1:{port} ssl{http2};
        server_name localhost;
        ssl_certificate {pki}/{server}.pem;
        ssl_certificate_key {pki}/{server}.key;
        ssl_client_certificate {pki}/{client_ca}.pem;
        ssl_verify_client {verify};
        ssl_verify_depth 3;
        ssl_protocols TLSv{tls};
        ssl_session_cache {session_cache};
        {extra}
        location / {{
            default_type application/json;
            return 200 '{{"dn":"$ssl_client_s_dn","fingerprint":"$ssl_client_fingerprint","protocol":"$ssl_protocol","method":"$request_method","uri":"$request_uri","host":"$http_host","http":"$server_protocol","serial":"$connection","resumed":"$ssl_session_reused"}}';
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    """A context manager; `port` is where it listens."""

    def __init__(self, pki, server="server-rsa", tls="1.3", client_ca="client-root", verify="on", http2=False, extra="",
                 http="", session_cache="none"):
        self.dir = tempfile.mkdtemp(prefix="midtls-nginx-")
        self.port = free_port()
        self.config = os.path.join(self.dir, "nginx.conf")
        with open(self.config, "w") as file:
            file.write(NGINX.format(dir=self.dir, port=self.port, pki=pki, server=server, tls=tls, client_ca=client_ca,
                                    verify=verify, http2=" http2" if http2 else "", extra=extra, http=http,
                                    session_cache=session_cache))

    def __enter__(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", self.dir, "-e", os.path.join(self.dir, "error.log"), "-c", self.config],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        wait_until(lambda: listens(self.port) or self.process.poll() is not None, "nginx listens")
        if self.process.poll() is not None:
            with open(os.path.join(self.dir, "error.log")) as file:
                fail("nginx does not start: " + file.read()[-600:])
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """/echo gives the body back; /bytes/N, /chunked/N give N bytes; /status/N; /truncated, /cut-chunks, /no-length, /silent,
    /garbage misbehave; /many has duplicate headers; /soap and /fault speak SOAP; anything else tells what was received."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, format, *arguments):
        pass

    def setup(self):
        self.request.settimeout(30)
        self.request.do_handshake()
        super().setup()

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body, headers=(), content_type="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def raw(self, data):
        """Bytes as they are, then the end of the connection."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def tell(self, body):
        seen = {"method": self.command, "path": self.path, "headers": list(self.headers.items()), "size": len(body),
                "sha256": hashlib.sha256(body).hexdigest(), "version": self.connection.version(),
                "fingerprint": hashlib.sha256(self.connection.getpeercert(True) or b"").hexdigest()}
        self.server.seen.append(dict(seen, body=body))
        self.answer(200, json.dumps(seen).encode(), content_type="application/json")

    def chunks(self, size):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while size > 0:
            part = min(size, 50000)
            self.wfile.write(b"%x\r\n%s\r\n" % (part, b"c" * part))
            size -= part
        self.wfile.write(b"0\r\n\r\n")

    def soap(self, body):
        self.server.seen.append({"headers": list(self.headers.items()), "body": body, "method": self.command, "path": self.path})
        new = b"http://www.w3.org/2003/05/soap-envelope" in body
        namespace = "http://www.w3.org/2003/05/soap-envelope" if new else "http://schemas.xmlsoap.org/soap/envelope/"
        kind = "application/soap+xml" if new else "text/xml; charset=utf-8"
        inner = "<r:Reply xmlns:r=\"urn:x\">fine</r:Reply>"
        if "fault" in self.path and new:
            inner = "<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text xml:lang=\"en\">no such incident: 7%</e:Text></e:Reason></e:Fault>"
        elif "fault" in self.path:
            inner = "<e:Fault><faultcode>e:Client</faultcode><faultstring>no such incident: 7%</faultstring></e:Fault>"
        text = '<?xml version="1.0"?><e:Envelope xmlns:e="%s"><e:Body>%s</e:Body></e:Envelope>' % (namespace, inner)
        self.answer(500 if "fault" in self.path else 200, text.encode(), content_type=kind)

    def respond(self):
        body = self.read_body()
        parts = self.path.split("?")[0].strip("/").split("/")
        number = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        acts = {
            "echo": lambda: self.answer(200, body, content_type=self.headers.get("Content-Type", "text/plain")),
            "bytes": lambda: self.answer(200, b"b" * number),
            "chunked": lambda: self.chunks(number),
            "status": lambda: self.answer(number, b"far server says %d" % number),
            "many": lambda: self.answer(200, b"", [("X-Many", "one"), ("X-Other", "o"), ("X-Many", "two"),
                                                   ("Connection", "X-Hop"), ("X-Hop", "secret"), ("Keep-Alive", "timeout=5")]),
            "truncated": lambda: self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
            "cut-chunks": lambda: self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            "garbage": lambda: self.raw(b"SSH-2.0-surprise\r\n\r\n"),
            "silent": lambda: self.server.ended.wait(30),
            "soap": lambda: self.soap(body),
            "fault": lambda: self.soap(body),
        }
        acts.get(parts[0], lambda: self.tell(body))()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = respond


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A context manager. CLIENT_CA None: no client certificate is asked for. `seen` tells what /tell and /soap received."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, pki, server="server-ecdsa", tls=None, client_ca="client-root"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(pki, server + ".pem"), os.path.join(pki, server + ".key"))
        self.context.set_alpn_protocols(["http/1.1"])
        if tls:
            self.context.minimum_version = self.context.maximum_version = VERSIONS[tls]
        if client_ca:
            self.context.load_verify_locations(os.path.join(pki, client_ca + ".pem"))
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.seen = []
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]

    def get_request(self):
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, address):
        pass

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.shutdown()
        self.server_close()


class OpensslServer:
    """`openssl s_server`: demands a certificate of a CA that never signed ours, and refuses by a TLS alert."""

    def __init__(self, pki, tls):
        self.port = free_port()
        self.command = ["openssl", "s_server", "-accept", "127.0.0.1:%d" % self.port, "-cert", pki + "/server-rsa.pem", "-key",
                        pki + "/server-rsa.key", "-CAfile", pki + "/other-ca.pem", "-Verify", "2", "-verify_return_error",
                        "-www", "-quiet", "-tls" + tls.replace(".", "_")]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port), "openssl s_server listens")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class Silent:
    """Takes connections and says nothing."""

    def __enter__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        self.port = self.socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.socket.close()
