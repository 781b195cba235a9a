/* SPDX-License-Identifier: Apache-2.0 */

/* The fetch channel's records: round trip, every truncation, a byte too much, limits, other types */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "keyd/crypto/fetch.h"

#define DEADLINE_USEC (5 * USEC_PER_SEC)

typedef struct Pair {
        int fds[2];
} Pair;

static void pair_done(Pair *p) {
        close_fdp(&p->fds[0]);
        close_fdp(&p->fds[1]);
}

static void make_pair(Pair *p) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->fds), 0);
}

static Secret *make_secret(size_t size) {
        Secret *s = NULL;

        assert_int_equal(secret_new(size, &s), 0);
        memset(secret_writable(s), 'k', size);
        secret_set_size(s, size);
        return s;
}

static Secret *receive(Pair *p) {
        Secret *s = NULL;

        assert_int_equal(fetch_receive(p->fds[1], deadline_after(DEADLINE_USEC), &s), 0);
        return s;
}

static int parse(const Secret *record) {
        _cleanup_(fetch_open_done) FetchOpen o = {};
        _cleanup_(fetch_ask_done) FetchAsk k = {};
        _cleanup_(fetch_answer_done) FetchAnswer a = {};
        _cleanup_(buf_done) Buf pem = BUF_INIT(FETCH_CA_BYTES_MAX);

        switch (fetch_type(record)) {
        case ROLE_FETCH_CA:
                return fetch_parse_ca(record, &pem);
        case ROLE_FETCH_OPEN:
                return fetch_parse_open(record, &o);
        case ROLE_FETCH_ASK:
                return fetch_parse_ask(record, &k);
        case ROLE_FETCH_ANSWER:
                return fetch_parse_answer(record, &a);
        default:
                return 1;
        }
}

/* @record is good; all that is shorter, or a byte longer, is not. */
static void check_sizes(Secret *record) {
        _cleanup_(secret_freep) Secret *owned = record, *longer = NULL;
        size_t size = secret_size(owned);

        assert_int_equal(parse(owned), 0);
        for (size_t i = 0; i < size; i++) {
                _cleanup_(secret_freep) Secret *cut = NULL;

                assert_int_equal(secret_new_from(secret_data(owned), i, &cut), 0);
                assert_int_equal(parse(cut), 1);
        }
        assert_int_equal(secret_new(size + 1, &longer), 0);
        memcpy(secret_writable(longer), secret_data(owned), size);
        secret_set_size(longer, size + 1);
        assert_int_equal(parse(longer), 1);
}

static void test_open(void **state _unused_) {
        _cleanup_(secret_freep) Secret *key = make_secret(40), *credential = make_secret(9), *record = NULL;
        _cleanup_(fetch_open_done) FetchOpen got = {};
        const FetchOpen o = {
                .store = ROLE_STORE_VAULT,
                .login = FETCH_LOGIN_APPROLE,
                .endpoint = (char *) "https://h/p",
                .identity = (char *) "app",
                .scope = (char *) "",
                .login_path = (char *) "approle",
                .is_versioned = true,
                .chain = (char *) "-----BEGIN",
                .key = key,
                .credential = credential,
        };
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        assert_int_equal(fetch_send_open(p.fds[0], &o, deadline_after(DEADLINE_USEC)), 0);
        record = receive(&p);
        assert_int_equal(fetch_parse_open(record, &got), 0);
        assert_string_equal(got.endpoint, "https://h/p");
        assert_int_equal(got.store, ROLE_STORE_VAULT);
        assert_int_equal(got.login, FETCH_LOGIN_APPROLE);
        assert_string_equal(got.identity, "app");
        assert_string_equal(got.scope, "");
        assert_string_equal(got.login_path, "approle");
        assert_true(got.is_versioned);
        assert_string_equal(got.chain, "-----BEGIN");
        assert_int_equal(secret_size(got.key), 40);
        assert_memory_equal(secret_data(got.key), secret_data(key), 40);
        assert_int_equal(secret_size(got.credential), 9);
        check_sizes(TAKE_PTR(record));
}

static void test_ask(void **state _unused_) {
        const FetchAsk k = {.container = (char *) "s", .folder = (char *) "", .object = (char *) "o", .part = (char *) "p", .timeout_usec = 7};
        _cleanup_(secret_freep) Secret *record = NULL;
        _cleanup_(fetch_ask_done) FetchAsk got = {};
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        assert_int_equal(fetch_send_ask(p.fds[0], &k, deadline_after(DEADLINE_USEC)), 0);
        record = receive(&p);
        assert_int_equal(fetch_parse_ask(record, &got), 0);
        assert_string_equal(got.container, "s");
        assert_string_equal(got.folder, "");
        assert_string_equal(got.object, "o");
        assert_string_equal(got.part, "p");
        assert_int_equal(got.timeout_usec, 7);
        check_sizes(TAKE_PTR(record));
}

static void send_answer(Pair *p, const FetchAnswer *a) {
        assert_int_equal(fetch_send_answer(p->fds[0], a, deadline_after(DEADLINE_USEC)), 0);
}

