/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A PEM bundle: one private key, its certificate and the chain, in any order
 */

#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/keystore/pem-block.h"
#include "keyd/loader/keystore/pem-key.h"

#define PEM_BLOCKS_MAX 512U

#define HINT_SSH "ssh-keygen -p -m PKCS8 -f FILE rewrites it in place: work on a copy"
#define HINT_TYPE "use a key of type RSA, P-256, P-384, P-521, Ed25519 or Ed448 in PKCS#8"

typedef int (*TakeBlock)(Keystore *k, PemBlock *b, LoadFailure *f);

static int take_pkcs8(Keystore *k, PemBlock *b, LoadFailure *f) {
        KeystoreEntry *e;
        int r;

        r = keystore_add_entry(k, &e);
        if (r < 0)
                return r;
        if (b->encrypted)
                return load_failure(f, VERDICT_FORMAT, "openssl pkey -in FILE -aes256 -out new.pem writes a proper one",
                                    "the key of line %u mixes PKCS#8 with Proc-Type", b->line);

        e->recover = keystore_recover_pkcs8;
        e->key = TAKE_PTR(b->der);
        return 0;
}

static int take_rsa(Keystore *k, PemBlock *b, LoadFailure *f) {
        return pem_take_traditional(k, EVP_PKEY_RSA, b, f);
}

static int take_ec(Keystore *k, PemBlock *b, LoadFailure *f) {
        return pem_take_traditional(k, EVP_PKEY_EC, b, f);
}

static int take_certificate(Keystore *k, PemBlock *b, LoadFailure *f) {
        _cleanup_(X509_freep) X509 *x = NULL;
        size_t size = secret_size(b->der);

        /* OpenSSL's own TRUSTED CERTIFICATE is followed by what it is trusted for. */
        if (strcmp(b->label, "TRUSTED CERTIFICATE") == 0)
                ignore_result(ber_measure(ber_from_secret(b->der), size, &size), "malformed: refused below");
        x = ossl_parse_certificate(secret_data(b->der), size);
        if (!x)
                return load_failure(f, VERDICT_FORMAT, "get a fresh copy of the certificate", "the certificate of line %u is malformed", b->line);

        if (!k->certificates)
                k->certificates = sk_X509_new_null();
        if (!k->certificates || sk_X509_push(k->certificates, x) <= 0)
                return -ENOMEM;
        TAKE_PTR(x);
        return 0;
}

static int refuse_openssh(Keystore *k _unused_, PemBlock *b, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED, HINT_SSH, "line %u begins an OpenSSH private key", b->line);
}

static int refuse_key(Keystore *k _unused_, PemBlock *b, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED, HINT_TYPE, "line %u begins a block %s, which is not supported", b->line, b->label);
}

static const struct {
        const char *label;
        TakeBlock take;
} labels[] = {
        {"CERTIFICATE", take_certificate}, {"X509 CERTIFICATE", take_certificate},  {"TRUSTED CERTIFICATE", take_certificate},
        {"PRIVATE KEY", take_pkcs8},       {"ENCRYPTED PRIVATE KEY", take_pkcs8},   {"RSA PRIVATE KEY", take_rsa},
        {"EC PRIVATE KEY", take_ec},       {"OPENSSH PRIVATE KEY", refuse_openssh},
};

/* Parameters, requests, CRLs and public keys are passed over; a private key of a kind that is not known must not be. */
static int take_block(Keystore *k, PemBlock *b, LoadFailure *f) {
        for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
                if (strcmp(labels[i].label, b->label) == 0)
                        return labels[i].take(k, b, f);

        return strstr(b->label, "PRIVATE KEY") ? refuse_key(k, b, f) : 0;
}

int pem_open(const char *path, const Secret *file, const Secret *password _unused_, Keystore *ret, LoadFailure *ret_failure) {
        _cleanup_(keystore_done) Keystore store = {.format = "pem"};
        PemReader reader;
        int r;

        pem_reader_init(&reader, ber_from_secret(file), PEM_BLOCKS_MAX);
        do {
                _cleanup_(pem_block_done) PemBlock b = {};

                r = pem_reader_next(&reader, &b, ret_failure);
                if (r == 0)
                        r = take_block(&store, &b, ret_failure);
        } while (r == 0);
        if (r == PEM_E_FAILURE)
                return keystore_failure_at(path, ret_failure);
        if (r < 0)
                return r;

        *ret = store;
        store = (Keystore) {};
        return 0;
}
