/* SPDX-License-Identifier: Apache-2.0 */

/* server-certificate: the path to a CA certificate of the profile, and revocation on it */

#include "tests/unit/keyd/verifier/certificate.h"

#define DEPTH_COUNT 12

static void test_store(void **state) {
        CheckResult result;
        X509_STORE *other = X509_STORE_new(), *partial = X509_STORE_new();
        X509 *root;
        Span der;
        World w;

        (void) state;
        certificate_world(&w);
        root = pki_certificate(&(CertificateSpec) {.name = "root", .key = pki_key("ec-p256#other"), .ca = true, .key_usage = "keyCertSign"});
        assert_int_equal(X509_STORE_add_cert(other, root), 1);
        assert_int_equal(X509_STORE_add_cert(partial, w.intermediate), 1);

        /* another CA of the same name */
        w.policy.store = other;
        certificate_expect(&w, "certificate 2 of the server's chain");

        /* an intermediate that the profile trusts by itself */
        w.policy.store = partial;
        certificate_expect(&w, NULL);

        /* the server does not send its intermediate */
        w.policy.store = w.store;
        der = pki_der(w.server_leaf);
        certificate_assert(certificate_check(&w, &der, 1, &result), &result, "put its CA certificate into CAFile");
        OPENSSL_free((void *) der.data);

        X509_free(root);
        X509_STORE_free(other);
        X509_STORE_free(partial);
        world_done(&w);
}

/* Intermediates: no CA, weak keys (auth level 2 would let a curve of 224 bits pass), names that it may not give, for clients only, not valid */
static void test_intermediate(void **state) {
        static const struct {
                const char *says, *key, *constraints, *ext_key_usage;
                bool no_ca;
                int64_t from, to;
        } rows[] = {
                {NULL, "ec-p256#sub"},
                {"invalid CA", "ec-p256#sub", .no_ca = true},
                {"curve below 256", "ec-p224#sub"},
                {"CA certificate key too weak", "rsa-1024#sub"},
                {"certificate 2 of the server's chain: certificate has expired", "ec-p256#sub", .from = -100, .to = -1},
                {"certificate 2 of the server's chain: certificate is not yet valid", "ec-p256#sub", .from = 1, .to = 100},
                {NULL, "ec-p256#sub", "critical,permitted;DNS:example.com"},
                {"permitted subtree", "ec-p256#sub", "critical,permitted;DNS:example.org"},
                {"excluded subtree", "ec-p256#sub", "critical,excluded;DNS:partner.example.com"},
                {"certificate purpose", "ec-p256#sub", .ext_key_usage = "clientAuth"},
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                CertificateSpec spec;
                World w;

                certificate_world(&w);
                sk_X509_zero(w.chain);
                X509_free(w.intermediate);
                w.intermediate_key = pki_key(rows[i].key);
                w.intermediate = pki_certificate(&(CertificateSpec) {
                        .name = "intermediate",
                        .key = w.intermediate_key,
                        .issuer = w.root,
                        .issuer_key = w.root_key,
                        .ca = !rows[i].no_ca,
                        .from = rows[i].from,
                        .to = rows[i].to,
                        .name_constraints = rows[i].constraints,
                        .ext_key_usage = rows[i].ext_key_usage,
                });
                spec = world_server_spec(&w);
                world_set_server(&w, &spec);
                certificate_expect(&w, rows[i].says);
                world_done(&w);
        }
}

/* The server's certificate below @n CA certificates that lie between it and the root */
static void expect_depth(size_t n, const char *says) {
        X509 *certificates[DEPTH_COUNT] = {};
        Span ders[DEPTH_COUNT];
        CertificateSpec spec;
        CheckResult result;
        World w;

        certificate_world(&w);
        for (size_t i = 0; i < n; i++) {
                char name[16];

                snprintf(name, sizeof(name), "depth %zu", i);
                certificates[n - i] = pki_certificate(&(CertificateSpec) {
                        .name = name,
                        .key = w.intermediate_key,
                        .issuer = i == 0 ? w.root : certificates[n - i + 1],
                        .issuer_key = i == 0 ? w.root_key : w.intermediate_key,
                        .ca = true,
                });
        }
        spec = world_server_spec(&w);
        spec.issuer = certificates[1];
        certificates[0] = pki_certificate(&spec);
        for (size_t i = 0; i <= n; i++)
                ders[i] = pki_der(certificates[i]);
        certificate_assert(certificate_check(&w, ders, n + 1, &result), &result, says);
        for (size_t i = 0; i <= n; i++) {
                OPENSSL_free((void *) ders[i].data);
                X509_free(certificates[i]);
        }
        world_done(&w);
}

static void test_depth(void **state) {
        (void) state;
        expect_depth(10, NULL);
        expect_depth(11, "certificate chain too long");
}

