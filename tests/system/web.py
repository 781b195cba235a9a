# SPDX-License-Identifier: Apache-2.0
"""Debian's nginx as the far server, as its own unit and in its own domain: it demands a client certificate."""

import os
import shutil

from harness import contains, equal, wait_until
from host import PKI, add_connection, call, good, systemctl, write
from peers import NGINX, listens

PORT = 443
FOLDER = "/etc/nginx/midtls"


def start():
    os.makedirs(FOLDER)
    for name in ("server-rsa.pem", "server-rsa.key", "client-root.pem"):
        shutil.copy(os.path.join(PKI, name), FOLDER)
    text = NGINX.format(dir="/var/lib/nginx", port=PORT, pki=FOLDER, server="server-rsa", tls="1.3", client_ca="client-root", verify="on", http2="",
                        extra="", http="", session_cache="none")
    text = text.replace("daemon off;\nmaster_process off;\n", "user www-data;\n").replace("/var/lib/nginx/nginx.pid", "/run/nginx.pid")
    write("/etc/nginx/nginx.conf", text.replace("/var/lib/nginx/error.log", "/var/log/nginx/error.log"), mode=0o644)
    systemctl("unmask", "nginx.service")
    systemctl("start", "nginx.service")
    wait_until(lambda: listens(PORT), "nginx listens")


def called():
    """A connection that is added, and a call over it: the certificate that nginx saw is the profile's."""
    start()
    add_connection("web", "plain", PORT)
    wait_until(lambda: call("web").status == 200, "a connection that was added works")
    seen = good("web").json()
    contains(seen["dn"], "CN=", "subject that nginx saw")
    equal((seen["protocol"], seen["uri"]), ("TLSv1.3", "/tell"), "what nginx saw")
    systemctl("stop", "nginx.service")
