/* SPDX-License-Identifier: Apache-2.0 */

/* Passwords encrypted to this host's key: what is taken, what is refused and as what, and how the key is made */

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>

#include "common/buf.h"
#include "keyd/loader/cms.h"
#include "keyd/loader/host-key-make.h"
#include "keyd/loader/store.h"

#define BASE64_MAX (64U * 1024)
#define SECRET "opensesame-4711"
#define N_FOLDERS 2U

static char folders[N_FOLDERS][32]; /* each with a host key of its own */
static HostKey hosts[N_FOLDERS];

static const char *in_folder(size_t i, const char *name) {
        static char path[96];

        snprintf(path, sizeof(path), "%s/%s", folders[i], name);
        return path;
}

static int make(void **state _unused_) {
        LoadFailure f;

        for (size_t i = 0; i < N_FOLDERS; i++) {
                snprintf(folders[i], sizeof(folders[i]), "/tmp/test-midtls-XXXXXX");
                if (!mkdtemp(folders[i]) || host_key_make(folders[i]) != 0 || host_key_read(folders[i], &hosts[i], &f) != 0)
                        return -1;
        }
        return 0;
}

static int remove_all(void **state _unused_) {
        static const char *const names[] = {HOST_KEY_FILE, HOST_CERTIFICATE_FILE, HOST_KEY_CREDENTIAL};

        for (size_t i = 0; i < N_FOLDERS; i++) {
                host_key_done(&hosts[i]);
                for (size_t n = 0; n < ARRAY_SIZE(names); n++)
                        unlink(in_folder(i, names[n]));
                if (rmdir(folders[i]) < 0)
                        return -1;
        }
        return 0;
}

/* values */

typedef struct Der {
        uint8_t *data;
        size_t size;
} Der;

static void der_done(Der *d) {
        OPENSSL_free(d->data);
}

static Der envelope(size_t host, const EVP_CIPHER *cipher, bool oaep, const void *content, size_t size) {
        CMS_ContentInfo *c = CMS_encrypt(NULL, NULL, cipher, CMS_BINARY | CMS_PARTIAL);
        CMS_RecipientInfo *r = CMS_add1_recipient_cert(c, hosts[host].certificate, oaep ? CMS_KEY_PARAM | CMS_USE_KEYID : 0);
        BIO *in = BIO_new_mem_buf(content, (int) size);
        Der d = {};
        int n;

        assert_non_null(r);
        if (oaep)
                assert_true(EVP_PKEY_CTX_set_rsa_padding(CMS_RecipientInfo_get0_pkey_ctx(r), RSA_PKCS1_OAEP_PADDING) > 0);
        assert_int_equal(CMS_final(c, in, NULL, CMS_BINARY), 1);
        n = i2d_CMS_ContentInfo(c, &d.data);
        assert_true(n > 0);
        d.size = (size_t) n;
        BIO_free(in);
        CMS_ContentInfo_free(c);
        return d;
}

static char *base64_of(const uint8_t *data, size_t size) {
        char *text = malloc(size / 3 * 4 + 5);

        assert_non_null(text);
        EVP_EncodeBlock((unsigned char *) text, data, (int) size);
        return text;
}

/* Return: what it says; VERDICT_OK with *ret set */
static Verdict decrypt(size_t host, const char *text, Secret **ret, LoadFailure *f) {
        _cleanup_free_ char *exact = strdup(text);
        int r;

        *f = (LoadFailure) {};
        r = password_decrypt(exact, folders[host], ret, f);
        assert_true(r == 0 || r == 1);
        assert_int_equal(ERR_peek_error(), 0);
        if (r == 1)
                assert_true(f->detail[0] && f->hint[0]);
        return r == 0 ? VERDICT_OK : f->verdict;
}

static void expect(const char *text, Verdict verdict, const char *says) {
        _cleanup_(secret_freep) Secret *s = NULL;
        LoadFailure f;
        Verdict v = decrypt(0, text, &s, &f);

        if (v != verdict || (says && !strstr(f.detail, says) && !strstr(f.hint, says)))
                fail_msg("%s: %s; %s", verdict_to_string(v), f.detail, f.hint);
}

static void expect_der(const uint8_t *der, size_t size, Verdict verdict, const char *says) {
        _cleanup_free_ char *text = base64_of(der, size);

        expect(text, verdict, says);
}

static void expect_envelope(Der d, Verdict verdict, const char *says) {
        expect_der(d.data, d.size, verdict, says);
        der_done(&d);
}

