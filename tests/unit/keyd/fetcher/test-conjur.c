/* SPDX-License-Identifier: Apache-2.0 */

/* What is made of an answer of Conjur, and of whoever answers in its place */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/fetcher/conjur.h"

static const FetchAsk asked = {.container = (char *) "", .folder = (char *) "", .object = (char *) "team/a", .part = (char *) ""};

/* In a block of exactly its size */
static SessionReply reply(long status, bool is_html, const char *body, size_t size) {
        SessionReply r = {.status = status, .is_html = is_html};

        assert_int_equal(secret_new_from(body, size, &r.body), 0);
        return r;
}

static void test_value(void **state _unused_) {
        _cleanup_(session_reply_done) SessionReply r = reply(200, false, "a\0b\n", 4), html = reply(200, true, "a", 1),
                                                   empty = reply(200, false, "", 0);
        FetchAnswer a;

        /* As it is, whatever it is */
        assert_int_equal(conjur_read_value(&asked, &r, &a), 0);
        assert_int_equal(a.class, FETCH_OK);
        assert_int_equal(secret_size(a.content), 4);
        assert_memory_equal(secret_data(a.content), "a\0b\n", 4);
        fetch_answer_done(&a);

        assert_int_equal(conjur_read_value(&asked, &html, &a), 0);
        assert_int_equal(a.class, FETCH_RETRY);
        assert_null(a.content);
        assert_int_equal(conjur_read_value(&asked, &empty, &a), 0);
        assert_int_equal(a.class, FETCH_CONFIGURATION);
}

static void test_statuses(void **state _unused_) {
        static const struct {
                long status;
                FetchClass class, login;
        } cases[] = {
                {0, FETCH_RETRY, FETCH_RETRY_ALL},
                {204, FETCH_RETRY, FETCH_RETRY_ALL},
                {302, FETCH_CONFIGURATION, FETCH_CONFIGURATION},
                {400, FETCH_CONFIGURATION, FETCH_CONFIGURATION},
                {401, FETCH_ALERT, FETCH_ALERT},
                {403, FETCH_ALERT, FETCH_ALERT},
                {404, FETCH_CONFIGURATION, FETCH_CONFIGURATION},
                {408, FETCH_RETRY_ALL, FETCH_RETRY_ALL},
                {422, FETCH_CONFIGURATION, FETCH_CONFIGURATION},
                {429, FETCH_RETRY_ALL, FETCH_RETRY_ALL},
                {500, FETCH_RETRY, FETCH_RETRY_ALL},
                {503, FETCH_RETRY_ALL, FETCH_RETRY_ALL},
                {599, FETCH_RETRY, FETCH_RETRY_ALL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(session_reply_done) SessionReply r = reply(cases[i].status, false, "{\"a\":\"EVIL\"}", 12);
                _cleanup_(secret_freep) Secret *token = NULL;
                FetchAnswer a;

                assert_int_equal(conjur_read_value(&asked, &r, &a), 0);
                assert_int_equal(a.class, cases[i].class);
                assert_null(a.content);
                assert_null(strstr(a.detail, "EVIL"));
                assert_true(a.hint[0]);

                assert_int_equal(conjur_read_login(&r, &token, &a), 0);
                assert_int_equal(a.class, cases[i].login);
                assert_null(token);
                assert_non_null(strstr(a.detail, "at the login"));
                assert_true(a.hint[0]);
        }
}

static void test_login(void **state _unused_) {
        static const char *const none[] = {"", "<html>", "null", "[]", "\"x\"", "{\"a\":1", "e30="};
        _cleanup_(session_reply_done) SessionReply r = reply(200, false, "{\"a\":1}", 7);
        _cleanup_(secret_freep) Secret *token = NULL;
        static char large[20000];
        FetchAnswer a;

        assert_int_equal(conjur_read_login(&r, &token, &a), 0);
        assert_int_equal(secret_size(token), 12);
        assert_memory_equal(secret_data(token), "eyJhIjoxfQ==", 12);

        for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
                _cleanup_(session_reply_done) SessionReply bad = reply(200, false, none[i], strlen(none[i]));
                _cleanup_(secret_freep) Secret *no_token = NULL;

                assert_int_equal(conjur_read_login(&bad, &no_token, &a), 0);
                assert_null(no_token);
                assert_int_equal(a.class, FETCH_RETRY_ALL);
        }

        memset(large, ' ', sizeof(large));
        memcpy(large, "{}", 2);
        {
                _cleanup_(session_reply_done) SessionReply bad = reply(200, false, large, sizeof(large));
                _cleanup_(secret_freep) Secret *no_token = NULL;

                assert_int_equal(conjur_read_login(&bad, &no_token, &a), 0);
                assert_null(no_token);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_value), cmocka_unit_test(test_statuses), cmocka_unit_test(test_login)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
