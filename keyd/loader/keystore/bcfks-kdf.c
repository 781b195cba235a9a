/* SPDX-License-Identifier: Apache-2.0 */

/* Parameters of BCFKS's algorithms, with their limits: whoever wrote the file chose them */

#include "keyd/loader/keystore/bcfks-crypto.h"
#include "keyd/loader/file.h"

#define SCRYPT_BLOCKS_MAX UINT64_C(524288)  /* of 128 bytes: 64 MiB */
#define SCRYPT_WORK_MAX (UINT64_C(1) << 23) /* N * r * p: some seconds; Bouncy Castle's own choice is 2^20 */
#define KEY_SIZE_MAX 128U                   /* a block of SHA-512 */
#define CCM_TAG_DEFAULT 12U                 /* RFC 5084, 3.1 */

static int fail_format(const char *what, LoadFailure *f) {
        return load_failure(f, VERDICT_FORMAT, "make the keystore again with Bouncy Castle", "%s: the parameters of an algorithm are malformed",
                            what);
}

static int fail_unsupported(const char *what, const char *role, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED,
                            "keytool -importkeystore -srckeystore OLD -srcstoretype BCFKS -destkeystore NEW.p12 -deststoretype PKCS12",
                            "%s: %s is not one that is known for BCFKS", what, role);
}

static int fail_limit(const char *what, const char *quantity, uint64_t n, uint64_t max, LoadFailure *f) {
        return load_failure(f, VERDICT_LIMIT, "make the keystore again with smaller parameters", "%s asks for %llu %s; at most %llu are accepted",
                            what, (unsigned long long) n, quantity, (unsigned long long) max);
}

/* The last, optional number of both KDFs. */
static uint64_t get_key_size(JavaReader *r) {
        return der_peek(r, DER_INTEGER) ? der_get_uint(r) : 0;
}

/* PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount, keyLength OPTIONAL, prf DEFAULT hmacWithSHA1 } (RFC 8018, A.2) */
static int pbkdf2_parse(JavaReader *r, const char *what, BcfksKdf *k, uint64_t *ret_key_size, LoadFailure *f) {
        BcfksAlgorithm prf = {};
        uint64_t iterations;

        k->salt = der_get(r, DER_OCTET_STRING);
        iterations = der_get_uint(r);
        *ret_key_size = get_key_size(r);
        if (der_peek(r, DER_SEQUENCE))
                prf = bcfks_get_algorithm(r);
        k->prf = prf.oid;

        if (!der_end(r) || !bcfks_algorithm_is_bare(&prf) || iterations < 1)
                return fail_format(what, f);
        if (iterations > KEYSTORE_ITERATIONS_MAX)
                return fail_limit(what, "iterations", iterations, KEYSTORE_ITERATIONS_MAX, f);
        if (k->prf != BCFKS_OID_HMAC_SHA512 && k->prf != BCFKS_OID_HMAC_SHA3_512)
                return fail_unsupported(what, "the function of PBKDF2", f);

        k->iterations = (uint32_t) iterations;
        return 0;
}

/* scrypt-params ::= SEQUENCE { salt OCTET STRING, N, r, p, keyLength OPTIONAL } (RFC 7914, 7.1) */
static int scrypt_parse(JavaReader *r, const char *what, BcfksKdf *k, uint64_t *ret_key_size, LoadFailure *f) {
        k->salt = der_get(r, DER_OCTET_STRING);
        k->cost = der_get_uint(r);
        k->block_size = der_get_uint(r);
        der_get_uint(r); /* p, which Bouncy Castle does not use */
        *ret_key_size = get_key_size(r);

        /* RFC 7914, 2: N is larger than 1, a power of 2 and less than 2^(128 * r / 8) */
        if (!der_end(r) || k->block_size < 1 || k->cost < 2)
                return fail_format(what, f);
        if (k->cost > SCRYPT_BLOCKS_MAX)
                return fail_limit(what, "as scrypt's cost", k->cost, SCRYPT_BLOCKS_MAX, f);
        if ((k->cost & (k->cost - 1)) != 0 || (k->block_size == 1 && k->cost >= 65536))
                return fail_format(what, f);
        /* What scrypt takes is 128 * r * (N + p) bytes. */
        if (k->block_size > SCRYPT_BLOCKS_MAX / (k->cost + MIN_OF(k->block_size, SCRYPT_BLOCKS_MAX)))
                return fail_limit(what, "as scrypt's block size, for the memory that this takes with that cost", k->block_size,
                                  SCRYPT_BLOCKS_MAX / (k->cost + MIN_OF(k->block_size, SCRYPT_BLOCKS_MAX)), f);
        if (k->cost * k->block_size * k->block_size > SCRYPT_WORK_MAX)
                return fail_limit(what, "scrypt steps", k->cost * k->block_size * k->block_size, SCRYPT_WORK_MAX, f);

        return 0;
}

