/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-keep.h"
#include "common/msg-load.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField load_fields[] = {
        /* as the body has them */
        FIELD_U64("revision", 0),
        FIELD_BOOL("resend_keys"),
        FIELD_BOOL("signer_is_empty"),
        FIELD_BOOL("dry_run"),
        FIELD_BOOL("quiet"),
        FIELD_U64("realtime", 0),
        FIELD_U64("previous_realtime", 0),
        FIELD_U64("fetched_realtime, CyberArk", 0),
        FIELD_U64("fetched_realtime, Vault", 0),
        FIELD_U64("fetched_realtime, Conjur", 0),
        FIELD_U64("fetched_realtime, the instance", 0),
};

DEFINE_RECODE(MsgLoad, load)

static void test_load_codec(void **state) {
        static const Codec c = CODEC(load, ROLE_LOAD);

        codec_check(&c);
}

static const CodecField generation_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 0, PROTO_NAME_MAX),
        FIELD_U64("last", 0),
};

DEFINE_RECODE(MsgGeneration, generation)

static void test_generation_codec(void **state) {
        static const Codec c = CODEC(generation, ROLE_GENERATION);

        codec_check(&c);
}

static const CodecField crl_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 1, PROTO_NAME_MAX),
        FIELD_BOOL("last"),
        FIELD_VECTOR("part", 4, 0, PROTO_RECORD_MAX),
};

DEFINE_RECODE(MsgCrl, crl)

static void test_crl_codec(void **state) {
        static const Codec c = CODEC(crl, ROLE_CRL);

        codec_check(&c);
}

static const CodecField fetcher_fields[] = {
        /* as the body has them */
        FIELD_U8("store", 0, ROLE_STORES - 1),
        FIELD_BOOL("program"),
        FIELD_BOOL("whole"),
};

DEFINE_RECODE(MsgFetcher, fetcher)

static void test_fetcher_codec(void **state) {
        static const Codec c = CODEC(fetcher, ROLE_FETCHER);

        codec_check(&c);
}

static const CodecField keep_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 0, PROTO_NAME_MAX),
        FIELD_VECTOR("text", 4, 0, KEEP_TEXT_MAX),
};

DEFINE_RECODE(MsgKeep, keep)

static void test_keep_codec(void **state) {
        static const Codec c = CODEC(keep, ROLE_KEEP);

        codec_check(&c);
}

static const CodecField refresh_fields[] = {
        /* as the body has them */
        {.name = "within_sec", .kind = CODEC_UINT, .size = 4, .min = 1, .max = UINT32_MAX},
};

DEFINE_RECODE(MsgRefresh, refresh)

static void test_refresh_codec(void **state) {
        static const Codec c = CODEC(refresh, ROLE_REFRESH);

        codec_check(&c);
}

static const CodecField ready_fields[] = {
        /* as the body has them */
        FIELD_TEXT("text", 0, PROTO_TEXT_MAX),
};

static const CodecField idle_fields[] = {
        FIELD_U64("n_callers", 0),
};

DEFINE_RECODE(MsgReady, ready)
DEFINE_RECODE(MsgIdle, idle)

static void test_idle_codec(void **state) {
        static const Codec c = CODEC(idle, ROLE_IDLE);

        codec_check(&c);
}

static void test_ready_codec(void **state) {
        static const Codec c = CODEC(ready, ROLE_READY);

        codec_check(&c);
}

static void test_values(void **state) {
        MsgGeneration g;
        MsgLoad l;
        MsgCrl c;
        MsgWatch w;
        MsgFetcher f;
        MsgRefresh n;

        assert_int_equal(msg_load_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\5\1\0\0\1\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0\7"
                                                      "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4"),
                                         &l),
                         0);
        assert_int_equal(l.revision, 5);
        assert_true(l.resend_keys);
        assert_false(l.signer_is_empty);
        assert_false(l.dry_run);
        assert_true(l.quiet);
        assert_int_equal(l.realtime, 8);
        assert_int_equal(l.previous_realtime, 7);
        assert_int_equal(l.fetched_realtime[ROLE_STORE_CYBERARK], 1);
        assert_int_equal(l.fetched_realtime[ROLE_STORE_CONJUR], 3);
        assert_int_equal(l.fetched_realtime[ROLE_STORE_INSTANCE], 4);

        assert_int_equal(msg_generation_decode(SPAN_LITERAL("\0\4bank\0\0\0\0\0\0\1\2"), &g), 0);
        assert_true(span_is(g.profile, "bank"));
        assert_int_equal(g.last, 0x102);

        assert_int_equal(msg_crl_decode(SPAN_LITERAL("\0\4bank\1\0\0\0\2ab"), &c), 0);
        assert_true(span_is(c.profile, "bank"));
        assert_true(c.last);
        assert_true(span_is(c.part, "ab"));

        assert_int_equal(msg_fetcher_decode(SPAN_LITERAL("\1\0\1"), &f), 0);
        assert_int_equal(f.store, ROLE_STORE_VAULT);
        assert_true(f.whole);
        assert_false(f.program);
        assert_int_equal(msg_fetcher_decode(SPAN_LITERAL("\377\0\1"), &f), WIRE_E_MALFORMED);
        assert_int_equal(msg_fetcher_decode(SPAN_LITERAL("\1"), &f), WIRE_E_MALFORMED);

        assert_int_equal(msg_refresh_decode(SPAN_LITERAL("\0\0\0\74"), &n), 0);
        assert_int_equal(n.within_sec, 60);
        assert_int_equal(msg_refresh_decode(SPAN_LITERAL("\0\0\0\0"), &n), WIRE_E_MALFORMED);

        assert_int_equal(msg_watch_decode(SPAN_LITERAL("\0\4/etc\0\1a"), &w), 0);
        assert_true(span_is(w.folder, "/etc"));
        assert_true(span_is(w.name, "a"));
        assert_int_equal(msg_watch_decode(SPAN_LITERAL("\0\3etc\0\1a"), &w), WIRE_E_MALFORMED);
        assert_int_equal(msg_watch_decode(SPAN_LITERAL("\0\0\0\1a"), &w), WIRE_E_MALFORMED);
        assert_int_equal(msg_watch_decode(SPAN_LITERAL("\0\4/etc\0\1ab"), &w), WIRE_E_MALFORMED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_load_codec),    cmocka_unit_test(test_generation_codec), cmocka_unit_test(test_crl_codec),
                cmocka_unit_test(test_ready_codec),   cmocka_unit_test(test_refresh_codec),    cmocka_unit_test(test_keep_codec),
                cmocka_unit_test(test_fetcher_codec), cmocka_unit_test(test_idle_codec),       cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
