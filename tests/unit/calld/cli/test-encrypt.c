/* SPDX-License-Identifier: Apache-2.0 */

/* midtls encrypt: the command with a pipe, and what it makes; a terminal is the integration test's */

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "calld/cli/encrypt.h"

static const char *program; /* the command's path, the test's argument */
static char folder[32];
static EVP_PKEY *key;
static X509 *certificate;

static X509 *make_certificate(EVP_PKEY *k) {
        X509 *x = X509_new();

        assert_non_null(k);
        assert_non_null(x);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
        assert_int_equal(X509_set_pubkey(x, k), 1);
        assert_true(X509_sign(x, k, EVP_sha256()) > 0);
        return x;
}

static size_t pem_of(X509 *x, char ret[8192]) {
        BIO *b = BIO_new(BIO_s_mem());
        int n;

        assert_int_equal(PEM_write_bio_X509(b, x), 1);
        n = BIO_read(b, ret, 8191);
        assert_true(n > 0);
        ret[n] = 0;
        BIO_free(b);
        return (size_t) n;
}

static const char *pem_path(void) {
        static char path[64];

        snprintf(path, sizeof(path), "%s/host.pem", folder);
        return path;
}

static void write_pem(const char *text, mode_t mode) {
        int fd = open(pem_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static int make(void **state _unused_) {
        char text[8192];

        snprintf(folder, sizeof(folder), "/tmp/test-encrypt-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        key = EVP_RSA_gen(2048);
        certificate = make_certificate(key);
        pem_of(certificate, text);
        write_pem(text, 0644);
        return 0;
}

static int remove_all(void **state _unused_) {
        EVP_PKEY_free(key);
        X509_free(certificate);
        unlink(pem_path());
        return rmdir(folder);
}

/* what is behind midtls:, decrypted as `openssl cms` would */

static size_t decrypt(const char *base64, char ret[8192]) {
        size_t size = strlen(base64);
        uint8_t *der = malloc(size + 1);
        const uint8_t *p = der;
        CMS_ContentInfo *c;
        BIO *out = BIO_new(BIO_s_mem());
        int n = EVP_DecodeBlock(der, (const uint8_t *) base64, (int) size);

        assert_true(n > 0);
        c = d2i_CMS_ContentInfo(NULL, &p, n);
        assert_non_null(c);
        assert_int_equal(OBJ_obj2nid(CMS_get0_type(c)), NID_id_smime_ct_authEnvelopedData);
        assert_int_equal(CMS_decrypt(c, key, NULL, NULL, out, CMS_BINARY), 1);
        n = BIO_read(out, ret, 8191);
        assert_true(n >= 0);
        ret[n] = 0;
        BIO_free(out);
        CMS_ContentInfo_free(c);
        free(der);
        return (size_t) n;
}

static void test_round_trip(void **state _unused_) {
        static const size_t sizes[] = {1, 15, 16, 17, 1024, ENCRYPT_SECRET_MAX};
        char text[8192], got[8192];
        size_t pem_size = pem_of(certificate, text);

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_free_ char *secret = malloc(sizes[i]), *pem = malloc(pem_size), *base64 = NULL, *again = NULL;

                memset(secret, '\r', sizes[i]);
                memcpy(pem, text, pem_size);
                assert_int_equal(encrypt_to_certificate(pem, pem_size, secret, sizes[i], &base64), 0);
                assert_int_equal(decrypt(base64, got), sizes[i]);
                assert_memory_equal(got, secret, sizes[i]);
                assert_int_equal(encrypt_to_certificate(pem, pem_size, secret, sizes[i], &again), 0);
                assert_string_not_equal(base64, again);
        }
}

/* RFC 3560, section 2: the key is transported by RSAES-OAEP. */
static void test_oaep(void **state _unused_) {
        static const uint8_t oaep[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07};
        _cleanup_free_ char *base64 = NULL;
        uint8_t der[4096];
        char text[8192];
        int n;

        assert_int_equal(encrypt_to_certificate(text, pem_of(certificate, text), "x", 1, &base64), 0);
        n = EVP_DecodeBlock(der, (const uint8_t *) base64, (int) strlen(base64));
        assert_true(n > 0);
        assert_non_null(memmem(der, (size_t) n, oaep, sizeof(oaep)));
}

/* Long enough, and for signatures only */
static EVP_PKEY *make_pss_key(void) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
        EVP_PKEY *k = NULL;

        assert_int_equal(EVP_PKEY_keygen_init(c), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048), 1);
        assert_int_equal(EVP_PKEY_generate(c, &k), 1);
        EVP_PKEY_CTX_free(c);
        return k;
}