int bcfks_kdf_parse(const BcfksAlgorithm *a, const char *what, BcfksKdf *ret, LoadFailure *ret_failure) {
        uint64_t key_size = 0;
        JavaReader outside, r;
        int e;

        *ret = (BcfksKdf) {.oid = a->oid};
        java_reader_init(&outside, a->parameters);
        if (a->oid != BCFKS_OID_PBKDF2 && a->oid != BCFKS_OID_SCRYPT)
                return fail_unsupported(what, "the function that derives the key", ret_failure);

        r = der_get_inside(&outside, DER_SEQUENCE);
        if (!der_end(&outside))
                return fail_format(what, ret_failure);
        e = (a->oid == BCFKS_OID_PBKDF2 ? pbkdf2_parse : scrypt_parse)(&r, what, ret, &key_size, ret_failure);
        if (e)
                return e;
        if (ret->salt.size > KEYSTORE_SALT_MAX)
                return fail_limit(what, "bytes of salt", ret->salt.size, KEYSTORE_SALT_MAX, ret_failure);
        if (key_size > KEY_SIZE_MAX)
                return fail_limit(what, "bytes of key", key_size, KEY_SIZE_MAX, ret_failure);

        ret->key_size = (uint32_t) key_size;
        return 0;
}

/* CCMParameters ::= SEQUENCE { aes-nonce OCTET STRING, aes-ICVlen INTEGER DEFAULT 12 } (RFC 5084, 3.1) */
static bool ccm_parse(JavaBytes parameters, BcfksCipher *c) {
        uint64_t tag_size = CCM_TAG_DEFAULT;
        JavaReader outside, r;

        java_reader_init(&outside, parameters);
        r = der_get_inside(&outside, DER_SEQUENCE);
        c->nonce = der_get(&r, DER_OCTET_STRING);
        if (r.rest.size > 0)
                tag_size = der_get_uint(&r);
        c->tag_size = tag_size <= 16 ? (uint32_t) tag_size : 0;

        /* RFC 5084, 3.1: nonces of 7 to 13 bytes, tags of 4, 6, ... 16 */
        return der_end(&outside) && der_end(&r) && c->nonce.size >= 7 && c->nonce.size <= 13 && c->tag_size >= 4 && c->tag_size % 2 == 0;
}

/* PBES2-params ::= SEQUENCE { keyDerivationFunc, encryptionScheme } (RFC 8018, A.4) */
int bcfks_cipher_parse(const BcfksAlgorithm *a, const char *what, BcfksCipher *ret, LoadFailure *ret_failure) {
        BcfksAlgorithm kdf, scheme;
        JavaReader outside, r;
        int e;

        *ret = (BcfksCipher) {};
        if (a->oid != BCFKS_OID_PBES2)
                return fail_unsupported(what, "the encryption", ret_failure);
        java_reader_init(&outside, a->parameters);
        r = der_get_inside(&outside, DER_SEQUENCE);
        kdf = bcfks_get_algorithm(&r);
        scheme = bcfks_get_algorithm(&r);
        if (!der_end(&outside) || !der_end(&r))
                return fail_format(what, ret_failure);

        e = bcfks_kdf_parse(&kdf, what, &ret->kdf, ret_failure);
        if (e)
                return e;
        ret->oid = scheme.oid;
        if (scheme.oid != BCFKS_OID_AES256_CCM && scheme.oid != BCFKS_OID_AES256_WRAP_PAD)
                return fail_unsupported(what, "the cipher", ret_failure);
        if (ret->kdf.key_size != 0 && ret->kdf.key_size != BCFKS_CIPHER_KEY_SIZE)
                return fail_format(what, ret_failure);
        if (scheme.oid == BCFKS_OID_AES256_CCM && !ccm_parse(scheme.parameters, ret))
                return fail_format(what, ret_failure);

        return 0;
}
