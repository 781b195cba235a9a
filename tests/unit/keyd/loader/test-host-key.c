/* SPDX-License-Identifier: Apache-2.0 */

/* This host's key: how it is made, where it is looked for, and when it is not taken */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "keyd/loader/secrets/host-key-make.h"
#include "tests/unit/keyd/loader/envelopes.h"

static void test_permissions(void **state _unused_) {
        static const struct {
                const char *name;
                mode_t mode;
                Verdict verdict;
        } cases[] = {
                {HOST_KEY_FILE, 0644, VERDICT_POLICY}, {HOST_KEY_FILE, 0620, VERDICT_POLICY},         {HOST_KEY_FILE, 0602, VERDICT_POLICY},
                {HOST_KEY_FILE, 0400, VERDICT_OK},     {HOST_CERTIFICATE_FILE, 0664, VERDICT_POLICY}, {HOST_CERTIFICATE_FILE, 0646, VERDICT_POLICY},
        };
        Envelope d = envelope_make(0, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, 5);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_int_equal(chmod(envelope_path(0, cases[i].name), cases[i].mode), 0);
                expect_der(d.data, d.size, cases[i].verdict, cases[i].verdict == VERDICT_OK ? NULL : cases[i].name);
                assert_int_equal(chmod(envelope_path(0, cases[i].name), strcmp(cases[i].name, HOST_KEY_FILE) == 0 ? 0600 : 0644), 0);
        }
        envelope_done(&d);
}

static void move(size_t from, const char *name, size_t to, const char *new_name) {
        char old[96];

        snprintf(old, sizeof(old), "%s", envelope_path(from, name));
        assert_int_equal(rename(old, envelope_path(to, new_name)), 0);
}

static void test_absent(void **state _unused_) {
        Envelope d = envelope_make(0, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, 5);

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
        assert_int_equal(chmod(envelope_path(0, HOST_KEY_FILE), 0600), 0);
        expect_der(d.data, d.size, VERDICT_FORMAT, HOST_KEY_FILE);
        move(0, HOST_KEY_FILE, 0, "away");
        move(0, HOST_CERTIFICATE_FILE, 0, HOST_KEY_FILE);
        move(0, "away", 0, HOST_CERTIFICATE_FILE);
        assert_int_equal(chmod(envelope_path(0, HOST_CERTIFICATE_FILE), 0644), 0);
        expect_der(d.data, d.size, VERDICT_OK, NULL);
        envelope_done(&d);
}

/* A credential of that name is used, also when it is not good. */
static void test_credential(void **state _unused_) {
        Envelope d = envelope_make(0, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, 5);

        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", envelope_folders[1], 1), 0);
        expect_der(d.data, d.size, VERDICT_OK, NULL);
        move(0, HOST_KEY_FILE, 1, HOST_KEY_CREDENTIAL);
        expect_der(d.data, d.size, VERDICT_OK, NULL);
        assert_int_equal(chmod(envelope_path(1, HOST_KEY_CREDENTIAL), 0604), 0);
        expect_der(d.data, d.size, VERDICT_POLICY, HOST_KEY_CREDENTIAL);
        assert_int_equal(chmod(envelope_path(1, HOST_KEY_CREDENTIAL), 0600), 0);
        move(1, HOST_KEY_CREDENTIAL, 0, HOST_KEY_FILE);

        move(1, HOST_KEY_FILE, 1, HOST_KEY_CREDENTIAL);
        expect_der(d.data, d.size, VERDICT_MISMATCH, HOST_KEY_CREDENTIAL);
        move(1, HOST_KEY_CREDENTIAL, 1, HOST_KEY_FILE);
        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        envelope_done(&d);
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
        Envelope d = envelope_make(0, EVP_aes_256_gcm(), true, ENVELOPE_SECRET, 5);

        assert_int_equal(stat(envelope_path(0, HOST_KEY_FILE), &key), 0);
        assert_int_equal(key.st_mode & 07777, 0600);
        assert_int_equal(EVP_PKEY_get_bits(envelope_hosts[0].key), 3072);
        assert_int_equal(X509_cmp(envelope_hosts[0].certificate, envelope_hosts[1].certificate) != 0, 1);
        assert_int_equal(EVP_PKEY_eq(envelope_hosts[0].key, envelope_hosts[1].key), 0);
        assert_int_equal(stat(envelope_path(0, HOST_CERTIFICATE_FILE), &now), 0);
        assert_int_equal(now.st_mode & 07777, 0644);
        assert_int_equal(count_files(envelope_folders[0]), 2);

        /* With both there, nothing is done. */
        assert_int_equal(host_key_make(envelope_folders[0]), 1);
        assert_int_equal(stat(envelope_path(0, HOST_KEY_FILE), &now), 0);
        assert_int_equal(now.st_ino, key.st_ino);
        assert_int_equal(count_files(envelope_folders[0]), 2);

        /* With the certificate alone, too: its key may be a credential. */
        move(0, HOST_KEY_FILE, 1, "away");
        assert_int_equal(host_key_make(envelope_folders[0]), 1);
        assert_int_equal(count_files(envelope_folders[0]), 1);
        move(1, "away", 0, HOST_KEY_FILE);

        /* A lost certificate is made again for the key that is there; what was encrypted by the key's identifier stays good. */
        assert_int_equal(unlink(envelope_path(0, HOST_CERTIFICATE_FILE)), 0);
        assert_int_equal(host_key_make(envelope_folders[0]), 0);
        assert_int_equal(stat(envelope_path(0, HOST_KEY_FILE), &now), 0);
        assert_int_equal(now.st_ino, key.st_ino);
        assert_int_equal(host_key_read(envelope_folders[0], &again, &f), 0);
        assert_int_equal(EVP_PKEY_eq(again.key, envelope_hosts[0].key), 1);
        host_key_done(&again);
        expect_envelope(d, VERDICT_OK, NULL);

        assert_int_equal(host_key_make("/nonexistent/midtls"), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_permissions),
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_credential),
                cmocka_unit_test(test_make),
        };

        return cmocka_run_group_tests(tests, envelope_setup, envelope_teardown);
}
