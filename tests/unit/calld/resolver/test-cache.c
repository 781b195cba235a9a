/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/cache.h"
#include "tests/unit/lib/unit.h"

static char path[64];
static const char *const files[] = {path, NULL};

static Cache *make_cache(void) {
        Cache *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        cache_init(c, files);
        return c;
}

static void keep(Cache *c, ResolveKind kind, const char *name, ResolveResult result, uint64_t now) {
        MsgAnswer a = {.id = 3, .result = result, .number = 7};

        cache_keep(c, c->generation, kind, span_from_string(name), &a, now);
}

static bool has(Cache *c, ResolveKind kind, const char *name, uint64_t now) {
        return cache_find(c, kind, span_from_string(name), now);
}

static void test_age(void **state) {
        _cleanup_free_ Cache *c = make_cache();

        keep(c, RESOLVE_HOST, "a", RESOLVE_OK, 1000);
        keep(c, RESOLVE_HOST, "b", RESOLVE_UNKNOWN, 1000);
        assert_int_equal(cache_find(c, RESOLVE_HOST, SPAN_LITERAL("a"), 1000)->number, 7);
        assert_true(has(c, RESOLVE_HOST, "a", 1000 + CACHE_USEC - 1));
        assert_false(has(c, RESOLVE_HOST, "a", 1000 + CACHE_USEC));
        assert_int_equal(cache_find(c, RESOLVE_HOST, SPAN_LITERAL("b"), 1000)->result, RESOLVE_UNKNOWN);
        assert_true(has(c, RESOLVE_HOST, "b", 1000 + CACHE_UNKNOWN_USEC - 1));
        assert_false(has(c, RESOLVE_HOST, "b", 1000 + CACHE_UNKNOWN_USEC));
}

static void test_what_is_kept(void **state) {
        _cleanup_free_ Cache *c = make_cache();

        keep(c, RESOLVE_HOST, "root", RESOLVE_FAILED, 0);
        keep(c, RESOLVE_HOST, "slow", RESOLVE_SILENT, 0);
        assert_false(has(c, RESOLVE_HOST, "root", 0));
        assert_false(has(c, RESOLVE_HOST, "slow", 0));

        keep(c, RESOLVE_USER, "root", RESOLVE_OK, 0);
        assert_true(has(c, RESOLVE_USER, "root", 0));
        assert_false(has(c, RESOLVE_GROUP, "root", 0));
        assert_false(has(c, RESOLVE_USER, "Root", 0));
        assert_false(has(c, RESOLVE_USER, "roo", 0));
}

static void test_room(void **state) {
        _cleanup_free_ Cache *c = make_cache();
        char name[16];

        for (unsigned i = 0; i <= CACHE_ENTRIES_MAX; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                keep(c, RESOLVE_HOST, name, RESOLVE_OK, i);
        }
        assert_false(has(c, RESOLVE_HOST, "n0", 0));
        for (unsigned i = 1; i <= CACHE_ENTRIES_MAX; i++) {
                snprintf(name, sizeof(name), "n%u", i);
                assert_true(has(c, RESOLVE_HOST, name, 0));
        }
}

static void append(const char *text) {
        _cleanup_fclose_ FILE *f = fopen(path, "ae");

        assert_non_null(f);
        fputs(text, f);
}

static void test_files_change(void **state) {
        _cleanup_free_ Cache *c = make_cache();
        uint64_t before;

        keep(c, RESOLVE_HOST, "a", RESOLVE_OK, 0);
        before = c->generation;
        assert_true(has(c, RESOLVE_HOST, "a", 0));
        append("127.0.0.1 a\n");
        assert_false(has(c, RESOLVE_HOST, "a", 0));

        /* looked up before the change, answered after it */
        cache_keep(c, before, RESOLVE_HOST, SPAN_LITERAL("a"), &(MsgAnswer) {.id = 1}, 0);
        assert_false(has(c, RESOLVE_HOST, "a", 0));
        keep(c, RESOLVE_HOST, "a", RESOLVE_OK, 0);
        assert_true(has(c, RESOLVE_HOST, "a", 0));

        assert_int_equal(unlink(path), 0);
        assert_false(has(c, RESOLVE_HOST, "a", 0));
}

static int set_up(void **state) {
        int fd;

        snprintf(path, sizeof(path), "/tmp/midtls-cache-XXXXXX");
        fd = mkstemp(path);
        return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state) {
        unlink(path);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_age),
                cmocka_unit_test(test_what_is_kept),
                cmocka_unit_test(test_room),
                cmocka_unit_test(test_files_change),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
