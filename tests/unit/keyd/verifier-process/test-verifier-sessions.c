/* SPDX-License-Identifier: Apache-2.0 */

/* What calld may say, and when; everything else closes its connection and no other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/keyd/verifier-process/peer.h"

#define VIOLATION "A connection of calld is closed"

static const char *path;

static int setup(void **state) {
        static RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        test_snapshot_send_simple(&p, 1, 1);
        *state = &p;
        return 0;
}

static int teardown(void **state) {
        ASSERT(role_stop(*state) == 0);
        return 0;
}

/* A session answers: it has not been closed. */
static void assert_alive(RoleProcess *p, int fd) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096), verdict = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(77, 'a');

        calld_sign(fd, &m);
        signer_sign(p, signer_verdict(p, &verdict).request_id);
        assert_int_equal(calld_signature(fd, &record).request_id, 77);
}

static void assert_closed(int *fd) {
        assert_true(peer_is_closed(*fd));
        close_fdp(fd);
}

static void assert_violation(RoleProcess *p, int *fd) {
        assert_closed(fd);
        assert_true(role_log_has(p, VIOLATION, 1));
}

/* The matrix, written by hand: which types do not close the session. BYE does, without a record. */
typedef enum Stage { STAGE_NEW, STAGE_READY, STAGE_WATCHING, _STAGE_MAX } Stage;

static const uint8_t taken[_STAGE_MAX][4] = {
        [STAGE_NEW] = {1},
        [STAGE_READY] = {2, 3},
        [STAGE_WATCHING] = {3},
};

static bool is_taken(Stage stage, unsigned type) {
        return type != 0 && memchr(taken[stage], (int) type, sizeof(taken[stage]));
}

static int connect_at(RoleProcess *p, Stage stage) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int fd;

        if (stage == STAGE_NEW)
                return calld_connect(p);
        if (stage == STAGE_READY)
                return calld_hello(p);

        fd = calld_watch(p);
        for (unsigned i = 0; i < 5; i++)
                peer_receive(fd, &record);
        return fd;
}

/* A message of @type with the body it should have. */
static void say(int fd, unsigned type) {
        MsgSign m = test_sign(5, 'a');

        if (type == MSG_SIGN)
                calld_sign(fd, &m);
        else
                calld_send(fd, (MsgType) type, type == MSG_HELLO ? SPAN_LITERAL("\x00\x02") : (Span) {});
}

static void test_matrix(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX), verdict = BUF_INIT(PROTO_RECORD_MAX);
        RoleProcess *p = *state;

        for (unsigned stage = 0; stage < _STAGE_MAX; stage++)
                for (unsigned type = 0; type < 256; type++) {
                        _cleanup_fd_ int fd = connect_at(p, (Stage) stage);

                        say(fd, type);
                        if (!is_taken((Stage) stage, type)) {
                                assert_true(peer_is_closed(fd));
                                continue;
                        }
                        if (type == MSG_SIGN)
                                signer_sign(p, signer_verdict(p, &verdict).request_id);
                        peer_receive(fd, &record);
                        assert_int_equal(record.data[0], type == MSG_SIGN ? MSG_SIGNATURE : type == MSG_HELLO ? MSG_WELCOME : MSG_SNAPSHOT);
                }
}

/* Twice at once: what the first made of the state holds for the second. */
static void test_pipelined(void **state) {
        RoleProcess *p = *state;
        int fd = calld_connect(p);

        say(fd, MSG_HELLO);
        say(fd, MSG_HELLO);
        assert_violation(p, &fd);

        fd = calld_hello(p);
        say(fd, MSG_WATCH);
        say(fd, MSG_WATCH);
        assert_violation(p, &fd);
}

static void test_version(void **state) {
        static const char *const versions[] = {"\x00\x00", "\x00\x01", "\x00\x03", "\xff\xff"};
        RoleProcess *p = *state;

        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                int fd = calld_connect(p);

                role_log_clear(p);
                calld_send(fd, MSG_HELLO, span_make(versions[i], 2));
                assert_violation(p, &fd);
        }
}

static void test_bye(void **state) {
        RoleProcess *p = *state;
        int fd = calld_hello(p);

        role_log_clear(p);
        calld_send(fd, MSG_BYE, (Span) {});
        assert_closed(&fd);
        fd = calld_hello(p);
        assert_alive(p, fd);
        assert_false(memmem(p->logged.data ? p->logged.data : (const uint8_t *) "", p->logged.size, VIOLATION, strlen(VIOLATION)));
        close(fd);
}

