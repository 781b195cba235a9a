/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/loader/java/bcfks-writer.h"

#include <openssl/hmac.h>

#define OK(expr) ASSERT((expr) > 0)
#define DONE(expr) ASSERT((expr) == 0)

#define NULL_PARAMETER SPAN_LITERAL("\x05\x00")
#define DATE SPAN_LITERAL("20260101000000Z")

static const uint8_t salt[2048] = {1, 2, 3};
static const uint8_t nonce[16] = {9, 8, 7};
static const char *const purposes[] = {"INTEGRITY_CHECK", "STORE_ENCRYPTION", "PRIVATE_KEY_ENCRYPTION"};

BcfksSpec bcfks_spec(void) {
        BcfksSpec s = {
                .password = "changeit",
                .key_password = "changeit",
                .mac = OID_HMAC_SHA512,
                .inner_mac = OID_HMAC_SHA512,
                .cipher = OID_AES256_CCM,
                .key_cipher = OID_AES256_CCM,
                .n_nonce = 12,
                .n_tag = 8,
        };

        for (size_t i = 0; i < _BCFKS_STEP_MAX; i++) {
                s.kdf[i].iterations = 1;
                s.kdf[i].n_salt = 64;
                s.kdf[i].key_size = i == BCFKS_STEP_MAC ? 64 : 32;
                s.kdf[i].prf = OID_HMAC_SHA512;
        }

        return s;
}

static void put_kdf(const BcfksSpec *s, BcfksStep step, Buf *ret) {
        Buf fields = BUF_INIT(4096), parameter = BUF_INIT(4096);

        if (s->kdf[step].kdf.size > 0) {
                DONE(buf_append(ret, s->kdf[step].kdf.data, s->kdf[step].kdf.size));
                return;
        }

        der_put(&fields, 0x04, span_make(salt, s->kdf[step].n_salt));
        der_put_uint(&fields, s->kdf[step].iterations);
        if (s->kdf[step].key_size > 0)
                der_put_uint(&fields, s->kdf[step].key_size);
        if (s->kdf[step].prf)
                der_put_algorithm(&fields, s->kdf[step].prf, NULL_PARAMETER);
        der_put(&parameter, 0x30, buf_span(&fields));
        der_put_algorithm(ret, OID_PBKDF2, buf_span(&parameter));
        buf_done(&fields);
        buf_done(&parameter);
}

static const EVP_MD *digest_of(const char *oid) {
        return oid && strcmp(oid, OID_HMAC_SHA3_512) == 0 ? EVP_sha3_512() : EVP_sha512();
}

static void derive(const BcfksSpec *s, BcfksStep step, const char *password, uint8_t *ret, size_t size) {
        Buf input = BUF_INIT(4096);

        memset(ret, 0, size);
        if (password[0]) {
                utf16_from_ascii(password, &input);
                DONE(buf_append(&input, "\0\0", 2));
        }
        utf16_from_ascii(purposes[step], &input);
        DONE(buf_append(&input, "\0\0", 2));
        if (s->kdf[step].iterations > 0 && s->kdf[step].iterations <= 100000 && s->kdf[step].kdf.size == 0)
                OK(PKCS5_PBKDF2_HMAC((const char *) input.data, (int) input.size, salt, (int) s->kdf[step].n_salt, (int) s->kdf[step].iterations,
                                     digest_of(s->kdf[step].prf), (int) size, ret));
        buf_done(&input);
}

static void seal_ccm(const BcfksSpec *s, const uint8_t key[32], Span plain, Buf *ret) {
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        uint8_t *out;
        int n;

        DONE(buf_extend(ret, plain.size + s->n_tag, &out));
        OK(EVP_EncryptInit_ex(c, EVP_aes_256_ccm(), NULL, NULL, NULL));
        OK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, (int) s->n_nonce, NULL));
        OK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int) s->n_tag, NULL));
        OK(EVP_EncryptInit_ex(c, NULL, NULL, key, nonce));
        OK(EVP_EncryptUpdate(c, NULL, &n, NULL, (int) plain.size));
        OK(EVP_EncryptUpdate(c, out, &n, plain.data, (int) plain.size));
        OK(EVP_EncryptFinal_ex(c, out + n, &n));
        OK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, (int) s->n_tag, out + plain.size));
        EVP_CIPHER_CTX_free(c);
}

static void seal_wrap(const uint8_t key[32], Span plain, Buf *ret) {
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        uint8_t *out;
        int n;

        DONE(buf_extend(ret, (plain.size + 7) / 8 * 8 + 8, &out));
        EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        OK(EVP_EncryptInit_ex(c, EVP_aes_256_wrap_pad(), NULL, key, NULL));
        OK(EVP_EncryptUpdate(c, out, &n, plain.data, (int) plain.size));
        ASSERT((size_t) n == ret->size);
        EVP_CIPHER_CTX_free(c);
}

