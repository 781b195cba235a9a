# SPDX-License-Identifier: Apache-2.0
"""Seeds that openssl makes: a key, its certificate, and what stores hold of them. The password is "changeit"."""

import os
import subprocess

PASSWORD = ["-passout", "pass:changeit"]


class Maker:
    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def key(self):
        """key.pem and certificate.pem"""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out",
                     "certificate.pem", "-subj", "/CN=seed", "-days", "3")