static void add_crl(const World *w, X509 *issuer, EVP_PKEY *key, X509 *revoked) {
        X509_CRL *crl = pki_crl(issuer, key, revoked);

        assert_int_equal(X509_STORE_add_crl(w->store, crl), 1);
        X509_CRL_free(crl);
}

static void test_revocation(void **state) {
        static const struct {
                const char *says;
                bool off, leaf_list, root_list, leaf_revoked, intermediate_revoked;
        } rows[] = {
                {NULL, .off = true},
                {NULL, .leaf_list = true, .root_list = true},
                {"unable to get certificate CRL", .leaf_list = true},
                {"unable to get certificate CRL", .root_list = true},
                {"revoked", .leaf_list = true, .root_list = true, .leaf_revoked = true},
                {"revoked", .leaf_list = true, .root_list = true, .intermediate_revoked = true},
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                World w;

                certificate_world(&w);
                w.policy.has_crls = !rows[i].off;
                if (rows[i].leaf_list)
                        add_crl(&w, w.intermediate, w.intermediate_key, rows[i].leaf_revoked ? w.server_leaf : NULL);
                if (rows[i].root_list)
                        add_crl(&w, w.root, w.root_key, rows[i].intermediate_revoked ? w.intermediate : NULL);
                certificate_expect(&w, rows[i].says);
                world_done(&w);
        }
}

/* A list of yesterday names nobody that was revoked since. */
static void test_revocation_list_too_old(void **state) {
        ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t) (PKI_NOW - 1));
        X509_CRL *crl;
        World w;

        (void) state;
        certificate_world(&w);
        w.policy.has_crls = true;
        add_crl(&w, w.root, w.root_key, NULL);
        crl = pki_crl(w.intermediate, w.intermediate_key, NULL);
        assert_true(t && X509_CRL_set1_nextUpdate(crl, t) == 1 && X509_CRL_sign(crl, w.intermediate_key, EVP_sha256()) > 0);
        assert_int_equal(X509_STORE_add_crl(w.store, crl), 1);
        certificate_expect(&w, "CRL has expired");
        X509_CRL_free(crl);
        ASN1_TIME_free(t);
        world_done(&w);
}

/* What is trusted must be valid too, with and without lists. */
static void test_anchor_expired(void **state) {
        (void) state;
        for (unsigned i = 0; i < 2; i++) {
                X509_STORE *store = X509_STORE_new();
                X509_CRL *crl;
                X509 *old;
                World w;

                certificate_world(&w);
                old = pki_certificate(&(CertificateSpec) {
                        .name = "intermediate",
                        .key = w.intermediate_key,
                        .issuer = w.root,
                        .issuer_key = w.root_key,
                        .ca = true,
                        .from = -100,
                        .to = -1,
                });
                crl = pki_crl(old, w.intermediate_key, NULL);
                assert_true(X509_STORE_add_cert(store, old) == 1 && X509_STORE_add_crl(store, crl) == 1);
                w.policy.store = store;
                w.policy.has_crls = i == 1;
                certificate_expect(&w, "certificate 2 of the server's chain: certificate has expired");
                X509_CRL_free(crl);
                X509_free(old);
                X509_STORE_free(store);
                world_done(&w);
        }
}

/* The intermediate is the trust anchor: only what it issued needs a list. */
static void test_revocation_below_anchor(void **state) {
        X509_STORE *partial = X509_STORE_new();
        X509_CRL *crl;
        World w;

        (void) state;
        certificate_world(&w);
        assert_int_equal(X509_STORE_add_cert(partial, w.intermediate), 1);
        w.policy.store = partial;
        w.policy.has_crls = true;
        certificate_expect(&w, "certificate 1 of the server's chain: unable to get certificate CRL");
        crl = pki_crl(w.intermediate, w.intermediate_key, NULL);
        assert_int_equal(X509_STORE_add_crl(partial, crl), 1);
        certificate_expect(&w, NULL);
        X509_CRL_free(crl);
        X509_STORE_free(partial);
        world_done(&w);
}

/* A chain of one: the trusted certificate is the server's own, and that needs a list. */
static void test_revocation_of_anchor(void **state) {
        CertificateSpec spec;
        World w;

        (void) state;
        certificate_world(&w);
        spec = world_server_spec(&w);
        spec.issuer = NULL;
        spec.issuer_key = NULL;
        world_set_server(&w, &spec);
        assert_int_equal(X509_STORE_add_cert(w.store, w.server_leaf), 1);
        certificate_expect(&w, NULL);
        w.policy.has_crls = true;
        certificate_expect(&w, "unable to get certificate CRL");
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_store),
                cmocka_unit_test(test_intermediate),
                cmocka_unit_test(test_depth),
                cmocka_unit_test(test_anchor_expired),
                cmocka_unit_test(test_revocation),
                cmocka_unit_test(test_revocation_list_too_old),
                cmocka_unit_test(test_revocation_below_anchor),
                cmocka_unit_test(test_revocation_of_anchor),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