static void expect_content(Der d, const void *content, size_t size) {
        _cleanup_free_ char *text = base64_of(d.data, d.size);
        _cleanup_(secret_freep) Secret *s = NULL;
        LoadFailure f;

        if (decrypt(0, text, &s, &f) != VERDICT_OK)
                fail_msg("%s; %s", f.detail, f.hint);
        assert_int_equal(secret_size(s), size);
        assert_memory_equal(secret_data(s), content, size);
        der_done(&d);
}

static void test_good(void **state _unused_) {
        const EVP_CIPHER *const ciphers[] = {EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc(),
                                             EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm()};
        static const char odd[] = "a\0b\r\n\xff";
        uint8_t longest[4096];

        memset(longest, 'x', sizeof(longest));
        for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++)
                for (int oaep = 0; oaep <= 1; oaep++) {
                        expect_content(envelope(0, ciphers[i], oaep, SECRET, strlen(SECRET)), SECRET, strlen(SECRET));
                        expect_content(envelope(0, ciphers[i], oaep, odd, sizeof(odd)), odd, sizeof(odd));
                        expect_content(envelope(0, ciphers[i], oaep, longest, sizeof(longest)), longest, sizeof(longest));
                }
}

static void test_too_long(void **state _unused_) {
        uint8_t content[4097];
        char *text = calloc(BASE64_MAX + 5, 1);

        memset(content, 'x', sizeof(content));
        expect_envelope(envelope(0, EVP_aes_256_cbc(), false, content, sizeof(content)), VERDICT_LIMIT, "4096");
        expect_envelope(envelope(0, EVP_aes_256_gcm(), true, content, sizeof(content)), VERDICT_LIMIT, "4096");

        memset(text, 'A', BASE64_MAX);
        expect(text, VERDICT_FORMAT, "not CMS");
        memset(text, 'A', BASE64_MAX + 4);
        expect(text, VERDICT_LIMIT, "65536");
        free(text);
}

static void test_other_host(void **state _unused_) {
        expect_envelope(envelope(1, EVP_aes_256_gcm(), true, SECRET, 5), VERDICT_MISMATCH, "another host");
        expect_envelope(envelope(1, EVP_aes_256_cbc(), false, SECRET, 5), VERDICT_MISMATCH, "another host");
}

static void test_base64_is_strict(void **state _unused_) {
        static const char *const bad[] = {"",      "A",     "AA",     "AAA",       "AAAAA", "AA=A",     "A===",     "====", "AB==",   "AAB=",
                                          " AAAA", "AAAA ", "AAAA\n", "AAAA\nAAA", "AA-_",  "AAAA====", "AAA=AAAA", "-AAA", "\032AAA"};

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                expect(bad[i], VERDICT_FORMAT, "base64");
        expect("AAAA", VERDICT_FORMAT, "not CMS");
}

static void test_not_enveloped(void **state _unused_) {
        BIO *in = BIO_new_mem_buf(SECRET, -1);
        CMS_ContentInfo *plain = CMS_data_create(in, CMS_BINARY), *digested;
        Der d = {};

        d.size = (size_t) i2d_CMS_ContentInfo(plain, &d.data);
        expect_envelope(d, VERDICT_FORMAT, NULL);
        BIO_free(in);

        in = BIO_new_mem_buf(SECRET, -1);
        digested = CMS_digest_create(in, EVP_sha256(), CMS_BINARY);
        d = (Der) {};
        d.size = (size_t) i2d_CMS_ContentInfo(digested, &d.data);
        expect_envelope(d, VERDICT_FORMAT, "nothing that is encrypted");
        BIO_free(in);
        CMS_ContentInfo_free(plain);
        CMS_ContentInfo_free(digested);

        expect_envelope(envelope(0, EVP_des_ede3_cbc(), false, SECRET, 5), VERDICT_UNSUPPORTED, "aes256");
}

/* Every prefix, and a byte too many */
static void test_truncated(void **state _unused_) {
        Der d = envelope(0, EVP_aes_256_gcm(), true, SECRET, strlen(SECRET));
        uint8_t *longer = calloc(d.size + 1, 1);

        for (size_t n = 1; n < d.size; n++)
                expect_der(d.data, n, VERDICT_FORMAT, NULL);
        memcpy(longer, d.data, d.size);
        expect_der(longer, d.size + 1, VERDICT_FORMAT, NULL);
        free(longer);
        der_done(&d);
}

