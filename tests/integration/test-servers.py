#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every client key with both TLS versions and both kinds of server certificate against servers of other makes: openssl s_server, Java, stunnel.
(nginx is in test-matrix.py.)"""

import contextlib
import hashlib
import http.server
import os
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import pki
from harness import Pair, Suite, contains, equal, wait_until
from peers import free_port, listens

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = ("1.2", "1.3")
SERVERS = ("rsa", "ecdsa")


def fingerprint(folder, name):
    with open(os.path.join(folder, name + ".leaf.pem")) as file:
        return hashlib.sha1(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


class Program:
    """A context manager around a server that listens on PORT."""

    def __init__(self, port, *command):
        self.port = port
        self.command = command

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: listens(self.port), self.command[0] + " listens")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def s_server(folder, kind, tls):
    port = free_port()
    return Program(port, "openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", "%s/server-%s.leaf.pem" % (folder, kind), "-key",
                   "%s/server-%s.key" % (folder, kind), "-CAfile", folder + "/client-root.pem", "-Verify", "3", "-verify_return_error", "-www",
                   "-quiet", "-tls" + tls.replace(".", "_"))


class Backend(http.server.BaseHTTPRequestHandler):
    """Behind stunnel, which has checked the certificate."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"verified")


def stunnel(folder, kind, tls, backend, configuration):
    port = free_port()
    path = os.path.join(configuration, "stunnel-%s-%s.conf" % (kind, tls))
    with open(path, "w") as file:
        file.write("foreground = yes\npid =\nsyslog = no\n[x]\naccept = 127.0.0.1:%d\nconnect = 127.0.0.1:%d\ncert = %s/server-%s.pem\n"
                   "key = %s/server-%s.key\nCAfile = %s/client-root.pem\nverifyChain = yes\nsslVersionMin = TLSv%s\nsslVersionMax = TLSv%s\n"
                   % (port, backend, folder, kind, folder, kind, folder, tls, tls))
    return Program(port, "stunnel", path)


class Java:
    """All four in one virtual machine; `ports` by (TLS version, kind)."""

    def __init__(self, folder, work):
        self.wanted = [(tls, kind) for tls in VERSIONS for kind in SERVERS]
        rows = []
        for tls, kind in self.wanted:
            store = os.path.join(work, "server-%s.p12" % kind)
            if not os.path.exists(store):
                subprocess.run(["openssl", "pkcs12", "-export", "-in", "%s/server-%s.pem" % (folder, kind), "-inkey", "%s/server-%s.key" % (folder, kind),
                                "-passout", "pass:" + pki.PASSWORD, "-out", store], check=True)
            rows += [store, "TLSv" + tls]
        self.command = ["java", "-XX:TieredStopAtLevel=1", os.path.join(HERE, "..", "lib", "JavaServer.java"), folder + "/client-root.pem", *rows]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ports = dict(zip(self.wanted, [int(word) for word in self.process.stdout.readline().split()]))
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def check(pair, alias, key, make):
    answer = pair.call("GET", "/", host=alias)
    equal(answer.status, 200, "status (%r)" % answer.body[:300])
    if make == "java":
        equal(answer.body.decode(), fingerprint(pair.pki, key), "the certificate that the server saw")
    elif make == "stunnel":
        equal(answer.body, b"verified", "body")
    else:
        with open(os.path.join(pair.pki, key + ".leaf.pem"), "rb") as file:
            contains(answer.body, file.read().strip(), "s_server's page")


def main(suite):
    with contextlib.ExitStack() as stack:
        pair = Pair(suite, "servers")
        work = stack.enter_context(tempfile.TemporaryDirectory(prefix="midtls-servers-"))
        backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=backend.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        stack.callback(backend.server_close)
        stack.callback(backend.shutdown)
        java = stack.enter_context(Java(pair.pki, work))
        ports = {}
        for tls in VERSIONS:
            for kind in SERVERS:
                ports["s_server", tls, kind] = stack.enter_context(s_server(pair.pki, kind, tls)).port
                ports["stunnel", tls, kind] = stack.enter_context(stunnel(pair.pki, kind, tls, backend.server_port, work)).port
                ports["java", tls, kind] = java.ports[tls, kind]
        for key in pki.KEYS:
            pair.profile(key, key + ".keytool.p12")
            for (make, tls, kind), port in ports.items():
                pair.connection("%s-%s-%s-%s" % (make, key, tls.replace(".", ""), kind), key, port)
        stack.enter_context(pair)
        wait_until(lambda: pair.call("GET", "/readyz", host="midtls").status == 200, "calld knows the connections", 30)
        for make, tls, kind in ports:
            for key in pki.KEYS:
                suite.run("%s, TLS %s, %s server, %s key" % (make, tls, kind, key), check, pair,
                          "%s-%s-%s-%s" % (make, key, tls.replace(".", ""), kind), key, make)


Suite().main(main)
