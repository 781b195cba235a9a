# SPDX-License-Identifier: Apache-2.0
"""The README's commands, word for word, as somebody types them who has a keystore and a partner: that one is an nginx here."""

import os
import pty
import re
import select
import shutil
import subprocess
import time

import readme
import start
from harness import PASSWORD, contains, equal, fail, wait_until
from host import PKI, run, write
from peers import listens

SOURCE = "/src"
README = SOURCE + "/README.md"
SCRIPT_SEC = 120
ANSWER = '{"number":"INC42","seen":"$ssl_client_s_dn"}'
NGINX = """
daemon off;
pid /run/nginx-partner.pid;
events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:443 ssl;
        server_name partner.example.com;
        ssl_certificate PKI/partner.pem;
        ssl_certificate_key PKI/partner.key;
        ssl_client_certificate PKI/client-root.pem;
        ssl_verify_client on;
        ssl_verify_depth 3;
        location /api/v2 { default_type application/json; return 200 'ANSWER'; }
    }
}
""".replace("PKI", PKI).replace("ANSWER", ANSWER)


class Nginx:
    """The partner."""

    def __enter__(self):
        write("/etc/nginx/partner.conf", NGINX, mode=0o600)
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", "/etc/nginx/partner.conf"], stdin=subprocess.DEVNULL)
        wait_until(lambda: listens(443), "nginx listens")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def typed(name, answers=()):
    """Runs the README's blocks NAME on a terminal. ANSWERS: (prompt, what is typed then). Returns what the terminal showed."""
    script, shown, answers = "set -eux\n" + "\n".join(readme.blocks(README, name)), b"", list(answers)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(SOURCE)
        os.execvp("bash", ["bash", "-c", script])
    deadline = time.monotonic() + SCRIPT_SEC
    while True:
        ready = select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]
        try:
            data = os.read(terminal, 65536) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        if not data:
            break
        shown += data
        while answers and answers[0][0].encode() in shown.rpartition(b"\n")[2]:
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
            shown += b"\n"
    if time.monotonic() > deadline:
        os.kill(pid, 9)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    text = re.sub("\x1b\\[[0-9;]*m", "", shown.decode(errors="replace").replace("\r\n", "\n"))
    if status != 0 or answers:
        fail("exit status %d, prompts that did not come: %r, shown:\n%s" % (status, answers, text[-3000:]))
    return text


def installed():
    run("apt-get", "update")
    typed("install")
    run("midtls", "--version")


def status_200():
    """Asked for: the store's password and the key's by inspect, the secret twice by encrypt."""
    shutil.copy(PKI + "/rsa2048.keytool.p12", "/root/partner.p12")
    shutil.copy(PKI + "/server-ca.pem", "/root/partner-ca.pem")
    text = typed("first-call", [("assword", PASSWORD), ("assword", ""), ("Secret:", PASSWORD), ("The same again:", PASSWORD)])
    contains(text, "status: 200 OK", "what the terminal shows")
    equal(len(re.findall(r'"number":"INC42","seen":"[^"]*CN=rsa2048', text)), 1, "the partner's answer, in\n" + text[-2000:])
    equal(PASSWORD in text, False, "the password on the terminal")
    for name in ("mauth.profile", "crm.connection"):
        with open("/etc/midtls/" + name) as file:
            equal(PASSWORD in file.read(), False, "the password in " + name)


def renewed():
    """Another keystore with the same password: the partner sees the other certificate."""
    shutil.copy(PKI + "/p256.keytool.p12", "/root/renewed.p12")
    text = typed("rotate")
    contains(text, "mauth: loaded", "midtls reload")
    contains(text, "CN=p256", "midtls certs")
    contains(run("midtls", "call", "crm", "/incident/42"), "CN=p256", "what the partner saw")


def audited():
    text = typed("audit")
    contains(text, "signature", "midtls log")
    for wanted in ("MIDTLS_DESTINATION=partner.example.com:443", "MIDTLS_CALL_ID=", "MIDTLS_SERVER_SPKI_SHA256="):
        contains(text, wanted, "the record of a signature")
    contains(text, "Subject: A client key was loaded", "explanation")


def migrated():
    """A MID Server's folder, its files as an installation makes them: for its own user and group."""
    agent = "/opt/servicenow/mid/agent"
    with open(README, encoding="utf-8") as file:
        parameters = re.search(r"^```xml\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL).group(1)
    run("groupadd", "mid")
    write(agent + "/config.xml", "<?xml version=\"1.0\"?>\n<parameters>\n%s</parameters>\n" % parameters.replace("changeit", PASSWORD), "mid", 0o600)
    os.makedirs(agent + "/security")
    shutil.copy(PKI + "/rsa3072.keytool.p12", agent + "/security/partner.p12")
    shutil.chown(agent + "/security/partner.p12", "root", "mid")
    text = typed("migrate")
    contains(text, "status: 200 OK", "what the terminal shows")
    contains(text, "CN=rsa3072", "the partner's answer")
    contains(run("midtls", "call", "partner://partner.example.com/api/v2/incident/42"), "CN=rsa3072", "the answer to the same call by scheme")


def tests(suite):
    suite.run("README: the package is installed", installed)
    suite.run("installed: sockets listen, nothing runs", start.nothing_runs)
    suite.run("installed: owners and modes of sockets and folders", start.sockets_modes)
    suite.run("README: from an own keystore to the first Status 200", status_200)
    suite.run("README: a key is renewed", renewed)
    suite.run("README: the audit trail", audited)
    suite.run("README: from a MID Server's config.xml to a call", migrated)
