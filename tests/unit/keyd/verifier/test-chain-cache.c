/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/keyd/verifier/world.h"

static bool has(ChainCache *c, uint8_t n, int64_t now) {
        uint8_t name[CHAIN_KEY_SIZE] = {n};
        VerifiedChain found;

        if (!chain_cache_find(c, name, now, &found))
                return false;
        assert_int_equal(found.spki_sha256[0], n);
        assert_ptr_equal(found.key, pki_key("ec-p256"));
        verified_chain_done(&found);
        return true;
}

static void add(ChainCache *c, uint8_t n, int64_t now, int64_t not_after) {
        uint8_t name[CHAIN_KEY_SIZE] = {n};

        chain_cache_add(c, name, now, not_after, &(VerifiedChain) {.key = pki_key("ec-p256"), .spki_sha256 = {n}});
}

static void test_lifetime(void **state) {
        _cleanup_(chain_cache_freep) ChainCache *c = NULL;

        (void) state;
        assert_int_equal(chain_cache_new(&c), 0);
        add(c, 1, 1000, INT64_MAX);
        assert_true(has(c, 1, 1000));
        assert_true(has(c, 1, 1059));
        assert_false(has(c, 2, 1000));
        assert_false(has(c, 1, 1060));
        assert_false(has(c, 1, 1000)); /* gone for good */

        add(c, 1, 1000, 1010);
        assert_true(has(c, 1, 1009));
        assert_false(has(c, 1, 1010));
        add(c, 1, 1000, 1000);
        assert_false(has(c, 1, 1000));

        add(c, 1, 1000, INT64_MAX);
        assert_false(has(c, 1, 999));

        add(c, 1, 1000, INT64_MAX);
        chain_cache_clear(c);
        assert_false(has(c, 1, 1000));
}

static void test_bound(void **state) {
        _cleanup_(chain_cache_freep) ChainCache *c = NULL;

        (void) state;
        assert_int_equal(chain_cache_new(&c), 0);
        for (unsigned i = 0; i < CHAIN_CACHE_ENTRIES; i++)
                add(c, (uint8_t) i, 1000, INT64_MAX);
        add(c, 0, 1001, INT64_MAX); /* again: now the youngest */
        for (unsigned i = 0; i < CHAIN_CACHE_ENTRIES; i++)
                assert_true(has(c, (uint8_t) i, 1001));
        add(c, 200, 1001, INT64_MAX);
        assert_false(has(c, 1, 1001));
        assert_true(has(c, 0, 1001));
        assert_true(has(c, 2, 1001));
        assert_true(has(c, 200, 1001));
}

static void test_no_cache(void **state) {
        (void) state;
        add(NULL, 1, 1000, INT64_MAX);
        assert_false(has(NULL, 1, 1000));
        assert_null(chain_cache_free(NULL));
        chain_cache_clear(NULL);
}

static void make(const char *profile, uint64_t generation, const char *host, const char *a, const char *b, uint8_t *ret) {
        Span list[2] = {span_from_string(a), span_from_string(b)};

        assert_int_equal(chain_key_make(span_from_string(profile), generation, span_from_string(host), list, 2, ret), 0);
}

/* Each field counts, and none can be taken for a part of its neighbour. */
static void test_names(void **state) {
        uint8_t names[8][CHAIN_KEY_SIZE];

        (void) state;
        make("p", 1, "h", "a", "b", names[0]);
        make("q", 1, "h", "a", "b", names[1]);
        make("p", 2, "h", "a", "b", names[2]);
        make("p", 1, "i", "a", "b", names[3]);
        make("p", 1, "h", "c", "b", names[4]);
        make("p", 1, "h", "a", "c", names[5]);
        make("p", 1, "h", "ab", "", names[6]);
        make("ph", 1, "", "a", "b", names[7]);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                for (size_t k = 0; k < i; k++)
                        assert_memory_not_equal(names[i], names[k], CHAIN_KEY_SIZE);
}

static int check_at(const World *w, ChainCache *cache, const Recording *r, int64_t now, Span transcript) {
        CheckResult result;

        return check_handshake(&w->policy, cache, now, TLS_VERSION_1_3, r->scheme, transcript, &result);
}

/* An empty store shows whether a chain was verified or remembered. */
static void test_in_check(void **state) {
        _cleanup_(chain_cache_freep) ChainCache *cache = NULL;
        X509_STORE *empty = X509_STORE_new();
        CertificateSpec server;
        Recording recording;
        RecordSpec spec;
        Span transcript;
        World w;

        (void) state;
        assert_int_equal(chain_cache_new(&cache), 0);
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        server = world_server_spec(&w);
        server.from = -100;
        server.to = 30;
        world_set_server(&w, &server);
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        record_handshake(&spec, &recording);
        transcript = buf_span(&recording.transcript);

        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, transcript), 0);
        w.policy.store = empty;
        assert_int_equal(check_at(&w, NULL, &recording, PKI_NOW, transcript), 1);
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, transcript), 0);

        /* of this profile, generation and host only */
        w.policy.generation++;
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, transcript), 1);
        w.policy.generation--;
        w.policy.profile = SPAN_LITERAL("other");
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, transcript), 1);
        w.policy.profile = SPAN_LITERAL("mauth");
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, transcript), 0);

        /* the certificate ends before the minute does */
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW + 29, transcript), 0);
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW + 30, transcript), 1);

        X509_STORE_free(empty);
        recording_done(&recording);
        world_done(&w);
}

/* The chain is known, the server's signature is not: it is verified each time. */
static void test_signature_each_time(void **state) {
        _cleanup_(chain_cache_freep) ChainCache *cache = NULL;
        Buf bytes = BUF_INIT(DRAFT_MAX);
        Recording recording;
        RecordSpec spec;
        Draft d;
        World w;

        (void) state;
        assert_int_equal(chain_cache_new(&cache), 0);
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        record_handshake(&spec, &recording);
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, buf_span(&recording.transcript)), 0);

        draft_init(&d, buf_span(&recording.transcript));
        draft_sign_1_3(&d, pki_key("ec-p256#impostor"), TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256(), false);
        draft_write(&d, &bytes);
        assert_int_equal(check_at(&w, cache, &recording, PKI_NOW, buf_span(&bytes)), 1);

        buf_done(&bytes);
        draft_done(&d);
        recording_done(&recording);
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lifetime), cmocka_unit_test(test_bound),    cmocka_unit_test(test_no_cache),
                cmocka_unit_test(test_names),    cmocka_unit_test(test_in_check), cmocka_unit_test(test_signature_each_time),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
