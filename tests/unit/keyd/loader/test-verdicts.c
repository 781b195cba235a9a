/* SPDX-License-Identifier: Apache-2.0 */

/* Every verdict, on stores that openssl, keytool and stores.py wrote */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/ini.h"
#include "tests/unit/keyd/loader/stores.h"

typedef struct Case {
        const char *store, *alias, *password, *key_password;
        Verdict verdict;
        const char *says; /* in the detail or the hint; for VERDICT_OK in a warning; NULL: nothing particular */
} Case;

#define PW "changeit"
#define NO_MAC "no MAC"

/* clang-format off */
static const Case pkcs12[] = {
        {"plain.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"plain.p12", "client", PW, NULL, VERDICT_OK, NULL},
        {"plain.p12", "CLIENT", PW, NULL, VERDICT_OK, NULL},
        {"plain.p12", "clien", PW, NULL, VERDICT_ALIAS, "\"client\""},
        {"plain.p12", NULL, "changeit ", NULL, VERDICT_AUTH, "Password="},
        {"plain.p12", NULL, "", NULL, VERDICT_AUTH, NULL},
        {"plain.p12", NULL, NULL, NULL, VERDICT_AUTH, "none is configured"},
        {"plain.p12", NULL, PW, "wrong", VERDICT_KEYPASS, "KeyPassword="},
        {"root-first.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"unnamed.p12", "1", PW, NULL, VERDICT_OK, NULL},
        {"legacy.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"rc4.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"3des.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"nomac.p12", NULL, PW, NULL, VERDICT_OK, NO_MAC},
        {"nomac.p12", NULL, "wrong", NULL, VERDICT_KEYPASS, NULL},
        {"nomac-sealed.p12", NULL, PW, NULL, VERDICT_OK, NO_MAC},
        {"nomac-sealed.p12", NULL, "wrong", NULL, VERDICT_AUTH, NULL},
        {"keybag.p12", NULL, PW, NULL, VERDICT_OK, "unencrypted"},
        {"empty-password.p12", NULL, "", NULL, VERDICT_OK, NULL},
        {"empty-password.p12", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"utf8.p12", NULL, "pässwört", NULL, VERDICT_OK, NULL},
        {"utf8-legacy.p12", NULL, "пароль", NULL, VERDICT_OK, NULL},
        {"utf8-legacy.p12", NULL, "паролъ", NULL, VERDICT_AUTH, NULL},
        {"keytool.p12", NULL, PW, NULL, VERDICT_OK, "self-signed"},
        {"keytool.p12", "Client", PW, NULL, VERDICT_OK, NULL},
        {"keytool.p12", "trusted", PW, NULL, VERDICT_ALIAS, "\"client\""},
        {"keytool-legacy.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"two-keys.p12", NULL, PW, NULL, VERDICT_ALIAS, "\"client\", \"Second\""},
        {"two-keys.p12", "second", PW, NULL, VERDICT_OK, NULL},
        {"two-unnamed.p12", "2", PW, NULL, VERDICT_OK, NULL},
        {"crossed.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"duplicate.p12", "client", PW, NULL, VERDICT_ALIAS, "several entries"},
        {"folded.p12", "CLIENT", PW, NULL, VERDICT_OK, NULL},
        {"folded.p12", "client", PW, NULL, VERDICT_OK, NULL},
        {"folded.p12", "Client", PW, NULL, VERDICT_ALIAS, "several entries"},
        {"nul.p12", "client", PW, NULL, VERDICT_ALIAS, NULL},
        {"astral.p12", "\xf0\x9f\x94\x91 ключ", PW, NULL, VERDICT_OK, NULL},
        {"boolean-name.p12", "1", PW, NULL, VERDICT_OK, NULL},
        {"nocert.p12", NULL, PW, NULL, VERDICT_NOCERT, "no certificate"},
        {"mismatch.p12", NULL, PW, NULL, VERDICT_MISMATCH, NULL},
        {"empty.p12", NULL, PW, NULL, VERDICT_NOKEY, NULL},
        {"secret.p12", NULL, PW, NULL, VERDICT_NOKEY, "secret keys"},
        {"nokey.p12", NULL, PW, NULL, VERDICT_NOKEY, "certificates only"},
        {"keypass.p12", NULL, PW, NULL, VERDICT_KEYPASS, NULL},
        {"keypass.p12", NULL, PW, "other password", VERDICT_OK, NULL},
        {"crl-bag.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"ber.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"trailing.p12", NULL, PW, NULL, VERDICT_FORMAT, NULL},
        {"bad-cert.p12", NULL, PW, NULL, VERDICT_FORMAT, "certificate"},
        {"long-name.p12", NULL, PW, NULL, VERDICT_LIMIT, "friendlyName"},
        {"nested.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"nested-deep.p12", NULL, PW, NULL, VERDICT_LIMIT, "nested"},
        {"mac-widened.p12", NULL, "pässwört", PW, VERDICT_OK, NULL},
        {"mac-absent.p12", NULL, "", NULL, VERDICT_OK, NULL},
        {"mac-absent.p12", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"mac-sha1.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"mac-short.p12", NULL, PW, NULL, VERDICT_AUTH, NULL},
        {"mac-empty.p12", NULL, PW, NULL, VERDICT_AUTH, NULL},
        {"pbmac1.p12", NULL, PW, NULL, VERDICT_OK, NULL},
        {"pbmac1.p12", NULL, "wrong", NULL, VERDICT_AUTH, NULL},
        {"pbmac1-short.p12", NULL, PW, NULL, VERDICT_UNSUPPORTED, "1 bytes"},
        {"pbmac1-short.p12", NULL, "wrong", NULL, VERDICT_UNSUPPORTED, NULL},
        {"pbmac1-long.p12", NULL, PW, NULL, VERDICT_LIMIT, NULL},
        {"pbmac1-without.p12", NULL, PW, NULL, VERDICT_UNSUPPORTED, NULL},
        {"mac-iter-max.p12", NULL, PW, NULL, VERDICT_LIMIT, "iteration"},
        {"mac-iter-over.p12", NULL, PW, NULL, VERDICT_LIMIT, "iteration"},
        {"mac-iter-huge.p12", NULL, PW, NULL, VERDICT_LIMIT, "iteration"},
        {"mac-iter-zero.p12", NULL, PW, NULL, VERDICT_FORMAT, "iteration"},
        {"mac-iter-negative.p12", NULL, PW, NULL, VERDICT_FORMAT, "iteration"},
        {"hostile-iter.p12", NULL, PW, NULL, VERDICT_LIMIT, "iteration"},
        {"safe-iter-over.p12", NULL, PW, NULL, VERDICT_LIMIT, "iteration"},
        {"key-iter-over.p12", NULL, PW, NULL, VERDICT_LIMIT, "iteration"},
        {"many-derivations.p12", NULL, PW, NULL, VERDICT_LIMIT, "add up"},
        {"many-safes.p12", NULL, PW, NULL, VERDICT_LIMIT, "safes"},
        {"long-salt.p12", NULL, PW, NULL, VERDICT_LIMIT, "salt"},
        {"version.p12", NULL, PW, NULL, VERDICT_UNSUPPORTED, NULL},
        {"no-content.p12", NULL, PW, NULL, VERDICT_FORMAT, NULL},
        {"safe-no-content.p12", NULL, PW, NULL, VERDICT_FORMAT, "no content"},
        {"enc-no-content.p12", NULL, PW, NULL, VERDICT_FORMAT, "no content"},
        {"deep.p12", NULL, PW, NULL, VERDICT_FORMAT, NULL},
};

static const Case pem[] = {
        {"key-first.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"key-last.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"key-first.pem", "any", NULL, NULL, VERDICT_OK, "KeyAlias=any"},
        {"root-first-bundle.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"crlf.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"bags.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"two-keys.pem", NULL, NULL, NULL, VERDICT_ALIAS, "2 private keys"},
        {"key-only.pem", NULL, NULL, NULL, VERDICT_NOCERT, NULL},
        {"chain.pem", NULL, NULL, NULL, VERDICT_NOKEY, NULL},
        {"other-key.pem", NULL, NULL, NULL, VERDICT_MISMATCH, NULL},
        {"run-on.pem", NULL, NULL, NULL, VERDICT_FORMAT, "line break"},
        {"label.pem", NULL, NULL, NULL, VERDICT_FORMAT, "does not end"},
        {"incomplete.pem", NULL, NULL, NULL, VERDICT_FORMAT, "incomplete"},
        {"dashes.pem", NULL, NULL, NULL, VERDICT_FORMAT, "base64"},
        {"no-begin.pem", NULL, NULL, NULL, VERDICT_FORMAT, "no beginning"},
        {"trailing-cert.pem", NULL, NULL, NULL, VERDICT_FORMAT, "certificate"},
        {"many.pem", NULL, NULL, NULL, VERDICT_LIMIT, "512"},
        {"enc-pbkdf2.pem", NULL, PW, NULL, VERDICT_OK, NULL},
        {"enc-pbkdf2.pem", NULL, NULL, PW, VERDICT_OK, NULL},
        {"enc-pbkdf2.pem", NULL, "wrong", NULL, VERDICT_KEYPASS, NULL},
        {"enc-pbkdf2.pem", NULL, NULL, NULL, VERDICT_KEYPASS, "no password is configured"},
        {"enc-latin1.pem", NULL, "p\xc3\xa4ss", NULL, VERDICT_OK, NULL},
        {"enc-latin1.pem", NULL, "p\xe4ss", NULL, VERDICT_OK, NULL},
        {"enc-scrypt.pem", NULL, PW, NULL, VERDICT_OK, NULL},
        {"enc-scrypt.pem", NULL, "wrong", NULL, VERDICT_KEYPASS, NULL},
        {"scrypt-large.pem", NULL, PW, NULL, VERDICT_OK, NULL},
        {"scrypt-hostile.pem", NULL, PW, NULL, VERDICT_LIMIT, "memory"},
        {"scrypt-128m.pem", NULL, PW, NULL, VERDICT_LIMIT, "memory"},
        {"scrypt-slow.pem", NULL, PW, NULL, VERDICT_LIMIT, "time"},
        {"enc-3des.pem", NULL, PW, NULL, VERDICT_OK, NULL},
        {"enc-md5des.pem", NULL, PW, NULL, VERDICT_OK, NULL},
        {"sec1.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"pkcs1.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"v2.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"dek-aes.pem", NULL, PW, NULL, VERDICT_OK, NULL},
        {"dek-aes.pem", NULL, "wrong", NULL, VERDICT_KEYPASS, NULL},
        {"dek-aes.pem", NULL, NULL, NULL, VERDICT_KEYPASS, "no password is configured"},
        {"dek-des.pem", NULL, PW, NULL, VERDICT_UNSUPPORTED, "openssl pkey"},
        {"openssh.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "ssh-keygen"},
        {"dsa.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "DSA"},
        {"trailing.pem", NULL, NULL, NULL, VERDICT_FORMAT, NULL},
        {"trailing-sealed.pem", NULL, PW, NULL, VERDICT_FORMAT, NULL},
        {"type-rsa2048.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"type-rsapss.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"type-p384.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"type-p521.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"type-ed25519.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"type-ed448.pem", NULL, NULL, NULL, VERDICT_OK, NULL},
        {"type-rsa1024.pem", NULL, NULL, NULL, VERDICT_POLICY, "rsa-1024"},
        {"type-k256.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "secp256k1"},
        {"type-brainpool.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "brainpool"},
        {"type-dsa.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "DSA"},
        {"rsa-swollen.pem", NULL, NULL, NULL, VERDICT_FORMAT, "modulus"},
        {"rsa-damaged.pem", NULL, NULL, NULL, VERDICT_MISMATCH, "damaged"},
        {"rsa-9000.pem", NULL, NULL, NULL, VERDICT_LIMIT, "rsa-9000"},
        {"large-key.pem", NULL, NULL, NULL, VERDICT_LIMIT, "16384"},
        {"type-explicit.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "explicit"},
        {"type-x25519.pem", NULL, NULL, NULL, VERDICT_UNSUPPORTED, "X25519"},
};

static const Case others[] = {
        {"bks.jks", NULL, PW, NULL, VERDICT_UNSUPPORTED, "-deststoretype PKCS12"},
        {"leaf.der", NULL, PW, NULL, VERDICT_UNSUPPORTED, "certificate"},
        {"key.der", NULL, PW, NULL, VERDICT_UNSUPPORTED, "openssl pkey"},
        {"key-sealed.der", NULL, PW, NULL, VERDICT_UNSUPPORTED, "openssl pkcs8"},
        {"empty.jks", NULL, PW, NULL, VERDICT_FORMAT, "empty"},
        {"noise.p12", NULL, PW, NULL, VERDICT_FORMAT, NULL},
};

static const Case warned[] = {
        {"expired.p12", NULL, PW, NULL, VERDICT_OK, "expired on"},
        {"soon.p12", NULL, PW, NULL, VERDICT_OK, "less than 30 days"},
        {"server.p12", NULL, PW, NULL, VERDICT_OK, "clientAuth"},
        {"sha1.p12", NULL, PW, NULL, VERDICT_OK, "SHA-1"},
        {"leaf-only.p12", NULL, PW, NULL, VERDICT_OK, "may be incomplete"},
        {"gap.p12", NULL, PW, NULL, VERDICT_OK, "may be incomplete"},
        {"self-signed.p12", NULL, PW, NULL, VERDICT_OK, "self-signed"},
};
/* clang-format on */

static bool warns(const LoadedKey *k, const char *text) {
        for (size_t i = 0; k->warnings && k->warnings[i]; i++)
                if (strstr(k->warnings[i], text))
                        return true;

        return false;
}

static void check(const Case *c) {
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        LoadFailure f;
        Verdict v = stores_load(c->store, c->alias, c->password, c->key_password, &k, &f);

        if (v != c->verdict)
                fail_msg("%s: %s instead of %s: %s; %s", c->store, verdict_to_string(v), verdict_to_string(c->verdict), f.detail, f.hint);
        if (v == VERDICT_OK && c->says && !warns(k, c->says))
                fail_msg("%s: no warning says \"%s\"", c->store, c->says);
        if (v != VERDICT_OK && c->says && !strstr(f.detail, c->says) && !strstr(f.hint, c->says))
                fail_msg("%s: \"%s\" is not in: %s; %s", c->store, c->says, f.detail, f.hint);
        /* A sentence names the place and what to do. */
        if (v != VERDICT_OK && (!strstr(f.detail, "STORE") || !f.hint[0]))
                fail_msg("%s: neither place nor help: %s; %s", c->store, f.detail, f.hint);
}

static void test_pkcs12(void **state _unused_) {
        for (size_t i = 0; i < ARRAY_SIZE(pkcs12); i++)
                check(&pkcs12[i]);
}

static void test_pem(void **state _unused_) {
        for (size_t i = 0; i < ARRAY_SIZE(pem); i++)
                check(&pem[i]);
}

static void test_others(void **state _unused_) {
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                check(&others[i]);
}

static void test_warnings(void **state _unused_) {
        for (size_t i = 0; i < ARRAY_SIZE(warned); i++)
                check(&warned[i]);
}

/* The same leaf, and behind it the intermediate alone, wherever the certificates stood. */
static void test_chain(void **state _unused_) {
        static const char *const stores[] = {"plain.p12",  "root-first.p12", "legacy.p12",           "crossed.p12",
                                             "nested.p12", "key-last.pem",   "root-first-bundle.pem"};
        _cleanup_(loaded_key_freep) LoadedKey *first = NULL;
        LoadFailure f;

        assert_int_equal(stores_load(stores[0], NULL, PW, NULL, &first, &f), VERDICT_OK);
        assert_int_equal(first->n_chain, 2);
        assert_null(first->warnings);
        assert_string_equal(first->format, "pkcs12");
        assert_string_equal(first->alias, "client");
        assert_string_equal(first->key_type, "ec-p256");
        assert_true(first->not_before < first->not_after);

        for (size_t i = 1; i < ARRAY_SIZE(stores); i++) {
                _cleanup_(loaded_key_freep) LoadedKey *k = NULL;

                assert_int_equal(stores_load(stores[i], NULL, PW, NULL, &k, &f), VERDICT_OK);
                assert_int_equal(k->n_chain, 2);
                assert_memory_equal(k->leaf_sha256, first->leaf_sha256, sizeof(k->leaf_sha256));
                assert_memory_equal(k->spki_sha256, first->spki_sha256, sizeof(k->spki_sha256));
                assert_int_equal(k->chain[1].size, first->chain[1].size);
                assert_memory_equal(k->chain[1].der, first->chain[1].der, first->chain[1].size);
        }
}

static void test_key_types(void **state _unused_) {
        static const struct {
                const char *store, *name;
        } types[] = {
                {"type-rsa2048.pem", "rsa-2048"}, {"type-rsapss.pem", "rsa-pss-2048"}, {"type-p384.pem", "ec-p384"}, {"type-p521.pem", "ec-p521"},
                {"type-ed25519.pem", "ed25519"},  {"type-ed448.pem", "ed448"},         {"v2.pem", "ed25519"}};
        LoadFailure f;

        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                _cleanup_(loaded_key_freep) LoadedKey *k = NULL;

                assert_int_equal(stores_load(types[i].store, NULL, NULL, NULL, &k, &f), VERDICT_OK);
                assert_string_equal(k->key_type, types[i].name);
        }
}

/* Refusals by a limit cost nothing: no clock is asked, the CPU time of all of them is. */
static void test_limits_are_cheap(void **state _unused_) {
        clock_t before = clock();

        for (size_t i = 0; i < ARRAY_SIZE(pkcs12); i++)
                if (pkcs12[i].verdict == VERDICT_LIMIT)
                        check(&pkcs12[i]);

        assert_true(clock() - before < 10 * CLOCKS_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pkcs12),           cmocka_unit_test(test_pem),   cmocka_unit_test(test_others),
                cmocka_unit_test(test_warnings),         cmocka_unit_test(test_chain), cmocka_unit_test(test_key_types),
                cmocka_unit_test(test_limits_are_cheap),
        };

        return cmocka_run_group_tests(tests, stores_make, NULL);
}
