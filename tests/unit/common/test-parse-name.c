/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/parse.h"
#include "common/proto.h"
#include "tests/unit/lib/unit.h"

/* @size times 'a' */
static const char *letters(size_t size) {
        static char text[512];

        assert_true(size < sizeof(text));
        memset(text, 'a', size);
        text[size] = 0;
        return text;
}

static void test_protocol(void **state) {
        static const char *const bad[] = {"", "Bank", "1bank", "ba-nk", "ba nk", "bank\n", "bänk", "https", "http", "ws", "ba.nk"};

        assert_true(protocol_name_valid("bank"));
        assert_true(protocol_name_valid("b"));
        assert_true(protocol_name_valid("bank2"));
        assert_true(protocol_name_valid(letters(31)));
        assert_false(protocol_name_valid(letters(32)));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(protocol_name_valid(bad[i]));
}

static void test_alias(void **state) {
        static const char *const bad[] = {"", ".", "..", ".a", "-a", "_a", "a/b", "a b", "a\n", "midtls", "MidTLS", "ä", "a%", "a:b"};

        assert_true(alias_name_valid("crm"));
        assert_true(alias_name_valid("CRM-2_x.prod"));
        assert_true(alias_name_valid("1"));
        assert_true(alias_name_valid("midtls2"));
        assert_true(alias_name_valid(letters(PROTO_NAME_MAX)));
        assert_false(alias_name_valid(letters(PROTO_NAME_MAX + 1)));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(alias_name_valid(bad[i]));
}

static void test_host(void **state) {
        static const char *const good[] = {"a",     "crm.example", "CRM-1.example", "xn--bcher-kva.example", "127.0.0.1", "::1", "fe80::1",
                                           "a_b.c", "1.a"};
        static const char *const bad[] = {"",     ".",     "a.",    ".a",        "a..b",      "-a.b", "a-.b", "a b",      "a/b",
                                          "a:80", "[::1]", "1.2.3", "256.1.1.1", "1.2.3.4.5", "a.1",  "a\n",  "ä.example"};

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_true(host_valid(good[i]));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(host_valid(bad[i]));
}

/* RFC 1035, 2.3.4: labels of 63, names of 253 characters */
static void test_host_sizes(void **state) {
        char name[300] = "";

        assert_true(host_valid(letters(63)));
        assert_false(host_valid(letters(64)));

        for (size_t i = 0; i < 254; i++)
                name[i] = i % 50 == 49 ? '.' : 'a';
        name[253] = 0;
        assert_true(host_valid(name));
        name[253] = 'a';
        assert_false(host_valid(name));
}

static void test_address(void **state) {
        assert_true(host_is_address("10.0.0.1"));
        assert_true(host_is_address("2001:db8::1"));
        assert_false(host_is_address("10.1"));
        assert_false(host_is_address("[::1]"));
        assert_false(host_is_address("fe80::1%eth0"));
        assert_false(host_is_address("a.example"));
        assert_false(host_is_address(""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_protocol),   cmocka_unit_test(test_alias),   cmocka_unit_test(test_host),
                cmocka_unit_test(test_host_sizes), cmocka_unit_test(test_address),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