static void test_bad_certificates(void **state _unused_) {
        EVP_PKEY *others[] = {EVP_RSA_gen(1024), EVP_EC_gen("P-256"), make_pss_key()};
        static const char *const texts[] = {"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
        char text[8192];
        char *base64 = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                X509 *x = make_certificate(others[i]);

                assert_int_equal(encrypt_to_certificate(text, pem_of(x, text), "x", 1, &base64), ENCRYPT_E_KEY);
                X509_free(x);
                EVP_PKEY_free(others[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_int_equal(encrypt_to_certificate(texts[i], strlen(texts[i]), "x", 1, &base64), ENCRYPT_E_CERTIFICATE);
        assert_null(base64);
}

/* the command */

typedef struct Result {
        int status;
        char out[16384];
        char err[2048];
} Result;

static void read_back(int fd, char *ret, size_t size) {
        ssize_t n = pread(fd, ret, size - 1, 0);

        assert_true(n >= 0);
        ret[n] = 0;
        close(fd);
}

static Result run(const char *input, size_t size, const char *argument) {
        int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC), status;
        const char *argv[] = {program, "encrypt", "--config-dir", folder, argument, NULL};
        posix_spawn_file_actions_t actions;
        Result result = {};
        pid_t pid;

        assert_int_equal(write(in, input, size), size);
        assert_int_equal(lseek(in, 0, SEEK_SET), 0);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in, 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_adddup2(&actions, err, 2);
        assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char *const *) argv, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        close(in);
        result.status = WEXITSTATUS(status);
        read_back(out, result.out, sizeof(result.out));
        read_back(err, result.err, sizeof(result.err));
        return result;
}

static void expect_secret(const char *input, const char *secret) {
        Result r = run(input, strlen(input), NULL);
        char got[8192];

        assert_int_equal(r.status, 0);
        assert_string_equal(r.err, "");
        assert_int_equal(strncmp(r.out, "midtls:", 7), 0);
        assert_ptr_equal(strchr(r.out, '\n'), r.out + strlen(r.out) - 1);
        r.out[strlen(r.out) - 1] = 0;
        decrypt(r.out + 7, got);
        assert_string_equal(got, secret);
}

static void expect_refused(const char *input, size_t size, const char *argument, int status, const char *says) {
        Result r = run(input, size, argument);

        assert_int_equal(r.status, status);
        assert_string_equal(r.out, "");
        if (!strstr(r.err, says))
                fail_msg("%s", r.err);
        assert_null(strstr(r.err, "hush"));
}

static void test_pipe(void **state _unused_) {
        char longest[ENCRYPT_SECRET_MAX + 3];

        expect_secret("hush", "hush");
        expect_secret("hush\n", "hush");
        expect_secret("hush\r\n", "hush");
        expect_secret("  hu sh \t\n", "  hu sh \t");

        memset(longest, 'x', sizeof(longest));
        longest[ENCRYPT_SECRET_MAX] = 0;
        expect_secret(longest, longest);
        memset(longest, 'x', sizeof(longest));
        expect_refused(longest, ENCRYPT_SECRET_MAX + 1, NULL, 1, "more than 4096");
        expect_refused(longest, sizeof(longest), NULL, 1, "more than 4096");
        longest[ENCRYPT_SECRET_MAX] = '\n';
        assert_int_equal(run(longest, ENCRYPT_SECRET_MAX + 1, NULL).status, 0);
}

static void test_refused(void **state _unused_) {
        char good[8192];

        pem_of(certificate, good);
        expect_refused("", 0, NULL, 1, "empty");
        expect_refused("\n", 1, NULL, 1, "empty");
        expect_refused("hush\nhush\n", 10, NULL, 1, "more than one line");
        expect_refused("x\n", 2, "hush", 2, "wrong number of arguments");

        write_pem(good, 0664);
        expect_refused("hush\n", 5, NULL, 1, "can be written");
        write_pem(good, 0646);
        expect_refused("hush\n", 5, NULL, 1, "can be written");
        write_pem("nothing\n", 0644);
        expect_refused("hush\n", 5, NULL, 1, "not a certificate");
        assert_int_equal(unlink(pem_path()), 0);
        expect_refused("hush\n", 5, NULL, 1, "midtls-host-key.service");
        assert_int_equal(mkfifo(pem_path(), 0644), 0);
        expect_refused("hush\n", 5, NULL, 1, "not a certificate");
        assert_int_equal(unlink(pem_path()), 0);
        write_pem(good, 0644);
}

static void test_json(void **state _unused_) {
        Result r = run("hush\n", 5, "--json=short");

        assert_int_equal(r.status, 0);
        assert_int_equal(strncmp(r.out, "{\"password\":\"midtls:MI", 22), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip), cmocka_unit_test(test_oaep),    cmocka_unit_test(test_bad_certificates),
                cmocka_unit_test(test_pipe),       cmocka_unit_test(test_refused), cmocka_unit_test(test_json),
        };

        if (argc != 2)
                return 2;
        program = argv[1];
        return cmocka_run_group_tests(tests, make, remove_all);
}
