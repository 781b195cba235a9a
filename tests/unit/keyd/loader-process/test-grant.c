/* SPDX-License-Identifier: Apache-2.0 */

/* What the signer is told, but for the keys themselves; it has answered before it is asked, as the socket keeps records */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/msg-grant.h"
#include "keyd/loader/grant.h"

#define BATCH 7U
#define TAKEN "\x4a\0\0\0\0\0\0\0\7\0\0\0\2"
#define TAKEN_BEFORE "\x4a\0\0\0\0\0\0\0\6\0\0\0\0" /* of a loader that was killed before it read it */
#define SHORT_USEC (20 * USEC_PER_MSEC)

/* Three profiles: two with a key, one without; connections to each, one broken, one that does not apply */
typedef struct Case {
        ProfileConfig profiles[3];
        ProfileConfig *profile_list[3];
        ConnectionConfig connections[5];
        ConnectionConfig *connection_list[5];
        Config config;
        ProfileResult results[3];
        LoadRequest request;
        Publication p;
        int fds[2];
} Case;

static void make_case(Case *c) {
        static const char *const profiles[] = {"alpha", "beta", "gamma"}, *const aliases[] = {"one", "two", "three", "broken", "elsewhere"};

        *c = (Case) {};
        for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
                c->profiles[i] = (ProfileConfig) {
                        .name = (char *) profiles[i], .applies = true, .max_signatures_per_minute = 60, .minimum_tls = TLS_VERSION_1_3 - (i == 0)};
                c->profile_list[i] = &c->profiles[i];
                c->results[i] = (ProfileResult) {.config = &c->profiles[i], .generation = i < 2 ? i + 1 : 0};
        }
        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
                c->connections[i] = (ConnectionConfig) {.alias = (char *) aliases[i],
                                                        .profile = (char *) profiles[i % 3],
                                                        .host = (char *) "h",
                                                        .port = 443,
                                                        .applies = i != 4,
                                                        .broken = i == 3};
                c->connection_list[i] = &c->connections[i];
        }
        c->config = (Config) {.profiles = c->profile_list, .n_profiles = 3, .connections = c->connection_list, .n_connections = 5};
        c->p = (Publication) {.config = &c->config, .request = &c->request, .results = c->results, .n_results = 3};
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, c->fds), 0);
}

static void case_done(Case *c) {
        close_fdp(&c->fds[0]);
        close_fdp(&c->fds[1]);
}

static void answer(Case *c, Span record) {
        assert_int_equal(chan_send(c->fds[1], record, 0), 0);
}

/* The next record to the signer; its type, and its body in @b */
static uint8_t next(Case *c, Buf *b, Span *ret_body) {
        assert_int_equal(chan_receive(c->fds[1], b, 0), 0);
        *ret_body = span_make(b->data + 1, b->size - 1);
        return b->data[0];
}

static void test_order(void **state _unused_) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        _cleanup_(case_done) Case c;
        MsgKeysBegin begin;
        MsgBinding binding;
        uint32_t n_missing;
        MsgGrant grant;
        Span body;

        make_case(&c);
        c.profiles[0].pins = (char *[]) {(char *) "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", NULL};
        answer(&c, SPAN_LITERAL(TAKEN_BEFORE));
        answer(&c, SPAN_LITERAL(TAKEN));
        assert_int_equal(grant_send(&c.p, c.fds[0], BATCH, deadline_after(SHORT_USEC), &n_missing), 0);
        assert_int_equal(n_missing, 2);

        assert_int_equal(next(&c, &b, &body), ROLE_KEYS_BEGIN);
        assert_int_equal(msg_keys_begin_decode(body, &begin), 0);
        assert_int_equal(begin.batch, BATCH);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(next(&c, &b, &body), ROLE_GRANT);
                assert_int_equal(msg_grant_decode(body, &grant), 0);
                assert_true(span_is(grant.profile, i ? "beta" : "alpha"));
                assert_int_equal(grant.generation, i + 1);
                assert_int_equal(grant.max_signatures_per_minute, 60);
                assert_int_equal(grant.minimum_tls, i ? TLS_VERSION_1_3 : TLS_VERSION_1_2);
                assert_int_equal(grant.pins.n_items, i == 0);
        }
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(next(&c, &b, &body), ROLE_BINDING);
                assert_int_equal(msg_binding_decode(body, &binding), 0);
                assert_true(span_is(binding.alias, i ? "two" : "one") && span_is(binding.profile, i ? "beta" : "alpha"));
                assert_true(span_is(binding.destination, "h:443"));
        }
        assert_int_equal(next(&c, &b, &body), ROLE_KEYS_END);
        assert_int_equal(chan_receive(c.fds[1], &b, 0), -EAGAIN);
}

static void assert_result(const char *bytes, size_t size, int want) {
        _cleanup_(case_done) Case c;
        uint32_t n_missing;

        make_case(&c);
        if (size > 0)
                answer(&c, span_make(bytes, size));
        assert_int_equal(grant_send(&c.p, c.fds[0], BATCH, deadline_after(SHORT_USEC), &n_missing), want);
}

static void test_answers(void **state _unused_) {
        assert_result("", 0, -ETIMEDOUT);
        assert_result(TAKEN_BEFORE, 13, -ETIMEDOUT);
        assert_result(TAKEN, 12, GRANT_E_REFUSED);
        assert_result(TAKEN "\0", 14, GRANT_E_REFUSED);
        assert_result("\x49\0\0\0\0\0\0\0\7\0\0\0\2", 13, GRANT_E_REFUSED);
}

static void test_gone(void **state _unused_) {
        _cleanup_(case_done) Case c;
        uint32_t n_missing;

        make_case(&c);
        close_fdp(&c.fds[1]);
        assert_int_equal(grant_send(&c.p, c.fds[0], BATCH, deadline_after(SHORT_USEC), &n_missing), -EPIPE);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_answers), cmocka_unit_test(test_gone)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