/* With GCM a damaged value never gives another password; without it, mostly. */
static void test_damaged(void **state _unused_) {
        Der d = envelope(0, EVP_aes_256_gcm(), true, SECRET, strlen(SECRET));
        size_t n_refused = 0;

        for (size_t i = 0; i < d.size; i++) {
                _cleanup_(secret_freep) Secret *s = NULL;
                _cleanup_free_ char *text = NULL;
                LoadFailure f;

                d.data[i] ^= 1;
                text = base64_of(d.data, d.size);
                if (decrypt(0, text, &s, &f) == VERDICT_OK) {
                        assert_int_equal(secret_size(s), strlen(SECRET));
                        assert_memory_equal(secret_data(s), SECRET, strlen(SECRET));
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
static int outline(size_t nonce_size, uint8_t cipher, LoadFailure *f) {
        static const uint8_t type[] = {0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17};
        static const uint8_t version_and_set[] = {0x02, 0x01, 0x00, 0x31, 0x00}, data_type[] = {0x06, 0x01, 0x2a}, content[] = {0x80, 0x01, 0x00};
        const uint8_t id[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, cipher};
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

        assert_int_equal(outline(1, 46, &f), 0);
        assert_int_equal(outline(12, 6, &f), 0);
        assert_int_equal(outline(16, 26, &f), 0);
        assert_int_equal(outline(0, 46, &f), 1);
        assert_int_equal(f.verdict, VERDICT_FORMAT);
        assert_int_equal(outline(17, 46, &f), 1);
        assert_int_equal(f.verdict, VERDICT_FORMAT);
        assert_int_equal(outline(1000, 46, &f), 1);
        /* CBC in AuthEnvelopedData, CCM, and what is none of AES */
        for (uint8_t cipher = 0; cipher < 128; cipher++)
                if (cipher != 6 && cipher != 26 && cipher != 46) {
                        assert_int_equal(outline(12, cipher, &f), 1);
                        assert_int_equal(f.verdict, VERDICT_UNSUPPORTED);
                }
}

/* the key's files */

static void test_permissions(void **state _unused_) {
        static const struct {
                const char *name;
                mode_t mode;
                Verdict verdict;
        } cases[] = {
                {HOST_KEY_FILE, 0644, VERDICT_POLICY}, {HOST_KEY_FILE, 0620, VERDICT_POLICY},         {HOST_KEY_FILE, 0602, VERDICT_POLICY},
                {HOST_KEY_FILE, 0400, VERDICT_OK},     {HOST_CERTIFICATE_FILE, 0664, VERDICT_POLICY}, {HOST_CERTIFICATE_FILE, 0646, VERDICT_POLICY},
        };
        Der d = envelope(0, EVP_aes_256_gcm(), true, SECRET, 5);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(chmod(in_folder(0, cases[i].name), cases[i].mode), 0);
                expect_der(d.data, d.size, cases[i].verdict, cases[i].verdict == VERDICT_OK ? NULL : cases[i].name);
                assert_int_equal(chmod(in_folder(0, cases[i].name), strcmp(cases[i].name, HOST_KEY_FILE) == 0 ? 0600 : 0644), 0);
        }
        der_done(&d);
}

static void move(size_t from, const char *name, size_t to, const char *new_name) {
        char old[96];

        snprintf(old, sizeof(old), "%s", in_folder(from, name));
        assert_int_equal(rename(old, in_folder(to, new_name)), 0);
}

static void test_absent(void **state _unused_) {
        Der d = envelope(0, EVP_aes_256_gcm(), true, SECRET, 5);

        move(0, HOST_KEY_FILE, 0, "away");
        expect_der(d.data, d.size, VERDICT_IO, "midtls-host-key.service");
        /* Another key in its place */
        move(1, HOST_KEY_FILE, 0, HOST_KEY_FILE);
        expect_der(d.data, d.size, VERDICT_MISMATCH, "not the certificate");
        move(0, HOST_KEY_FILE, 1, HOST_KEY_FILE);
        move(0, "away", 0, HOST_KEY_FILE);

        move(0, HOST_CERTIFICATE_FILE, 0, "away");
        expect_der(d.data, d.size, VERDICT_IO, "--make-host-key");
        /* A file that holds something else */
        move(0, HOST_KEY_FILE, 0, HOST_CERTIFICATE_FILE);
        move(0, "away", 0, HOST_KEY_FILE);
        assert_int_equal(chmod(in_folder(0, HOST_KEY_FILE), 0600), 0);
        expect_der(d.data, d.size, VERDICT_FORMAT, HOST_KEY_FILE);
        move(0, HOST_KEY_FILE, 0, "away");
        move(0, HOST_CERTIFICATE_FILE, 0, HOST_KEY_FILE);
        move(0, "away", 0, HOST_CERTIFICATE_FILE);
        assert_int_equal(chmod(in_folder(0, HOST_CERTIFICATE_FILE), 0644), 0);
        expect_der(d.data, d.size, VERDICT_OK, NULL);
        der_done(&d);
}

/* A credential of that name is used, also when it is not good. */
static void test_credential(void **state _unused_) {
        Der d = envelope(0, EVP_aes_256_gcm(), true, SECRET, 5);

        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folders[1], 1), 0);
        expect_der(d.data, d.size, VERDICT_OK, NULL);
        move(0, HOST_KEY_FILE, 1, HOST_KEY_CREDENTIAL);
        expect_der(d.data, d.size, VERDICT_OK, NULL);
        assert_int_equal(chmod(in_folder(1, HOST_KEY_CREDENTIAL), 0604), 0);
        expect_der(d.data, d.size, VERDICT_POLICY, HOST_KEY_CREDENTIAL);
        assert_int_equal(chmod(in_folder(1, HOST_KEY_CREDENTIAL), 0600), 0);
        move(1, HOST_KEY_CREDENTIAL, 0, HOST_KEY_FILE);

        move(1, HOST_KEY_FILE, 1, HOST_KEY_CREDENTIAL);
        expect_der(d.data, d.size, VERDICT_MISMATCH, HOST_KEY_CREDENTIAL);
        move(1, HOST_KEY_CREDENTIAL, 1, HOST_KEY_FILE);
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        der_done(&d);
}