/* Bodies that are too short, too long, or wrong. */
static void test_malformed(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(5, 'a');
        RoleProcess *p = *state;

        assert_int_equal(msg_sign_encode(&record, &m), 0);
        assert_int_equal(buf_append(&record, "", 1), 0);
        for (size_t size = 1; size <= record.size; size++) {
                _cleanup_fd_ int fd = calld_hello(p);

                if (size == record.size - 1)
                        continue;
                peer_send(fd, span_make(record.data, size));
                assert_true(peer_is_closed(fd));
        }

        for (unsigned type = MSG_HELLO; type <= MSG_BYE; type++) {
                _cleanup_fd_ int fd = type == MSG_HELLO ? calld_connect(p) : calld_hello(p);

                calld_send(fd, (MsgType) type, SPAN_LITERAL("\x00"));
                assert_true(peer_is_closed(fd));
        }
        for (unsigned type = MSG_HELLO; type <= MSG_BYE; type++) {
                _cleanup_fd_ int fd = type == MSG_HELLO ? calld_connect(p) : calld_hello(p);

                calld_send(fd, (MsgType) type, SPAN_LITERAL("\x00\x01\x00"));
                assert_true(peer_is_closed(fd));
        }
}

static void test_too_long(void **state) {
        _cleanup_(buf_done) Buf body = BUF_INIT(PROTO_RECORD_MAX);
        RoleProcess *p = *state;
        int fd = calld_hello(p);
        uint8_t *bytes;

        assert_int_equal(buf_extend(&body, PROTO_RECORD_MAX, &bytes), 0);
        memset(bytes, 0, PROTO_RECORD_MAX);
        calld_send(fd, MSG_SIGN, buf_span(&body)); /* one byte more than a record */
        assert_violation(p, &fd);
}

static void test_descriptor(void **state) {
        RoleProcess *p = *state;
        int fd = calld_connect(p);

        peer_send_fds(fd, SPAN_LITERAL("\x01\x00\x02"), STDERR_FILENO, 1);
        assert_violation(p, &fd);

        role_log_clear(p);
        fd = calld_hello(p);
        peer_send_fds(fd, SPAN_LITERAL("\x02"), STDERR_FILENO, 3);
        assert_violation(p, &fd);
}

/* What one does does not concern the others. */
static void test_apart(void **state) {
        RoleProcess *p = *state;
        int good = calld_hello(p), bad = calld_hello(p);

        calld_send(bad, (MsgType) 0x55, (Span) {});
        assert_closed(&bad);
        assert_alive(p, good);
        close(good);
}

/* The 65th is closed; when one has gone there is room again. */
static void test_too_many(void **state) {
        RoleProcess *p = *state;
        int fds[64], extra;

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                fds[i] = calld_hello(p);
        extra = calld_connect(p);
        assert_violation(p, &extra);

        calld_send(fds[3], MSG_BYE, (Span) {});
        assert_closed(&fds[3]);
        fds[3] = calld_hello(p);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                assert_alive(p, fds[i]);
                close(fds[i]);
        }
}

/* Who says nothing at first is closed. */
static void test_silent(void **state) {
        RoleProcess *p = *state;
        int silent = calld_connect(p), idle = calld_hello(p);

        assert_violation(p, &silent);
        assert_alive(p, idle);
        close(idle);
}

/* From the supervisor: descriptors and records that do not belong. */
static void test_control(void **state) {
        RoleProcess *p = *state;
        int fd = calld_hello(p);

        peer_send(p->control, SPAN_LITERAL("\x42")); /* no descriptor */
        assert_true(role_log_has(p, "has no descriptor", 1));
        peer_send_fds(p->control, SPAN_LITERAL("\x42"), STDERR_FILENO, 2);
        assert_true(role_log_has(p, "too many descriptors", 1));
        peer_send_fds(p->control, SPAN_LITERAL("\x42x"), STDERR_FILENO, 1);
        assert_true(role_log_has(p, "is malformed", 1));
        peer_send_fds(p->control, SPAN_LITERAL("\x86"), STDERR_FILENO, 1);
        assert_true(role_log_has(p, "is out of turn", 1));
        peer_send(p->control, SPAN_LITERAL("\x99"));
        assert_true(role_log_has(p, "is not known", 1));
        assert_alive(p, fd);
        close(fd);
}

/* None of the descriptors that came the wrong way is still there. */
static void test_no_descriptor_is_kept(void **state) {
        RoleProcess *p = *state;
        int pair[2], fd;

        assert_int_equal(pipe(pair), 0);
        peer_send_fds(p->control, SPAN_LITERAL("\x42"), pair[1], 2);
        peer_send_fds(p->control, SPAN_LITERAL("\x42x"), pair[1], 1);
        peer_send_fds(p->control, SPAN_LITERAL("\x86"), pair[1], 1);
        fd = calld_hello(p);
        peer_send_fds(fd, SPAN_LITERAL("\x02"), pair[1], 1);
        assert_closed(&fd);
        close(pair[1]);

        /* All write ends are closed: the end of the file, not a wait. */
        assert_int_equal(read(pair[0], &(uint8_t) {0}, 1), 0);
        close(pair[0]);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_matrix, setup, teardown),
                cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
                cmocka_unit_test_setup_teardown(test_version, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bye, setup, teardown),
                cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
                cmocka_unit_test_setup_teardown(test_descriptor, setup, teardown),
                cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
                cmocka_unit_test_setup_teardown(test_control, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_descriptor_is_kept, setup, teardown),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
