/* SPDX-License-Identifier: Apache-2.0 */

/* server-certificate: what the server sends, and what its own certificate says */

#include "tests/unit/keyd/verifier/certificate.h"

#define DAY 86400

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
        {"without digitalSignature", .key_usage = "keyEncipherment"},
        {"certificate purpose", .ext_key_usage = "clientAuth"},
        {"without serverAuth", .ext_key_usage = "msSGC"},
        {"key too weak", .key = "rsa-1024"},
        {"secp256k1) is not allowed", .key = "ec-k256"},
        {"curve below 256", .key = "ec-p224"},
        {"explicit ECC parameters", .key = "ec-explicit"},
        {"digest algorithm too weak", .md = EVP_sha1},
        {"self-signed", .self_signed = true},
};

static void test_leaf(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(leaf_cases); i++) {
                const LeafCase *k = &leaf_cases[i];
                CertificateSpec spec;
                World w;

                certificate_world(&w);
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
                certificate_expect(&w, k->says);
                world_done(&w);
        }
}

static void test_allowed_names(void **state) {
        CertificateSpec spec;
        World w;

        (void) state;
        certificate_world(&w);
        spec = world_server_spec(&w);
        spec.alt_names = "DNS:other.example.org";
        world_set_server(&w, &spec);
        certificate_expect(&w, "is not for");
        assert_int_equal(text_list_add(&w.allowed_names, SPAN_LITERAL(".example.org")), 0);
        certificate_expect(&w, "is not for");
        assert_int_equal(text_list_add(&w.allowed_names, SPAN_LITERAL("other.example.org")), 0);
        certificate_expect(&w, NULL);
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

                certificate_world(&w);
                w.policy.host = SPAN_LITERAL("192.0.2.7");
                spec = world_server_spec(&w);
                spec.alt_names = rows[i].alt_names;
                world_set_server(&w, &spec);
                certificate_expect(&w, rows[i].says);
                world_done(&w);
        }
}

static void test_lists(void **state) {
        Span many[13], longer, leaf;
        CheckResult result;
        uint8_t *copy;
        World w;

        (void) state;
        certificate_world(&w);
        certificate_assert(certificate_check(&w, NULL, 0, &result), &result, "sent 0 certificates");

        leaf = pki_der(w.server_leaf);
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = i == 0 ? leaf : pki_der(w.intermediate);
        certificate_assert(certificate_check(&w, many, 12, &result), &result, NULL);
        certificate_assert(certificate_check(&w, many, 13, &result), &result, "sent 13 certificates");
        for (size_t i = 1; i < ARRAY_SIZE(many); i++)
                OPENSSL_free((void *) many[i].data);

        certificate_assert(certificate_check(&w, &SPAN_LITERAL("\x30\x03\x02\x01\x01"), 1, &result), &result, "no X.509 certificate");
        copy = calloc(1, leaf.size + 1);
        assert_non_null(copy);
        memcpy(copy, leaf.data, leaf.size);
        longer = span_make(copy, leaf.size + 1);
        certificate_assert(certificate_check(&w, &longer, 1, &result), &result, "no X.509 certificate");
        free(copy);
        OPENSSL_free((void *) leaf.data);
        world_done(&w);
}

/* A key that would take long to verify with. The handshake is signed by another one: the certificate comes before the signature. */
static void test_large_key(void **state) {
        CertificateSpec spec;
        CheckResult result;
        X509 *certificate;
        Span ders[2];
        World w;

        (void) state;
        certificate_world(&w);
        spec = world_server_spec(&w);
        spec.key = pki_key("rsa-8200");
        certificate = pki_certificate(&spec);
        ders[0] = pki_der(certificate);
        ders[1] = pki_der(w.intermediate);
        certificate_assert(certificate_check(&w, ders, 2, &result), &result, "the server's key (rsa-8200) is not allowed");
        OPENSSL_free((void *) ders[0].data);
        OPENSSL_free((void *) ders[1].data);
        X509_free(certificate);
        world_done(&w);
}

static void test_pins(void **state) {
        uint8_t pin[2][PROTO_PIN_SIZE] = {};
        uint8_t *spki = NULL;
        World w;
        int n;

        (void) state;
        certificate_world(&w);
        n = i2d_PUBKEY(w.server_key, &spki);
        assert_true(n > 0 && EVP_Digest(spki, (size_t) n, pin[1], NULL, EVP_sha256(), NULL) == 1);
        OPENSSL_free(spki);

        assert_int_equal(text_list_add(&w.pins, span_make(pin[0], PROTO_PIN_SIZE)), 0);
        certificate_expect(&w, "none of those that the profile pins");
        assert_int_equal(text_list_add(&w.pins, span_make(pin[1], PROTO_PIN_SIZE)), 0);
        certificate_expect(&w, NULL);
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
        certificate_world(&w);
        assert_int_equal(chain_cache_new(&cache), 0);
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        record_handshake(&spec, &recording);
        assert_int_equal(world_check(&w, cache, TLS_VERSION_1_3, recording.scheme, buf_span(&recording.transcript), &result), 0);
        assert_int_equal(text_list_add(&w.pins, span_make(pin, sizeof(pin))), 0);
        certificate_assert(world_check(&w, cache, TLS_VERSION_1_3, recording.scheme, buf_span(&recording.transcript), &result), &result, "pins");
        recording_done(&recording);
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leaf),
                cmocka_unit_test(test_allowed_names),
                cmocka_unit_test(test_address),
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_large_key),
                cmocka_unit_test(test_pins),
                cmocka_unit_test(test_pins_of_known_chain),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
