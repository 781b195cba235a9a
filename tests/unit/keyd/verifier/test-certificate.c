/* SPDX-License-Identifier: Apache-2.0 */

/* server-certificate: chains, names, usage, keys, pins, revocation. The server's signature is good each time, so only the certificate can be refused. */

#include "common/wire.h"
#include "tests/unit/keyd/verifier/refusal.h"

#define DAY 86400
#define DEPTH_COUNT 12

/* A Certificate message of TLS 1.3 (RFC 8446, 4.4.2), each entry without extensions */
static void write_certificates(const Span *certificates, size_t n, Buf *ret) {
        Buf list = BUF_INIT(DRAFT_MAX);
        WireWriter w;

        wire_writer_init(&w, &list);
        for (size_t i = 0; i < n; i++) {
                wire_put_vector(&w, 3, certificates[i]);
                wire_put_u16(&w, 0);
        }
        assert_int_equal(wire_writer_end(&w), 0);

        wire_writer_init(&w, ret);
        wire_put_u8(&w, 0);
        wire_put_vector(&w, 3, buf_span(&list));
        assert_int_equal(wire_writer_end(&w), 0);
        buf_done(&list);
}

/* Any handshake of the same client: what the server shows in it is exchanged. */
static void record_any(const World *w, Recording *ret) {
        X509 *leaf = pki_certificate(&(CertificateSpec) {.name = "any", .key = pki_key("ec-p256#any")});
        RecordSpec spec = world_record_spec(w, TLS_VERSION_1_3);

        spec.server_leaf = leaf;
        spec.server_key = pki_key("ec-p256#any");
        spec.host = span_equal(w->policy.host, SPAN_LITERAL(WORLD_HOST)) ? WORLD_HOST : NULL;
        record_handshake(&spec, ret);
        X509_free(leaf);
}

/* The check of a handshake in which the world's server shows @certificates */
static int check_certificates(const World *w, const Span *certificates, size_t n, CheckResult *ret) {
        Buf message = BUF_INIT(DRAFT_MAX), bytes = BUF_INIT(DRAFT_MAX);
        Recording recording;
        DraftMessage *m;
        Draft d;
        int r;

        record_any(w, &recording);
        write_certificates(certificates, n, &message);
        draft_init(&d, buf_span(&recording.transcript));
        m = draft_find(&d, HANDSHAKE_CERTIFICATE, 0);
        draft_replace(m, 0, m->body.size, buf_span(&message));
        if (EVP_PKEY_is_a(w->server_key, "RSA"))
                draft_sign_1_3(&d, w->server_key, TLS_SCHEME_RSA_PSS_RSAE_SHA256, EVP_sha256(), true);
        else
                draft_sign_1_3(&d, w->server_key, TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256(), false);
        draft_write(&d, &bytes);
        r = world_check(w, NULL, TLS_VERSION_1_3, recording.scheme, buf_span(&bytes), ret);

        buf_done(&message);
        buf_done(&bytes);
        draft_done(&d);
        recording_done(&recording);
        return r;
}

static int check_world(const World *w, CheckResult *ret) {
        Span certificates[2] = {pki_der(w->server_leaf), pki_der(w->intermediate)};
        int r = check_certificates(w, certificates, 2, ret);

        OPENSSL_free((void *) certificates[0].data);
        OPENSSL_free((void *) certificates[1].data);
        return r;
}

static void expect(int r, const CheckResult *result, const char *says) {
        if (!says && r != 0)
                fail_msg("refused: %d, %u: %s", r, result->code, result->sentence);
        if (says && (r != 1 || result->code != REFUSAL_SERVER_CERTIFICATE || !strstr(result->sentence, says)))
                fail_msg("\"%s\": %d, %u: %s", says, r, result->code, result->sentence);
}

static void expect_world(const World *w, const char *says) {
        CheckResult result;

        expect(check_world(w, &result), &result, says);
}

static void setup(World *w) {
        world_init(w, "ec-p256", "ec-p256", "ec-p256");
}

