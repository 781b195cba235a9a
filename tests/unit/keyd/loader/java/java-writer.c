/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/loader/java/java-writer.h"

#include <openssl/objects.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#define OK(expr) ASSERT((expr) > 0)
#define DONE(expr) ASSERT((expr) == 0)

void fixture_init(Fixture *f) {
        X509 *x = X509_new();
        PKCS8_PRIV_KEY_INFO *info;
        uint8_t *der = NULL;
        int n;

        *f = (Fixture) {.pkcs8 = BUF_INIT(4096), .certificate = BUF_INIT(4096)};
        f->key = EVP_EC_gen("P-256");
        ASSERT(f->key && x);

        info = EVP_PKEY2PKCS8(f->key);
        OK(n = i2d_PKCS8_PRIV_KEY_INFO(info, &der));
        DONE(buf_append(&f->pkcs8, der, (size_t) n));
        OPENSSL_free(der);
        PKCS8_PRIV_KEY_INFO_free(info);

        OK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *) "test", -1, -1, 0));
        OK(X509_set_issuer_name(x, X509_get_subject_name(x)));
        ASSERT(X509_gmtime_adj(X509_getm_notBefore(x), 0) && X509_gmtime_adj(X509_getm_notAfter(x), 3600));
        OK(X509_set_pubkey(x, f->key));
        OK(X509_sign(x, f->key, EVP_sha256()));
        der = NULL;
        OK(n = i2d_X509(x, &der));
        DONE(buf_append(&f->certificate, der, (size_t) n));
        OPENSSL_free(der);
        X509_free(x);
}

void fixture_done(Fixture *f) {
        EVP_PKEY_free(f->key);
        buf_done(&f->pkcs8);
        buf_done(&f->certificate);
}

void java_writer_init(JavaWriter *j, uint32_t magic, uint32_t version, uint32_t n_entries) {
        *j = (JavaWriter) {.store = BUF_INIT(4U * 1024 * 1024), .version = version};
        wire_writer_init(&j->w, &j->store);
        wire_put_u32(&j->w, magic);
        wire_put_u32(&j->w, version);
        wire_put_u32(&j->w, n_entries);
}

void java_writer_done(JavaWriter *j) {
        buf_done(&j->store);
}

void java_writer_head(JavaWriter *j, uint32_t tag, Span alias) {
        wire_put_u32(&j->w, tag);
        wire_put_vector(&j->w, 2, alias);
        wire_put_u64(&j->w, 1700000000000);
}

void java_writer_certificate(JavaWriter *j, const char *type, Span der) {
        if (j->version != 1)
                wire_put_vector(&j->w, 2, span_from_string(type));
        wire_put_vector(&j->w, 4, der);
}

void java_writer_private_key(JavaWriter *j, Span alias, Span protected, uint32_t n, Span certificate) {
        java_writer_head(j, 1, alias);
        wire_put_vector(&j->w, 4, protected);
        wire_put_u32(&j->w, n);
        for (uint32_t i = 0; i < n; i++)
                java_writer_certificate(j, "X.509", certificate);
}

static void digest(const EVP_MD *md, Span a, Span b, uint8_t *ret) {
        EVP_MD_CTX *c = EVP_MD_CTX_new();

        OK(EVP_DigestInit_ex(c, md, NULL));
        OK(EVP_DigestUpdate(c, a.data, a.size));
        OK(EVP_DigestUpdate(c, b.data, b.size));
        OK(EVP_DigestFinal_ex(c, ret, NULL));
        EVP_MD_CTX_free(c);
}

void java_writer_digest(JavaWriter *j, Span utf16) {
        Buf head = BUF_INIT(65536);
        uint8_t d[20];

        DONE(wire_writer_end(&j->w));
        DONE(buf_append(&head, utf16.data, utf16.size));
        DONE(buf_append(&head, "Mighty Aphrodite", 16));
        digest(EVP_sha1(), buf_span(&head), buf_span(&j->store), d);
        wire_put_bytes(&j->w, d, sizeof(d));
        buf_done(&head);
}

void utf16_from_ascii(const char *s, Buf *ret) {
        for (; *s; s++)
                DONE(buf_append(ret, (uint8_t[]) {0, (uint8_t) *s}, 2));
}

