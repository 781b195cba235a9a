/* SPDX-License-Identifier: Apache-2.0 */

/* Transcripts that were cut, lengthened and changed bit by bit: what no server has signed is not signed for it */

#include "tests/unit/keyd/verifier/refusal.h"

typedef struct Base {
        World w;
        Recording recording;
        ChainCache *cache; /* as in life: the chain is known after the first time */
        uint16_t version;
} Base;

static void base_init(Base *b, uint16_t version) {
        CheckResult result;
        RecordSpec spec;

        *b = (Base) {.version = version};
        world_init(&b->w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&b->w, version);
        record_handshake(&spec, &b->recording);
        assert_int_equal(chain_cache_new(&b->cache), 0);
        assert_int_equal(world_check(&b->w, b->cache, version, b->recording.scheme, buf_span(&b->recording.transcript), &result), 0);
}

static void base_done(Base *b) {
        chain_cache_free(b->cache);
        recording_done(&b->recording);
        world_done(&b->w);
}

static bool is_accepted(const Base *b, Span transcript) {
        CheckResult result;
        int r = world_check(&b->w, b->cache, b->version, b->recording.scheme, transcript, &result);

        assert_true(r == 0 || r == 1);
        assert_true(r == 0 || (result.code >= REFUSAL_TRANSCRIPT_MALFORMED && result.code <= REFUSAL_SCHEME && result.sentence[0]));
        assert_true(r == 0 || result.transcript_hash_size == 0);
        return r == 0;
}

static void cut_and_lengthen(uint16_t version) {
        Buf longer = BUF_INIT(DRAFT_MAX);
        Span whole;
        Base b;

        base_init(&b, version);
        whole = buf_span(&b.recording.transcript);
        for (size_t i = 0; i < whole.size; i++)
                assert_false(is_accepted(&b, span_make(whole.data, i)));

        assert_int_equal(buf_append(&longer, whole.data, whole.size), 0);
        assert_int_equal(buf_append(&longer, "", 1), 0);
        assert_false(is_accepted(&b, buf_span(&longer)));
        buf_done(&longer);
        base_done(&b);
}

static void test_cut_and_lengthen(void **state) {
        (void) state;
        cut_and_lengthen(TLS_VERSION_1_3);
        cut_and_lengthen(TLS_VERSION_1_2);
}

#define N_MESSAGES 8U /* without HelloRetryRequest and CertificateStatus, in both versions */

/* One byte more in each message, its length adjusted: every decoder insists on the end. */
static void lengthen_bodies(uint16_t version) {
        Base b;

        base_init(&b, version);
        for (size_t i = 0; i < N_MESSAGES; i++) {
                Buf bytes = BUF_INIT(DRAFT_MAX);
                CheckResult result;
                DraftMessage *m;
                Draft d;

                draft_init(&d, buf_span(&b.recording.transcript));
                assert_int_equal(d.n_messages, N_MESSAGES);
                m = &d.messages[i];
                draft_replace(m, m->body.size, 0, BYTES("\x00"));
                draft_write(&d, &bytes);
                assert_int_equal(world_check(&b.w, NULL, version, b.recording.scheme, buf_span(&bytes), &result), 1);
                if (result.code != REFUSAL_TRANSCRIPT_MALFORMED)
                        fail_msg("message %zu: %u: %s", i, result.code, result.sentence);
                buf_done(&bytes);
                draft_done(&d);
        }
        base_done(&b);
}

static void test_lengthen_bodies(void **state) {
        (void) state;
        lengthen_bodies(TLS_VERSION_1_3);
        lengthen_bodies(TLS_VERSION_1_2);
}

static void message_range(Span transcript, uint8_t type, size_t *ret_from, size_t *ret_to) {
        Transcript t;

        assert_int_equal(transcript_split(transcript, &t), 0);
        for (size_t i = 0; i < t.n_messages; i++)
                if (t.messages[i].type == type) {
                        *ret_to = t.messages[i].end;
                        *ret_from = *ret_to - t.messages[i].body.size;
                        return;
                }
        fail();
}

/*
 * TLS 1.3: the server has signed everything up to its Certificate, and what follows is compared or has one form. Only verify_data of its Finished
 * cannot be checked without the connection's secrets; a wrong one makes a hash that fits no handshake.
 */
static void test_bits_1_3(void **state) {
        size_t from = 0, to = 0, n_accepted = 0;
        Base b;

        (void) state;
        base_init(&b, TLS_VERSION_1_3);
        message_range(buf_span(&b.recording.transcript), HANDSHAKE_FINISHED, &from, &to);
        for (size_t i = 0; i < b.recording.transcript.size * 8; i++) {
                b.recording.transcript.data[i / 8] ^= (uint8_t) (1U << i % 8);
                if (is_accepted(&b, buf_span(&b.recording.transcript))) {
                        n_accepted++;
                        if (i / 8 < from || i / 8 >= to)
                                fail_msg("bit %zu of byte %zu", i % 8, i / 8);
                }
                b.recording.transcript.data[i / 8] ^= (uint8_t) (1U << i % 8);
        }
        assert_int_equal(n_accepted, (to - from) * 8);
        base_done(&b);
}

