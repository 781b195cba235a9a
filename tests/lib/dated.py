# SPDX-License-Identifier: Apache-2.0
"""Client certificates with dates, purposes and signatures of one's choice, issued by the PKI's client-intermediate or by themselves."""

import hashlib
import os
import ssl
import time

import pki

DAY = 24 * 3600
SECTIONS = """
[servers]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[agreement]
basicConstraints = critical, CA:false
keyUsage = critical, keyAgreement
extendedKeyUsage = clientAuth
"""


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


class Issuer:
    """Makes NAME.key, NAME.leaf.pem and NAME.bundle.pem (a keystore: key, leaf, issuer) in FOLDER."""

    def __init__(self, folder, pki_folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.maker = pki.Maker(folder)
        self.pki = pki_folder
        with open(os.path.join(pki_folder, "req.cnf")) as file:
            self.maker.write("req.cnf", file.read() + SECTIONS)
        self.maker.write("index.txt", "")
        self.ends = {}  # name: notAfter, seconds since 1970

    def path(self, name):
        return self.maker.path(name)

    def issue(self, name, ends, begins=-DAY, section="client", digest="sha256", chain=True):
        """BEGINS and ENDS: seconds from now. Returns the path of the keystore."""
        now = time.time()
        self.ends[name] = int(now + ends)
        if not os.path.exists(self.path(name + ".key")):
            self.maker.key(name, "ec")
        self.maker.request(name, "/O=MID/CN=" + name)
        self.maker.run("openssl", "ca", "-batch", "-notext", "-config", "req.cnf", "-name", "past", "-in", name + ".csr", "-md", digest,
                       "-cert", self.pki + "/client-intermediate.pem", "-keyfile", self.pki + "/client-intermediate.key", "-extfile", "req.cnf",
                       "-extensions", section, "-startdate", stamp(now + begins), "-enddate", stamp(now + ends), "-out", name + ".leaf.pem")
        return self.bundle(name, chain)

    def fingerprint(self, name):
        """SHA-256 of the leaf, as peers.Server tells it."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.maker.read(name + ".leaf.pem"))).hexdigest()

    def self_sign(self, name):
        self.maker.key(name, "ec")
        self.maker.run("openssl", "req", "-x509", "-new", "-key", name + ".key", "-subj", "/O=MID/CN=" + name, "-days", "90", "-config", "req.cnf",
                       "-extensions", "client", "-out", name + ".leaf.pem")
        return self.bundle(name, False)

    def bundle(self, name, chain=True):
        issuer = ""
        if chain:
            with open(os.path.join(self.pki, "client-intermediate.pem")) as file:
                issuer = file.read()
        self.maker.write(name + ".bundle.pem", self.maker.read(name + ".key") + self.maker.read(name + ".leaf.pem") + issuer)
        return self.path(name + ".bundle.pem")