void der_put(Buf *b, uint8_t tag, Span content) {
        size_t n = content.size < 0x80 ? 0 : content.size < 0x100 ? 1 : content.size < 0x10000 ? 2 : 3;

        ASSERT(content.size < 1U << 24);
        DONE(buf_append(b, (uint8_t[]) {tag, (uint8_t) (n == 0 ? content.size : 0x80 | n)}, 2));
        for (size_t i = n; i > 0; i--)
                DONE(buf_append(b, (uint8_t[]) {(uint8_t) (content.size >> (8 * (i - 1)))}, 1));
        if (content.size > 0)
                DONE(buf_append(b, content.data, content.size));
}

void der_put_algorithm(Buf *b, const char *oid, Span parameter) {
        Buf algorithm = BUF_INIT(4096);
        ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

        ASSERT(o);
        der_put(&algorithm, 0x06, span_make(OBJ_get0_data(o), OBJ_length(o)));
        if (parameter.size > 0)
                DONE(buf_append(&algorithm, parameter.data, parameter.size));
        der_put(b, 0x30, buf_span(&algorithm));
        ASN1_OBJECT_free(o);
        buf_done(&algorithm);
}

void der_put_uint(Buf *b, uint64_t v) {
        uint8_t bytes[9] = {};
        size_t skip = 0;

        for (size_t i = 8; i > 0; i--, v >>= 8)
                bytes[i] = (uint8_t) v;
        while (skip < 8 && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
                skip++;
        der_put(b, 0x02, span_make(bytes + skip, sizeof(bytes) - skip));
}

void protect_raw(const char *oid, Span parameter, Span content, Buf *ret) {
        Buf body = BUF_INIT(DER_MAX);

        der_put_algorithm(&body, oid, parameter);
        der_put(&body, 0x04, content);
        der_put(ret, 0x30, buf_span(&body));
        buf_done(&body);
}

void jks_protect(Span utf16, Span plain, Buf *ret) {
        Buf content = BUF_INIT(65536);
        uint8_t block[20];

        OK(RAND_bytes(block, sizeof(block)));
        DONE(buf_append(&content, block, sizeof(block)));
        for (size_t i = 0; i < plain.size; i++) {
                uint8_t c;

                if (i % 20 == 0)
                        digest(EVP_sha1(), utf16, span_make(block, sizeof(block)), block);
                c = plain.data[i] ^ block[i % 20];
                DONE(buf_append(&content, &c, 1));
        }
        digest(EVP_sha1(), utf16, plain, block);
        DONE(buf_append(&content, block, sizeof(block)));
        protect_raw("1.3.6.1.4.1.42.2.17.1.1", SPAN_LITERAL("\x05\x00"), buf_span(&content), ret);
        buf_done(&content);
}

static void jceks_key(const char *password, const uint8_t salt[8], bool old_slip, uint32_t iterations, uint8_t ret[32]) {
        uint8_t s[8];

        memcpy(s, salt, 8);
        if (memcmp(s, s + 4, 4) == 0)
                for (int i = 0; i < 2; i++) {
                        uint8_t t = s[i];

                        s[i] = s[3 - i];
                        s[old_slip ? 3 - 1 : 3 - i] = t;
                }
        for (size_t h = 0; h < 2; h++) {
                Span x = span_make(s + 4 * h, 4);

                for (uint32_t i = 0; i < iterations; i++) {
                        digest(EVP_md5(), x, span_from_string(password), ret + 16 * h);
                        x = span_make(ret + 16 * h, 16);
                }
        }
}

void jceks_protect(const char *password, const uint8_t salt[8], bool old_slip, uint32_t iterations, Span plain, Buf *ret) {
        uint8_t key[32] = {};
        Buf fields = BUF_INIT(64), parameter = BUF_INIT(64), content = BUF_INIT(65536);
        EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        uint8_t *out;
        int n, n_last;

        der_put(&fields, 0x04, span_make(salt, 8));
        der_put_uint(&fields, iterations);
        der_put(&parameter, 0x30, buf_span(&fields));

        if (iterations <= 1000000)
                jceks_key(password, salt, old_slip, iterations, key);
        DONE(buf_extend(&content, plain.size + 8 - plain.size % 8, &out));
        OK(EVP_EncryptInit_ex(c, EVP_des_ede3_cbc(), NULL, key, key + 24));
        OK(EVP_EncryptUpdate(c, out, &n, plain.data, (int) plain.size));
        OK(EVP_EncryptFinal_ex(c, out + n, &n_last));
        EVP_CIPHER_CTX_free(c);
        protect_raw("1.3.6.1.4.1.42.2.19.1", buf_span(&parameter), buf_span(&content), ret);
        buf_done(&fields);
        buf_done(&parameter);
        buf_done(&content);
}
