/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-profile.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField profile_fields[] = {
        /* as the body has them */
        FIELD_TEXT("name", 1, PROTO_NAME_MAX),
        FIELD_TEXT("description", 0, PROTO_TEXT_MAX),
        FIELD_U64("generation", 0),
        FIELD_U8("state", 0, _PROTO_STATE_MAX - 1),
        FIELD_TEXT("reason", 0, PROTO_TEXT_MAX),
        FIELD_TEXT("hint", 0, PROTO_TEXT_MAX),
        FIELD_U16("default_port"),
        FIELD_TLS_VERSION("minimum_tls"),
        FIELD_FIXED("ca_set", PROTO_SET_ID_SIZE),
        FIELD_LIST("allowed_names", PROTO_HOST_MAX),
        FIELD_PINS("pins"),
        FIELD_TEXT("key_type", 0, PROTO_NAME_MAX),
        FIELD_U64("not_before", 0),
        FIELD_U64("not_after", 0),
        FIELD_CHAIN("chain", PROTO_CHAIN_BYTES_MAX),
};

DEFINE_RECODE(MsgProfile, profile)

static void test_profile_codec(void **state) {
        static const Codec c = CODEC(profile, MSG_PROFILE);

        codec_check(&c);
}

/* What goes in comes out, in its place. */
static void test_values(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        static const char pin[PROTO_PIN_SIZE + 1] = "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP";
        MsgProfile in = {
                .name = SPAN_LITERAL("bank"),
                .description = SPAN_LITERAL("description"),
                .generation = 3,
                .state = PROTO_STATE_EXPIRED,
                .reason = SPAN_LITERAL("reason"),
                .hint = SPAN_LITERAL("hint"),
                .default_port = 443,
                .minimum_tls = TLS_VERSION_1_2,
                .ca_set = "set",
                .key_type = SPAN_LITERAL("ec-p256"),
                .not_before = 5,
                .not_after = 6,
                .chain = SPAN_LITERAL("\0\0\1x"),
        };
        MsgProfile m;

        assert_int_equal(text_list_add(&in.allowed_names, SPAN_LITERAL("a.example")), 0);
        assert_int_equal(text_list_add(&in.pins, span_make(pin, PROTO_PIN_SIZE)), 0);
        assert_int_equal(msg_profile_encode(&record, &in), 0);
        assert_int_equal(msg_profile_decode(span_make(record.data + 1, record.size - 1), &m), 0);

        assert_true(span_equal(m.name, in.name) && span_equal(m.description, in.description) && span_equal(m.reason, in.reason));
        assert_true(span_equal(m.hint, in.hint) && span_equal(m.key_type, in.key_type) && span_equal(m.chain, in.chain));
        assert_true(m.generation == 3 && m.state == PROTO_STATE_EXPIRED && m.default_port == 443 && m.minimum_tls == TLS_VERSION_1_2);
        assert_true(m.not_before == 5 && m.not_after == 6 && m.allowed_names.n_items == 1 && m.pins.n_items == 1);
        assert_true(span_is(m.allowed_names.items[0], "a.example") && span_is(m.pins.items[0], pin));
        assert_memory_equal(m.ca_set, in.ca_set, sizeof(m.ca_set));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_profile_codec),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
