/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/target.h"

static const char *parse(Target *t, const char *a, const char *b, const char *c) {
        const char *words[] = {a, b, c};

        *t = (Target) {};
        return target_parse(words, !a ? 0 : !b ? 1 : !c ? 2 : 3, t);
}

static void check(const char *a, const char *b, const char *c, const char *method, const char *authority, const char *target) {
        Target t;

        assert_null(parse(&t, a, b, c));
        assert_string_equal(t.authority, authority);
        assert_string_equal(t.target, target);
        if (method)
                assert_string_equal(t.method, method);
        else
                assert_null(t.method);
}

static void test_taken(void **state _unused_) {
        check("crm", "/incident/42?a=b", NULL, NULL, "crm", "/incident/42?a=b");
        check("crm", "POST", "/x", "POST", "crm", "/x");
        check("crm-1.test_2", "/", NULL, NULL, "crm-1.test_2", "/");
        check("mauth://partner.example.com/api?q=http://x/", NULL, NULL, NULL, "partner.example.com", "mauth://partner.example.com/api?q=http://x/");
        check("mauth://localhost:8443/a/b", NULL, NULL, NULL, "localhost:8443", "mauth://localhost:8443/a/b");
        check("mauth://[::1]:8443/", NULL, NULL, NULL, "[::1]:8443", "mauth://[::1]:8443/");
        check("DELETE", "mauth://h/x", NULL, "DELETE", "h", "mauth://h/x");
}

static void test_refused(void **state _unused_) {
        static const char *const words[][3] = {
                {NULL},
                {"crm"},
                {"/x"},
                {"crm", "x"},
                {"crm", "GET", "x"},
                {"crm", "POST", "mauth://h/x"},
                {"midtls", "/status"},
                {"", "/x"},
                {"a b", "/x"},
                {"crm\r\nX: y", "/x"},
                {"crm", "/a b"},
                {"crm", "/a\r\nX: y"},
                {"crm", "/a#b"},
                {"crm", "/\xc3\xbc"},
                {"crm", "G T", "/x"},
                {"crm", "", "/x"},
                {"crm", "GET\r\n", "/x"},
                {"mauth://user@h/x"},
                {"mauth:///x"},
                {"mauth://h"},
                {"mauth://h?x"},
                {"mauth://h/a b"},
                {"mauth://h\r\nX: y/"},
        };
        char url[TARGET_AUTHORITY_MAX + 16] = "mauth://";
        Target t;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (!parse(&t, words[i][0], words[i][1], words[i][2]))
                        fail_msg("%zu: taken", i);

        memset(url + 8, 'a', TARGET_AUTHORITY_MAX - 1);
        url[8 + TARGET_AUTHORITY_MAX - 1] = '/';
        assert_null(parse(&t, url, NULL, NULL));
        url[8 + TARGET_AUTHORITY_MAX - 1] = 'a';
        url[8 + TARGET_AUTHORITY_MAX] = '/';
        assert_non_null(parse(&t, url, NULL, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken), cmocka_unit_test(test_refused)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
