/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Mutants of genuine transcripts of every combination of version, server key, client key and HelloRetryRequest
 *
 * Bits, bytes, and runs of bytes are changed at places that a fixed generator picks, so that every run tries the same. In TLS 1.3 nothing but verify_data
 * of the server's Finished may change, which no one without the connection's secrets can check, and which makes a hash that fits no
 * handshake. In TLS 1.2 nothing may change that the server signs, or that is compared.
 */

#include "tests/unit/keyd/verifier/refusal.h"

#define MUTANTS 400U

typedef struct Range {
        size_t from, to;
} Range;

typedef struct Mutation {
        World w;
        Recording recording;
        ChainCache *cache;
        uint16_t version;
        Range ranges[5]; /* TLS 1.3: where a change may pass; TLS 1.2: where none may */
        size_t n_ranges;
        size_t n_accepted;
} Mutation;

/* xorshift: the same numbers everywhere */
static uint32_t next_number(uint32_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        return *state;
}

static Range *add_range(Mutation *m, uint8_t type) {
        Transcript t;

        assert_int_equal(transcript_split(buf_span(&m->recording.transcript), &t), 0);
        for (size_t i = 0; i < t.n_messages; i++)
                if (t.messages[i].type == type) {
                        Range *r = &m->ranges[m->n_ranges++];

                        *r = (Range) {t.messages[i].end - t.messages[i].body.size, t.messages[i].end};
                        return r;
                }
        fail();
        return NULL;
}

/* RFC 8446, 4.1.2: legacy_version, then random */
static void add_random(Mutation *m, uint8_t type) {
        Range *r = add_range(m, type);

        r->from += 2;
        r->to = r->from + 32;
}

static void find_ranges(Mutation *m) {
        if (m->version == TLS_VERSION_1_3) {
                add_range(m, HANDSHAKE_FINISHED);
                return;
        }

        add_range(m, HANDSHAKE_SERVER_KEY_EXCHANGE);
        add_range(m, HANDSHAKE_CERTIFICATE);
        add_random(m, HANDSHAKE_CLIENT_HELLO);
        add_random(m, HANDSHAKE_SERVER_HELLO);
}

static bool in_ranges(const Mutation *m, size_t at) {
        for (size_t i = 0; i < m->n_ranges; i++)
                if (at >= m->ranges[i].from && at < m->ranges[i].to)
                        return true;
        return false;
}

/* Every changed byte was one that may be changed. */
static bool may_pass(const Mutation *m, const uint8_t *changed) {
        const Buf *t = &m->recording.transcript;

        for (size_t i = 0; i < t->size; i++)
                if (changed[i] != t->data[i] && in_ranges(m, i) != (m->version == TLS_VERSION_1_3))
                        return false;
        return true;
}

static void change(uint32_t *state, uint8_t *data, size_t size) {
        size_t at = next_number(state) % size, n = 1;

        switch (next_number(state) % 3) {
        case 0:
                data[at] ^= (uint8_t) (1U << next_number(state) % 8);
                return;
        case 1:
                break;
        default:
                n = 1 + next_number(state) % 8;
        }
        for (size_t i = at; i < at + n && i < size; i++)
                data[i] = (uint8_t) next_number(state);
}

static void try_mutants(Mutation *m) {
        const Buf *genuine = &m->recording.transcript;
        uint32_t state = 0x6d69646c;

        for (unsigned i = 0; i < MUTANTS; i++) {
                _cleanup_free_ uint8_t *mutant = malloc(genuine->size);
                CheckResult result;

                assert_non_null(mutant);
                memcpy(mutant, genuine->data, genuine->size);
                change(&state, mutant, genuine->size);
                if (memcmp(mutant, genuine->data, genuine->size) == 0)
                        continue;
                if (world_check(&m->w, m->cache, m->version, m->recording.scheme, span_make(mutant, genuine->size), &result) != 0)
                        continue;
                m->n_accepted++;
                if (!may_pass(m, mutant))
                        fail_msg("mutant %u was accepted", i);
        }
}

static void run(uint16_t version, const char *server, const char *client, bool retry) {
        Mutation m = {.version = version};
        CheckResult result;
        RecordSpec spec;

        world_init(&m.w, "ec-p256", server, client);
        spec = world_record_spec(&m.w, version);
        if (retry)
                spec.server_groups = "P-384"; /* the client's first share is of another group */
        record_handshake(&spec, &m.recording);
        assert_int_equal(chain_cache_new(&m.cache), 0);
        assert_int_equal(world_check(&m.w, m.cache, version, m.recording.scheme, buf_span(&m.recording.transcript), &result), 0);

        find_ranges(&m);
        try_mutants(&m);

        chain_cache_free(m.cache);
        recording_done(&m.recording);
        world_done(&m.w);
}

static const char *const servers[] = {"rsa-2048", "rsa-pss-2048", "ec-p256", "ed25519"};
static const char *const clients[] = {"rsa-2048", "rsa-3072", "ec-p256", "ec-p384", "ed25519"};

static void run_all(uint16_t version, bool retry) {
        for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
                for (size_t k = 0; k < ARRAY_SIZE(clients); k++)
                        run(version, servers[i], clients[k], retry);
}

static void test_1_3(void **state) {
        (void) state;
        run_all(TLS_VERSION_1_3, false);
}

static void test_1_3_retry(void **state) {
        (void) state;
        run_all(TLS_VERSION_1_3, true);
}

static void test_1_2(void **state) {
        (void) state;
        run_all(TLS_VERSION_1_2, false);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_1_3),
                cmocka_unit_test(test_1_3_retry),
                cmocka_unit_test(test_1_2),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
