/* SPDX-License-Identifier: Apache-2.0 */

/* From a profile: where keystore and passwords come from, CA certificates, CRLs, and what --inspect prints */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/role.h"
#include "keyd/crypto/ossl.h"
#include "keyd/loader/inspect.h"
#include "keyd/loader/keystore/keystore.h"
#include "tests/unit/keyd/loader/stores.h"

#define PW "changeit"

static void strv_done(char ***v) {
        for (size_t i = 0; *v && (*v)[i]; i++)
                free((*v)[i]);
        free(*v);
}

static bool has(char *const *v, const char *text) {
        for (size_t i = 0; v && v[i]; i++)
                if (strstr(v[i], text))
                        return true;

        return false;
}

/* A profile whose file lies among the stores. */
static Verdict load(const char *keystore, const char *password, const char *key_password, LoadedKey **ret, LoadFailure *f) {
        _cleanup_free_ char *path = strdup(strncmp(keystore, "credential:", 11) == 0 ? keystore : stores_path(keystore));
        _cleanup_free_ char *file = strdup(stores_path("x.profile"));
        ProfileConfig p = {
                .name = (char *) "x", .file = file, .keystore_path = path, .password = (char *) password, .key_password = (char *) key_password};
        int r = load_key(&p, NULL, ret, f);

        assert_true(r == 0 || r == 1);
        assert_int_equal(ERR_peek_error(), 0);
        return r == 0 ? VERDICT_OK : f->verdict;
}

typedef struct PasswordCase {
        const char *keystore, *password, *key_password;
        Verdict verdict;
        const char *says;
} PasswordCase;

static void test_passwords(void **state _unused_) {
        static const PasswordCase cases[] = {
                {"plain.p12", PW, NULL, VERDICT_OK, NULL},
                {"plain.p12", "file:password", NULL, VERDICT_OK, NULL},
                {"plain.p12", "file:password-crlf", NULL, VERDICT_OK, NULL},
                {"plain.p12", "file:password-blank", NULL, VERDICT_AUTH, NULL},
                {"plain.p12", "file:absent", NULL, VERDICT_IO, "absent"},
                {"plain.p12", "credential:password", NULL, VERDICT_OK, NULL},
                {"plain.p12", "credential:absent", NULL, VERDICT_IO, "LoadCredential"},
                {"plain.p12", "credential:../password", NULL, VERDICT_IO, "slash"},
                {"plain.p12", "credential:..", NULL, VERDICT_IO, "no valid name"},
                {"plain.p12", "credential:", NULL, VERDICT_IO, "no valid name"},
                {"plain.p12", "midtls:AAAA", NULL, VERDICT_FORMAT, "password of profile x: what follows midtls: is not CMS"},
                {"plain.p12", "encrypted:AAAA", NULL, VERDICT_UNSUPPORTED, "only that MID"},
                {"plain.p12", "", NULL, VERDICT_AUTH, NULL},
                {"plain.p12", NULL, NULL, VERDICT_AUTH, NULL},
                {"plain.p12", PW, "file:absent", VERDICT_IO, "absent"},
                {"keypass.p12", PW, "other password", VERDICT_OK, NULL},
                {"keypass.p12", PW, NULL, VERDICT_KEYPASS, NULL},
                {"credential:plain.p12", "credential:password", NULL, VERDICT_OK, NULL},
                {"credential:absent.p12", "credential:password", NULL, VERDICT_IO, "LoadCredential"},
                {"absent.p12", PW, NULL, VERDICT_IO, "absent.p12"},
        };

        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", STORES_FOLDER, 1), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
                LoadFailure f = {};
                Verdict v = load(cases[i].keystore, cases[i].password, cases[i].key_password, &k, &f);

                if (v != cases[i].verdict || (cases[i].says && !strstr(f.detail, cases[i].says) && !strstr(f.hint, cases[i].says)))
                        fail_msg("case %zu: %s: %s; %s", i, verdict_to_string(v), f.detail, f.hint);
        }
}