static void test_answer(void **state _unused_) {
        _cleanup_(secret_freep) Secret *content = make_secret(9), *record = NULL;
        FetchAnswer a = {.class = FETCH_OK, .is_changing = true, .content = content};
        _cleanup_(fetch_answer_done) FetchAnswer got = {};
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        send_answer(&p, &a);
        record = receive(&p);
        assert_int_equal(fetch_parse_answer(record, &got), 0);
        assert_int_equal(got.class, FETCH_OK);
        assert_true(got.is_changing);
        assert_int_equal(secret_size(got.content), 9);
        check_sizes(TAKE_PTR(record));

        a = (FetchAnswer) {.class = FETCH_ALERT, .retry_after_sec = 7, .code = "APPAP306E", .detail = "why", .hint = "what"};
        send_answer(&p, &a);
        record = receive(&p);
        fetch_answer_done(&got);
        assert_int_equal(fetch_parse_answer(record, &got), 0);
        assert_int_equal(got.class, FETCH_ALERT);
        assert_int_equal(got.retry_after_sec, 7);
        assert_string_equal(got.code, "APPAP306E");
        assert_string_equal(got.detail, "why");
        assert_string_equal(got.hint, "what");
        assert_null(got.content);
        check_sizes(TAKE_PTR(record));
}

/* A failure without a reason, a reason with success, a value with a failure, a class that is none */
static void test_answer_contradicts_itself(void **state _unused_) {
        _cleanup_(secret_freep) Secret *content = make_secret(9);
        const FetchAnswer cases[] = {
                {.class = FETCH_RETRY},
                {.class = FETCH_OK, .detail = "why"},
                {.class = FETCH_ALERT, .detail = "why", .content = content},
                {.class = _FETCH_CLASS_MAX, .detail = "why"},
        };
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(secret_freep) Secret *record = NULL;

                send_answer(&p, &cases[i]);
                record = receive(&p);
                assert_int_equal(parse(record), 1);
        }
}

static void test_ca(void **state _unused_) {
        _cleanup_(secret_freep) Secret *record = NULL;
        _cleanup_(buf_done) Buf pem = BUF_INIT(8);
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        for (size_t i = 0; i < 3; i++) {
                record = secret_free(record);
                assert_int_equal(fetch_send_ca(p.fds[0], SPAN_LITERAL("part"), deadline_after(DEADLINE_USEC)), 0);
                record = receive(&p);
                /* The third passes the bound of the whole. */
                assert_int_equal(fetch_parse_ca(record, &pem), i == 2);
        }
        assert_memory_equal(pem.data, "partpart", 8);
        check_sizes(TAKE_PTR(record));
}

/* The largest value fits a record, and nothing that is larger. */
static void test_limits(void **state _unused_) {
        _cleanup_(secret_freep) Secret *content = make_secret(FETCH_CONTENT_MAX), *large = make_secret(FETCH_CONTENT_MAX + 1);
        Secret *const contents[] = {content, large};
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
                _cleanup_(secret_freep) Secret *record = NULL;

                send_answer(&p, &(FetchAnswer) {.class = FETCH_OK, .content = contents[i]});
                record = receive(&p);
                assert_int_equal(parse(record), (int) i);
        }
}

/* A key that is larger than a key, a certificate without its key, the other way round, a credential that is too long, a store that is none */
static void test_open_refused(void **state _unused_) {
        _cleanup_(secret_freep) Secret *large = make_secret(ROLE_KEY_BYTES_MAX + 1), *key = make_secret(9), *none = make_secret(0);
        _cleanup_(secret_freep) Secret *longest = make_secret(FETCH_CREDENTIAL_MAX), *longer = make_secret(FETCH_CREDENTIAL_MAX + 1);
        const struct {
                RoleStore store;
                FetchLogin login;
                const char *endpoint, *chain;
                Secret *key, *credential;
                bool good;
        } cases[] = {
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "e", "c", key, longest, true},
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "e", "", none, none, true},
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "e", "c", large, none, false},
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "e", "c", none, none, false},
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "e", "", key, none, false},
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "e", "c", key, longer, false},
                {ROLE_STORE_VAULT, FETCH_LOGIN_TOKEN, "", "c", key, none, false},
                {ROLE_STORES, FETCH_LOGIN_TOKEN, "e", "c", key, none, false},
                {ROLE_STORE_VAULT, _FETCH_LOGIN_MAX, "e", "c", key, none, false},
        };
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const FetchOpen o = {
                        .store = cases[i].store,
                        .login = cases[i].login,
                        .endpoint = (char *) cases[i].endpoint,
                        .chain = (char *) cases[i].chain,
                        .key = cases[i].key,
                        .credential = cases[i].credential,
                };
                _cleanup_(secret_freep) Secret *record = NULL;

                assert_int_equal(fetch_send_open(p.fds[0], &o, deadline_after(DEADLINE_USEC)), 0);
                record = receive(&p);
                if (parse(record) != !cases[i].good)
                        fail_msg("case %zu", i);
        }
}

static void test_closed_and_late(void **state _unused_) {
        Secret *s = NULL;
        _cleanup_(pair_done) Pair p;

        make_pair(&p);
        assert_int_equal(fetch_receive(p.fds[1], deadline_after(0), &s), -ETIMEDOUT);
        close_fdp(&p.fds[0]);
        assert_int_equal(fetch_receive(p.fds[1], deadline_after(DEADLINE_USEC), &s), 1);
        assert_null(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_open),         cmocka_unit_test(test_ask),
                cmocka_unit_test(test_answer),       cmocka_unit_test(test_answer_contradicts_itself),
                cmocka_unit_test(test_ca),           cmocka_unit_test(test_limits),
                cmocka_unit_test(test_open_refused), cmocka_unit_test(test_closed_and_late),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
