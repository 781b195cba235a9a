#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a small program for each name that symbols.py must see, and one for each role that it must not mind.

    symbols_selftest.py COMPILER...
"""

import os
import subprocess
import sys
import tempfile

import symbols

# role: names it must refuse, one for each alternative that matters
REFUSED = {
    "calld": [
        ("calld-imports-no-key-production", "PEM_read_bio_PrivateKey PEM_read_PrivateKey d2i_PrivateKey d2i_AutoPrivateKey d2i_PKCS12_bio "
         "d2i_PKCS8_PRIV_KEY_INFO PKCS12_parse OSSL_STORE_open OSSL_DECODER_from_bio EVP_PKEY_keygen EVP_PKEY_generate EVP_PKEY_Q_keygen "
         "EVP_PKEY_new_raw_private_key EVP_PKCS82PKEY SSL_CTX_use_PrivateKey_file PEM_read_bio_RSAPrivateKey"),
    ],
    "midtls": [("midtls-imports-no-key-production", "PKCS12_parse"), ("midtls-imports-no-libcurl", "curl_easy_perform")],
    "calld-resolver": [("resolver-imports-no-key-production", "d2i_AutoPrivateKey"), ("resolver-imports-no-libcurl", "curl_easy_init")],
    "keyd": [
        ("supervisor-imports-no-libcrypto", "EVP_DigestInit_ex X509_free d2i_X509 OPENSSL_init_crypto ERR_clear_error RAND_bytes SSL_new"),
        ("supervisor-imports-no-parser", "curl_easy_init xmlReadMemory"),
    ],
    "keyd-loader": [
        ("loader-imports-no-network", "socket connect getaddrinfo curl_easy_init bind"),
        ("loader-imports-no-process", "fork execve posix_spawn system"),
    ],
    "keyd-fetcher": [("fetcher-imports-no-process", "fork"), ("fetcher-imports-no-key", "EVP_DigestSign PEM_read_bio_PrivateKey")],
    "keyd-runner": [
        ("runner-imports-no-network", "socket connect getaddrinfo curl_easy_init"),
        ("runner-imports-no-shell", "system popen execlp execvp posix_spawn"),
        ("runner-imports-no-parser", "xmlReadMemory SSL_connect"),
        ("runner-imports-no-key", "EVP_DigestSign PKCS12_parse"),
    ],
    "keyd-verifier": [
        ("verifier-imports-no-file", "open open64 openat fopen fopen64 opendir"),
        ("verifier-imports-no-network", "socket connect curl_easy_init"),
        ("verifier-imports-no-process", "execve execvp fork"),
        ("verifier-imports-no-key", "PEM_read_bio_X509 d2i_PrivateKey EVP_DigestSign EVP_PKEY_sign"),
        ("verifier-imports-no-parser", "xmlReadMemory SSL_connect"),
    ],
    "keyd-signer": [
        ("signer-imports-no-file", "open open64 openat fopen __open64_2 creat"),
        ("signer-imports-no-network", "socket connect bind listen getaddrinfo curl_easy_init"),
        ("signer-imports-no-process", "execl execve fork vfork posix_spawn posix_spawnp dlopen"),
        ("signer-imports-no-parser", "xmlReadMemory SSL_connect TLS_client_method"),
        ("signer-imports-no-path-building", "X509_STORE_add_cert X509_verify_cert"),
        ("signer-imports-no-store-parsing", "d2i_PKCS12 d2i_PKCS12_bio d2i_PKCS7 PKCS12_parse PKCS12_verify_mac PKCS7_decrypt PKCS5_PBKDF2_HMAC "
         "PEM_read_bio_PrivateKey PEM_read_bio_X509 PEM_bytes_read_bio OSSL_STORE_open OSSL_DECODER_from_bio CMS_decrypt d2i_X509_bio d2i_X509_fp "
         "d2i_PrivateKey_bio d2i_AutoPrivateKey d2i_X509_SIG PKCS8_decrypt EVP_PBE_CipherInit EVP_BytesToKey EVP_DecryptInit_ex EVP_OpenInit"),
    ],
}  # fmt: skip

# role: what it needs and must be left alone with
ACCEPTED = {
    "calld": "EVP_PKEY_fromdata SSL_CTX_new socket connect curl_easy_perform X509_STORE_add_cert d2i_X509 SSL_use_PrivateKey",
    "midtls": "socket connect open",
    "calld-resolver": "getaddrinfo socket connect open fopen",
    "keyd": "socket open posix_spawn accept4 sd_event_new",
    "keyd-loader": "open openat PKCS12_parse d2i_AutoPrivateKey xmlReaderForMemory sendmsg",
    "keyd-fetcher": "curl_easy_perform socket json_loadb",
    "keyd-runner": "fork execve pipe2 poll",
    "keyd-verifier": "X509_verify_cert X509_STORE_new EVP_DigestVerify d2i_X509 recvmsg",
    "keyd-signer": "EVP_DigestSign d2i_PKCS8_PRIV_KEY_INFO EVP_PKCS82PKEY d2i_X509 PKCS8_PRIV_KEY_INFO_free recvmsg send sd_journal_sendv socketpair",
}


def build(compiler, where, names):
    """A program that imports @names, from a library that has them all; it is never run."""
    source, library, program = (os.path.join(where, name) for name in ("x.c", "libx.so", "x"))
    with open(source, "w", encoding="utf-8") as f:
        f.write("".join('char exported_%d[1] __asm__("%s");\n' % row for row in enumerate(names)))
    subprocess.check_call(compiler + ["-w", "-fPIC", "-shared", "-nostdlib", "-o", library, source])
    with open(source, "w", encoding="utf-8") as f:
        f.write("".join('extern char imported_%d[] __asm__("%s");\n' % row for row in enumerate(names)))
        f.write("char *const volatile taken[] = {%s};\n" % ", ".join("imported_%d" % i for i in range(len(names))))
        f.write("int main(void) { return taken[0] == 0; }\n")
    subprocess.check_call(compiler + ["-w", "-fPIE", "-pie", "-o", program, source, library])
    return program


def breaches(role, program):
    out = subprocess.run([sys.executable, symbols.__file__, "%s=%s" % (role, program)], stdout=subprocess.PIPE, text=True, check=False)
    return out.returncode, {(line.split("[")[1].split("]")[0], line.split()[-1]) for line in out.stdout.splitlines()}


def main(compiler):
    bad = []
    with tempfile.TemporaryDirectory() as where:
        for role, rows in REFUSED.items():
            wanted = {(rule, name) for rule, names in rows for name in names.split()}
            code, got = breaches(role, build(compiler, where, sorted({name for _, name in wanted})))
            if code != 1 or got != wanted:
                bad.append("%s: not refused as wanted: %s" % (role, sorted(got ^ wanted)))
            untried = {rule for rule, _ in symbols.ROLES[role]} - {rule for rule, _ in rows}
            bad += ["%s: no fixture breaks %s" % (role, rule) for rule in untried]
        for role, names in ACCEPTED.items():
            code, got = breaches(role, build(compiler, where, names.split()))
            if code != 0 or got:
                bad.append("%s: refused although it is fine: %s" % (role, got))
        bad += ["%s: no fixture" % role for role in symbols.ROLES if role not in REFUSED or role not in ACCEPTED]
        if breaches("keyd", os.path.join(where, "nothing"))[0] != 1:
            bad.append("a program that is not there is accepted")
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


main(sys.argv[1:])
