/* SPDX-License-Identifier: Apache-2.0 */

/* The supervisor's request, as a loader reads it */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "keyd/loader/request.h"

#define DEADLINE_USEC (5 * USEC_PER_SEC)

static void send_bytes(int fd, Span record) {
        assert_int_equal(chan_send(fd, record, deadline_after(DEADLINE_USEC)), 0);
}

static void send_load(int fd) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);

        assert_int_equal(msg_load_encode(&b, &(MsgLoad) {.revision = 3, .resend_keys = true, .previous_realtime = 5}), 0);
        send_bytes(fd, buf_span(&b));
}

static void send_profile(int fd, const char *name, uint64_t generation) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        const MsgProfile m = {.name = span_from_string(name), .generation = generation, .minimum_tls = TLS_VERSION_1_2};

        assert_int_equal(msg_profile_encode(&b, &m), 0);
        send_bytes(fd, buf_span(&b));
}

static void send_generation(int fd, const char *name, uint64_t last) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);

        assert_int_equal(msg_generation_encode(&b, &(MsgGeneration) {.profile = span_from_string(name), .last = last}), 0);
        send_bytes(fd, buf_span(&b));
}

static void send_left_out(int fd, const char *name, bool put_off) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);
        const MsgQuarantine m = {.profile = span_from_string(name), .put_off = put_off, .sentence = SPAN_LITERAL("why")};

        assert_int_equal(msg_quarantine_encode(&b, &m), 0);
        send_bytes(fd, buf_span(&b));
}

typedef struct Pair {
        int fds[2];
} Pair;

static void make_pair(Pair *p) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->fds), 0);
}

static void pair_done(Pair *p) {
        close_fdp(&p->fds[0]);
        close_fdp(&p->fds[1]);
}

static void test_good(void **state _unused_) {
        _cleanup_(request_done) LoadRequest q = {};
        _cleanup_(pair_done) Pair p;
        MsgQuarantine left_out;
        MsgProfile m;

        make_pair(&p);
        send_load(p.fds[0]);
        send_generation(p.fds[0], "", 4);
        send_generation(p.fds[0], "a", 5);
        send_left_out(p.fds[0], "b", true);
        send_left_out(p.fds[0], "d", false);
        send_profile(p.fds[0], "a", 1);
        send_profile(p.fds[0], "b", 2);
        send_bytes(p.fds[0], SPAN_LITERAL("\x4c"));

        assert_int_equal(request_receive(p.fds[1], deadline_after(DEADLINE_USEC), &q), 0);
        assert_int_equal(q.load.revision, 3);
        assert_int_equal(generations_last(&q.generations, SPAN_LITERAL("a")), 5);
        assert_int_equal(generations_last(&q.generations, SPAN_LITERAL("c")), 4);
        assert_true(q.load.resend_keys && !q.load.dry_run && !q.load.quiet);
        assert_int_equal(q.load.previous_realtime, 5);
        assert_int_equal(record_list_count(q.previous), 2);
        assert_false(request_find_left_out(&q, "a", &left_out));
        assert_true(request_find_left_out(&q, "b", &left_out));
        assert_true(left_out.put_off);
        assert_true(span_is(left_out.sentence, "why"));
        assert_true(request_find_left_out(&q, "d", &left_out));
        assert_false(left_out.put_off);
        assert_true(request_find_profile(&q, "b", &m));
        assert_int_equal(m.generation, 2);
        assert_false(request_find_profile(&q, "c", &m));
        assert_false(request_find_profile(&q, "", &m));
}

static void assert_refused(void (*send)(int fd)) {
        _cleanup_(pair_done) Pair p;
        LoadRequest q;

        make_pair(&p);
        send(p.fds[0]);
        close_fdp(&p.fds[0]);
        assert_int_equal(request_receive(p.fds[1], deadline_after(DEADLINE_USEC), &q), REQUEST_E_VIOLATION);
}

static void send_nothing(int fd _unused_) {
}

static void send_no_end(int fd) {
        send_load(fd);
        send_profile(fd, "a", 1);
}

static void send_no_load(int fd) {
        send_profile(fd, "a", 1);
        send_bytes(fd, SPAN_LITERAL("\x4c"));
}

static void send_short_load(int fd) {
        send_bytes(fd, SPAN_LITERAL("\x4b\0\0"));
        send_bytes(fd, SPAN_LITERAL("\x4c"));
}

static void send_late_generation(int fd) {
        send_load(fd);
        send_profile(fd, "a", 1);
        send_generation(fd, "a", 1);
        send_bytes(fd, SPAN_LITERAL("\x4c"));
}

static void send_short_generation(int fd) {
        send_load(fd);
        send_bytes(fd, SPAN_LITERAL("\x4e\0\1a"));
        send_bytes(fd, SPAN_LITERAL("\x4c"));
}

static void send_late_left_out(int fd) {
        send_load(fd);
        send_profile(fd, "a", 1);
        send_left_out(fd, "a", true);
        send_bytes(fd, SPAN_LITERAL("\x4c"));
}

static void send_short_left_out(int fd) {
        send_load(fd);
        send_bytes(fd, SPAN_LITERAL("\x50\0\1a"));
        send_bytes(fd, SPAN_LITERAL("\x4c"));
}

static void test_refused(void **state _unused_) {
        assert_refused(send_nothing);
        assert_refused(send_no_end);
        assert_refused(send_no_load);
        assert_refused(send_short_load);
        assert_refused(send_late_generation);
        assert_refused(send_short_generation);
        assert_refused(send_late_left_out);
        assert_refused(send_short_left_out);
}

static void test_deadline(void **state _unused_) {
        _cleanup_(pair_done) Pair p;
        LoadRequest q;

        make_pair(&p);
        send_load(p.fds[0]);
        assert_int_equal(request_receive(p.fds[1], deadline_after(USEC_PER_MSEC), &q), -ETIMEDOUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_refused), cmocka_unit_test(test_deadline)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
