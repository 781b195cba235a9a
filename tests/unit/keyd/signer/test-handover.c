/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/wire.h"
#include "tests/unit/keyd/roles/credentials.h"
#include "tests/unit/keyd/roles/role-process.h"

static int make_pair(void **state) {
        static int pair[2];

        ASSERT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
        *state = pair;
        return 0;
}

static int close_pair(void **state) {
        int *pair = *state;

        close_fdp(&pair[0]);
        close_fdp(&pair[1]);
        return 0;
}

static KeyHandover example(size_t leaf_size, size_t pkcs8_size) {
        KeyHandover h = {.profile = "partner", .generation = 7, .not_before = 11, .not_after = 13};

        assert_int_equal(secret_new(leaf_size, &h.leaf), 0);
        memset(secret_writable(h.leaf), 'L', leaf_size);
        secret_set_size(h.leaf, leaf_size);
        assert_int_equal(secret_new(pkcs8_size, &h.pkcs8), 0);
        memset(secret_writable(h.pkcs8), 'K', pkcs8_size);
        secret_set_size(h.pkcs8, pkcs8_size);
        return h;
}

static void assert_round_trip(int *pair, size_t leaf_size, size_t pkcs8_size) {
        _cleanup_(key_handover_done) KeyHandover sent = example(leaf_size, pkcs8_size), got = {};
        _cleanup_(secret_freep) Secret *record = NULL;

        assert_int_equal(key_handover_send(pair[0], &sent, deadline_after(TEST_USEC)), 0);
        assert_int_equal(key_handover_receive(pair[1], &record), 0);
        assert_int_equal(key_handover_parse(record, &got), 0);
        assert_string_equal(got.profile, "partner");
        assert_int_equal(got.generation, 7);
        assert_int_equal(got.not_before, 11);
        assert_int_equal(got.not_after, 13);
        assert_int_equal(secret_size(got.leaf), leaf_size);
        assert_memory_equal(secret_data(got.leaf), secret_data(sent.leaf), leaf_size);
        assert_int_equal(secret_size(got.pkcs8), pkcs8_size);
        assert_memory_equal(secret_data(got.pkcs8), secret_data(sent.pkcs8), pkcs8_size);
}

static void test_round_trip(void **state) {
        assert_round_trip(*state, 1, 1);
        assert_round_trip(*state, 900, 1200);
        assert_round_trip(*state, PROTO_CERTIFICATE_MAX, ROLE_KEY_BYTES_MAX);
}

/* What a peer might put into a record by hand. */
static int parse(Span bytes) {
        _cleanup_(key_handover_done) KeyHandover h = {};
        _cleanup_(secret_freep) Secret *record = NULL;

        assert_int_equal(secret_new_from(bytes.data, bytes.size, &record), 0);
        return key_handover_parse(record, &h);
}

static void encode(Buf *ret, size_t name, uint64_t generation, uint32_t leaf, uint32_t pkcs8, size_t bytes) {
        WireWriter w;

        buf_clear(ret);
        wire_writer_init(&w, ret);
        wire_put_u8(&w, ROLE_KEY);
        wire_put_u16(&w, (uint16_t) name);
        for (size_t i = 0; i < name; i++)
                wire_put_u8(&w, 'n');
        wire_put_u64(&w, generation);
        wire_put_u64(&w, 1);
        wire_put_u64(&w, 2);
        wire_put_u32(&w, leaf);
        wire_put_u32(&w, pkcs8);
        for (size_t i = 0; i < bytes; i++)
                wire_put_u8(&w, 'b');
        assert_int_equal(wire_writer_end(&w), 0);
}