static void test_no_credentials(void **state _unused_) {
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        LoadFailure f;

        assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
        assert_int_equal(load("plain.p12", "credential:password", NULL, &k, &f), VERDICT_IO);
        assert_non_null(strstr(f.detail, "no credentials"));
}

static void test_plain_password_warns(void **state _unused_) {
        _cleanup_(loaded_key_freep) LoadedKey *plain = NULL, *file = NULL;
        LoadFailure f;

        assert_int_equal(load("plain.p12", PW, NULL, &plain, &f), VERDICT_OK);
        assert_true(has(plain->warnings, "plain text"));
        assert_int_equal(load("plain.p12", "file:password", NULL, &file, &f), VERDICT_OK);
        assert_false(has(file->warnings, "plain text"));
}

/* The password's file and the keystore are refused when others can read them. */
static void test_permissions(void **state _unused_) {
        static const char *const files[] = {"loose-password", "loose.p12"};
        LoadFailure f;

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_(loaded_key_freep) LoadedKey *k = NULL;

                assert_int_equal(chmod(stores_path(files[i]), 0644), 0);
                assert_int_equal(load(i == 0 ? "plain.p12" : files[i], i == 0 ? "file:loose-password" : PW, NULL, &k, &f), VERDICT_POLICY);
                assert_int_equal(chmod(stores_path(files[i]), 0640), 0);
                assert_int_equal(load(i == 0 ? "plain.p12" : files[i], i == 0 ? "file:loose-password" : PW, NULL, &k, &f), VERDICT_OK);
        }
}

static void test_type_is_checked(void **state _unused_) {
        _cleanup_free_ char *path = strdup(stores_path("plain.p12"));
        ProfileConfig p = {.name = (char *) "x", .keystore_path = path, .password = (char *) PW, .keystore_type = KEYSTORE_TYPE_JKS};
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        LoadFailure f;

        assert_int_equal(load_key(&p, NULL, &k, &f), 0);
        assert_true(has(k->warnings, "KeystoreType=jks"));
}

/* credential:NAME is not joined to a folder as a relative path would be. */
static void test_keystore_path_of_profile(void **state _unused_) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_(problems_done) Problems problems = {};
        const ProfileConfig *p;

        assert_int_equal(config_load(stores_path("etc"), NULL, &c, &problems), 0);
        p = config_find_profile(c, "mauth");
        assert_non_null(p);
        assert_false(p->broken);
        assert_string_equal(p->keystore_path, "credential:store");
        p = config_find_profile(c, "other");
        assert_non_null(p);
        assert_string_equal(p->keystore_path, stores_path("etc/store.p12"));
}

static Verdict load_ca(const char *name, CaSet **ret, LoadFailure *f) {
        _cleanup_free_ char *path = strdup(stores_path(name));
        ProfileConfig p = {.name = (char *) "x", .ca_file = path};
        int r = load_ca_set(&p, ret, f);

        assert_true(r == 0 || r == 1);
        return r == 0 ? VERDICT_OK : f->verdict;
}

static void test_ca_set(void **state _unused_) {
        _cleanup_(ca_set_freep) CaSet *pem = NULL, *reversed = NULL, *der = NULL;
        _cleanup_(secret_freep) Secret *root = stores_read("root.der");
        uint8_t digest[32];
        LoadFailure f;

        /* Three blocks, one of them twice. */
        assert_int_equal(load_ca("ca.pem", &pem, &f), VERDICT_OK);
        assert_int_equal(pem->n_certificates, 2);
        assert_int_equal(pem->certificates[0].size, secret_size(root));
        assert_memory_equal(pem->certificates[0].der, secret_data(root), secret_size(root));

        /* The order belongs to the name. */
        assert_int_equal(load_ca("ca-reversed.pem", &reversed, &f), VERDICT_OK);
        assert_int_equal(reversed->n_certificates, 2);
        assert_memory_not_equal(pem->id, reversed->id, sizeof(pem->id));

        assert_int_equal(load_ca("root.der", &der, &f), VERDICT_OK);
        assert_int_equal(der->n_certificates, 1);
        assert_true(EVP_Digest(secret_data(root), secret_size(root), digest, NULL, EVP_sha256(), NULL));
        assert_memory_equal(der->id, digest, sizeof(digest));
}

