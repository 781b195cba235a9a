/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/problem.h"
#include "tests/unit/lib/unit.h"

static void check_text(const Problem *p, const char *wanted) {
        _cleanup_free_ char *s = problem_to_string(p);

        assert_string_equal(s, wanted);
}

static void test_add(void **state) {
        _cleanup_(problems_done) Problems p = {};

        assert_int_equal(problems_add(&p, "/etc/x", 7, false, "write yes", "%s= is wrong", "Key"), 0);
        assert_int_equal(problems_add(&p, "/etc/x", 0, true, NULL, "old"), 0);
        assert_int_equal(problems_add(&p, "/etc/y", 1, false, "", "last"), 0);
        assert_int_equal(p.n_items, 3);
        assert_int_equal(p.n_errors, 2);
        check_text(&p.items[0], "/etc/x:7: Key= is wrong; write yes");
        check_text(&p.items[1], "/etc/x: old");
        check_text(&p.items[2], "/etc/y:1: last");
        assert_true(p.items[1].warning);
}

static void test_long_text_is_cut(void **state) {
        _cleanup_(problems_done) Problems p = {};
        char text[3000];

        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = 0;
        assert_int_equal(problems_add(&p, "f", 1, false, text, "%s", text), 0);
        assert_int_equal(strlen(p.items[0].what), 1023);
        assert_int_equal(strlen(p.items[0].remedy), 1024);
}

static void test_done_twice(void **state) {
        Problems p = {};

        assert_int_equal(problems_add(&p, "f", 1, false, NULL, "x"), 0);
        problems_done(&p);
        problems_done(&p);
        problems_done(NULL);
        assert_int_equal(p.n_items + p.n_errors, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_add),
                cmocka_unit_test(test_long_text_is_cut),
                cmocka_unit_test(test_done_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