static void test_bounds(void **state _unused_) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        static const struct {
                size_t name;
                uint64_t generation;
                uint32_t leaf, pkcs8;
                size_t bytes;
                int result;
        } rows[] = {
                {1, 1, 1, 1, 2, 0},
                {63, UINT64_MAX, 10, 20, 30, 0},
                {0, 1, 1, 1, 2, 1},
                {64, 1, 1, 1, 2, 1},
                {1, 0, 1, 1, 2, 1},
                {1, 1, 0, 2, 2, 1},
                {1, 1, 2, 0, 2, 1},
                {1, 1, 1, 1, 3, 1},
                {1, 1, 1, 2, 2, 1},
                {1, 1, UINT32_MAX, 3, 2, 1},
                {1, 1, 3, UINT32_MAX, 2, 1},
                {1, 1, 1, ROLE_KEY_BYTES_MAX, ROLE_KEY_BYTES_MAX + 1, 0},
                {1, 1, 1, ROLE_KEY_BYTES_MAX + 1, ROLE_KEY_BYTES_MAX + 2, 1},
                {1, 1, PROTO_CERTIFICATE_MAX, 1, PROTO_CERTIFICATE_MAX + 1, 0},
                {1, 1, PROTO_CERTIFICATE_MAX + 1, 1, PROTO_CERTIFICATE_MAX + 2, 1},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                encode(&b, rows[i].name, rows[i].generation, rows[i].leaf, rows[i].pkcs8, rows[i].bytes);
                assert_int_equal(parse(buf_span(&b)), rows[i].result);
        }
}

static void test_every_truncation_fails(void **state _unused_) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);

        encode(&b, 5, 1, 10, 20, 30);
        for (size_t size = 0; size < b.size; size++)
                assert_int_equal(parse(span_make(b.data, size)), 1);
        b.data[0] = ROLE_GRANT;
        assert_int_equal(parse(buf_span(&b)), 1);
}

static void test_receive(void **state) {
        _cleanup_(buf_done) Buf long_record = BUF_INIT(PROTO_RECORD_MAX + 1);
        Secret *record = NULL;
        int *pair = *state;
        uint8_t *p;

        assert_int_equal(key_handover_receive(pair[1], &record), -EAGAIN);

        peer_send(pair[0], SPAN_LITERAL("\x47grant"));
        assert_int_equal(key_handover_receive(pair[1], &record), 0);
        assert_true(span_is(key_handover_public(record), "\x47grant"));
        record = secret_free(record);

        peer_send_fds(pair[0], SPAN_LITERAL("\x47"), STDERR_FILENO, 1);
        assert_int_equal(key_handover_receive(pair[1], &record), HANDOVER_E_VIOLATION);

        assert_int_equal(buf_extend(&long_record, PROTO_RECORD_MAX + 1, &p), 0);
        memset(p, 'x', PROTO_RECORD_MAX + 1);
        peer_send(pair[0], buf_span(&long_record));
        assert_int_equal(key_handover_receive(pair[1], &record), HANDOVER_E_VIOLATION);
        peer_send(pair[0], span_make(p, PROTO_RECORD_MAX));
        assert_int_equal(key_handover_receive(pair[1], &record), 0);
        assert_int_equal(secret_size(record), PROTO_RECORD_MAX);
        record = secret_free(record);

        close_fdp(&pair[0]);
        assert_int_equal(key_handover_receive(pair[1], &record), HANDOVER_E_CLOSED);
}

/* A signer that does not read: the loader does not wait for ever. */
static void test_deadline(void **state) {
        _cleanup_(key_handover_done) KeyHandover h = example(PROTO_CERTIFICATE_MAX, ROLE_KEY_BYTES_MAX);
        int *pair = *state, r;

        do
                r = key_handover_send(pair[0], &h, deadline_after(10 * USEC_PER_MSEC));
        while (r == 0);
        assert_int_equal(r, -ETIMEDOUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_round_trip, make_pair, close_pair),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_every_truncation_fails),
                cmocka_unit_test_setup_teardown(test_receive, make_pair, close_pair),
                cmocka_unit_test_setup_teardown(test_deadline, make_pair, close_pair),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