/* Without CAFile=: the bundle that this host has, if any. */
static void test_system_bundle(void **state _unused_) {
        ProfileConfig p = {.name = (char *) "x"};
        _cleanup_(ca_set_freep) CaSet *s = NULL;
        LoadFailure f;
        int r = load_ca_set(&p, &s, &f);

        if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0 && access("/etc/pki/tls/certs/ca-bundle.crt", R_OK) != 0) {
                assert_int_equal(r, 1);
                assert_int_equal(f.verdict, VERDICT_IO);
                return;
        }
        assert_int_equal(r, 0);
        assert_true(s->n_certificates > 0);
}

static void test_ca_refused(void **state _unused_) {
        static const struct {
                const char *name;
                Verdict verdict;
        } cases[] = {{"key-only.pem", VERDICT_NOCERT}, {"noise.p12", VERDICT_NOCERT},  {"plain.p12", VERDICT_FORMAT},
                     {"ca-cut.pem", VERDICT_FORMAT},   {"ca-bad.pem", VERDICT_FORMAT}, {"absent", VERDICT_IO}};
        LoadFailure f;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(ca_set_freep) CaSet *s = NULL;
                Verdict v = load_ca(cases[i].name, &s, &f);

                if (v != cases[i].verdict)
                        fail_msg("%s: %s: %s", cases[i].name, verdict_to_string(v), f.detail);
        }
}

static Verdict load_crl(const char *name, Buf *ret, LoadFailure *f) {
        _cleanup_free_ char *path = strdup(stores_path(name));
        ProfileConfig p = {.name = (char *) "x", .crl_file = path};
        int r = load_crls(&p, ret, f);

        assert_true(r == 0 || r == 1);
        return r == 0 ? VERDICT_OK : f->verdict;
}

static void test_crls(void **state _unused_) {
        static const struct {
                const char *name;
                Verdict verdict;
                unsigned n; /* times the one CRL */
        } cases[] = {{"crl.der", VERDICT_OK, 1},     {"crl.pem", VERDICT_OK, 1},         {"crl-two.der", VERDICT_OK, 2},
                     {"crl-two.pem", VERDICT_OK, 2}, {"crl-cut.der", VERDICT_FORMAT, 0}, {"key-only.pem", VERDICT_FORMAT, 0},
                     {"absent", VERDICT_IO, 0}};
        _cleanup_(secret_freep) Secret *crl = stores_read("crl.der");
        ProfileConfig none = {.name = (char *) "x"};
        LoadFailure f;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buf_done) Buf b = BUF_INIT(ROLE_CRL_BYTES_MAX);

                assert_int_equal(load_crl(cases[i].name, &b, &f), cases[i].verdict);
                if (cases[i].verdict != VERDICT_OK)
                        continue;
                assert_int_equal(b.size, cases[i].n * secret_size(crl));
                for (size_t at = 0; at < b.size; at += secret_size(crl))
                        assert_memory_equal(b.data + at, secret_data(crl), secret_size(crl));
        }

        _cleanup_(buf_done) Buf small = BUF_INIT(16);
        assert_int_equal(load_crl("crl.der", &small, &f), VERDICT_LIMIT);
        assert_int_equal(load_crls(&none, &small, &f), 0);
        assert_int_equal(small.size, 0);
}

static void freep(char **s) {
        free(*s);
}

static void json_freep(json_t **j) {
        json_decref(*j);
}

/* The exit status, and what was printed as JSON. */
static int inspect(const char *name, const char *alias, const char *password, json_t **ret) {
        _cleanup_(secret_freep) Secret *s = stores_secret(password);
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        int status = inspect_file(stores_path(name), alias, s, NULL, out);

        fclose(out);
        assert_int_equal(text[size - 1], '\n');
        *ret = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(*ret);
        return status;
}

static const char *text_of(const json_t *j, const char *member) {
        const char *s = json_string_value(json_object_get(j, member));

        assert_non_null(s);
        return s;
}