/* TLS 1.2: the server signs both randoms and its share; its certificate must verify, ours be ours. */
static void test_bits_1_2(void **state) {
        size_t ranges[4][2] = {};
        Base b;

        (void) state;
        base_init(&b, TLS_VERSION_1_2);
        message_range(buf_span(&b.recording.transcript), HANDSHAKE_SERVER_KEY_EXCHANGE, &ranges[0][0], &ranges[0][1]);
        message_range(buf_span(&b.recording.transcript), HANDSHAKE_CERTIFICATE, &ranges[1][0], &ranges[1][1]);
        message_range(buf_span(&b.recording.transcript), HANDSHAKE_CLIENT_HELLO, &ranges[2][0], &ranges[2][1]);
        message_range(buf_span(&b.recording.transcript), HANDSHAKE_SERVER_HELLO, &ranges[3][0], &ranges[3][1]);
        for (size_t i = 2; i < 4; i++) {
                ranges[i][0] += 2;
                ranges[i][1] = ranges[i][0] + 32;
        }

        for (size_t i = 0; i < b.recording.transcript.size * 8; i++) {
                b.recording.transcript.data[i / 8] ^= (uint8_t) (1U << i % 8);
                if (is_accepted(&b, buf_span(&b.recording.transcript)))
                        for (size_t k = 0; k < ARRAY_SIZE(ranges); k++)
                                if (i / 8 >= ranges[k][0] && i / 8 < ranges[k][1])
                                        fail_msg("bit %zu of byte %zu, range %zu", i % 8, i / 8, k);
                b.recording.transcript.data[i / 8] ^= (uint8_t) (1U << i % 8);
        }
        base_done(&b);
}

/* A message that is cut, or one that has only begun, is told as that, whatever else could be said of it. */
static void assert_malformed(const Base *b, Span transcript) {
        CheckResult result;

        assert_int_equal(world_check(&b->w, NULL, b->version, b->recording.scheme, transcript, &result), 1);
        assert_int_equal(result.code, REFUSAL_TRANSCRIPT_MALFORMED);
        assert_non_null(strstr(result.sentence, "no row of whole TLS handshake messages"));
}

static void test_cut_message(void **state) {
        Span whole;
        Base b;

        (void) state;
        base_init(&b, TLS_VERSION_1_3);
        whole = buf_span(&b.recording.transcript);
        assert_malformed(&b, span_make(whole.data, whole.size - 1));
        assert_malformed(&b, span_make(whole.data, 3));
        assert_int_equal(buf_append(&b.recording.transcript, "\x0b\x00\x00", 3), 0);
        assert_malformed(&b, buf_span(&b.recording.transcript));
        base_done(&b);
}

static void test_sizes(void **state) {
        _cleanup_free_ uint8_t *large = calloc(1, PROTO_TRANSCRIPT_MAX + 4);
        CheckResult result;
        Base b;

        (void) state;
        base_init(&b, TLS_VERSION_1_3);
        assert_non_null(large);
        assert_int_equal(world_check(&b.w, NULL, TLS_VERSION_1_3, TLS_SCHEME_ED25519, (Span) {}, &result), 1);
        assert_int_equal(result.code, REFUSAL_TRANSCRIPT_MALFORMED);
        /* zeroes are HelloRequests without content, whole ones */
        assert_int_equal(world_check(&b.w, NULL, TLS_VERSION_1_3, TLS_SCHEME_ED25519, span_make(large, PROTO_TRANSCRIPT_MAX), &result), 1);
        assert_int_equal(result.code, REFUSAL_SEQUENCE);
        assert_int_equal(world_check(&b.w, NULL, TLS_VERSION_1_3, TLS_SCHEME_ED25519, span_make(large, PROTO_TRANSCRIPT_MAX + 4), &result), 1);
        assert_int_equal(result.code, REFUSAL_TRANSCRIPT_MALFORMED);
        base_done(&b);
}

/* The version that comes with the request is held against the transcript, and both against the profile. */
static void test_version_argument(void **state) {
        static const struct {
                uint16_t version, minimum;
                RefusalCode code;
                const char *says;
        } rows[] = {
                {0x0302, TLS_VERSION_1_2, REFUSAL_VERSION, "neither TLS 1.2 nor TLS 1.3"},
                {0x0305, TLS_VERSION_1_2, REFUSAL_VERSION, "neither TLS 1.2 nor TLS 1.3"},
                {0xfefd, TLS_VERSION_1_2, REFUSAL_VERSION, "neither TLS 1.2 nor TLS 1.3"},
                {TLS_VERSION_1_3, TLS_VERSION_1_2, REFUSAL_SEQUENCE, "where TLS 1.3"},
                {TLS_VERSION_1_2, TLS_VERSION_1_3, REFUSAL_VERSION, "the profile demands TLS 1.3"},
        };
        CheckResult result;
        Base b;

        (void) state;
        base_init(&b, TLS_VERSION_1_2);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                b.w.policy.minimum_tls = rows[i].minimum;
                assert_int_equal(world_check(&b.w, NULL, rows[i].version, b.recording.scheme, buf_span(&b.recording.transcript), &result), 1);
                assert_int_equal(result.code, rows[i].code);
                assert_non_null(strstr(result.sentence, rows[i].says));
        }
        base_done(&b);
}

/* What libssl really does when a server asks after the handshake */
static void test_post_handshake(void **state) {
        CheckResult result;
        RecordSpec spec;
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        spec.ask_after = true;
        assert_int_equal(world_check_genuine(&w, &spec, &result), 1);
        assert_int_equal(result.code, REFUSAL_SEQUENCE);
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                /* the fast ones first */
                cmocka_unit_test(test_cut_message),      cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_version_argument), cmocka_unit_test(test_post_handshake),
                cmocka_unit_test(test_cut_and_lengthen), cmocka_unit_test(test_lengthen_bodies),
                cmocka_unit_test(test_bits_1_3),         cmocka_unit_test(test_bits_1_2),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
