/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stores that Java's own keytool wrote, as the index of tests/data/make-java-stores.py lists them
 *
 * test-java-stores INDEX
 */

#include <libgen.h>

#include "common/buf.h"
#include "tests/unit/keyd/loader/java/java-check.h"

typedef struct Line {
        char file[64], format[16], password[64], key_password[64], alias[64], leaf[80];
        int n_chain, n_certificates;
        size_t n_secrets;
        Buf store;
        KeystoreOpen open;
} Line;

static const char *index_path;
static Line lines[64];
static size_t n_lines;

static KeystoreOpen open_of(const char *format) {
        return strcmp(format, "jks") == 0 ? jks_open : strcmp(format, "jceks") == 0 ? jceks_open : bcfks_open;
}

static void read_store(Line *l) {
        _cleanup_free_ char *copy = strdup(index_path), *path = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        uint8_t bytes[16384];
        size_t n;

        assert_true(asprintf(&path, "%s/%s", dirname(copy), l->file) > 0);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(bytes, 1, sizeof(bytes), f);
        assert_true(n > 0 && n < sizeof(bytes));
        l->store = (Buf) BUF_INIT(sizeof(bytes));
        assert_int_equal(buf_append(&l->store, bytes, n), 0);
        l->open = open_of(l->format);
}

static int setup(void **state _unused_) {
        _cleanup_fclose_ FILE *f = fopen(index_path, "re");

        assert_non_null(f);
        for (; n_lines < ARRAY_SIZE(lines); n_lines++) {
                Line *l = &lines[n_lines];

                if (fscanf(f, "%63[^\t]\t%15[^\t]\t%63[^\t]\t%63[^\t]\t%63[^\t]\t%79[^\t]\t%d\t%d\t%zu\n", l->file, l->format, l->password,
                           l->key_password, l->alias, l->leaf, &l->n_chain, &l->n_certificates, &l->n_secrets) != 9)
                        break;
                read_store(l);
        }
        assert_true(n_lines > 0 && feof(f));
        return 0;
}

static int teardown(void **state _unused_) {
        for (size_t i = 0; i < n_lines; i++)
                buf_done(&lines[i].store);
        return 0;
}

static size_t find(const Keystore *k, const char *alias) {
        for (size_t i = 0; i < k->n_entries; i++)
                if (strcmp(k->entries[i].alias, alias) == 0)
                        return i;

        fail_msg("no entry %s", alias);
        return 0;
}

static void assert_leaf(X509 *leaf, const char *expected) {
        uint8_t digest[32];
        char hex[65];

        assert_int_equal(X509_digest(leaf, EVP_sha256(), digest, NULL), 1);
        for (size_t i = 0; i < sizeof(digest); i++)
                snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        assert_string_equal(hex, expected);
}

static void test_found(void **state _unused_) {
        for (size_t i = 0; i < n_lines; i++) {
                const Line *l = &lines[i];
                _cleanup_(keystore_done) Keystore k = {};
                _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
                LoadFailure f;
                size_t n;

                print_message("%s %s\n", l->file, l->alias);
                assert_int_equal(check_open(l->open, buf_span(&l->store), l->password, &k, &f), VERDICT_OK);
                assert_string_equal(k.format, l->format);
                assert_int_equal(k.n_secret_entries, l->n_secrets);
                assert_int_equal(k.certificates ? sk_X509_num(k.certificates) : 0, l->n_certificates);
                assert_null(k.warnings);

                n = find(&k, l->alias);
                assert_int_equal(sk_X509_num(k.entries[n].chain), l->n_chain);
                assert_leaf(sk_X509_value(k.entries[n].chain, 0), l->leaf);
                assert_int_equal(check_recover(&k, n, l->key_password, &key), VERDICT_OK);
                assert_int_equal(X509_check_private_key(sk_X509_value(k.entries[n].chain, 0), key), 1);
                assert_int_equal(check_recover(&k, n, "no password", NULL), VERDICT_KEYPASS);
                if (strcmp(l->key_password, l->password) != 0)
                        assert_int_equal(check_recover(&k, n, l->password, NULL), VERDICT_KEYPASS);
        }
}

static void test_wrong_password(void **state _unused_) {
        for (size_t i = 0; i < n_lines; i++) {
                assert_int_equal(check_verdict(lines[i].open, buf_span(&lines[i].store), "no password"), VERDICT_AUTH);
                assert_int_equal(check_verdict(lines[i].open, buf_span(&lines[i].store), NULL), VERDICT_AUTH);
        }
}

static void test_truncations(void **state _unused_) {
        for (size_t i = 0; i < n_lines; i++)
                check_truncations(lines[i].open, buf_span(&lines[i].store), lines[i].store.size, lines[i].password);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_found),
                cmocka_unit_test(test_wrong_password),
                cmocka_unit_test(test_truncations),
        };

        if (argc != 2)
                return 2;
        index_path = argv[1];
        return cmocka_run_group_tests_name("java-stores", tests, setup, teardown);
}
