#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a built program may not import: the link line shows what a role can do.

    symbols.py ROLE=PROGRAM...         roles: the keys of ROLES
"""

import os
import re
import subprocess
import sys

# Names are matched whole.
FILES = r"open|open64|openat|openat64|openat2|__open(64)?_2|__openat(64)?_2|open_by_handle_at|creat|creat64|f(d|re)?open(64)?|opendir|fdopendir"
PROCESSES = r"exec[lv]p?e?|execvpe|fexecve|execveat|fork|_Fork|vfork|clone|clone3|posix_spawn\w*|system|popen|dlopen|dlmopen"
NETWORK = r"socket|connect|bind|listen|accept|accept4|getaddrinfo|getnameinfo|gethostby\w+|res_\w*query\w*|res_\w*search"
LIBCURL, LIBXML2, LIBSSL = r"curl_\w+", r"xml[A-Z]\w*", r"SSL_\w+|TLS_\w*method"
PATH_BUILDING = r"X509_STORE_\w+|X509_verify_cert"
LIBCRYPTO = r"(ASN1|BIO|BN|CRYPTO|EC|ERR|EVP|HMAC|OPENSSL|OSSL|PEM|PKCS7|PKCS8|PKCS12|RAND|RSA|SHA\d+|X509|X509V3|d2i|i2d)_\w+"

# A private key out of bytes, a file or nothing (architecture.md, rule 1).
KEY_PRODUCTION = r"|".join([
    r"PEM_\w*read\w*PrivateKey\w*", r"PEM_X509_INFO_read\w*", r"PEM_read\w*PKCS8\w*", r"d2i_\w*PrivateKey\w*", r"d2i_PKCS8\w*",
    r"d2i_PKCS12\w*", r"PKCS12_\w+", r"PKCS8_decrypt\w*", r"EVP_PKCS82PKEY\w*", r"OSSL_STORE_\w+", r"OSSL_DECODER_\w+",
    r"EVP_PKEY_new_raw_private_key\w*", r"EVP_PKEY_(Q_)?keygen\w*", r"EVP_PKEY_generate", r"EVP_PKEY_paramgen\w*",
    r"EVP_(RSA|EC)_gen", r"RSA_generate_\w+", r"EC_KEY_generate_\w+", r"SSL_(CTX_)?use_\w*PrivateKey_(file|ASN1)", r"ENGINE_\w+",
])  # fmt: skip
KEY_READING = r"PEM_read\w*|d2i_\w*PrivateKey\w*|d2i_PKCS8\w*|d2i_PKCS12\w*|PKCS12_\w+|OSSL_STORE_\w+|OSSL_DECODER_\w+"
# What takes a store apart, decrypts, guesses a format or reads from a stream; the signer gets PrivateKeyInfo in clear and a certificate.
STORE_PARSING = r"|".join([
    r"d2i_PKCS(12|7)\w*", r"PKCS(12|7|5)_\w+", r"PEM_\w+", r"OSSL_STORE_\w+", r"OSSL_DECODER_\w+", r"CMS_\w+", r"d2i_\w+_(bio|fp)",
    r"d2i_AutoPrivateKey\w*", r"d2i_X509_SIG", r"PKCS8_decrypt\w*", r"EVP_PBE_\w+", r"EVP_BytesToKey", r"EVP_(Open|Decrypt)\w+",
])  # fmt: skip
SIGNING = r"EVP_DigestSign\w*|EVP_PKEY_sign\w*|EVP_SignFinal\w*"

# role: rows of rule, names
ROLES = {
    "calld": [("calld-imports-no-key-production", KEY_PRODUCTION)],
    "midtls": [("midtls-imports-no-key-production", KEY_PRODUCTION), ("midtls-imports-no-libcurl", LIBCURL)],
    "calld-resolver": [("resolver-imports-no-key-production", KEY_PRODUCTION), ("resolver-imports-no-libcurl", LIBCURL)],
    "keyd": [
        ("supervisor-imports-no-libcrypto", LIBCRYPTO + "|" + LIBSSL),
        ("supervisor-imports-no-parser", LIBCURL + "|" + LIBXML2),
    ],
    "keyd-loader": [("loader-imports-no-network", NETWORK + "|" + LIBCURL), ("loader-imports-no-process", PROCESSES)],
    "keyd-fetcher": [("fetcher-imports-no-process", PROCESSES), ("fetcher-imports-no-key", SIGNING + "|" + KEY_PRODUCTION)],
    "keyd-runner": [
        ("runner-imports-no-network", NETWORK + "|" + LIBCURL),
        ("runner-imports-no-shell", r"system|popen|posix_spawn\w*|exec[lv]pe?|execvpe"),
        ("runner-imports-no-parser", LIBXML2 + "|" + LIBSSL),
        ("runner-imports-no-key", SIGNING + "|" + KEY_PRODUCTION),
    ],
    "keyd-verifier": [
        ("verifier-imports-no-file", FILES),
        ("verifier-imports-no-network", NETWORK + "|" + LIBCURL),
        ("verifier-imports-no-process", PROCESSES),
        ("verifier-imports-no-key", KEY_READING + "|" + SIGNING),
        ("verifier-imports-no-parser", LIBXML2 + "|" + LIBSSL),
    ],
    "keyd-signer": [
        ("signer-imports-no-file", FILES),
        ("signer-imports-no-network", NETWORK + "|" + LIBCURL),
        ("signer-imports-no-process", PROCESSES),
        ("signer-imports-no-parser", LIBXML2 + "|" + LIBSSL),
        ("signer-imports-no-path-building", PATH_BUILDING),
        ("signer-imports-no-store-parsing", STORE_PARSING),
    ],
}


def imports(program):
    out = subprocess.check_output(["nm", "-D", "--undefined-only", program], text=True)
    return sorted({line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip()})


def check(role, program):
    n_breaches = 0
    if not os.path.exists(program):
        print("%s: [program-is-built] it does not exist" % program)
        return 1
    names = imports(program)
    if "__libc_start_main" not in names:
        print("%s: [program-is-readable] nm shows no import of __libc_start_main: is it a program?" % program)
        return 1
    for rule, pattern in ROLES[role]:
        for name in names:
            if re.fullmatch(pattern, name):
                n_breaches += 1
                print("%s: [%s] imports %s" % (program, rule, name))
    return n_breaches


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("no program of keyd or calld is part of this build")
        sys.exit(77)
    sys.exit(1 if sum(check(*arg.split("=", 1)) for arg in sys.argv[1:]) else 0)