/* One property of the server's certificate each; NULL: accepted */
typedef struct LeafCase {
        const char *says;
        const char *key, *alt_names, *key_usage, *ext_key_usage, *name;
        int64_t from, to;
        const EVP_MD *(*md)(void);
        bool no_key_usage, no_ext_key_usage, self_signed;
} LeafCase;

static const LeafCase leaf_cases[] = {
        {NULL},
        {NULL, .alt_names = "DNS:*.example.com"},
        {NULL, .alt_names = "DNS:a.example,DNS:PARTNER.EXAMPLE.COM"},
        {NULL, .no_key_usage = true, .no_ext_key_usage = true},
        {NULL, .ext_key_usage = "clientAuth,serverAuth"},
        {"is not for \"" WORLD_HOST "\"", .alt_names = "DNS:other.example.com", .name = WORLD_HOST},
        {"is not for", .alt_names = "email:a@b.example", .name = WORLD_HOST},
        {"is not for", .alt_names = "DNS:part*.example.com"},
        {"is not for", .alt_names = "DNS:*.com"},
        {"is not for", .alt_names = "DNS:example.com"},
        {"is not for", .alt_names = "DNS:sub." WORLD_HOST},
        {"has expired", .from = -2 * DAY, .to = -1},
        {"not yet valid", .from = 1, .to = DAY},
        {"lacks digitalSignature", .key_usage = "keyEncipherment"},
        {"extended key usage", .ext_key_usage = "clientAuth"},
        {"lacks serverAuth", .ext_key_usage = "msSGC"},
        {"key too weak", .key = "rsa-1024"},
        {"secp256k1) is not allowed", .key = "ec-k256"},
        {"curve below 256", .key = "ec-p224"},
        {"digest algorithm too weak", .md = EVP_sha1},
        {"self-signed", .self_signed = true},
};

static void test_leaf(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(leaf_cases); i++) {
                const LeafCase *k = &leaf_cases[i];
                CertificateSpec spec;
                World w;

                setup(&w);
                spec = world_server_spec(&w);
                spec.key = k->key ? pki_key(k->key) : spec.key;
                spec.name = k->name ? k->name : spec.name;
                spec.alt_names = k->alt_names ? k->alt_names : spec.alt_names;
                spec.key_usage = k->no_key_usage ? NULL : k->key_usage ? k->key_usage : spec.key_usage;
                spec.ext_key_usage = k->no_ext_key_usage ? NULL : k->ext_key_usage ? k->ext_key_usage : spec.ext_key_usage;
                spec.from = k->from;
                spec.to = k->to;
                spec.md = k->md ? k->md() : NULL;
                if (k->self_signed)
                        spec.issuer = NULL, spec.issuer_key = NULL;
                world_set_server(&w, &spec);
                expect_world(&w, k->says);
                world_done(&w);
        }
}

static void test_allowed_names(void **state) {
        CertificateSpec spec;
        World w;

        (void) state;
        setup(&w);
        spec = world_server_spec(&w);
        spec.alt_names = "DNS:other.example.org";
        world_set_server(&w, &spec);
        expect_world(&w, "is not for");
        assert_int_equal(text_list_add(&w.allowed_names, SPAN_LITERAL(".example.org")), 0);
        expect_world(&w, "is not for");
        assert_int_equal(text_list_add(&w.allowed_names, SPAN_LITERAL("other.example.org")), 0);
        expect_world(&w, NULL);
        world_done(&w);
}

/* An address is found in iPAddress only; never in a DNS name that looks like one. */
static void test_address(void **state) {
        static const struct {
                const char *alt_names, *says;
        } rows[] = {{"IP:192.0.2.7", NULL}, {"IP:192.0.2.8", "is not for \"192.0.2.7\""}, {"DNS:192.0.2.7", "is not for"}};

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                CertificateSpec spec;
                World w;

                setup(&w);
                w.policy.host = SPAN_LITERAL("192.0.2.7");
                spec = world_server_spec(&w);
                spec.alt_names = rows[i].alt_names;
                world_set_server(&w, &spec);
                expect_world(&w, rows[i].says);
                world_done(&w);
        }
}

