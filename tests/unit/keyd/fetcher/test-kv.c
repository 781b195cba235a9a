/* SPDX-License-Identifier: Apache-2.0 */

/* What is made of an answer of Vault or OpenBao, and of whoever answers in its place */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/fetcher/kv.h"

static const FetchAsk asked = {.container = (char *) "secret", .folder = (char *) "", .object = (char *) "partner", .part = (char *) "password"};

#define META "\"metadata\":{\"version\":1,\"deletion_time\":\"\",\"destroyed\":false}"

/* In a block of exactly its size */
static Secret *block(const char *body) {
        Secret *s = NULL;

        assert_int_equal(secret_new_from(body, strlen(body), &s), 0);
        return s;
}

static void read_value(bool is_versioned, long status, const char *body, FetchAnswer *ret) {
        _cleanup_(secret_freep) Secret *s = block(body);

        assert_int_equal(kv_read_value(&asked, is_versioned, status, s, ret), 0);
}

static void expect(bool is_versioned, long status, const char *body, FetchClass class, const char *word) {
        FetchAnswer a;

        read_value(is_versioned, status, body, &a);
        if (a.class != class || !strstr(a.detail, word))
                fail_msg("%ld %s: class %d, %s", status, body, a.class, a.detail);
        assert_null(a.content);
        assert_true(a.hint[0]);
        assert_null(strstr(a.detail, "EVIL"));
}

static void test_good(void **state _unused_) {
        static const char *const bodies[] = {
                "{\"data\":{\"password\":\"p\\u00e4ss\",\"user\":\"u\"},\"lease_duration\":2764800}",
                "{\"data\":{\"data\":{\"password\":\"p\\u00e4ss\",\"user\":1}," META "}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                FetchAnswer a;

                read_value(i == 1, 200, bodies[i], &a);
                assert_int_equal(a.class, FETCH_OK);
                assert_int_equal(secret_size(a.content), 5);
                assert_memory_equal(secret_data(a.content), "p\xc3\xa4ss", 5);
                fetch_answer_done(&a);
        }
}

static void test_statuses(void **state _unused_) {
        static const struct {
                long status;
                FetchClass class;
        } cases[] = {
                {0, FETCH_RETRY},           {204, FETCH_RETRY},         {301, FETCH_CONFIGURATION}, {307, FETCH_RETRY_ALL},
                {400, FETCH_CONFIGURATION}, {401, FETCH_CONFIGURATION}, {403, FETCH_ALERT},         {404, FETCH_CONFIGURATION},
                {405, FETCH_CONFIGURATION}, {408, FETCH_RETRY_ALL},     {412, FETCH_RETRY},         {429, FETCH_RETRY_ALL},
                {472, FETCH_RETRY_ALL},     {473, FETCH_RETRY_ALL},     {474, FETCH_CONFIGURATION}, {500, FETCH_RETRY},
                {501, FETCH_RETRY},         {502, FETCH_RETRY_ALL},     {503, FETCH_RETRY_ALL},     {504, FETCH_RETRY_ALL},
                {599, FETCH_RETRY},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                expect(true, cases[i].status, "{\"errors\":[\"EVIL\"]}", cases[i].class, "HTTP");
                /* A value that comes with another status is none. */
                expect(false, cases[i].status, "{\"data\":{\"password\":\"EVIL\"}}", cases[i].class, "HTTP");
        }
}

