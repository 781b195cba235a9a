/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/pbe-kdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "keyd/loader/file.h"

#define HINT_REWRITE \
        "write the store anew with usual parameters, for example by keytool -importkeystore -deststoretype PKCS12 or openssl pkcs12 -export"
#define HINT_DAMAGED "the file is damaged or was made by a faulty program: get a fresh copy"

DEFINE_CLEANUP(PBKDF2PARAM *, PBKDF2PARAM_free)
DEFINE_CLEANUP(SCRYPT_PARAMS *, SCRYPT_PARAMS_free)
DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free)

const char *pbe_oid_name(const ASN1_OBJECT *o, char *buffer, size_t size) {
        if (!o || OBJ_obj2txt(buffer, (int) size, o, 0) <= 0)
                return "unknown";

        return buffer;
}

void *pbe_unpack(const X509_ALGOR *a, const ASN1_ITEM *it) {
        const void *value = NULL;
        void *unpacked;
        int type;

        if (!a)
                return NULL;
        X509_ALGOR_get0(NULL, &type, &value, a);
        if (type != V_ASN1_SEQUENCE || !value)
                return NULL;

        unpacked = ASN1_item_unpack(value, it);
        ERR_clear_error();
        return unpacked;
}

static int malformed(LoadFailure *f, const char *what) {
        return load_failure(f, VERDICT_FORMAT, HINT_DAMAGED, "%s is malformed", what);
}

/* A positive number that fits 64 bits. */
static bool get_positive(const ASN1_INTEGER *i, uint64_t *ret) {
        bool ok = i && ASN1_INTEGER_get_uint64(ret, i) == 1 && *ret > 0;

        ERR_clear_error();
        return ok;
}

static bool is_negative_or_zero(const ASN1_INTEGER *i) {
        return !i || ASN1_STRING_type((const ASN1_STRING *) i) == V_ASN1_NEG_INTEGER || ASN1_INTEGER_get(i) == 0;
}

int pbe_check_iterations(const ASN1_INTEGER *i, uint64_t *ret, LoadFailure *ret_failure) {
        if (is_negative_or_zero(i))
                return malformed(ret_failure, "an iteration count");
        if (!get_positive(i, ret) || *ret > KEYSTORE_ITERATIONS_MAX)
                return load_failure(ret_failure, VERDICT_LIMIT, HINT_REWRITE, "an iteration count is above %u", KEYSTORE_ITERATIONS_MAX);

        return 0;
}

int pbe_check_salt(const ASN1_OCTET_STRING *salt, uint8_t *ret, size_t *ret_n, LoadFailure *ret_failure) {
        int n = salt ? ASN1_STRING_length(salt) : -1;

        if (n < 0)
                return malformed(ret_failure, "a salt");
        if ((size_t) n > KEYSTORE_SALT_MAX)
                return load_failure(ret_failure, VERDICT_LIMIT, HINT_REWRITE, "a salt has %d bytes, more than %u", n, KEYSTORE_SALT_MAX);

        if (n > 0)
                memcpy(ret, ASN1_STRING_get0_data(salt), (size_t) n);
        *ret_n = (size_t) n;
        return 0;
}

static int check_key_size(const ASN1_INTEGER *i, size_t *ret, LoadFailure *f) {
        uint64_t n;

        *ret = 0;
        if (!i)
                return 0;
        if (!get_positive(i, &n))
                return malformed(f, "a key length");
        if (n > PBE_KEY_MAX)
                return load_failure(f, VERDICT_LIMIT, HINT_REWRITE, "a key length is above %u bytes", PBE_KEY_MAX);

        *ret = n;
        return 0;
}

static int parse_prf(const X509_ALGOR *prf, PbeKdf *ret, LoadFailure *f) {
        _cleanup_(EVP_MD_freep) EVP_MD *md = NULL;
        const ASN1_OBJECT *oid = NULL;
        char name[64];
        int digest = NID_sha1; /* RFC 8018, A.2: the default is HMAC with SHA-1 */

        if (prf) {
                X509_ALGOR_get0(&oid, NULL, NULL, prf);
                if (!EVP_PBE_find(EVP_PBE_TYPE_PRF, OBJ_obj2nid(oid), NULL, &digest, NULL))
                        digest = NID_undef;
                ERR_clear_error();
        }
        if (digest != NID_undef)
                md = EVP_MD_fetch(ossl_private(), OBJ_nid2sn(digest), NULL);
        if (!md) {
                ERR_clear_error();
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_REWRITE, "PBKDF2 with %s is not supported", pbe_oid_name(oid, name, sizeof(name)));
        }

        snprintf(ret->digest, sizeof(ret->digest), "%s", OBJ_nid2sn(digest));
        ret->digest_size = (size_t) EVP_MD_get_size(md);
        return 0;
}