static void test_store(void **state) {
        CheckResult result;
        X509_STORE *other = X509_STORE_new(), *partial = X509_STORE_new();
        X509 *root;
        Span der;
        World w;

        (void) state;
        setup(&w);
        root = pki_certificate(&(CertificateSpec) {.name = "root", .key = pki_key("ec-p256#other"), .ca = true, .key_usage = "keyCertSign"});
        assert_int_equal(X509_STORE_add_cert(other, root), 1);
        assert_int_equal(X509_STORE_add_cert(partial, w.intermediate), 1);

        /* another CA of the same name */
        w.policy.store = other;
        expect_world(&w, "certificate 2 of the server's chain");

        /* an intermediate that the profile trusts by itself */
        w.policy.store = partial;
        expect_world(&w, NULL);

        /* the server does not send its intermediate */
        w.policy.store = w.store;
        der = pki_der(w.server_leaf);
        expect(check_certificates(&w, &der, 1, &result), &result, "put its CA certificate into the profile's CAFile");
        OPENSSL_free((void *) der.data);

        X509_free(root);
        X509_STORE_free(other);
        X509_STORE_free(partial);
        world_done(&w);
}

static void test_lists(void **state) {
        Span many[13], longer, leaf;
        CheckResult result;
        uint8_t *copy;
        World w;

        (void) state;
        setup(&w);
        expect(check_certificates(&w, NULL, 0, &result), &result, "sent 0 certificates");

        leaf = pki_der(w.server_leaf);
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = i == 0 ? leaf : pki_der(w.intermediate);
        expect(check_certificates(&w, many, 12, &result), &result, NULL);
        expect(check_certificates(&w, many, 13, &result), &result, "sent 13 certificates");
        for (size_t i = 1; i < ARRAY_SIZE(many); i++)
                OPENSSL_free((void *) many[i].data);

        expect(check_certificates(&w, &SPAN_LITERAL("\x30\x03\x02\x01\x01"), 1, &result), &result, "no X.509 certificate");
        copy = calloc(1, leaf.size + 1);
        assert_non_null(copy);
        memcpy(copy, leaf.data, leaf.size);
        longer = span_make(copy, leaf.size + 1);
        expect(check_certificates(&w, &longer, 1, &result), &result, "no X.509 certificate");
        free(copy);
        OPENSSL_free((void *) leaf.data);
        world_done(&w);
}

