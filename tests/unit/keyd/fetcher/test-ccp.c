/* SPDX-License-Identifier: Apache-2.0 */

/* What is made of an answer of CyberArk's Central Credential Provider, and of whoever answers in its place */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/fetcher/ccp.h"

#define NAMES "\"Name\":\"account\",\"Safe\":\"safe\""

static const FetchAsk asked = {.container = (char *) "safe", .folder = (char *) "", .object = (char *) "account", .part = (char *) ""};

/* In a block of exactly its size */
static void read_bytes(long status, const char *body, size_t size, FetchAnswer *ret) {
        _cleanup_(secret_freep) Secret *s = NULL;

        assert_int_equal(secret_new_from(body, size, &s), 0);
        assert_int_equal(ccp_read(&asked, status, s, ret), 0);
}

static void read_text(long status, const char *body, FetchAnswer *ret) {
        read_bytes(status, body, strlen(body), ret);
}

static void expect(long status, const char *body, FetchClass class, const char *code) {
        FetchAnswer a;

        read_text(status, body, &a);
        if (a.class != class || strcmp(a.code, code) != 0)
                fail_msg("%ld %s: class %d, code \"%s\", %s", status, body, a.class, a.code, a.detail);
        assert_null(a.content);
        assert_true(a.detail[0] && a.hint[0]);
}

static void test_good(void **state _unused_) {
        /* As a public emulator answers: strings, also where they are no text. */
        static const char full[] =
                "{\"Content\":\"Password2\",\"PolicyID\":\"WinDesktopLocal\",\"Name\":\"account\",\"SequenceID\":\"5\","
                "\"Folder\":\"Root\\\\OS\\\\Windows\",\"Safe\":\"SAFE\",\"RetriesCount\":\"-1\",\"PasswordChangeInProcess\":\"False\"}";
        FetchAnswer a;

        read_text(200, full, &a);
        assert_int_equal(a.class, FETCH_OK);
        assert_int_equal(secret_size(a.content), 9);
        assert_memory_equal(secret_data(a.content), "Password2", 9);
        assert_false(a.is_changing);
        fetch_answer_done(&a);

        read_text(200, "{\"Content\":\"\\u00e4\\\"\\n\"}", &a);
        assert_int_equal(secret_size(a.content), 4);
        assert_memory_equal(secret_data(a.content), "\xc3\xa4\"\n", 4);
        fetch_answer_done(&a);
}

static void test_changing(void **state _unused_) {
        static const struct {
                const char *json;
                bool is_changing;
        } cases[] = {{"\"True\"", true}, {"\"true\"", true}, {"true", true}, {"\"False\"", false}, {"false", false}, {"null", false}, {"1", false}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char body[200];
                FetchAnswer a;

                snprintf(body, sizeof(body), "{\"Content\":\"x\"," NAMES ",\"PasswordChangeInProcess\":%s}", cases[i].json);
                read_text(200, body, &a);
                assert_int_equal(a.class, FETCH_OK);
                assert_int_equal(a.is_changing, cases[i].is_changing);
                fetch_answer_done(&a);
        }
}

static void test_codes(void **state _unused_) {
        static const struct {
                long status;
                const char *code;
                FetchClass class;
        } cases[] = {
                {400, "AIMWS030E", FETCH_CONFIGURATION},
                {400, "AIMWS031E", FETCH_CONFIGURATION},
                {400, "APPAP227E", FETCH_CONFIGURATION},
                {400, "APPAP228E", FETCH_CONFIGURATION},
                {400, "APPAP229E", FETCH_CONFIGURATION},
                {400, "APPAP230E", FETCH_CONFIGURATION},
                {400, "APPAP251E", FETCH_CONFIGURATION},
                {400, "APPAP007E", FETCH_RETRY_ALL},
                {400, "APPAP081E", FETCH_CONFIGURATION},
                {400, "CASVL010E", FETCH_CONFIGURATION},
                {403, "APPAP306E", FETCH_ALERT},
                {403, "APPAP008E", FETCH_ALERT},
                {404, "APPAP004E", FETCH_CONFIGURATION},
                {404, "APPAP249E", FETCH_CONFIGURATION},
                {404, "APPAP324E", FETCH_CONFIGURATION},
                {500, "APPAP282E", FETCH_RETRY},
                {403, "APPAP087E", FETCH_ALERT},
                {403, "APPAP132E", FETCH_ALERT},
                {403, "APPAP133E", FETCH_ALERT},
                {418, "XYZ999E", FETCH_CONFIGURATION},
                {500, "XYZ999E", FETCH_RETRY},
                /* The code tells more than the status. */
                {500, "APPAP306E", FETCH_ALERT},
                {200, "APPAP004E", FETCH_CONFIGURATION},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char body[200];

                snprintf(body, sizeof(body), "{\"ErrorCode\":\"%s\",\"ErrorMsg\":\"%s something (Diagnostic Info: 5)\"}", cases[i].code,
                         cases[i].code);
                expect(cases[i].status, body, cases[i].class, cases[i].code);
        }
}