static void test_inspect(void **state _unused_) {
        _cleanup_(json_freep) json_t *ok = NULL, *aliases = NULL, *auth = NULL, *astral = NULL, *io = NULL;

        assert_int_equal(inspect("plain.p12", NULL, PW, &ok), 0);
        assert_string_equal(text_of(ok, "verdict"), "ok");
        assert_string_equal(text_of(ok, "format"), "pkcs12");
        assert_string_equal(text_of(ok, "alias"), "client");
        assert_string_equal(text_of(ok, "key_type"), "ec-p256");
        assert_int_equal(strlen(text_of(ok, "leaf_sha256")), 64);
        assert_int_equal(strlen(text_of(ok, "not_after")), strlen("2026-01-01T00:00:00Z"));
        assert_int_equal(json_array_size(json_object_get(ok, "chain")), 2);
        assert_string_equal(json_string_value(json_array_get(json_object_get(ok, "chain"), 0)), "CN=leaf,O=MID");
        assert_true(json_is_array(json_object_get(ok, "warnings")));

        assert_int_equal(inspect("two-keys.p12", NULL, PW, &aliases), 1);
        assert_string_equal(text_of(aliases, "verdict"), "alias");
        assert_int_equal(json_array_size(json_object_get(aliases, "aliases")), 2);
        assert_string_equal(json_string_value(json_array_get(json_object_get(aliases, "aliases"), 1)), "Second");

        assert_int_equal(inspect("plain.p12", NULL, "wrong", &auth), 1);
        assert_string_equal(text_of(auth, "verdict"), "auth");
        assert_non_null(strstr(text_of(auth, "detail"), "plain.p12"));
        assert_true(*text_of(auth, "hint"));

        assert_int_equal(inspect("astral.p12", NULL, PW, &astral), 1);
        assert_string_equal(json_string_value(json_array_get(json_object_get(astral, "aliases"), 0)), "\xf0\x9f\x94\x91 ключ");
        assert_string_equal(json_string_value(json_array_get(json_object_get(astral, "aliases"), 1)), "\xef\xbf\xbd");

        assert_int_equal(inspect("absent", NULL, PW, &io), 1);
        assert_string_equal(text_of(io, "verdict"), "io");
}

static void test_verdict_names(void **state _unused_) {
        for (int v = 0; v < _VERDICT_MAX; v++)
                assert_non_null(verdict_to_string((Verdict) v));
        assert_null(verdict_to_string(_VERDICT_MAX));
}

static void test_many_entries(void **state _unused_) {
        _cleanup_(keystore_done) Keystore k = {.format = "jks"};
        KeystoreEntry *e;

        for (unsigned i = 0; i < KEYSTORE_ENTRIES_MAX; i++) {
                assert_int_equal(keystore_add_entry(&k, &e), 0);
                assert_null(e->alias);
                e->n_local_key_id = i % 64;
        }
        assert_int_equal(keystore_add_entry(&k, &e), -E2BIG);
        for (unsigned i = 0; i < KEYSTORE_ENTRIES_MAX; i++)
                assert_int_equal(k.entries[i].n_local_key_id, i % 64);
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(keystore_warn(&k, "warning %u", i), 0);

        _cleanup_(strv_done) char **list = NULL;
        assert_int_equal(strv_add(&list, strdup("a")), 0);
        assert_int_equal(strv_add(&list, NULL), -ENOMEM);
        assert_string_equal(list[0], "a");
        assert_null(list[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_passwords),    cmocka_unit_test(test_no_credentials),  cmocka_unit_test(test_plain_password_warns),
                cmocka_unit_test(test_permissions),  cmocka_unit_test(test_type_is_checked), cmocka_unit_test(test_keystore_path_of_profile),
                cmocka_unit_test(test_ca_set),       cmocka_unit_test(test_system_bundle),   cmocka_unit_test(test_ca_refused),
                cmocka_unit_test(test_crls),         cmocka_unit_test(test_inspect),         cmocka_unit_test(test_verdict_names),
                cmocka_unit_test(test_many_entries),
        };

        return cmocka_run_group_tests(tests, stores_make, NULL);
}