static void test_lies(void **state _unused_) {
        static const char *const no_answers[] = {
                "",
                "<html>EVIL",
                "null",
                "[]",
                "{}",
                "{\"data\":null}",
                "{\"data\":\"EVIL\"}",
                "{\"data\":{\"data\":null," META "}}",
                "{\"data\":{\"data\":{\"password\":\"EVIL\"}}}",
                "{\"data\":{\"password\":\"EVIL\"}}",
                "{\"data\":{\"data\":{\"password\":\"EVIL\"}," META "}",
                "{\"data\":{\"data\":{\"password\":\"a\",\"password\":\"b\"}," META "}}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(no_answers); i++)
                expect(true, 200, no_answers[i], FETCH_RETRY, "not what a Vault answers");
        expect(true, 200, "{\"data\":{\"data\":{}," META "}}", FETCH_CONFIGURATION, "no text field password");
        expect(true, 200, "{\"data\":{\"data\":{\"password\":1}," META "}}", FETCH_CONFIGURATION, "no text field password");
        expect(true, 200, "{\"data\":{\"data\":{\"password\":\"\"}," META "}}", FETCH_CONFIGURATION, "is empty");
        expect(true, 404, "{\"data\":{\"data\":null,\"metadata\":{\"deletion_time\":\"2026-01-01T00:00:00Z\"}}}", FETCH_CONFIGURATION, "was deleted");
        expect(true, 404, "{\"data\":{\"data\":null,\"metadata\":{\"deletion_time\":\"\",\"destroyed\":true}}}", FETCH_CONFIGURATION, "was deleted");
        expect(true, 404, "{\"data\":{\"data\":null," META "}}", FETCH_CONFIGURATION, "no such secret");
}

static void test_login(void **state _unused_) {
        static const struct {
                long status;
                const char *body;
                FetchClass class;
        } bad[] = {
                {400, "{\"errors\":[\"EVIL\"]}", FETCH_ALERT},
                {403, "{}", FETCH_ALERT},
                {404, "{}", FETCH_CONFIGURATION},
                {500, "{}", FETCH_RETRY_ALL},
                {503, "{}", FETCH_RETRY_ALL},
                {200, "{\"auth\":null}", FETCH_RETRY_ALL},
                {200, "{\"auth\":{\"client_token\":\"\"}}", FETCH_RETRY_ALL},
                {200, "{\"auth\":{\"client_token\":\"a\\r\\nb\"}}", FETCH_RETRY_ALL},
                {200, "{\"auth\":{\"client_token\":\"a b\"}}", FETCH_RETRY_ALL},
                {200, "{\"auth\":{\"client_token\":\"\\u00e4\"}}", FETCH_RETRY_ALL},
                {403, "{\"auth\":{\"client_token\":\"hvs.x\"}}", FETCH_ALERT},
        };
        _cleanup_(secret_freep) Secret *token = NULL, *body = block("{\"auth\":{\"client_token\":\"hvs.x\"}}");
        FetchAnswer a;

        assert_int_equal(kv_read_login(200, body, &token, &a), 0);
        assert_int_equal(secret_size(token), 5);
        assert_memory_equal(secret_data(token), "hvs.x", 5);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(secret_freep) Secret *none = NULL, *s = block(bad[i].body);

                assert_int_equal(kv_read_login(bad[i].status, s, &none, &a), 0);
                assert_null(none);
                if (a.class != bad[i].class || !strstr(a.detail, "at the login") || strstr(a.detail, "EVIL") || !a.hint[0])
                        fail_msg("case %zu: class %d, %s", i, a.class, a.detail);
        }
}

static void test_age(void **state _unused_) {
        static const struct {
                long status;
                const char *body;
                bool is_due;
        } cases[] = {
                {200, "{\"data\":{\"ttl\":400,\"creation_ttl\":1000,\"renewable\":true}}", true},
                {200, "{\"data\":{\"ttl\":600,\"creation_ttl\":1000,\"renewable\":true}}", false},
                {200, "{\"data\":{\"ttl\":400,\"creation_ttl\":1000,\"renewable\":false}}", false},
                {200, "{\"data\":{\"ttl\":0,\"creation_ttl\":0,\"renewable\":true}}", false},
                {403, "{\"data\":{\"ttl\":400,\"creation_ttl\":1000,\"renewable\":true}}", false},
                {200, "<html>", false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(secret_freep) Secret *s = block(cases[i].body);

                assert_int_equal(kv_read_age(cases[i].status, s), cases[i].is_due);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),  cmocka_unit_test(test_statuses), cmocka_unit_test(test_lies),
                cmocka_unit_test(test_login), cmocka_unit_test(test_age),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