/* SEQUENCE { AlgorithmIdentifier PBES2, OCTET STRING } */
static void put_encrypted(const BcfksSpec *s, BcfksStep step, const char *password, const char *cipher, Span plain, Buf *ret) {
        Buf fields = BUF_INIT(256), ccm = BUF_INIT(256), pbes2 = BUF_INIT(4096), parameter = BUF_INIT(4096), content = BUF_INIT(DER_MAX);
        bool is_ccm = strcmp(cipher, OID_AES256_CCM) == 0;
        uint8_t key[32];

        derive(s, step, password, key, sizeof(key));
        if (strcmp(cipher, OID_AES256_WRAP_PAD) == 0)
                seal_wrap(key, plain, &content);
        else
                seal_ccm(s, key, plain, &content);
        der_put(&fields, 0x04, span_make(nonce, s->n_nonce));
        der_put_uint(&fields, s->n_tag);
        der_put(&ccm, 0x30, buf_span(&fields));

        put_kdf(s, step, &pbes2);
        der_put_algorithm(&pbes2, cipher, is_ccm ? buf_span(&ccm) : (Span) {});
        der_put(&parameter, 0x30, buf_span(&pbes2));
        protect_raw(OID_PBES2, buf_span(&parameter), buf_span(&content), ret);
        buf_done(&fields);
        buf_done(&ccm);
        buf_done(&pbes2);
        buf_done(&parameter);
        buf_done(&content);
}

void bcfks_put_key(const BcfksSpec *spec, Span plain, uint32_t n, Span certificate, Buf *ret) {
        Buf body = BUF_INIT(DER_MAX), chain = BUF_INIT(DER_MAX);

        put_encrypted(spec, BCFKS_STEP_KEY, spec->key_password, spec->key_cipher, plain, &body);
        for (uint32_t i = 0; i < n; i++)
                DONE(buf_append(&chain, certificate.data, certificate.size));
        der_put(&body, 0x30, buf_span(&chain));
        der_put(ret, 0x30, buf_span(&body));
        buf_done(&body);
        buf_done(&chain);
}

void bcfks_put_object(uint64_t type, Span alias, Span data, Buf *ret) {
        Buf body = BUF_INIT(DER_MAX);

        der_put_uint(&body, type);
        der_put(&body, 0x0c, alias);
        der_put(&body, 0x18, DATE);
        der_put(&body, 0x18, DATE);
        der_put(&body, 0x04, data);
        der_put(ret, 0x30, buf_span(&body));
        buf_done(&body);
}

void bcfks_put_store(const BcfksSpec *spec, Span objects, Buf *ret) {
        Buf inner = BUF_INIT(DER_MAX), data = BUF_INIT(DER_MAX), first = BUF_INIT(DER_MAX), check = BUF_INIT(4096), body = BUF_INIT(DER_MAX);
        size_t key_size = spec->kdf[BCFKS_STEP_MAC].key_size;
        uint8_t key[256] = {}, mac[64];

        der_put_uint(&inner, 1);
        der_put_algorithm(&inner, spec->inner_mac, NULL_PARAMETER);
        der_put(&inner, 0x18, DATE);
        der_put(&inner, 0x18, DATE);
        der_put(&inner, 0x30, objects);
        der_put(&data, 0x30, buf_span(&inner));
        if (spec->cipher)
                put_encrypted(spec, BCFKS_STEP_STORE, spec->password, spec->cipher, buf_span(&data), &first);
        else
                buf_move(&first, &data);

        if (key_size > 0 && key_size <= sizeof(key))
                derive(spec, BCFKS_STEP_MAC, spec->password, key, key_size);
        ASSERT(HMAC(digest_of(spec->mac), key, (int) MIN_OF(key_size, sizeof(key)), first.data, first.size, mac, NULL));
        der_put_algorithm(&check, spec->mac, NULL_PARAMETER);
        put_kdf(spec, BCFKS_STEP_MAC, &check);
        der_put(&check, 0x04, span_make(mac, sizeof(mac)));

        DONE(buf_append(&body, first.data, first.size));
        der_put(&body, spec->is_signed ? 0xa0 : 0x30, buf_span(&check));
        der_put(ret, 0x30, buf_span(&body));
        buf_done(&inner);
        buf_done(&data);
        buf_done(&first);
        buf_done(&check);
        buf_done(&body);
}

Buf bcfks_make(const BcfksSpec *s, const Fixture *f, uint32_t n_chain) {
        Buf key = BUF_INIT(DER_MAX), objects = BUF_INIT(DER_MAX), store = BUF_INIT(DER_MAX);

        bcfks_put_key(s, buf_span(&f->pkcs8), n_chain, buf_span(&f->certificate), &key);
        bcfks_put_object(1, SPAN_LITERAL("MyKey"), buf_span(&key), &objects);
        bcfks_put_store(s, buf_span(&objects), &store);
        buf_done(&key);
        buf_done(&objects);
        return store;
}