static int parse_pbkdf2(const X509_ALGOR *a, PbeKdf *ret, LoadFailure *f) {
        _cleanup_(PBKDF2PARAM_freep) PBKDF2PARAM *p = pbe_unpack(a, ASN1_ITEM_rptr(PBKDF2PARAM));
        int r;

        if (!p || !p->salt)
                return malformed(f, "PBKDF2-params");
        if (p->salt->type != V_ASN1_OCTET_STRING)
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_REWRITE, "PBKDF2 with a salt from another source is not supported");

        r = pbe_check_salt(p->salt->value.octet_string, ret->salt, &ret->n_salt, f);
        if (r == 0)
                r = pbe_check_iterations(p->iter, &ret->iterations, f);
        if (r == 0)
                r = check_key_size(p->keylength, &ret->key_size, f);
        if (r == 0)
                r = parse_prf(p->prf, ret, f);

        return r;
}

/* RFC 7914, section 2: memory is 128 * r * N, plus 128 * r * p. Each factor is compared before the product is made. */
static int check_scrypt(const PbeKdf *k, LoadFailure *f) {
        const uint64_t blocks = PBE_SCRYPT_MEMORY_MAX / 128;

        if (k->n > blocks || k->r > blocks || k->p > blocks || k->n * k->r > blocks || k->p * k->r > blocks)
                return load_failure(f, VERDICT_LIMIT, HINT_REWRITE, "scrypt would need more than 64 MiB of memory");
        if (k->n < 2 || (k->n & (k->n - 1)))
                return malformed(f, "the cost parameter of scrypt");
        if (pbe_kdf_cost(k, 0) > KEYSTORE_ITERATIONS_MAX)
                return load_failure(f, VERDICT_LIMIT, HINT_REWRITE, "scrypt would need too much time");

        return 0;
}

static int parse_scrypt(const X509_ALGOR *a, PbeKdf *ret, LoadFailure *f) {
        _cleanup_(SCRYPT_PARAMS_freep) SCRYPT_PARAMS *p = pbe_unpack(a, ASN1_ITEM_rptr(SCRYPT_PARAMS));
        int r;

        if (!p || is_negative_or_zero(p->costParameter) || is_negative_or_zero(p->blockSize) || is_negative_or_zero(p->parallelizationParameter))
                return malformed(f, "scrypt-params");
        if (!get_positive(p->costParameter, &ret->n))
                ret->n = UINT64_MAX;
        if (!get_positive(p->blockSize, &ret->r))
                ret->r = UINT64_MAX;
        if (!get_positive(p->parallelizationParameter, &ret->p))
                ret->p = UINT64_MAX;

        ret->is_scrypt = true;
        r = pbe_check_salt(p->salt, ret->salt, &ret->n_salt, f);
        if (r == 0)
                r = check_key_size(p->keyLength, &ret->key_size, f);
        if (r == 0)
                r = check_scrypt(ret, f);

        return r;
}

int pbe_kdf_parse(const X509_ALGOR *a, PbeKdf *ret, LoadFailure *ret_failure) {
        const ASN1_OBJECT *oid = NULL;
        char name[64];

        *ret = (PbeKdf) {};
        if (!ossl_private())
                return -ENOMEM;
        if (!a)
                return malformed(ret_failure, "the key derivation");

        X509_ALGOR_get0(&oid, NULL, NULL, a);
        switch (OBJ_obj2nid(oid)) {
        case NID_id_pbkdf2:
                return parse_pbkdf2(a, ret, ret_failure);
        case NID_id_scrypt:
                return parse_scrypt(a, ret, ret_failure);
        default:
                return load_failure(ret_failure, VERDICT_UNSUPPORTED, HINT_REWRITE, "key derivation by %s is not supported",
                                    pbe_oid_name(oid, name, sizeof(name)));
        }
}

uint64_t pbe_kdf_cost(const PbeKdf *k, size_t key_size) {
        /* 16 MiB of scrypt take as long as 260,000 iterations. */
        if (k->is_scrypt)
                return 2 * k->n * k->r * k->p;

        return k->iterations * MAX_OF((key_size + k->digest_size - 1) / k->digest_size, 1U);
}

int pbe_kdf_derive(const PbeKdf *k, const Secret *password, uint8_t *ret, size_t key_size) {
        _cleanup_(EVP_KDF_freep) EVP_KDF *kdf = NULL;
        _cleanup_(EVP_KDF_CTX_freep) EVP_KDF_CTX *ctx = NULL;
        uint64_t n = k->n, r = k->r, p = k->p, iterations = k->iterations, memory = PBE_SCRYPT_MEMORY_MAX * 2;
        OSSL_PARAM params[8], *next = params;
        char digest[sizeof(k->digest)];

        ASSERT(key_size <= PBE_KEY_MAX);

        memcpy(digest, k->digest, sizeof(digest));
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, password ? (void *) secret_data(password) : (void *) "",
                                                    password ? secret_size(password) : 0);
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *) k->salt, k->n_salt);
        if (k->is_scrypt) {
                *next++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n);
                *next++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_R, &r);
                *next++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_P, &p);
                *next++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory);
        } else {
                *next++ = OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &iterations);
                *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
        }
        *next = OSSL_PARAM_construct_end();

        kdf = EVP_KDF_fetch(ossl_private(), k->is_scrypt ? "SCRYPT" : "PBKDF2", NULL);
        if (kdf)
                ctx = EVP_KDF_CTX_new(kdf);
        if (!ctx || EVP_KDF_derive(ctx, ret, key_size, params) != 1) {
                ERR_clear_error();
                return 1;
        }

        return 0;
}
