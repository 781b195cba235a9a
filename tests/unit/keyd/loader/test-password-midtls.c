/* SPDX-License-Identifier: Apache-2.0 */

/* Passwords encrypted to this host's key: what is taken, what is refused and as what */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "tests/unit/keyd/loader/envelopes.h"

#define BASE64_MAX (64U * 1024)

static void expect_content(Envelope d, const void *content, size_t size) {
        _cleanup_free_ char *text = envelope_base64(d.data, d.size);
        _cleanup_(secret_freep) Secret *s = NULL;
        LoadFailure f;

        if (envelope_decrypt(0, text, &s, &f) != VERDICT_OK)
                fail_msg("%s; %s", f.detail, f.hint);
        assert_int_equal(secret_size(s), size);
        assert_memory_equal(secret_data(s), content, size);
        envelope_done(&d);
}

static void test_good(void **state _unused_) {
        const EVP_CIPHER *const ciphers[] = {EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc(),
                                             EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm()};
        static const char odd[] = "a\0b\r\n\xff";
        uint8_t longest[4096];

        memset(longest, 'x', sizeof(longest));
        for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
                for (int oaep = 0; oaep <= 1; oaep++) {
                        expect_content(envelope_make(0, ciphers[i], oaep, ENVELOPE_SECRET, strlen(ENVELOPE_SECRET)), ENVELOPE_SECRET,
                                       strlen(ENVELOPE_SECRET));
                        expect_content(envelope_make(0, ciphers[i], oaep, odd, sizeof(odd)), odd, sizeof(odd));
                        expect_content(envelope_make(0, ciphers[i], oaep, longest, sizeof(longest)), longest, sizeof(longest));
                }
}

static void test_too_long(void **state _unused_) {
        uint8_t content[4097];
        char *text = calloc(BASE64_MAX + 5, 1);

        memset(content, 'x', sizeof(content));
        expect_envelope(envelope_make(0, EVP_aes_256_cbc(), false, content, sizeof(content)), VERDICT_LIMIT, "4096");
        expect_envelope(envelope_make(0, EVP_aes_256_gcm(), true, content, sizeof(content)), VERDICT_LIMIT, "4096");

        memset(text, 'A', BASE64_MAX);
        expect_text(text, VERDICT_FORMAT, "not CMS");
        memset(text, 'A', BASE64_MAX + 4);
        expect_text(text, VERDICT_LIMIT, "65536");
        free(text);
}

static void test_other_host(void **state _unused_) {
        expect_envelope(envelope_make(1, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, 5), VERDICT_MISMATCH, "another host");
        expect_envelope(envelope_make(1, EVP_aes_256_cbc(), false, ENVELOPE_SECRET, 5), VERDICT_MISMATCH, "another host");
}

static void test_base64_is_strict(void **state _unused_) {
        static const char *const bad[] = {"",      "A",     "AA",     "AAA",       "AAAAA", "AA=A",     "A===",     "====", "AB==",   "AAB=",
                                          " AAAA", "AAAA ", "AAAA\n", "AAAA\nAAA", "AA-_",  "AAAA====", "AAA=AAAA", "-AAA", "\032AAA"};

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                expect_text(bad[i], VERDICT_FORMAT, "base64");
        expect_text("AAAA", VERDICT_FORMAT, "not CMS");
}

static void test_not_enveloped(void **state _unused_) {
        BIO *in = BIO_new_mem_buf(ENVELOPE_SECRET, -1);
        CMS_ContentInfo *plain = CMS_data_create(in, CMS_BINARY), *digested;
        Envelope d = {};

        d.size = (size_t) i2d_CMS_ContentInfo(plain, &d.data);
        expect_envelope(d, VERDICT_FORMAT, NULL);
        BIO_free(in);

        in = BIO_new_mem_buf(ENVELOPE_SECRET, -1);
        digested = CMS_digest_create(in, EVP_sha256(), CMS_BINARY);
        d = (Envelope) {};
        d.size = (size_t) i2d_CMS_ContentInfo(digested, &d.data);
        expect_envelope(d, VERDICT_FORMAT, "nothing that is encrypted");
        BIO_free(in);
        CMS_ContentInfo_free(plain);
        CMS_ContentInfo_free(digested);

        expect_envelope(envelope_make(0, EVP_des_ede3_cbc(), false, ENVELOPE_SECRET, 5), VERDICT_UNSUPPORTED, "aes256");
}

/* Every prefix, and a byte too many */
static void test_truncated(void **state _unused_) {
        Envelope d = envelope_make(0, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, strlen(ENVELOPE_SECRET));
        uint8_t *longer = calloc(d.size + 1, 1);

        for (size_t n = 1; n < d.size; n++)
                expect_der(d.data, n, VERDICT_FORMAT, NULL);
        memcpy(longer, d.data, d.size);
        expect_der(longer, d.size + 1, VERDICT_FORMAT, NULL);
        free(longer);
        envelope_done(&d);
}

