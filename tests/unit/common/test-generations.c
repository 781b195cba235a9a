/* SPDX-License-Identifier: Apache-2.0 */

#include "common/generations.h"
#include "tests/unit/lib/unit.h"

static void note(Generations *g, const char *profile, uint64_t generation) {
        assert_int_equal(generations_note(g, span_from_string(profile), generation), 0);
}

static uint64_t last(const Generations *g, const char *profile) {
        return generations_last(g, span_from_string(profile));
}

static void test_each_its_own(void **state) {
        _cleanup_(generations_done) Generations g = {};

        assert_int_equal(last(&g, "a"), 0);
        note(&g, "a", 1);
        note(&g, "b", 1);
        note(&g, "a", 2);
        assert_int_equal(last(&g, "a"), 2);
        assert_int_equal(last(&g, "b"), 1);
        assert_int_equal(last(&g, "c"), 0);
        assert_int_equal(last(&g, ""), 0);

        /* It never goes down. */
        note(&g, "a", 1);
        assert_int_equal(last(&g, "a"), 2);
        assert_int_equal(g.n_items, 2);
}

static void test_longest_name(void **state) {
        _cleanup_(generations_done) Generations g = {};
        char name[PROTO_NAME_MAX + 1];

        memset(name, 'n', PROTO_NAME_MAX);
        name[PROTO_NAME_MAX] = 0;
        note(&g, name, 7);
        assert_int_equal(last(&g, name), 7);
        assert_int_equal(last(&g, name + 1), 0);
}

/* Full: who was not noted for longest goes, and nobody gets a number again that it has had. */
static void test_bounded(void **state) {
        _cleanup_(generations_done) Generations g = {};
        char name[16];

        note(&g, "kept", 9);
        note(&g, "gone", 5);
        note(&g, "kept", 9);
        for (unsigned i = 0; i < GENERATIONS_MAX - 2; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                note(&g, name, 1);
        }
        assert_int_equal(g.n_items, GENERATIONS_MAX);
        assert_int_equal(last(&g, "other"), 0);

        note(&g, "more", 1);
        assert_int_equal(g.n_items, GENERATIONS_MAX);
        assert_int_equal(last(&g, "kept"), 9);
        assert_int_equal(last(&g, "more"), 1);
        assert_int_equal(last(&g, "gone"), 5);
        assert_int_equal(last(&g, "other"), 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_its_own),
                cmocka_unit_test(test_longest_name),
                cmocka_unit_test(test_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
