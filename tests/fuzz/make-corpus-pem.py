#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz-pem: make-corpus-pem.py FOLDER"""

import sys

import opensslseeds

maker = opensslseeds.Maker(sys.argv[1])
maker.key()
certificate = maker.read("certificate.pem")
forms = {
    "plain": ["pkcs8", "-topk8", "-nocrypt"],
    "encrypted": ["pkcs8", "-topk8", "-iter", "1", *opensslseeds.PASSWORD],
    "scrypt": ["pkcs8", "-topk8", "-scrypt", "-scrypt_N", "2", *opensslseeds.PASSWORD],
    "sec1": ["ec"],
    "dek": ["ec", "-aes128", *opensslseeds.PASSWORD],
}
for name, command in forms.items():
    maker.openssl(*command, "-in", "key.pem", "-out", "form.pem")
    maker.write(name, maker.read("form.pem") + certificate)
maker.write("last", certificate + maker.read("key.pem"))
maker.write("bag", b"Bag Attributes\n    friendlyName: seed\n" + maker.read("key.pem") + b"subject=CN = seed\n" + certificate)
maker.write("crlf", (maker.read("key.pem") + certificate).replace(b"\n", b"\r\n"))