/* With GCM a damaged value never gives another password; without it, mostly. */
static void test_damaged(void **state _unused_) {
        Envelope d = envelope_make(0, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, strlen(ENVELOPE_SECRET));
        size_t n_refused = 0;

        for (size_t i = 0; i < d.size; i++) {
                _cleanup_(secret_freep) Secret *s = NULL;
                _cleanup_free_ char *text = NULL;
                LoadFailure f;

                d.data[i] ^= 1;
                text = envelope_base64(d.data, d.size);
                if (envelope_decrypt(0, text, &s, &f) == VERDICT_OK) {
                        assert_int_equal(secret_size(s), strlen(ENVELOPE_SECRET));
                        assert_memory_equal(secret_data(s), ENVELOPE_SECRET, strlen(ENVELOPE_SECRET));
                } else
                        n_refused++;
                d.data[i] ^= 1;
        }
        /* Versions and the content's type are not covered. */
        assert_true(n_refused + 24 > d.size);

        d.data[d.size - 1] ^= 1;
        expect_envelope(d, VERDICT_AUTH, "damaged");
}

/* outlines by hand */

static void put(Buf *out, uint8_t tag, const Buf *content) {
        uint8_t head[] = {tag, 0x82, (uint8_t) (content->size >> 8), (uint8_t) content->size};

        assert_int_equal(buf_append(out, head, sizeof(head)), 0);
        assert_int_equal(buf_append(out, content->data, content->size), 0);
}

/* AuthEnvelopedData without a recipient, with the nonce in question */
static int outline(size_t nonce_size, uint8_t arc, uint8_t cipher, LoadFailure *f) {
        static const uint8_t type[] = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17};
        static const uint8_t version_and_set[] = {0x02, 0x01, 0x00, 0x31, 0x00}, data_type[] = {0x06, 0x01, 0x2a}, content[] = {0x80, 0x01, 0x00};
        const uint8_t id[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, arc, cipher};
        Buf b[8];
        uint8_t *exact;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(b); i++)
                b[i] = (Buf) BUF_INIT(4096);
        for (size_t i = 0; i < nonce_size; i++)
                assert_int_equal(buf_append(&b[0], "n", 1), 0);
        put(&b[1], 0x04, &b[0]);
        assert_int_equal(buf_append(&b[2], id, sizeof(id)), 0);
        put(&b[2], 0x30, &b[1]);
        assert_int_equal(buf_append(&b[3], data_type, sizeof(data_type)), 0);
        put(&b[3], 0x30, &b[2]);
        assert_int_equal(buf_append(&b[3], content, sizeof(content)), 0);
        assert_int_equal(buf_append(&b[4], version_and_set, sizeof(version_and_set)), 0);
        put(&b[4], 0x30, &b[3]);
        put(&b[5], 0x30, &b[4]);
        assert_int_equal(buf_append(&b[6], type, sizeof(type)), 0);
        put(&b[6], 0xa0, &b[5]);
        put(&b[7], 0x30, &b[6]);

        exact = malloc(b[7].size);
        memcpy(exact, b[7].data, b[7].size);
        r = cms_check((BerBytes) {.data = exact, .size = b[7].size}, f);
        free(exact);
        for (size_t i = 0; i < ARRAY_SIZE(b); i++)
                buf_done(&b[i]);
        return r;
}

/* A nonce that is too long overran a buffer in OpenSSL before 3.0.19: it does not get there. */
static void test_outline(void **state _unused_) {
        LoadFailure f;

        assert_int_equal(outline(1, 1, 46, &f), 0);
        assert_int_equal(outline(12, 1, 6, &f), 0);
        assert_int_equal(outline(16, 1, 26, &f), 0);
        assert_int_equal(outline(0, 1, 46, &f), 1);
        assert_int_equal(f.verdict, VERDICT_FORMAT);
        assert_int_equal(outline(17, 1, 46, &f), 1);
        assert_int_equal(f.verdict, VERDICT_FORMAT);
        assert_int_equal(outline(1000, 1, 46, &f), 1);
        /* Another arc than AES's; CBC in AuthEnvelopedData, CCM, and what is none of AES */
        assert_int_equal(outline(12, 2, 46, &f), 1);
        assert_int_equal(f.verdict, VERDICT_UNSUPPORTED);
        for (uint8_t cipher = 0; cipher < 128; cipher++)
                if (cipher != 6 && cipher != 26 && cipher != 46) {
                        assert_int_equal(outline(12, 1, cipher, &f), 1);
                        assert_int_equal(f.verdict, VERDICT_UNSUPPORTED);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),          cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_other_host),    cmocka_unit_test(test_base64_is_strict),
                cmocka_unit_test(test_not_enveloped), cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_damaged),       cmocka_unit_test(test_outline),
        };

        return cmocka_run_group_tests(tests, envelope_setup, envelope_teardown);
}
