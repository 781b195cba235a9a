#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Writes Java keystores with the real keytool, and an index of what must be found in them.

    make-java-stores.py INDEX [--bcprov JAR]

The stores lie beside INDEX, which has a line for each key:

    file TAB format TAB store password TAB key password TAB alias TAB SHA-256 of the leaf TAB n chain TAB n certificates TAB n secret keys

Keys are made anew each time: nothing in the repository is a key. Java's own export says what the leaf is. Several stores are made at
once, because most of a keytool run is Java's start. BCFKS stores need Bouncy Castle (Debian: libbcprov-java) and are left out without.
"""

import argparse
import concurrent.futures
import hashlib
import os
import subprocess
import sys

ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8")


def remove(paths):
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)


class Store:
    """One file. Steps run one after the other; expectations are lines of the index."""

    def __init__(self, folder, name, format, password="changeit", provider=(), options=()):
        self.path = os.path.join(folder, name)
        self.name, self.format, self.password = name, format, password
        self.provider, self.options = list(provider), list(options)
        self.keys = []  # (alias, key password, chain length)
        self.n_certificates = self.n_secrets = 0
        self.steps = []

    def keytool(self, *arguments, read_only=False):
        command = ["keytool", "-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1", *self.options, *arguments, "-keystore", self.path,
                   "-storetype", self.format.upper(), *self.provider, "-storepass", self.password]
        done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        if done.returncode:
            sys.exit(f"{self.name}: {' '.join(arguments)}: {(done.stdout + done.stderr).decode()}")
        return done.stdout

    def key(self, alias, algorithm=("-keyalg", "EC", "-groupname", "secp256r1"), key_password=None):
        self.keys.append((alias, key_password or self.password, 1))
        self.steps.append(lambda: self.keytool("-genkeypair", "-alias", alias, *algorithm, "-dname", f"CN={self.name}", "-validity", "30",
                                               "-keypass", key_password or self.password))
        return self

    def secret(self, alias):
        self.n_secrets += 1
        self.steps.append(lambda: self.keytool("-genseckey", "-alias", alias, "-keyalg", "AES", "-keysize", "256", "-keypass", self.password))
        return self

    def trust(self, alias, other):
        """A trusted certificate: the first key's of @other, which is made already."""
        def step():
            der = other.keytool("-exportcert", "-alias", other.keys[0][0])
            path = self.path + ".cer"
            with open(path, "wb") as f:
                f.write(der)
            self.keytool("-importcert", "-noprompt", "-alias", alias, "-file", path)
        self.n_certificates += 1
        self.steps.append(step)
        return self

    def sign(self, other):
        """The last key's certificate is replaced by one that @other signs, as the way by -certreq and -importcert does."""
        alias, key_password, _ = self.keys.pop()
        self.keys.append((alias, key_password, 2))

        def step():
            request, path = self.path + ".csr", self.path + ".cer"
            self.keytool("-certreq", "-alias", alias, "-keypass", key_password, "-file", request)
            other.keytool("-gencert", "-alias", other.keys[0][0], "-infile", request, "-outfile", path)
            self.keytool("-importcert", "-noprompt", "-alias", alias, "-keypass", key_password, "-file", path)
        self.steps.append(step)
        return self

    def make(self):
        files = [self.path + suffix for suffix in ("", ".cer", ".csr")]
        remove(files)
        for step in self.steps:
            step()
        remove(files[1:])
        lines = []
        for alias, key_password, n_chain in self.keys:
            leaf = hashlib.sha256(self.keytool("-exportcert", "-alias", alias)).hexdigest()
            lines.append("\t".join([self.name, self.format, self.password, key_password, alias, leaf, str(n_chain), str(self.n_certificates),
                                    str(self.n_secrets)]))
        return lines


def plan(folder, bcprov):
    rsa = ("-keyalg", "RSA", "-keysize", "2048")
    few = ("-J-Djdk.jceks.iterationCount=10000",)
    first = Store(folder, "plain.jks", "jks").key("mykey", rsa)
    later = [
        Store(folder, "several.jks", "jks").key("first").key("second", key_password="another").trust("ca", first),
        # as ServiceNow's documentation has it made: key, request, root, reply
        Store(folder, "signed.jks", "jks").key("mydomain", rsa).trust("root", first).sign(first),
        Store(folder, "unicode.jks", "jks", password="pä\u20ac\U0001f511ß").key("schl\u00fcssel"),
        Store(folder, "plain.jceks", "jceks").key("mykey", rsa),  # with the iterations of today
        Store(folder, "several.jceks", "jceks", options=few).key("first").secret("s1").key("second", key_password="another").secret("s2")
        .trust("ca", first),
    ]
    if bcprov:
        provider = ("-providerpath", bcprov, "-providerclass", "org.bouncycastle.jce.provider.BouncyCastleProvider")
        later += [
            Store(folder, "plain.bcfks", "bcfks", provider=provider).key("MyKey", rsa),
            Store(folder, "several.bcfks", "bcfks", provider=provider).key("first").key("second", key_password="another").secret("s")
            .trust("ca", first),
        ]
    return first, later


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("index")
    parser.add_argument("--bcprov", default="/usr/share/java/bcprov.jar")
    arguments = parser.parse_args()
    folder = os.path.dirname(os.path.abspath(arguments.index))

    first, later = plan(folder, arguments.bcprov if os.path.exists(arguments.bcprov) else None)
    lines = first.make()
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for more in pool.map(Store.make, later):
            lines += more

    with open(arguments.index, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
