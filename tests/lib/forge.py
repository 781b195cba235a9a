# SPDX-License-Identifier: Apache-2.0
"""Servers' certificates that nobody should have issued, by the CA of the tests."""

import os
import subprocess

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = localhost
[past]
database = {dir}/index.txt
new_certs_dir = {dir}
serial = {dir}/serial
default_md = sha256
unique_subject = no
rand_serial = yes
policy = anything
[anything]
commonName = supplied
"""

CA = "basicConstraints=critical,CA:true{more}\nkeyUsage=critical,{usage}\n"


class Forge:
    """Works in FOLDER with the CA keys of PKI."""

    def __init__(self, pki, folder):
        self.pki = pki
        self.folder = folder
        self.write("forge.cnf", CONFIG.format(dir=folder))
        self.write("index.txt", "")
        self.issue("intermediate", "server-ca", CA.format(more=",pathlen:0", usage="keyCertSign"))
        self.issue("below", "intermediate", CA.format(more="", usage="keyCertSign"))
        self.issue("noca", "server-ca", "basicConstraints=critical,CA:false\n")
        self.issue("nosign", "server-ca", CA.format(more="", usage="cRLSign"))
        self.issue("constrained", "server-ca", CA.format(more="", usage="keyCertSign") + "nameConstraints=critical,permitted;DNS:partner.test\n")

    def path(self, name):
        """Of a file made here, else of the PKI."""
        here = os.path.join(self.folder, name)
        return here if os.path.exists(here) else os.path.join(self.pki, name.replace(".leaf.pem", ".pem") if "-ca." in name or "-root." in name else name)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run(self, *command):
        done = subprocess.run(("openssl",) + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode != 0:
            raise RuntimeError("openssl %s: %s" % (" ".join(command), done.stdout.decode(errors="replace")))

    def issue(self, name, issuer, extensions, key=("EC", "ec_paramgen_curve:P-256"), digest="sha256", dates=None):
        """NAME.key and NAME.leaf.pem; ISSUER None: self-signed."""
        base = os.path.join(self.folder, name)
        options = [part for option in key[1:] for part in ("-pkeyopt", option)]
        self.run("genpkey", "-algorithm", key[0], *options, "-out", base + ".key")
        subject = "/CN=localhost" if "basicConstraints=critical,CA:true" not in extensions else "/CN=" + name
        self.run("req", "-new", "-key", base + ".key", "-subj", subject, "-config", self.path("forge.cnf"), "-out", base + ".csr")
        with open(base + ".ext", "w") as file:
            file.write("[x]\n" + extensions)
        signer = ["-CA", self.path(issuer + ".leaf.pem"), "-CAkey", self.path(issuer + ".key"), "-CAcreateserial", "-CAserial", base + ".srl"] \
            if issuer else ["-signkey", base + ".key"]
        if dates:
            self.run("ca", "-batch", "-notext", "-config", self.path("forge.cnf"), "-name", "past", "-in", base + ".csr", "-cert",
                     self.path(issuer + ".leaf.pem"), "-keyfile", self.path(issuer + ".key"), "-extfile", base + ".ext", "-extensions", "x",
                     "-startdate", dates[0], "-enddate", dates[1], "-out", base + ".leaf.pem")
        else:
            self.run("x509", "-req", "-in", base + ".csr", *signer, "-days", "20", "-" + digest, "-extfile", base + ".ext", "-extensions", "x",
                     "-out", base + ".leaf.pem")

    def server(self, name, issuer="server-ca", san="subjectAltName=DNS:localhost", usage="keyUsage=critical,digitalSignature", chain=(), **options):
        """Returns the paths of a chain (leaf, then CHAIN) and of its key."""
        self.issue(name, issuer, "basicConstraints=critical,CA:false\n%s\n%s\n" % (usage, san), **options)
        text = ""
        for part in (name, *chain):
            with open(self.path(part + ".leaf.pem")) as file:
                text += file.read()
        return self.write(name + ".chain.pem", text), os.path.join(self.folder, name + ".key")
