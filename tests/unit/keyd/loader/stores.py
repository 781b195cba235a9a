#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keystores for the loader's tests, made by openssl and keytool, and by hand where those would not.

stores.py DIR makes them in DIR, once a day. The password is "changeit" unless the name says otherwise.
"""

import base64
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import byhand  # noqa: E402
import der  # noqa: E402

PASSWORD = "changeit"
FRESH_SEC = 24 * 3600
KEYTOOL = ["keytool", "-J-XX:TieredStopAtLevel=1", "-J-Xshare:auto"]
# Counted up when something is added here, so that a folder made before is made again.
STAMP = "8\n"

CONFIG = """
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[client]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical, CA:false
extendedKeyUsage = serverAuth
"""


class Maker:
    def __init__(self, folder):
        self.folder = folder

    def run(self, *command, stdin=b""):
        done = subprocess.run(command, cwd=self.folder, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(map(str, command)), done.stderr.decode(errors="replace")))
        return done.stdout

    def openssl(self, *command, stdin=b""):
        return self.run("openssl", *command, stdin=stdin)

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def key(self, name, *options):
        self.openssl("genpkey", *(options or ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")), "-out", name + ".key")

    def root(self, name, subject):
        self.key(name)
        self.openssl("req", "-x509", "-new", "-key", name + ".key", "-subj", subject, "-days", "365", "-config", "req.cnf",
                     "-extensions", "ca", "-out", name + ".pem")

    def sign(self, name, ca, subject, section="client", days="90", digest="-sha256"):
        self.openssl("req", "-new", "-key", name + ".key", "-subj", subject, "-config", "req.cnf", "-out", name + ".csr")
        self.openssl("x509", "-req", digest, "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-days", days,
                     "-set_serial", str(abs(hash(name)) % 10 ** 9), "-extfile", "req.cnf", "-extensions", section, "-out", name + ".pem")

    def der_of(self, name):
        return self.openssl("x509", "-in", name + ".pem", "-outform", "DER")

    def pkcs8(self, name, password=None, *options):
        if password is None:
            return self.openssl("pkcs8", "-topk8", "-nocrypt", "-in", name + ".key", "-outform", "DER")
        return self.openssl("pkcs8", "-topk8", "-in", name + ".key", "-outform", "DER", "-passout", "pass:" + password, *options)

    def p12(self, name, *options, key="leaf", chain="chain.pem", password=PASSWORD):
        self.openssl("pkcs12", "-export", "-inkey", key + ".key", "-in", chain, "-passout", "pass:" + password, "-out", name, *options)


def make_pki(m):
    m.write("req.cnf", CONFIG)
    m.root("root", "/O=MID/CN=root")
    m.key("intermediate")
    m.sign("intermediate", "root", "/O=MID/CN=intermediate", "ca")
    m.key("leaf")
    m.sign("leaf", "intermediate", "/O=MID/CN=leaf")
    m.key("other")
    m.sign("other", "intermediate", "/O=MID/CN=other")
    m.write("chain.pem", m.read("leaf.pem") + m.read("intermediate.pem") + m.read("root.pem"))
    m.write("root-first.pem", m.read("root.pem") + m.read("intermediate.pem") + m.read("leaf.pem"))


def make_openssl(m):
    m.p12("plain.p12", "-name", "client")
    m.p12("root-first.p12", "-name", "client", chain="root-first.pem")
    m.p12("unnamed.p12")
    m.p12("legacy.p12", "-name", "client", "-legacy")
    m.p12("rc4.p12", "-name", "client", "-legacy", "-keypbe", "PBE-SHA1-RC4-128", "-certpbe", "PBE-SHA1-RC4-40")
    m.p12("3des.p12", "-name", "client", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1")
    m.p12("nomac.p12", "-name", "client", "-nomac")
    m.p12("nomac-sealed.p12", "-name", "client", "-nomac", "-certpbe", "AES-256-CBC")
    m.p12("keybag.p12", "-name", "client", "-keypbe", "NONE")
    m.p12("empty-password.p12", "-name", "client", password="")
    m.p12("utf8.p12", "-name", "client", password="pässwört")
    m.p12("utf8-legacy.p12", "-name", "client", "-legacy", password="пароль")
    m.p12("leaf-only.p12", "-name", "client", chain="leaf.pem")
    m.write("gap.pem", m.read("leaf.pem") + m.read("root.pem"))
    m.p12("gap.p12", "-name", "client", chain="gap.pem")
    m.openssl("pkcs12", "-export", "-nokeys", "-in", "chain.pem", "-passout", "pass:" + PASSWORD, "-out", "nokey.p12")
    # 2^31-1 iterations ask nothing of the writer: the numbers are patched in.
    m.p12("iter.p12", "-name", "client", "-iter", "123456")
    m.write("hostile-iter.p12", m.read("iter.p12").replace(der.integer(123456), der.integer(0x123456 + 4000000)))
    m.p12("expired.p12", "-name", "client", chain=sign_special(m, "expired", days="-1"), key="expired")
    m.p12("soon.p12", "-name", "client", chain=sign_special(m, "soon", days="7"), key="soon")
    m.p12("server.p12", "-name", "client", chain=sign_special(m, "server", section="server"), key="server")
    m.p12("sha1.p12", "-name", "client", chain=sign_special(m, "sha1", digest="-sha1"), key="sha1")
    m.p12("self-signed.p12", "-name", "client", chain="root.pem", key="root")


def sign_special(m, name, section="client", days="90", digest="-sha256"):
    m.key(name)
    m.sign(name, "intermediate", "/O=MID/CN=" + name, section, days, digest)
    m.write(name + "-chain.pem", m.read(name + ".pem") + m.read("intermediate.pem"))
    return name + "-chain.pem"


KEY_TYPES = {
    "rsa2048": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "rsapss": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_pss_keygen_md:sha512",
               "-pkeyopt", "rsa_pss_keygen_mgf1_md:sha512"),
    "rsa1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
    "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "p521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "ed25519": ("-algorithm", "ED25519"),
    "ed448": ("-algorithm", "ED448"),
    "k256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
    "brainpool": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"),
    "explicit": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"),
    "x25519": ("-algorithm", "X25519"),
}


def make_pem(m):
    chain, leaf_key = m.read("chain.pem"), m.read("leaf.key")
    m.write("key-first.pem", leaf_key + chain)
    m.write("key-last.pem", chain + leaf_key)
    m.write("root-first-bundle.pem", m.read("root-first.pem") + leaf_key)
    m.write("crlf.pem", b"\xef\xbb\xbf" + (leaf_key + chain).replace(b"\n", b"\r\n").rstrip())
    m.write("bags.pem", m.openssl("pkcs12", "-in", "plain.p12", "-nodes", "-passin", "pass:" + PASSWORD))
    m.write("two-keys.pem", leaf_key + m.read("other.key") + chain)
    m.write("key-only.pem", leaf_key)
    m.write("other-key.pem", m.read("other.key") + chain)
    m.write("run-on.pem", (leaf_key + chain).replace(b"-----END PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----"))
    m.write("label.pem", leaf_key.replace(b"END PRIVATE", b"END PUBLIC") + chain)
    m.write("incomplete.pem", leaf_key + m.read("leaf.pem") + b"-----BEGIN X-----\nQUJ\n-----END X-----\n")
    m.write("dashes.pem", b"-----BEGIN X-----\nX: -----\n\n" + b"QUJD" * 4096 + b"\n-----END X-----\n")
    m.write("no-begin.pem", leaf_key + chain.split(b"\n", 1)[1])
    m.write("trailing-cert.pem", leaf_key + pem("CERTIFICATE", m.der_of("leaf") + b"\0"))
    m.write("many.pem", leaf_key + m.read("leaf.pem") * 512)
    m.write("small.pem", leaf_key + m.read("leaf.pem"))

    def bundle(name, key):
        m.write(name, key + chain)

    bundle("enc-pbkdf2.pem", m.openssl("pkcs8", "-topk8", "-in", "leaf.key", "-passout", "pass:" + PASSWORD))
    m.write("latin1", b"p\xe4ss")
    bundle("enc-latin1.pem", m.openssl("pkcs8", "-topk8", "-in", "leaf.key", "-passout", "file:latin1"))
    bundle("enc-scrypt.pem", m.openssl("pkcs8", "-topk8", "-scrypt", "-in", "leaf.key", "-passout", "pass:" + PASSWORD))
    bundle("enc-3des.pem", m.openssl("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "leaf.key", "-passout", "pass:" + PASSWORD))
    bundle("enc-md5des.pem", m.openssl("pkcs8", "-topk8", "-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default", "-in",
                                       "leaf.key", "-passout", "pass:" + PASSWORD))
    bundle("scrypt-large.pem", pem("ENCRYPTED PRIVATE KEY", scrypt_key(m, 65536, 8, 1)))
    bundle("scrypt-hostile.pem", pem("ENCRYPTED PRIVATE KEY", scrypt_key(m, 1 << 24, 8, 1, real=False)))
    bundle("scrypt-128m.pem", pem("ENCRYPTED PRIVATE KEY", scrypt_key(m, 1 << 17, 8, 1, real=False)))
    bundle("scrypt-slow.pem", pem("ENCRYPTED PRIVATE KEY", scrypt_key(m, 16384, 8, 4000, real=False)))
    bundle("sec1.pem", m.openssl("ecparam", "-name", "prime256v1") + m.openssl("ec", "-in", "leaf.key"))
    bundle("dek-aes.pem", m.openssl("ec", "-in", "leaf.key", "-aes256", "-passout", "pass:" + PASSWORD))
    bundle("dek-des.pem", m.openssl("ec", "-in", "leaf.key", "-des3", "-passout", "pass:" + PASSWORD))
    bundle("openssh.pem", pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0" + b"x" * 90))
    bundle("dsa.pem", pem("DSA PRIVATE KEY", b"\x30\x03\x02\x01\x00"))
    bundle("trailing.pem", pem("PRIVATE KEY", m.pkcs8("leaf") + b"\0"))
    bundle("trailing-sealed.pem", pem("ENCRYPTED PRIVATE KEY", m.pkcs8("leaf", PASSWORD) + b"\0"))
    for name, options in KEY_TYPES.items():
        m.key(name, *options)
        key = m.read(name + ".key")
        if name in ("x25519", "explicit", "brainpool", "k256", "rsa1024"):
            m.write("type-%s.pem" % name, key + chain)
            continue
        m.sign(name, "intermediate", "/O=MID/CN=" + name)
        m.write("type-%s.pem" % name, key + m.read(name + ".pem") + m.read("intermediate.pem"))
    m.write("pkcs1.pem", m.openssl("rsa", "-traditional", "-in", "rsa2048.key") + m.read("rsa2048.pem"))
    ed = m.pkcs8("ed25519")
    public = m.openssl("pkey", "-in", "ed25519.key", "-pubout", "-outform", "DER")[-32:]
    # RFC 5958: version 2 with the public key, as Rust's ring writes it.
    v2 = der.seq(der.integer(1), ed[5:], der.tlv(0x81, b"\0" + public))
    m.write("v2.pem", pem("PRIVATE KEY", v2) + m.read("ed25519.pem"))


def make_rsa(m):
    """RSA keys that no program makes: parts swollen, damaged or too large."""
    numbers = der.integers(m.openssl("rsa", "-traditional", "-in", "rsa2048.key", "-outform", "DER"))
    certificate = m.read("rsa2048.pem")

    def write(name, values):
        m.write(name, pem("RSA PRIVATE KEY", der.seq(*map(der.integer, values))) + certificate)

    p, q = numbers[4], numbers[5]
    swollen, damaged = list(numbers), list(numbers)
    swollen[3] += (p - 1) * (q - 1) << 9000
    damaged[3] += 2
    damaged[6] += 2
    write("rsa-swollen.pem", swollen)
    write("rsa-damaged.pem", damaged)
    write("rsa-9000.pem", [0, (1 << 8999) + 1, 65537, 3, 5, 7, 1, 1, 1])
    dsa = der.seq(der.integer(0), der.seq(der.oid("1.2.840.10040.4.1"), der.seq(*map(der.integer, (2 ** 1023 + 1, 2 ** 159 + 1, 2)))),
                  der.octets(der.integer(5)))
    m.write("type-dsa.pem", pem("PRIVATE KEY", dsa) + certificate)
    m.write("large-key.pem", pem("PRIVATE KEY", der.seq(der.integer(0), der.seq(der.oid("1.2.840.113549.1.1.1"), b"\5\0"),
                                                        der.octets(b"x" * 16384))) + certificate)


def pem(label, content):
    text = base64.encodebytes(content).decode()
    text = re.sub("(.{64})", "\\1\n", text.replace("\n", "")).rstrip("\n") + "\n"
    return ("-----BEGIN %s-----\n%s-----END %s-----\n" % (label, text, label)).encode()


def scrypt_key(m, n, r, p, real=True):
    """An EncryptedPrivateKeyInfo by scrypt; without @real its content is noise, for nobody shall come that far."""
    salt, iv = b"0123456789abcdef", b"\1" * 16
    content = b"\0" * 160
    if real:
        key = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=n, r=r, p=p, maxmem=128 * 1024 * 1024, dklen=32)
        content = m.openssl("enc", "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex(), stdin=m.pkcs8("leaf"))
    scrypt = der.seq(der.oid("1.3.6.1.4.1.11591.4.11"), der.seq(der.octets(salt), der.integer(n), der.integer(r), der.integer(p)))
    aes = der.seq(der.oid("2.16.840.1.101.3.4.1.42"), der.octets(iv))
    return der.seq(der.seq(der.oid("1.2.840.113549.1.5.13"), der.seq(scrypt, aes)), der.octets(content))


def make_keytool(m):
    store = ["-keystore", "keytool.p12", "-storepass", PASSWORD]
    m.run(*KEYTOOL, "-genkeypair", *store, "-alias", "Client", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=keytool", "-validity", "90")
    m.run(*KEYTOOL, "-importcert", "-noprompt", *store, "-alias", "trusted", "-file", "root.pem")
    m.run(*KEYTOOL, "-genseckey", *store, "-alias", "secret", "-keyalg", "AES", "-keysize", "128")
    m.run(*KEYTOOL, "-J-Dkeystore.pkcs12.legacy", "-importkeystore", "-noprompt", "-srckeystore", "plain.p12", "-srcstorepass", PASSWORD,
          "-destkeystore", "keytool-legacy.p12", "-deststorepass", PASSWORD, "-deststoretype", "PKCS12")


def make_others(m):
    m.write("ca.pem", b"comment\n" + m.read("root.pem") + m.read("intermediate.pem") + m.read("root.pem"))
    m.write("index.txt", "")
    m.write("crlnumber", "01\n")
    m.write("crl.cnf", "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n")
    m.openssl("ca", "-gencrl", "-config", "crl.cnf", "-cert", "root.pem", "-keyfile", "root.key", "-out", "crl.pem")
    m.write("crl.der", m.openssl("crl", "-in", "crl.pem", "-outform", "DER"))
    crl_pem, crl_der = m.read("crl.pem"), m.read("crl.der")
    m.write("crl-two.pem", crl_pem + b"text\n" + crl_pem)
    m.write("crl-two.der", crl_der * 2)
    m.write("crl-cut.der", crl_der[:-1])
    m.write("root.der", m.der_of("root"))
    m.write("ca-reversed.pem", m.read("intermediate.pem") + m.read("root.pem"))
    m.write("ca-cut.pem", m.read("ca.pem")[:-30])
    m.write("ca-bad.pem", m.read("root.pem") + pem("CERTIFICATE", m.read("root.der")[:-1]))
    m.write("loose.p12", m.read("plain.p12"))
    m.write("loose-password", PASSWORD)
    os.mkdir(os.path.join(m.folder, "etc"), 0o700)
    m.write("etc/mauth.profile", "[Profile]\nKeystorePath=credential:store\nPassword=credential:password\n")
    m.write("etc/other.profile", "[Profile]\nKeystorePath=store.p12\nPassword=credential:password\n")
    m.write("password", PASSWORD + "\n")
    m.write("password-crlf", PASSWORD + "\r\n")
    m.write("password-blank", PASSWORD + " \n")


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(folder, "stamp")
        if os.path.exists(stamp) and open(stamp).read() == STAMP and time.time() - os.stat(stamp).st_mtime < FRESH_SEC:
            return
        for name in os.listdir(folder):
            if name == "etc":
                shutil.rmtree(os.path.join(folder, name))
            elif name != "lock":
                os.unlink(os.path.join(folder, name))
        m = Maker(folder)
        make_pki(m)
        make_openssl(m)
        make_pem(m)
        make_rsa(m)
        byhand.make(m, PASSWORD)
        make_keytool(m)
        make_others(m)
        for name in os.listdir(folder):
            if name != "etc":
                os.chmod(os.path.join(folder, name), 0o600)
        m.write("stamp", STAMP)


if __name__ == "__main__":
    main()