static void test_statuses(void **state _unused_) {
        static const struct {
                long status;
                FetchClass class;
        } cases[] = {
                {0, FETCH_RETRY},   {204, FETCH_RETRY},     {301, FETCH_CONFIGURATION}, {308, FETCH_CONFIGURATION}, {400, FETCH_CONFIGURATION},
                {401, FETCH_ALERT}, {403, FETCH_ALERT},     {404, FETCH_CONFIGURATION}, {408, FETCH_RETRY_ALL},     {429, FETCH_RETRY_ALL},
                {500, FETCH_RETRY}, {502, FETCH_RETRY_ALL}, {503, FETCH_RETRY_ALL},     {504, FETCH_RETRY_ALL},     {599, FETCH_RETRY},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                expect(cases[i].status, "<html>", cases[i].class, "");
                /* A value that comes with another status is none. */
                expect(cases[i].status, "{\"Content\":\"x\"," NAMES "}", cases[i].class, "");
        }
}

static void test_lies(void **state _unused_) {
        static const char *const no_answers[] = {
                "",
                "<html>",
                "null",
                "[]",
                "\"Content\"",
                "{}",
                "{\"Content\":1}",
                "{\"Content\":null}",
                "{\"Content\":[\"x\"]}",
                "{\"Content\":\"x\"",
                "{\"Content\":\"x\"}{}",
                "{\"Content\":\"a\",\"Content\":\"b\"}",
                "{\"content\":\"x\"}",
                "{\"Content\":\"a\\u0000b\"}",
                "{\"Content\":\"\xff\"}",
                "{'Content':'x'}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(no_answers); i++)
                expect(200, no_answers[i], FETCH_RETRY, "");
        expect(200, "{\"Content\":\"\"," NAMES "}", FETCH_CONFIGURATION, "");
        expect(200, "{\"Content\":\"x\",\"Name\":\"other\",\"Safe\":\"safe\"}", FETCH_ALERT, "");
        expect(200, "{\"Content\":\"x\",\"Name\":\"account\",\"Safe\":\"other\"}", FETCH_ALERT, "");
}

/* No text of theirs is handed on but a code that is one. */
static void test_words(void **state _unused_) {
        static const char *const codes[] = {"<script>", "\\n", "appap004e", "APPAP004E APPAP004E", "", "AAAAAAAAAAAAAAAAA"};

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
                char body[200];
                FetchAnswer a;

                snprintf(body, sizeof(body), "{\"ErrorCode\":\"%s\",\"ErrorMsg\":\"EVIL\"}", codes[i]);
                expect(403, body, FETCH_ALERT, "");
                read_text(403, body, &a);
                assert_null(strstr(a.detail, "EVIL"));
                assert_null(strstr(a.detail, "script"));
        }
}

static void test_large(void **state _unused_) {
        static char body[FETCH_CONTENT_MAX + 100];
        int size = snprintf(body, sizeof(body), "{" NAMES ",\"Content\":\"");
        FetchAnswer a;

        for (size_t i = 0; i < 2; i++) {
                size_t n = FETCH_CONTENT_MAX + i;

                memset(body + size, 'x', n);
                memcpy(body + size + n, "\"}", 2);
                read_bytes(200, body, (size_t) size + n + 2, &a);
                assert_int_equal(a.class, i == 0 ? FETCH_OK : FETCH_CONFIGURATION);
                fetch_answer_done(&a);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good), cmocka_unit_test(test_changing), cmocka_unit_test(test_codes), cmocka_unit_test(test_statuses),
                cmocka_unit_test(test_lies), cmocka_unit_test(test_words),    cmocka_unit_test(test_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
