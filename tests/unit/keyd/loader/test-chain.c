/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "keyd/loader/chain.h"
#include "keyd/loader/fit.h"
#include "keyd/loader/warnings.h"

/* A heap of certificates, each with a key of its own. */
typedef struct Heap {
        Keystore store;
        KeystoreEntry entry;
        EVP_PKEY *keys[16];
        size_t n_keys;
} Heap;

static void heap_init(Heap *h) {
        *h = (Heap) {.store = {.format = "pkcs12", .certificates = sk_X509_new_null()}};
}

static void heap_done(Heap *h) {
        for (size_t i = 0; i < h->n_keys; i++)
                EVP_PKEY_free(h->keys[i]);
        keystore_done(&h->store);
        assert_int_equal(ERR_peek_error(), 0);
}

static EVP_PKEY *new_key(Heap *h) {
        assert_true(h->n_keys < ARRAY_SIZE(h->keys));
        h->keys[h->n_keys] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        assert_non_null(h->keys[h->n_keys]);
        return h->keys[h->n_keys++];
}

typedef struct Spec {
        const char *subject, *issuer;
        EVP_PKEY *key, *issuer_key;
        long begins, ends;                 /* seconds from now; both 0: an hour ago, in 90 days */
        const char *key_id, *authority_id; /* NULL: no extension */
        const char *usage;                 /* extended key usage */
} Spec;

static void set_name(X509_NAME *name, const char *cn) {
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *) cn, -1, -1, 0), 1);
}

static void add_octets(X509 *x, int nid, const char *id) {
        ASN1_OCTET_STRING *o = ASN1_OCTET_STRING_new();
        AUTHORITY_KEYID *a = AUTHORITY_KEYID_new();

        assert_int_equal(ASN1_OCTET_STRING_set(o, (const uint8_t *) id, (int) strlen(id)), 1);
        if (nid == NID_subject_key_identifier)
                assert_int_equal(X509_add1_ext_i2d(x, nid, o, 0, 0), 1);
        else {
                a->keyid = ASN1_OCTET_STRING_dup(o);
                assert_int_equal(X509_add1_ext_i2d(x, nid, a, 0, 0), 1);
        }
        AUTHORITY_KEYID_free(a);
        ASN1_OCTET_STRING_free(o);
}

static X509 *add(Heap *h, const Spec *s) {
        static long serial = 1;
        X509 *x = X509_new();
        X509V3_CTX ctx;

        assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), serial++), 1);
        set_name(X509_get_subject_name(x), s->subject);
        set_name(X509_get_issuer_name(x), s->issuer);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), s->ends ? s->begins : -3600));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), s->ends ? s->ends : 90L * 86400));
        assert_int_equal(X509_set_pubkey(x, s->key), 1);
        if (s->key_id)
                add_octets(x, NID_subject_key_identifier, s->key_id);
        if (s->authority_id)
                add_octets(x, NID_authority_key_identifier, s->authority_id);
        if (s->usage) {
                X509_EXTENSION *e;

                X509V3_set_ctx_nodb(&ctx);
                e = X509V3_EXT_conf_nid(NULL, &ctx, NID_ext_key_usage, s->usage);
                assert_int_equal(X509_add_ext(x, e, -1), 1);
                X509_EXTENSION_free(e);
        }
        assert_true(X509_sign(x, s->issuer_key, EVP_sha256()) > 0);

        /* Decoded anew, as a reader would have it. */
        uint8_t *der = NULL;
        int size = i2d_X509(x, &der);
        const uint8_t *p = der;
        X509 *decoded = d2i_X509(NULL, &p, size);
        assert_non_null(decoded);
        OPENSSL_free(der);
        X509_free(x);
        assert_true(sk_X509_push(h->store.certificates, decoded) > 0);
        return decoded;
}

