/* SPDX-License-Identifier: Apache-2.0 */

/* What is made of records of a ServiceNow instance, and of whoever answers in its place */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/fetcher/instance.h"

static const FetchAsk asked = {
        .container = (char *) "", .folder = (char *) "", .object = (char *) "t", .part = (char *) "n path to mids port\tstore pw"};

static void read_columns(const char *columns, long status, const char *body, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply r = {.status = status};
        FetchAsk ask = asked;

        ask.part = (char *) columns;
        assert_int_equal(secret_new_from(body, strlen(body), &r.body), 0);
        assert_int_equal(instance_read(&ask, &r, ret), 0);
}

static void expect(const char *body, const char *text) {
        FetchAnswer a;

        read_columns(asked.part, 200, body, &a);
        assert_int_equal(a.class, FETCH_OK);
        if (secret_size(a.content) != strlen(text) || memcmp(secret_data(a.content), text, strlen(text)) != 0)
                fail_msg("%s gives: %.*s", body, (int) secret_size(a.content), (const char *) secret_data(a.content));
        fetch_answer_done(&a);
}

static void test_records(void **state _unused_) {
        expect("{\"result\":[]}", "");
        expect("{\"result\":[{\"n\":\"a\"}]}", "=a\n");
        expect("{\"result\":[{\"n\":{\"value\":\"a\",\"display_value\":\"A\"},\"path\":\"/p\",\"pw\":\"midtls:AAAA\",\"port\":{\"value\":\"444\"}}]}",
               "=a\nKeystorePath=/p\nPassword=midtls:AAAA\nDefaultPort=444\n");
        expect("{\"result\":[{\"n\":\"a\",\"to\":\"all\",\"mids\":\"x\"},{\"n\":\"b\",\"to\":\"specific\",\"mids\":{\"value\":\"0a\",\"display_value\":\"x,y\"}}]}",
               "=a\n=b\nAppliesTo=specific\nMidServers=x y\n");
        expect("{\"result\":[{\"n\":\"a\",\"store\":\"true\",\"pw\":\"ID\"},{\"n\":\"b\",\"store\":\"Vault\",\"pw\":\"p#f\"},{\"n\":\"c\",\"store\":\"false\"}]}",
               "=a\nExternalCredentialStore=cyberark\nPassword=ID\n=b\nExternalCredentialStore=vault\nPassword=p#f\n=c\n");
}

static void test_refused(void **state _unused_) {
        static const char *const lines[] = {"{\"n\":\"a\",\"path\":\"x\\ny\"}", "{\"n\":\"a\",\"path\":\"x\\\\\"}",
                                            "{\"n\":\"a\",\"port\":\"1\\u007f\"}", "{\"n\":\"a\",\"mids\":\"\\r\"}"};
        static const char *const names[] = {"{}",
                                            "{\"n\":\"\"}",
                                            "{\"n\":\"../a\"}",
                                            "{\"n\":\"A\"}",
                                            "{\"n\":\"a b\"}",
                                            "{\"n\":1}",
                                            "null",
                                            "[]",
                                            "\"a\"",
                                            "{\"n\":\"abcdefghijklmnopqrstuvwxyzabcdef\"}"};
        char body[200];

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                snprintf(body, sizeof(body), "{\"result\":[%s]}", lines[i]);
                expect(body, "!a a column holds what cannot be in a line\n");
        }
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                snprintf(body, sizeof(body), "{\"result\":[%s]}", names[i]);
                expect(body, "! a record has no protocol's name of lower-case letters and digits\n");
        }
        expect("{\"result\":[{\"n\":\"a\",\"pw\":\"EVIL\"},{\"n\":\"b\",\"store\":\"false\",\"pw\":\"EVIL\"}]}",
               "!a its password stands in clear in the instance: put there what midtls encrypt prints\n"
               "!b its password stands in clear in the instance: put there what midtls encrypt prints\n");
}

static void test_lies(void **state _unused_) {
        static const struct {
                long status;
                const char *body;
                FetchClass class;
        } cases[] = {
                {200, "", FETCH_RETRY},
                {200, "<html>EVIL", FETCH_RETRY},
                {200, "{}", FETCH_RETRY},
                {200, "{\"result\":{}}", FETCH_RETRY},
                {200, "{\"result\":[],\"result\":[]}", FETCH_RETRY},
                {201, "{\"result\":[]}", FETCH_RETRY},
                {302, "{\"result\":[]}", FETCH_CONFIGURATION},
                {400, "{\"error\":{\"message\":\"EVIL\"}}", FETCH_CONFIGURATION},
                {401, "", FETCH_ALERT},
                {403, "", FETCH_ALERT},
                {404, "", FETCH_CONFIGURATION},
                {429, "", FETCH_RETRY_ALL},
                {500, "", FETCH_RETRY},
                {503, "{\"result\":[]}", FETCH_RETRY_ALL},
        };
        static const char *const columns[] = {"", "a", "a b c d e f", "a b c d e f g h"};
        FetchAnswer a;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                read_columns(asked.part, cases[i].status, cases[i].body, &a);
                if (a.class != cases[i].class || a.content || strstr(a.detail, "EVIL") || !a.hint[0])
                        fail_msg("case %zu: class %d, %s", i, a.class, a.detail);
        }
        for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
                read_columns(columns[i], 200, "{\"result\":[]}", &a);
                assert_int_equal(a.class, FETCH_CONFIGURATION);
                assert_null(a.content);
        }
}

static void test_many(void **state _unused_) {
        static char body[600 * 32];

        for (size_t n = 500; n <= 501; n++) {
                size_t used = (size_t) snprintf(body, sizeof(body), "{\"result\":[");
                FetchAnswer a;

                for (size_t i = 0; i < n; i++)
                        used += (size_t) snprintf(body + used, sizeof(body) - used, "%s{\"n\":\"a%zu\"}", i ? "," : "", i);
                snprintf(body + used, sizeof(body) - used, "]}");
                read_columns(asked.part, 200, body, &a);
                assert_int_equal(a.class, n == 500 ? FETCH_OK : FETCH_CONFIGURATION);
                fetch_answer_done(&a);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_records), cmocka_unit_test(test_refused), cmocka_unit_test(test_lies),
                                           cmocka_unit_test(test_many)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
