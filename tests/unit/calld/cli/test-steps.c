/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/steps.h"

#define STEP_DNS "{\"name\":\"dns\",\"ok\":true,\"detail\":\"127.0.0.1\",\"hint\":\"\",\"usec\":1500}"
#define STEP_SIGNATURE "{\"name\":\"signature\",\"ok\":false,\"detail\":\"refused: sni\",\"hint\":\"name the server\\u001b[2J\",\"usec\":20}"
#define STEP_HTTP "{\"name\":\"http\",\"ok\":null,\"detail\":\"\",\"hint\":\"not shown\",\"usec\":0}"

static char *render(const char *json, bool utf8, bool color, bool *ret_good) {
        _cleanup_(json_decrefp) json_t *test = json_loads(json, 0, NULL);
        const TableStyle style = {.color = color};
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(test);
        steps_print(test, f, &style, utf8);
        fclose(f);
        *ret_good = steps_good(test);
        return text;
}

static void test_words(void **state _unused_) {
        bool good;
        _cleanup_free_ char *text = render("{\"alias\":\"crm\",\"url\":\"https://h:1/\",\"ok\":false,\"steps\":[" STEP_DNS "," STEP_SIGNATURE
                                           "," STEP_HTTP "],\"http_status\":0}",
                                           false, false, &good);

        assert_false(good);
        assert_string_equal(text, "crm: https://h:1/\n"
                                  "  ok     dns                 127.0.0.1 (1ms)\n"
                                  "  FAILED signature           refused: sni (20us)\n"
                                  "    hint: name the server\\x1b[2J\n"
                                  "  -      http                not reached\n");
}

static void test_ticks(void **state _unused_) {
        bool good;
        _cleanup_free_ char *text = render("{\"alias\":\"crm\",\"url\":\"u\",\"ok\":true,\"steps\":[" STEP_DNS "]}", true, true, &good);

        assert_true(good);
        assert_string_equal(text, "crm: u\n  \x1b[32m\xe2\x9c\x93\x1b[0m dns                 127.0.0.1 (1ms)\n");
}

/* What is known of certificates stands below the step that it belongs to. */
static void test_detail(void **state _unused_) {
        bool good;
        _cleanup_free_ char *text = render(
                "{\"alias\":\"crm\",\"url\":\"u\",\"ok\":false,\"steps\":[{\"name\":\"server-certificate\",\"ok\":true},"
                "{\"name\":\"certificate-request\",\"ok\":true},{\"name\":\"signature\",\"ok\":true},{\"name\":\"accepted\",\"ok\":false,\"hint\":\"ask\"}],"
                "\"server_chain\":[{\"subject\":\"CN=s\\u001b\",\"not_after\":null},{\"subject\":\"CN=ca\",\"not_after\":null}],"
                "\"accepted_issuers\":[\"CN=1\",\"CN=2\",\"CN=3\",\"CN=4\",\"CN=5\",\"CN=6\",\"CN=7\"],"
                "\"client_certificate\":{\"subject\":\"CN=c\",\"issuer\":\"CN=i\",\"not_after\":null}}",
                false, false, &good);

        assert_string_equal(text, "crm: u\n"
                                  "  ok     server-certificate  \n"
                                  "    sent: CN=s\\x1b, expires -\n"
                                  "          CN=ca, expires -\n"
                                  "  ok     certificate-request \n"
                                  "    accepts: CN=1\n             CN=2\n             CN=3\n             CN=4\n             CN=5\n"
                                  "             and 2 more: see --json=pretty\n"
                                  "  ok     signature           \n"
                                  "    ours: CN=c, issued by CN=i, expires -\n"
                                  "  FAILED accepted            \n"
                                  "    hint: ask\n");
}

/* Good means that calld says so and that no step says otherwise. */
static void test_verdict(void **state _unused_) {
        static const char *const bad[] = {
                "{}",
                "{\"ok\":\"true\",\"steps\":[]}",
                "{\"ok\":true,\"steps\":[" STEP_SIGNATURE "]}",
                "{\"ok\":false,\"steps\":[" STEP_DNS "]}",
                "{\"ok\":true,\"steps\":[{\"name\":\"dns\"}]}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                bool good;
                _cleanup_free_ char *text = render(bad[i], false, false, &good);

                assert_non_null(text);
                assert_false(good);
        }
}

/* Members that are missing or of another type are no reason to fall over. */
static void test_strange(void **state _unused_) {
        bool good;
        _cleanup_free_ char *text = render("{\"alias\":1,\"steps\":[null,{\"name\":7,\"usec\":\"x\",\"detail\":[]}]}", false, false, &good);

        assert_string_equal(text, "?: -\n  FAILED ?                   \n  FAILED ?                   \n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),   cmocka_unit_test(test_ticks),   cmocka_unit_test(test_detail),
                cmocka_unit_test(test_verdict), cmocka_unit_test(test_strange),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
