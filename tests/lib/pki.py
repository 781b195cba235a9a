#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A private CA, servers' certificates and clients' keystores, made by openssl and by Java's keytool.

pki.py DIR makes them in DIR, once a day: a DIR that is complete and fresh is left alone. All passwords are "changeit".

    server-ca.pem            signs server-rsa, server-ecdsa, server-wrongname, server-expired, server-large (20 kB) (.pem with chain, .key)
    other-ca.pem             a stranger; signs server-stranger
    client-root.pem          signs client-intermediate, which signs the clients
    NAME.keytool.p12         a client's keystore as keytool writes it; NAME of KEYS
    NAME.openssl.p12         the same key and chain as `openssl pkcs12 -export` writes them
    NAME.bundle.pem          the same as PEM; NAME.key and NAME.pem: key alone, leaf with chain
    expired.openssl.p12      a client whose certificate has expired
"""

import concurrent.futures
import fcntl
import os
import subprocess
import sys
import time

PASSWORD = "changeit"
KEYS = {
    "rsa2048": ["-keyalg", "RSA", "-keysize", "2048"],
    "rsa3072": ["-keyalg", "RSA", "-keysize", "3072"],
    "p256": ["-keyalg", "EC", "-groupname", "secp256r1"],
    "p384": ["-keyalg", "EC", "-groupname", "secp384r1"],
    "ed25519": ["-keyalg", "Ed25519"],
}
KEYTOOL = ["keytool", "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto"]
FRESH_SEC = 24 * 3600
# Counted up when something is added here, so that a folder made before is made again.
STAMP = "4\n"

EXTENSIONS = """
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, DNS:partner.test, IP:127.0.0.1
[wrongname]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:elsewhere.test
[large]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, LARGE_NAMES
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[past]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
unique_subject = no
email_in_dn = no
rand_serial = yes
policy = anything
[anything]
commonName = supplied
organizationName = optional
""".replace("LARGE_NAMES", ", ".join("DNS:host-%03d.of-a-partner-with-many-names.test" % n for n in range(450)))


class Maker:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *command, stdin=None):
        done = subprocess.run(command, cwd=self.folder, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(command), done.stdout.decode(errors="replace")))

    def write(self, name, text):
        descriptor = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def key(self, name, kind):
        options = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else \
            ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        self.run("openssl", "genpkey", *options, "-out", name + ".key")
        os.chmod(self.path(name + ".key"), 0o600)

    def ca(self, name, subject):
        self.key(name, "ec")
        self.run("openssl", "req", "-x509", "-new", "-key", name + ".key", "-subj", subject, "-days", "30", "-config",
                 "req.cnf", "-extensions", "ca", "-out", name + ".pem")

    def request(self, name, subject):
        self.run("openssl", "req", "-new", "-key", name + ".key", "-subj", subject, "-config", "req.cnf", "-out",
                 name + ".csr")

    def sign(self, name, ca, section):
        self.run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-days",
                 "29", "-CAcreateserial", "-CAserial", name + ".srl", "-extfile", "req.cnf", "-extensions", section,
                 "-out", name + ".leaf.pem")

    def sign_past(self, name, ca, section):
        self.run("openssl", "ca", "-batch", "-notext", "-config", "req.cnf", "-name", "past", "-in", name + ".csr",
                 "-cert", ca + ".pem", "-keyfile", ca + ".key", "-extfile", "req.cnf", "-extensions", section,
                 "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-out", name + ".leaf.pem")

    def server(self, name, kind, ca, section="server", past=False):
        self.key(name, kind)
        self.request(name, "/O=Partner/CN=" + name)
        (self.sign_past if past else self.sign)(name, ca, section)
        self.write(name + ".pem", self.read(name + ".leaf.pem") + self.read(ca + ".pem"))

    def export(self, name):
        """What openssl makes of NAME.key and NAME.leaf.pem."""
        chain = self.read(name + ".leaf.pem") + self.read("client-intermediate.pem")
        self.write(name + ".pem", chain)
        self.write(name + ".bundle.pem", self.read(name + ".key") + chain)
        self.run("openssl", "pkcs12", "-export", "-inkey", name + ".key", "-in", name + ".pem", "-name", name,
                 "-passout", "pass:" + PASSWORD, "-out", name + ".openssl.p12")
        os.chmod(self.path(name + ".openssl.p12"), 0o600)

    def client(self, name):
        """As an administrator does it: keytool makes key and request, the CA signs, keytool imports the chain."""
        store = ["-keystore", name + ".keytool.p12", "-storepass", PASSWORD, "-alias", name]
        self.run(*KEYTOOL, "-genkeypair", *store, *KEYS[name], "-dname", "CN=%s, O=MID" % name, "-validity", "29")
        os.chmod(self.path(name + ".keytool.p12"), 0o600)
        self.run(*KEYTOOL, "-certreq", *store, "-file", name + ".csr")
        self.sign(name, "client-intermediate", "client")
        self.write(name + ".reply.pem", "".join(self.read(part + ".pem") for part in
                                                (name + ".leaf", "client-intermediate", "client-root")))
        self.run(*KEYTOOL, "-importcert", "-noprompt", *store, "-file", name + ".reply.pem")
        self.run("openssl", "pkcs12", "-in", name + ".keytool.p12", "-passin", "pass:" + PASSWORD, "-nocerts", "-nodes",
                 "-out", name + ".bag")
        self.run("openssl", "pkey", "-in", name + ".bag", "-out", name + ".key")
        os.chmod(self.path(name + ".key"), 0o600)
        self.export(name)

    def expired_client(self):
        self.key("expired", "ec")
        self.request("expired", "/O=MID/CN=expired")
        self.sign_past("expired", "client-intermediate", "client")
        self.export("expired")

    def all(self):
        self.write("req.cnf", "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = unused\n" + EXTENSIONS)
        self.write("index.txt", "")
        self.ca("server-ca", "/O=Partner/CN=Partner CA")
        self.ca("other-ca", "/O=Stranger/CN=Stranger CA")
        self.ca("client-root", "/O=MID/CN=Client Root CA")
        self.key("client-intermediate", "ec")
        self.request("client-intermediate", "/O=MID/CN=Client Intermediate CA")
        self.sign("client-intermediate", "client-root", "ca")
        self.write("client-intermediate.pem", self.read("client-intermediate.leaf.pem"))
        self.server("server-rsa", "rsa", "server-ca")
        self.server("server-ecdsa", "ec", "server-ca")
        self.server("server-stranger", "ec", "other-ca")
        self.server("server-wrongname", "ec", "server-ca", section="wrongname")
        self.server("server-large", "ec", "server-ca", section="large")
        self.server("server-expired", "ec", "server-ca", past=True)
        self.expired_client()
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            for done in [pool.submit(self.client, name) for name in KEYS]:
                done.result()


def is_fresh(stamp):
    try:
        with open(stamp) as file:
            return file.read() == STAMP and time.time() - os.stat(stamp).st_mtime < FRESH_SEC
    except FileNotFoundError:
        return False


def make(folder):
    """Before: nothing. After: FOLDER is complete; several callers at once are fine."""
    folder = os.path.abspath(folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(folder, "stamp")
        if is_fresh(stamp):
            return folder
        for name in os.listdir(folder):
            if name != "lock":
                os.unlink(os.path.join(folder, name))
        Maker(folder).all()
        with open(stamp, "w") as file:
            file.write(STAMP)
    return folder


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: pki.py DIR")
    make(sys.argv[1])
