# SPDX-License-Identifier: Apache-2.0
"""A corpus of keystores made by openssl and Java (tests/lib/Corpus.java), and by cutting and editing their files for what no tool writes.

Corpus(folder).make() returns Files; each knows its passwords, the verdict to expect and, when it is good, how openssl or Java opens it.
"""

import dataclasses
import os
import struct
import subprocess

import pki

PASSWORD = pki.PASSWORD
HERE = os.path.dirname(os.path.abspath(__file__))
UMLAUTS = "p\u00e4ssw\u00f6rd-\u20ac"

# name: (genpkey arguments, key_type of --inspect)
KEYS = {
    "rsa2048": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "rsa-2048"),
    "rsa3072": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"], "rsa-3072"),
    "rsapss": (["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"], "rsa-pss-2048"),
    "p256": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ec-p256"),
    "p384": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "ec-p384"),
    "p521": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "ec-p521"),
    "ed25519": (["-algorithm", "ED25519"], "ed25519"),
    "ed448": (["-algorithm", "ED448"], "ed448"),
}
REFUSED_KEYS = {
    "rsa1024": (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "policy"),
    "secp256k1": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "unsupported"),
    "brainpool": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"], "unsupported"),
    "explicit": (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"], "unsupported"),
}
OPENSSL_P12 = {
    "default": [],
    "3des": ["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
    "rc2": ["-legacy"],
    "plain": ["-keypbe", "NONE", "-certpbe", "NONE"],
    "nomac": ["-nomac"],
    "iter": ["-iter", "60000"],
    "sha512": ["-macalg", "sha512", "-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC"],
}
JAVA_P12 = {
    "java": [],
    "javalegacy": ["keystore.pkcs12.certProtectionAlgorithm:PBEWithSHA1AndRC2_40", "keystore.pkcs12.keyProtectionAlgorithm:PBEWithSHA1AndDESede",
                   "keystore.pkcs12.macAlgorithm:HmacPBESHA1"],
    "javaopen": ["keystore.pkcs12.certProtectionAlgorithm:NONE", "keystore.pkcs12.macAlgorithm:NONE"],
}


@dataclasses.dataclass
class File:
    path: str
    verdict: str = "ok"
    password: str = PASSWORD
    keypass: str = None
    alias: str = None
    format: str = None
    key: str = None     # of KEYS
    java: str = None    # the type by which Java opens it
    openssl: bool = False  # openssl pkcs12 or openssl pkey and x509 open it

    @property
    def name(self):
        return os.path.basename(self.path)


class Java:
    """One virtual machine that takes commands; see Corpus.java."""

    def __enter__(self):
        self.process = subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", os.path.join(HERE, "Corpus.java")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)

    def ask(self, verb, **options):
        words = [verb]
        for name, value in options.items():
            words += ["%s=%s" % (name, one) for one in (value if isinstance(value, list) else [value])]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


class Corpus:
    def __init__(self, folder, pki_folder):
        self.folder = folder
        self.pki = pki_folder
        self.files = []
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.maker = pki.Maker(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def add(self, name, **fields):
        self.files.append(File(self.path(name), **fields))

    def openssl(self, *arguments, stdin=None):
        self.maker.run("openssl", *arguments, stdin=stdin)

    # keys and certificates

    def make_key(self, name, arguments):
        self.openssl("genpkey", *arguments, "-out", name + ".key")
        if name == "x25519":
            return
        self.openssl("req", "-new", "-key", name + ".key", "-subj", "/O=MID/CN=" + name, "-out", name + ".csr")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", self.pki + "/client-intermediate.pem", "-CAkey",
                     self.pki + "/client-intermediate.key", "-days", "20", "-CAcreateserial", "-CAserial", name + ".srl", "-extfile",
                     self.pki + "/req.cnf", "-extensions", "client", "-out", name + ".leaf.pem")
        with open(self.pki + "/client-intermediate.pem", "rb") as file:
            self.write(name + ".pem", self.read(name + ".leaf.pem") + file.read())

    def leaf(self, key):
        """SHA-256 of the leaf of KEY."""
        done = subprocess.run(["openssl", "x509", "-in", self.path(key + ".leaf.pem"), "-noout", "-fingerprint", "-sha256"],
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().split("=")[1].strip().replace(":", "").lower()

    # good files

    def openssl_p12(self):
        for key in KEYS:
            for variant, options in OPENSSL_P12.items():
                name = "%s-%s.p12" % (key, variant)
                self.openssl("pkcs12", "-export", "-inkey", key + ".key", "-in", key + ".pem", "-name", "midtls", "-passout",
                             "pass:" + PASSWORD, *options, "-out", name)
                self.add(name, key=key, format="pkcs12", openssl=True)
        for variant, password in (("empty", ""), ("umlauts", UMLAUTS), ("blanks", "  two blanks  "), ("long", "x" * 300)):
            name = "p256-%s.p12" % variant
            self.openssl("pkcs12", "-export", "-inkey", "p256.key", "-in", "p256.pem", "-passout", "pass:" + password, "-out", name)
            self.add(name, key="p256", format="pkcs12", password=password, openssl=True)

    def java_stores(self, java):
        def write(name, **options):
            answer = java.ask("write", out=self.path(name), **options)
            if answer != "written":
                raise RuntimeError("Java does not write %s: %s" % (name, answer))

        for key in KEYS:
            source = self.path(key + "-default.p12")
            for variant, properties in JAVA_P12.items():
                name = "%s-%s.p12" % (key, variant)
                write(name, type="PKCS12", **{"from": source, "pass": PASSWORD, "property": properties})
                self.add(name, key=key, format="pkcs12", java="PKCS12")
            for kind in ("jks", "jceks"):
                name = "%s.%s" % (key, kind)
                write(name, type=kind.upper(), **{"from": source, "pass": PASSWORD})
                self.add(name, key=key, format=kind, java=kind.upper())
        source = self.path("rsa2048-default.p12")
        also = self.path("p256-default.p12") + ":second"
        for kind in ("pkcs12", "jks", "jceks"):
            base = {"type": kind.upper(), "from": source, "pass": PASSWORD}
            write("keypass." + kind, keypass="otherpass", **base)
            self.add("keypass." + kind, key="rsa2048", format=kind, keypass="otherpass", java=kind.upper())
            self.add("keypass." + kind, verdict="keypass", format=kind)
            write("two." + kind, also=also, **base)
            self.add("two." + kind, key="p256", alias="second", format=kind, java=kind.upper())
            self.add("two." + kind, key="p256", alias="SECOND", format=kind)
            self.add("two." + kind, verdict="alias")
            self.add("two." + kind, verdict="alias", alias="third")
            write("trusted." + kind, trusted=source, **base)
            self.add("trusted." + kind, key="rsa2048", format=kind, java=kind.upper())
            write("onlytrusted." + kind, type=kind.upper(), trusted=source, **{"pass": PASSWORD})
            self.add("onlytrusted." + kind, verdict="nokey")
            write("none." + kind, type=kind.upper(), **{"pass": PASSWORD})
            self.add("none." + kind, verdict="nokey")
        for kind in ("pkcs12", "jceks"):
            write("secret." + kind, type=kind.upper(), secret="yes", **{"from": source, "pass": PASSWORD})
            self.add("secret." + kind, key="rsa2048", format=kind, java=kind.upper(), alias="midtls")

    def pem(self):
        for key in KEYS:
            chain = self.read(key + ".pem")
            plain = self.read(key + ".key")
            forms = {"first": plain + chain, "last": chain + plain, "crlf": (plain + chain).replace(b"\n", b"\r\n"),
                     "bom": b"\xef\xbb\xbf" + plain + chain, "unended": (plain + chain).rstrip(b"\n")}
            self.openssl("pkcs8", "-topk8", "-in", key + ".key", "-v2", "aes-256-cbc", "-passout", "pass:" + PASSWORD, "-out", key + ".enc")
            forms["encrypted"] = self.read(key + ".enc") + chain
            self.openssl("pkcs12", "-in", key + "-default.p12", "-passin", "pass:" + PASSWORD, "-nodes", "-out", key + ".bag")
            forms["bag"] = self.read(key + ".bag")
            for form, data in forms.items():
                self.write("%s-%s.pem" % (key, form), data)
                self.add("%s-%s.pem" % (key, form), key=key, format="pem", openssl=form not in ("bom", "last"))
        chain = self.read("rsa2048.pem")
        for form, command in {"scrypt": ["pkcs8", "-topk8", "-scrypt"], "des3": ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"],
                              "traditional": ["rsa", "-traditional"], "dek": ["rsa", "-traditional", "-aes256"]}.items():
            out = ["-passout", "pass:" + PASSWORD] if form != "traditional" else []
            self.openssl(*command, "-in", "rsa2048.key", *out, "-out", "form.key")
            self.write("rsa2048-%s.pem" % form, self.read("form.key") + chain)
            self.add("rsa2048-%s.pem" % form, key="rsa2048", format="pem", openssl=True)
        self.openssl("ec", "-in", "p256.key", "-out", "form.key")
        self.write("p256-sec1.pem", self.read("form.key") + self.read("p256.pem"))
        self.add("p256-sec1.pem", key="p256", format="pem", openssl=True)

    # refused files

    def refused_keys(self):
        for name, (arguments, verdict) in REFUSED_KEYS.items():
            self.make_key(name, arguments)
            self.write(name + "-refused.pem", self.read(name + ".key") + self.read(name + ".pem"))
            self.add(name + "-refused.pem", verdict=verdict)
        self.make_key("x25519", ["-algorithm", "X25519"])
        self.write("x25519-refused.pem", self.read("x25519.key") + self.read("p256.pem"))
        self.add("x25519-refused.pem", verdict="unsupported")
        self.openssl("dsaparam", "-genkey", "-out", "dsa.key", "2048")
        self.openssl("req", "-x509", "-new", "-key", "dsa.key", "-subj", "/CN=dsa", "-days", "10", "-out", "dsa.pem")
        self.openssl("pkcs8", "-topk8", "-nocrypt", "-in", "dsa.key", "-out", "dsa.p8")
        self.write("dsa-refused.pem", self.read("dsa.p8") + self.read("dsa.pem"))
        self.add("dsa-refused.pem", verdict="unsupported")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path("openssh.pem")], stdin=subprocess.DEVNULL) \
            if not os.path.exists(self.path("openssh.pem")) else None
        if os.path.exists(self.path("openssh.pem")):
            self.add("openssh.pem", verdict="unsupported")

    def refused_contents(self):
        key, chain, other = self.read("p256.key"), self.read("p256.pem"), self.read("p384.pem")
        for name, data, verdict in (("nocert.pem", key, "nocert"), ("nokey.pem", chain, "nokey"), ("mismatch.pem", key + other, "mismatch"),
                                    ("empty.pem", b"", "format"), ("text.pem", b"hello\n" * 100, "format"),
                                    ("zeroes", bytes(100), "format"), ("bks", b"\0\0\0\2\0\0\0\x14" + bytes(200), "unsupported")):
            self.write(name, data)
            self.add(name, verdict=verdict)
        self.add("absent.p12", verdict="io")
        os.makedirs(self.path("folder.p12"), exist_ok=True)
        self.add("folder.p12", verdict="io")
        if not os.path.exists(self.path("fifo.p12")):
            os.mkfifo(self.path("fifo.p12"))
        self.add("fifo.p12", verdict="io")

    def damaged(self):
        for name in ("rsa2048-default.p12", "rsa2048-java.p12", "rsa2048.jks", "rsa2048.jceks"):
            data = self.read(name)
            self.add(name, verdict="auth", password="wrong-one")
            for cut in (1, len(data) // 2, len(data) - 1):
                self.write("cut%d-%s" % (cut, name), data[:cut])
                # A JKS without its last bytes has another digest at its end.
                self.add("cut%d-%s" % (cut, name), verdict="format|auth")
            flipped = bytearray(data)
            flipped[len(data) * 2 // 3] ^= 1
            self.write("flipped-" + name, bytes(flipped))
            self.add("flipped-" + name, verdict="auth|format|keypass|mismatch")

    def hostile(self):
        """Small files that would cost hours or gigabytes."""
        head = bytes.fromhex("feedfeed00000002")
        for magic in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"):
            prefix = magic + head[4:]
            name = "jks" if magic[0] == 0xfe else "jceks"
            for label, data, verdict in (
                    ("count", prefix + struct.pack(">I", 0x7fffffff) + bytes(40), "limit|format"),
                    ("negative", prefix + struct.pack(">i", -1) + bytes(40), "limit|format"),
                    ("length", prefix + struct.pack(">II", 1, 1) + b"\0\1a" + bytes(8) + struct.pack(">I", 0x7fffffff) + bytes(40), "limit|format"),
                    ("chain", prefix + struct.pack(">II", 1, 1) + b"\0\1a" + bytes(8) + struct.pack(">I", 1) + b"x" +
                     struct.pack(">I", 0x7fffffff) + bytes(40), "limit|format")):
                self.write("hostile-%s.%s" % (label, name), data)
                self.add("hostile-%s.%s" % (label, name), verdict=verdict)
        # The MAC's iteration count, which openssl writes as 02 02 08 00 (2048) at the end of the file
        data = self.read("p256-default.p12")
        at = data.rindex(bytes.fromhex("02020800"))
        grown = data[:at] + bytes.fromhex("02047fffffff") + data[at + 4:]
        self.write("hostile-iterations.p12", grow(grown, 2))
        self.add("hostile-iterations.p12", verdict="limit")
        self.write("hostile-nesting.p12", nest(3000))
        self.add("hostile-nesting.p12", verdict="format|limit")
        self.write("hostile-nesting-begin.pem", b"-----BEGIN CERTIFICATE-----\n" * 20000)
        self.add("hostile-nesting-begin.pem", verdict="format|limit")
        with open(self.path("hostile-large.p12"), "wb") as file:
            file.truncate(100 << 20)
        self.add("hostile-large.p12", verdict="limit")

    def make(self):
        for key, (arguments, _) in KEYS.items():
            self.make_key(key, arguments)
        self.openssl_p12()
        with Java() as java:
            self.java_stores(java)
        self.pem()
        self.refused_keys()
        self.refused_contents()
        self.damaged()
        self.hostile()
        return self.files


def der_length(size):
    if size < 128:
        return bytes([size])
    body = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(body)]) + body


def read_header(data, at=0):
    """(size of the header, size of the content)"""
    first = data[at + 1]
    if first < 128:
        return 2, first
    return 2 + (first & 127), int.from_bytes(data[at + 2:at + 2 + (first & 127)], "big")


def grow(data, by):
    """Repairs the lengths of PFX and MacData, which both end where the file ends, after BY bytes were put into MacData."""
    header, size = read_header(data)
    version = header
    safe = version + 3
    safe_header, safe_size = read_header(data, safe)
    mac = safe + safe_header + safe_size
    mac_header, mac_size = read_header(data, mac)
    body = data[mac + mac_header:]
    assert len(body) == mac_size + by
    inner = data[version:mac] + b"\x30" + der_length(len(body)) + body
    return b"\x30" + der_length(len(inner)) + inner


def nest(depth):
    data = b""
    for _ in range(depth):
        data = b"\x30" + der_length(len(data)) + data
    inner = b"\x02\x01\x03" + data
    return b"\x30" + der_length(len(inner)) + inner