static size_t count_files(const char *path) {
        DIR *d = opendir(path);
        size_t n = 0;

        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
        closedir(d);
        return n;
}

static void test_make(void **state _unused_) {
        HostKey again = {};
        struct stat key, now;
        LoadFailure f;
        Der d = envelope(0, EVP_aes_256_gcm(), true, SECRET, 5);

        assert_int_equal(stat(in_folder(0, HOST_KEY_FILE), &key), 0);
        assert_int_equal(key.st_mode & 07777, 0600);
        assert_int_equal(EVP_PKEY_get_bits(hosts[0].key), 3072);
        assert_int_equal(X509_cmp(hosts[0].certificate, hosts[1].certificate) != 0, 1);
        assert_int_equal(EVP_PKEY_eq(hosts[0].key, hosts[1].key), 0);
        assert_int_equal(stat(in_folder(0, HOST_CERTIFICATE_FILE), &now), 0);
        assert_int_equal(now.st_mode & 07777, 0644);
        assert_int_equal(count_files(folders[0]), 2);

        /* With both there, nothing is done. */
        assert_int_equal(host_key_make(folders[0]), 1);
        assert_int_equal(stat(in_folder(0, HOST_KEY_FILE), &now), 0);
        assert_int_equal(now.st_ino, key.st_ino);
        assert_int_equal(count_files(folders[0]), 2);

        /* With the certificate alone, too: its key may be a credential. */
        move(0, HOST_KEY_FILE, 1, "away");
        assert_int_equal(host_key_make(folders[0]), 1);
        assert_int_equal(count_files(folders[0]), 1);
        move(1, "away", 0, HOST_KEY_FILE);

        /* A lost certificate is made again for the key that is there; what was encrypted by the key's identifier stays good. */
        assert_int_equal(unlink(in_folder(0, HOST_CERTIFICATE_FILE)), 0);
        assert_int_equal(host_key_make(folders[0]), 0);
        assert_int_equal(stat(in_folder(0, HOST_KEY_FILE), &now), 0);
        assert_int_equal(now.st_ino, key.st_ino);
        assert_int_equal(host_key_read(folders[0], &again, &f), 0);
        assert_int_equal(EVP_PKEY_eq(again.key, hosts[0].key), 1);
        host_key_done(&again);
        expect_envelope(d, VERDICT_OK, NULL);

        assert_int_equal(host_key_make("/nonexistent/midtls"), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),          cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_other_host),    cmocka_unit_test(test_base64_is_strict),
                cmocka_unit_test(test_not_enveloped), cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_damaged),       cmocka_unit_test(test_outline),
                cmocka_unit_test(test_permissions),   cmocka_unit_test(test_absent),
                cmocka_unit_test(test_credential),    cmocka_unit_test(test_make),
        };

        return cmocka_run_group_tests(tests, make, remove_all);
}