/* Intermediates: no CA, a curve of 224 bits (which auth level 2 lets pass), names that it may not give */
static void test_intermediate(void **state) {
        static const struct {
                const char *key, *constraints, *says;
                bool no_ca;
        } rows[] = {
                {"ec-p256#sub", NULL, NULL, false},
                {"ec-p256#sub", NULL, "invalid CA", true},
                {"ec-p224#sub", NULL, "curve below 256", false},
                {"ec-p256#sub", "critical,permitted;DNS:example.com", NULL, false},
                {"ec-p256#sub", "critical,permitted;DNS:example.org", "permitted subtree", false},
                {"ec-p256#sub", "critical,excluded;DNS:partner.example.com", "excluded subtree", false},
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                CertificateSpec spec;
                World w;

                setup(&w);
                sk_X509_zero(w.chain);
                X509_free(w.intermediate);
                w.intermediate_key = pki_key(rows[i].key);
                w.intermediate = pki_certificate(&(CertificateSpec) {
                        .name = "intermediate", .key = w.intermediate_key, .issuer = w.root, .issuer_key = w.root_key,
                        .ca = !rows[i].no_ca, .name_constraints = rows[i].constraints,
                });
                spec = world_server_spec(&w);
                world_set_server(&w, &spec);
                expect_world(&w, rows[i].says);
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

        setup(&w);
        for (size_t i = 0; i < n; i++) {
                char name[16];

                snprintf(name, sizeof(name), "depth %zu", i);
                certificates[n - i] = pki_certificate(&(CertificateSpec) {
                        .name = name, .key = w.intermediate_key, .issuer = i == 0 ? w.root : certificates[n - i + 1],
                        .issuer_key = i == 0 ? w.root_key : w.intermediate_key, .ca = true,
                });
        }
        spec = world_server_spec(&w);
        spec.issuer = certificates[1];
        certificates[0] = pki_certificate(&spec);
        for (size_t i = 0; i <= n; i++)
                ders[i] = pki_der(certificates[i]);
        expect(check_certificates(&w, ders, n + 1, &result), &result, says);
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

static void test_pins(void **state) {
        uint8_t pin[2][PROTO_PIN_SIZE] = {};
        uint8_t *spki = NULL;
        World w;
        int n;

        (void) state;
        setup(&w);
        n = i2d_PUBKEY(w.server_key, &spki);
        assert_true(n > 0 && EVP_Digest(spki, (size_t) n, pin[1], NULL, EVP_sha256(), NULL) == 1);
        OPENSSL_free(spki);

        assert_int_equal(text_list_add(&w.pins, span_make(pin[0], PROTO_PIN_SIZE)), 0);
        expect_world(&w, "none of those that the profile pins");
        assert_int_equal(text_list_add(&w.pins, span_make(pin[1], PROTO_PIN_SIZE)), 0);
        expect_world(&w, NULL);
        world_done(&w);
}

/* A chain that is known from before is held against the pins all the same. */
static void test_pins_of_known_chain(void **state) {
        _cleanup_(chain_cache_freep) ChainCache *cache = NULL;
        uint8_t pin[PROTO_PIN_SIZE] = {};
        Recording recording;
        CheckResult result;
        RecordSpec spec;
        World w;

        (void) state;
        setup(&w);
        assert_int_equal(chain_cache_new(&cache), 0);
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        record_handshake(&spec, &recording);
        assert_int_equal(world_check(&w, cache, TLS_VERSION_1_3, recording.scheme, buf_span(&recording.transcript), &result), 0);
        assert_int_equal(text_list_add(&w.pins, span_make(pin, sizeof(pin))), 0);
        expect(world_check(&w, cache, TLS_VERSION_1_3, recording.scheme, buf_span(&recording.transcript), &result), &result, "pins");
        recording_done(&recording);
        world_done(&w);
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

                setup(&w);
                w.policy.has_crls = !rows[i].off;
                if (rows[i].leaf_list)
                        add_crl(&w, w.intermediate, w.intermediate_key, rows[i].leaf_revoked ? w.server_leaf : NULL);
                if (rows[i].root_list)
                        add_crl(&w, w.root, w.root_key, rows[i].intermediate_revoked ? w.intermediate : NULL);
                expect_world(&w, rows[i].says);
                world_done(&w);
        }
}

/* The intermediate is the trust anchor: only what it issued needs a list. */
static void test_revocation_below_anchor(void **state) {
        X509_STORE *partial = X509_STORE_new();
        X509_CRL *crl;
        World w;

        (void) state;
        setup(&w);
        assert_int_equal(X509_STORE_add_cert(partial, w.intermediate), 1);
        w.policy.store = partial;
        w.policy.has_crls = true;
        expect_world(&w, "certificate 1 of the server's chain: unable to get certificate CRL");
        crl = pki_crl(w.intermediate, w.intermediate_key, NULL);
        assert_int_equal(X509_STORE_add_crl(partial, crl), 1);
        expect_world(&w, NULL);
        X509_CRL_free(crl);
        X509_STORE_free(partial);
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leaf),       cmocka_unit_test(test_allowed_names), cmocka_unit_test(test_address),
                cmocka_unit_test(test_store),      cmocka_unit_test(test_lists),         cmocka_unit_test(test_intermediate),
                cmocka_unit_test(test_depth),      cmocka_unit_test(test_pins),          cmocka_unit_test(test_pins_of_known_chain),
                cmocka_unit_test(test_revocation), cmocka_unit_test(test_revocation_below_anchor),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
