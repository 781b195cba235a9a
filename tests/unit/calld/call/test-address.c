/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "calld/call/address.h"

typedef struct DenyRow {
        const char *address, *entry;
        bool denied;
} DenyRow;

static const DenyRow rows[] = {
        {"127.0.0.1", "loopback", true},
        {"127.255.1.2", "loopback", true},
        {"0.0.0.0", "loopback", true},
        {"::1", "loopback", true},
        {"::ffff:127.0.0.1", "loopback", true},
        {"128.0.0.1", "loopback", false},
        {"10.1.2.3", "private", true},
        {"172.16.0.1", "private", true},
        {"172.31.255.255", "private", true},
        {"172.32.0.1", "private", false},
        {"192.168.1.1", "private", true},
        {"100.64.0.1", "private", true},
        {"100.128.0.1", "private", false},
        {"fd00::1", "private", true},
        {"::ffff:10.0.0.1", "private", true},
        {"169.254.169.254", "link-local", true},
        {"fe80::1", "link-local", true},
        {"fec0::1", "link-local", false},
        {"8.8.8.8", "link-local", false},
        {"192.0.2.77", "192.0.2.0/24", true},
        {"192.0.3.77", "192.0.2.0/24", false},
        {"192.0.2.77", "192.0.2.77", true},
        {"192.0.2.78", "192.0.2.77", false},
        {"192.0.2.79", "192.0.2.78/31", true},
        {"2001:db8::1", "2001:db8::/32", true},
        {"2001:db9::1", "2001:db8::/32", false},
        {"8.8.8.8", "0.0.0.0/0", true},
        {"2001:db8::1", "0.0.0.0/0", false},
        /* what is not understood forbids everything */
        {"8.8.8.8", "192.0.2.0/33", true},
        {"8.8.8.8", "everything", true},
        {"8.8.8.8", "", true},
};

static void parse(const char *text, struct sockaddr_storage *ret) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) ret;
        struct sockaddr_in *v4 = (struct sockaddr_in *) ret;

        memset(ret, 0, sizeof(*ret));
        if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
                ret->ss_family = AF_INET;
        else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
                ret->ss_family = AF_INET6;
        else
                fail();
}

static void test_denied(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct sockaddr_storage address;
                TextList deny = {};

                parse(rows[i].address, &address);
                assert_int_equal(text_list_add(&deny, span_from_string(rows[i].entry)), 0);
                if (!!address_find_denied((struct sockaddr *) &address, &deny) != rows[i].denied)
                        fail_msg("%s and %s", rows[i].address, rows[i].entry);
        }
}

static void test_text(void **state) {
        struct sockaddr_storage address;
        char text[64];

        (void) state;
        parse("192.0.2.1", &address);
        address_to_string((struct sockaddr *) &address, text, sizeof(text));
        assert_string_equal(text, "192.0.2.1");
        address.ss_family = AF_UNIX;
        address_to_string((struct sockaddr *) &address, text, sizeof(text));
        assert_string_equal(text, "");
}

/* Host= as it stands there: what is a name is no address */
static void test_denied_text(void **state) {
        static const struct {
                const char *text;
                bool denied;
        } texts[] = {
                {"127.0.0.1", true},   {"::1", true}, {"::ffff:127.0.0.1", true}, {"192.0.2.1", false}, {"localhost", false},
                {"127.0.0.1.", false}, {"", false},
        };
        TextList deny = {};

        (void) state;
        assert_int_equal(text_list_add(&deny, SPAN_LITERAL("loopback")), 0);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                assert_int_equal(address_find_denied_text(span_from_string(texts[i].text), &deny) != NULL, texts[i].denied);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_denied),
                cmocka_unit_test(test_denied_text),
                cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