static void test_order_does_not_matter(void **state _unused_) {
        _cleanup_(heap_done) Heap h;
        Chain c;

        heap_init(&h);
        EVP_PKEY *root = new_key(&h), *middle = new_key(&h), *leaf = new_key(&h), *stranger = new_key(&h);
        add(&h, &(Spec) {.subject = "root", .issuer = "root", .key = root, .issuer_key = root});
        add(&h, &(Spec) {.subject = "stranger", .issuer = "elsewhere", .key = stranger, .issuer_key = stranger});
        X509 *m = add(&h, &(Spec) {.subject = "middle", .issuer = "root", .key = middle, .issuer_key = root});
        X509 *l = add(&h, &(Spec) {.subject = "leaf", .issuer = "middle", .key = leaf, .issuer_key = middle});

        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, leaf), l);
        chain_build(&h.store, &h.entry, l, &c);
        assert_int_equal(c.n_items, 2);
        assert_ptr_equal(c.items[1], m);
        assert_true(c.ends_at_root);
        assert_false(c.root_unused);
}

static void test_self_signed_leaf_is_sent(void **state _unused_) {
        _cleanup_(heap_done) Heap h;
        Chain c;

        heap_init(&h);
        EVP_PKEY *key = new_key(&h);
        X509 *x = add(&h, &(Spec) {.subject = "self", .issuer = "self", .key = key, .issuer_key = key});
        chain_build(&h.store, &h.entry, x, &c);
        assert_int_equal(c.n_items, 1);
        assert_true(c.ends_at_root);
}

/* Two CAs that certified each other. */
static void test_loop_ends(void **state _unused_) {
        _cleanup_(heap_done) Heap h;
        Chain c;

        heap_init(&h);
        EVP_PKEY *a = new_key(&h), *b = new_key(&h), *leaf = new_key(&h);
        add(&h, &(Spec) {.subject = "a", .issuer = "b", .key = a, .issuer_key = b});
        add(&h, &(Spec) {.subject = "b", .issuer = "a", .key = b, .issuer_key = a});
        X509 *l = add(&h, &(Spec) {.subject = "leaf", .issuer = "a", .key = leaf, .issuer_key = a});
        chain_build(&h.store, &h.entry, l, &c);
        assert_int_equal(c.n_items, 3);
        assert_false(c.ends_at_root);
}

static void test_long_chain_is_cut(void **state _unused_) {
        _cleanup_(heap_done) Heap h;
        char names[13][8];
        X509 *leaf = NULL;
        EVP_PKEY *above;
        Chain c;

        heap_init(&h);
        above = new_key(&h);
        snprintf(names[12], sizeof(names[12]), "ca12");
        for (int i = 11; i >= 0; i--) {
                EVP_PKEY *key = new_key(&h);

                snprintf(names[i], sizeof(names[i]), "ca%d", i);
                leaf = add(&h, &(Spec) {.subject = names[i], .issuer = names[i + 1], .key = key, .issuer_key = above});
                above = key;
        }
        chain_build(&h.store, &h.entry, leaf, &c);
        assert_int_equal(c.n_items, PROTO_CHAIN_MAX);
        assert_true(c.too_long);
        assert_int_equal(warnings_collect(&h.store, &c), 0);
        assert_non_null(strstr(h.store.warnings[0], "longer than"));
}

/* Two CAs of one name, as after a change of keys: the identifiers tell them apart, or else the signature does. */
static void check_tie(const char *first_id, const char *second_id, const char *authority_id) {
        _cleanup_(heap_done) Heap h;
        Chain c;

        heap_init(&h);
        EVP_PKEY *root = new_key(&h), *old = new_key(&h), *new = new_key(&h), *leaf = new_key(&h);
        X509 *first = add(&h, &(Spec) {.subject = "ca", .issuer = "root", .key = old, .issuer_key = root, .key_id = first_id});
        X509 *second = add(&h, &(Spec) {.subject = "ca", .issuer = "root", .key = new, .issuer_key = root, .key_id = second_id});
        X509 *a = add(&h, &(Spec) {.subject = "a", .issuer = "ca", .key = leaf, .issuer_key = old, .authority_id = authority_id ? first_id : NULL});
        X509 *b = add(&h, &(Spec) {.subject = "b", .issuer = "ca", .key = leaf, .issuer_key = new, .authority_id = authority_id});

        chain_build(&h.store, &h.entry, a, &c);
        assert_ptr_equal(c.items[1], first);
        chain_build(&h.store, &h.entry, b, &c);
        assert_ptr_equal(c.items[1], second);
}

static void test_issuer_tie(void **state _unused_) {
        check_tie("one", "two", "two");
        check_tie(NULL, NULL, NULL);
        check_tie("one", "two", NULL);
}

