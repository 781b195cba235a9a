/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-list.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static void test_add_is_bounded(void **state) {
        TextList list = {};

        for (size_t i = 0; i < PROTO_LIST_MAX; i++)
                assert_int_equal(text_list_add(&list, SPAN_LITERAL("x")), 0);
        assert_int_equal(text_list_add(&list, SPAN_LITERAL("x")), -E2BIG);
        assert_int_equal(list.n_items, PROTO_LIST_MAX);
}

/* Decodes a list out of a block of exactly @bytes. Return: the number of items, or -1 when it was refused (and nothing was given) */
static int decode(Span bytes, void (*get)(WireReader *r, TextList *ret)) {
        _cleanup_free_ uint8_t *block = codec_block(bytes);
        TextList list = {.n_items = 99};
        WireReader r;

        wire_reader_init(&r, span_make(block, bytes.size));
        get(&r, &list);
        if (wire_reader_end(&r) != 0) {
                if (r.failed)
                        assert_int_equal(list.n_items, 0);
                return -1;
        }
        return (int) list.n_items;
}

static void get_texts(WireReader *r, TextList *ret) {
        msg_list_get(r, 3, ret);
}

static void test_texts(void **state) {
        assert_int_equal(decode(SPAN_LITERAL("\0\0"), get_texts), 0);
        assert_int_equal(decode(SPAN_LITERAL("\0\2\0\0\0\3abc"), get_texts), 2);
        assert_int_equal(decode(SPAN_LITERAL("\0\1\0\4abcd"), get_texts), -1);
        assert_int_equal(decode(SPAN_LITERAL("\0\2\0\3abc"), get_texts), -1);
        assert_int_equal(decode(SPAN_LITERAL("\0\1\0\1\n"), get_texts), -1);
        assert_int_equal(decode(SPAN_LITERAL("\0"), get_texts), -1);
        assert_int_equal(decode(SPAN_LITERAL("\xff\xff\0\0"), get_texts), -1);
}

static void test_pins(void **state) {
        assert_int_equal(decode(SPAN_LITERAL("\0\0"), msg_pins_get), 0);
        assert_int_equal(decode(SPAN_LITERAL("\0\1"
                                             "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP"),
                                msg_pins_get),
                         1);
        assert_int_equal(decode(SPAN_LITERAL("\0\1"
                                             "PPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP"),
                                msg_pins_get),
                         -1);
        assert_int_equal(decode(SPAN_LITERAL("\0\x41"), msg_pins_get), -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_add_is_bounded),
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_pins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
