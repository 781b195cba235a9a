/* SPDX-License-Identifier: Apache-2.0 */

/* The CA certificates that servers must chain to */

#include <string.h>

#include "keyd/loader/entry.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/keystore/pem-block.h"

#define BLOCKS_MAX 4096U
#define HINT_CA "name a PEM file of CA certificates, or leave CAFile= empty for the system's"

/* Debian and its kin, then Red Hat and its kin. */
static const char *const system_bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};

CaSet *ca_set_free(CaSet *s) {
        if (!s)
                return NULL;

        for (size_t i = 0; i < s->n_certificates; i++)
                free(s->certificates[i].der);
        free(s->certificates);
        free(s);
        return NULL;
}

static bool has(const CaSet *s, const uint8_t *der, size_t size) {
        for (size_t i = 0; i < s->n_certificates; i++)
                if (s->certificates[i].size == size && memcmp(s->certificates[i].der, der, size) == 0)
                        return true;

        return false;
}

/* The order is the file's; what comes twice is taken once. @s has room. */
static int add(CaSet *s, const uint8_t *der, size_t size, const char *path, unsigned line, LoadFailure *f) {
        _cleanup_(X509_freep) X509 *x = NULL;
        Certificate *c = &s->certificates[s->n_certificates];

        if (size > PROTO_CERTIFICATE_MAX)
                return load_failure(f, VERDICT_LIMIT, HINT_CA, "%s:%u: a certificate has more than %u bytes", path, line, PROTO_CERTIFICATE_MAX);
        x = ossl_parse_certificate(der, size);
        if (!x)
                return load_failure(f, VERDICT_FORMAT, HINT_CA, "%s:%u: the certificate is malformed", path, line);
        if (has(s, der, size))
                return 0;

        c->der = malloc(size);
        if (!c->der)
                return -ENOMEM;
        memcpy(c->der, der, size);
        c->size = size;
        s->n_certificates++;
        return 0;
}

static int add_block(CaSet *s, const PemBlock *b, const char *path, LoadFailure *f) {
        size_t size = secret_size(b->der);

        if (strcmp(b->label, "TRUSTED CERTIFICATE") == 0)
                ignore_result(ber_measure(ber_from_secret(b->der), size, &size), "malformed: refused below");
        else if (strcmp(b->label, "CERTIFICATE") != 0 && strcmp(b->label, "X509 CERTIFICATE") != 0)
                return 0;

        return add(s, secret_data(b->der), size, path, b->line, f);
}

static int add_pem(CaSet *s, const Secret *file, const char *path, LoadFailure *f) {
        PemReader reader;
        int r;

        pem_reader_init(&reader, ber_from_secret(file), BLOCKS_MAX);
        do {
                _cleanup_(pem_block_done) PemBlock b = {};

                r = pem_reader_next(&reader, &b, f);
                if (r == PEM_E_FAILURE)
                        return keystore_failure_at(path, f);
                if (r == 0)
                        r = add_block(s, &b, path, f);
        } while (r == 0);

        return r == PEM_E_END ? 0 : r;
}

static int name_set(CaSet *s) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

        _Static_assert(sizeof(s->id) == 32, "the name of a set is a SHA-256");
        for (size_t i = 0; ok && i < s->n_certificates; i++)
                ok = EVP_DigestUpdate(ctx, s->certificates[i].der, s->certificates[i].size) == 1;
        ok = ok && EVP_DigestFinal_ex(ctx, s->id, NULL) == 1;

        return ok ? 0 : -EIO;
}

static const char *choose_file(const ProfileConfig *p) {
        if (p->ca_file)
                return p->ca_file;
        for (size_t i = 0; i < ARRAY_SIZE(system_bundles); i++)
                if (access(system_bundles[i], F_OK) == 0)
                        return system_bundles[i];

        return system_bundles[0];
}

int load_ca_set(const ProfileConfig *p, CaSet **ret, LoadFailure *ret_failure) {
        _cleanup_(ca_set_freep) CaSet *s = calloc(1, sizeof(*s));
        _cleanup_(secret_freep) Secret *file = NULL;
        const char *path = choose_file(p);
        int r;

        *ret_failure = (LoadFailure) {};
        if (!s)
                return -ENOMEM;
        s->certificates = calloc(BLOCKS_MAX, sizeof(*s->certificates));
        if (!s->certificates)
                return -ENOMEM;

        r = file_read(path, FILE_POLICY_CONFIG, &file, NULL, ret_failure);
        if (r == 0 && secret_size(file) > 0 && secret_data(file)[0] == BER_SEQUENCE && !pem_has_block(ber_from_secret(file)))
                r = add(s, secret_data(file), secret_size(file), path, 0, ret_failure);
        else if (r == 0)
                r = add_pem(s, file, path, ret_failure);
        if (r != 0)
                return r;
        if (s->n_certificates == 0)
                return load_failure(ret_failure, VERDICT_NOCERT, HINT_CA, "%s holds no certificate", path);

        r = name_set(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}