static void test_leaf_tie(void **state _unused_) {
        _cleanup_(heap_done) Heap h;

        heap_init(&h);
        EVP_PKEY *ca = new_key(&h), *key = new_key(&h);
        X509 *own = add(&h, &(Spec) {.subject = "leaf", .issuer = "leaf", .key = key, .issuer_key = key});
        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, key), own);
        X509 *expired = add(&h, &(Spec) {.subject = "leaf", .issuer = "ca", .key = key, .issuer_key = ca, .begins = -7200, .ends = -3600});
        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, key), own);
        X509 *issued = add(&h, &(Spec) {.subject = "leaf", .issuer = "ca", .key = key, .issuer_key = ca, .begins = -7200, .ends = 86400});
        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, key), issued);
        X509 *renewed = add(&h, &(Spec) {.subject = "leaf", .issuer = "ca", .key = key, .issuer_key = ca, .begins = -3600, .ends = 2 * 86400});
        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, key), renewed);

        /* A label that fits outweighs it all; one of another key's certificate counts for nothing. */
        h.entry.n_local_key_id = 1;
        h.entry.local_key_id[0] = 'x';
        assert_int_equal(X509_keyid_set1(expired, (uint8_t *) "x", 1), 1);
        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, key), expired);
        X509 *other = add(&h, &(Spec) {.subject = "other", .issuer = "ca", .key = ca, .issuer_key = ca});
        assert_int_equal(X509_keyid_set1(other, (uint8_t *) "x", 1), 1);
        assert_ptr_equal(chain_find_leaf(&h.store, &h.entry, key), expired);
        assert_null(chain_find_leaf(&h.store, &h.entry, new_key(&h)));
}

static void test_pair(void **state _unused_) {
        char name[32];
        _cleanup_(heap_done) Heap h;
        LoadFailure f;

        heap_init(&h);
        EVP_PKEY *key = new_key(&h), *other = new_key(&h);
        X509 *x = add(&h, &(Spec) {.subject = "leaf", .issuer = "leaf", .key = key, .issuer_key = key});
        assert_int_equal(fit_check_key(key, name, sizeof(name), &f), 0);
        assert_string_equal(name, "ec-p256");
        assert_int_equal(fit_check_pair(key, x, &f), 0);
        assert_int_equal(fit_check_pair(other, x, &f), 1);
        assert_int_equal(f.verdict, VERDICT_MISMATCH);
}

static bool warned(const Keystore *k, const char *text) {
        for (size_t i = 0; k->warnings && k->warnings[i]; i++)
                if (strstr(k->warnings[i], text))
                        return true;

        return false;
}

static void test_warnings(void **state _unused_) {
        static const struct {
                long begins, ends;
                const char *usage, *says;
        } cases[] = {
                {86400, 90L * 86400, NULL, "not yet valid"}, {-7200, -3600, NULL, "expired on"},    {-3600, 86400, NULL, "less than 30 days"},
                {0, 0, "serverAuth", "clientAuth"},          {0, 0, "serverAuth,clientAuth", NULL}, {0, 0, "anyExtendedKeyUsage", NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(heap_done) Heap h;
                Chain c;

                heap_init(&h);
                EVP_PKEY *root = new_key(&h), *key = new_key(&h);
                add(&h, &(Spec) {.subject = "root", .issuer = "root", .key = root, .issuer_key = root});
                X509 *x = add(&h, &(Spec) {.subject = "leaf",
                                           .issuer = "root",
                                           .key = key,
                                           .issuer_key = root,
                                           .begins = cases[i].begins,
                                           .ends = cases[i].ends,
                                           .usage = cases[i].usage});
                chain_build(&h.store, &h.entry, x, &c);
                assert_int_equal(warnings_collect(&h.store, &c), 0);
                if (cases[i].says)
                        assert_true(warned(&h.store, cases[i].says));
                else
                        assert_null(h.store.warnings);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_does_not_matter),
                cmocka_unit_test(test_self_signed_leaf_is_sent),
                cmocka_unit_test(test_loop_ends),
                cmocka_unit_test(test_long_chain_is_cut),
                cmocka_unit_test(test_issuer_tie),
                cmocka_unit_test(test_leaf_tie),
                cmocka_unit_test(test_pair),
                cmocka_unit_test(test_warnings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
