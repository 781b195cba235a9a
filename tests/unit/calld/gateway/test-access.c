/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/gateway/access.h"

typedef struct GlobRow {
        const char *glob, *text;
        bool matches;
} GlobRow;

static const GlobRow glob_rows[] = {
        {"", "", true},
        {"/a", "/a", true},
        {"/a", "/b", false},
        {"/a", "/a/b", false},
        {"/a/*", "/a/b", true},
        {"/a/*", "/a/", true},
        {"/a/*", "/a/b/c", false},
        {"/a/*/c", "/a/b/c", true},
        {"/a/*/c", "/a/b/x/c", false},
        {"/a/**", "/a/b/c", true},
        {"/**/c", "/a/b/c", true},
        {"/**/c", "/a/b/cc", false},
        {"/**/*.txt", "/a/b/c.txt", true},
        {"/**/*.txt", "/a/b.txt/c", false},
        {"/a/*b*c", "/a/xbybzc", true},
        {"/a/*b*c", "/a/xbyb/zc", false},
        {"/?", "/a", true},
        {"/?", "//", false},
        {"/?", "/", false},
        {"*", "", true},
        {"**", "/a/b", true},
        {"GET", "GET", true},
        {"P*", "PATCH", true},
        {"P*", "GET", false},
};

static void test_glob(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(glob_rows); i++)
                if (access_glob_match(span_from_string(glob_rows[i].glob), span_from_string(glob_rows[i].text)) != glob_rows[i].matches)
                        fail_msg("%s and %s", glob_rows[i].glob, glob_rows[i].text);
}

typedef struct PathRow {
        const char *path;
        bool allowed;
} PathRow;

/* With a glob for what lies right below /public */
static const PathRow path_rows[] = {
        {"/public/a", true},           {"/public/a?/../x", true}, {"/%70ublic/a", true}, {"/private/a", false}, {"/public/a%2fb", false},
        {"/public/../private", false}, {"/public/%2e%2e", false}, {"/public/.", false},  {"", false},
};

static void test_paths(void **state) {
        MsgConnection all = {}, m = {};

        (void) state;
        assert_true(access_allows_path(&all, SPAN_LITERAL("/x/../y")));
        assert_int_equal(text_list_add(&m.allow_paths, SPAN_LITERAL("/public/*")), 0);
        for (size_t i = 0; i < ARRAY_SIZE(path_rows); i++)
                if (access_allows_path(&m, span_from_string(path_rows[i].path)) != path_rows[i].allowed)
                        fail_msg("%s", path_rows[i].path);
}

static void test_methods(void **state) {
        MsgConnection all = {}, m = {};

        (void) state;
        assert_int_equal(text_list_add(&m.allow_methods, SPAN_LITERAL("GET")), 0);
        assert_true(access_allows_method(&all, SPAN_LITERAL("DELETE")));
        assert_true(access_allows_method(&m, SPAN_LITERAL("GET")));
        assert_false(access_allows_method(&m, SPAN_LITERAL("get")));
        assert_false(access_allows_method(&m, SPAN_LITERAL("POST")));
}

/* Five connections, sorted by alias, as the directory has them. */
typedef struct Fixture {
        Connection connections[6];
        Connection *pointers[6];
        Directory directory;
        Access access;
} Fixture;

static const char *const aliases[] = {"anyone", "context", "default", "group", "nosuch", "user"};

enum {
        ANYONE,
        CONTEXT,
        DEFAULT,
        GROUP,
        NOSUCH,
        USER,
};

/* "daemon" is a user of this host, as everywhere; a lookup may also fail. */
static bool lookups_fail;

static int find_id(void *userdata, ResolveKind kind, Span name, uint64_t deadline_usec, uint32_t *ret) {
        (void) userdata;
        assert_true(deadline_usec > now_usec());
        if (lookups_fail)
                return RESOLVER_E_FAILED;
        if (kind != RESOLVE_USER || !span_is(name, "daemon"))
                return RESOLVER_E_UNKNOWN;
        *ret = 1;
        return 0;
}

static void fixture_make(Fixture *f) {
        *f = (Fixture) {.directory = {.n_changes = 1, .connections = f->pointers, .n_connections = 6}};
        f->access.names.find = find_id;
        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
                f->connections[i].m.alias = span_from_string(aliases[i]);
                f->pointers[i] = &f->connections[i];
        }
        assert_int_equal(text_list_add(&f->connections[ANYONE].m.allow_users, SPAN_LITERAL("*")), 0);
        assert_int_equal(text_list_add(&f->connections[CONTEXT].m.allow_selinux_contexts, SPAN_LITERAL("*:mid_t:*")), 0);
        assert_int_equal(text_list_add(&f->connections[GROUP].m.allow_groups, SPAN_LITERAL("4000")), 0);
        assert_int_equal(text_list_add(&f->connections[NOSUCH].m.allow_users, SPAN_LITERAL("no-such-user-here")), 0);
        assert_int_equal(text_list_add(&f->connections[USER].m.allow_users, SPAN_LITERAL("daemon")), 0);
        assert_int_equal(text_list_add(&f->connections[USER].m.allow_users, SPAN_LITERAL("3000")), 0);
        assert_int_equal(access_update(&f->access, &f->directory), 0);
}

static bool allows(Fixture *f, unsigned i, const Peer *p) {
        return access_allows_caller(&f->access, &f->connections[i], p);
}

static void test_callers(void **state) {
        _cleanup_free_ Peer *p = calloc(1, sizeof(*p));
        Fixture f;

        (void) state;
        fixture_make(&f);
        p->uid = 2999;
        p->gid = 2999;
        assert_true(allows(&f, ANYONE, p) && allows(&f, ANYONE, NULL));
        assert_false(allows(&f, DEFAULT, p) || allows(&f, USER, p) || allows(&f, GROUP, p) || allows(&f, NOSUCH, p) || allows(&f, CONTEXT, p));
        assert_false(allows(&f, DEFAULT, NULL) || allows(&f, USER, NULL) || allows(&f, GROUP, NULL));

        p->uid = 3000;
        assert_true(allows(&f, USER, p));
        p->uid = 1; /* daemon, by name */
        assert_true(allows(&f, USER, p));
        p->gid = 4000;
        assert_true(allows(&f, GROUP, p));
        p->gid = 1;
        p->groups[0] = 7;
        p->groups[1] = 4000;
        p->n_groups = 2;
        assert_true(allows(&f, GROUP, p));
        p->n_groups = 1;
        assert_false(allows(&f, GROUP, p));

        /* root is let in where nothing is said, not where somebody else is named */
        p->uid = 0;
        assert_true(allows(&f, DEFAULT, p));
        assert_false(allows(&f, USER, p) || allows(&f, NOSUCH, p));
        p->uid = geteuid();
        assert_true(allows(&f, DEFAULT, p));

        /* a context narrows, it does not let in by itself */
        snprintf(p->context, sizeof(p->context), "system_u:system_r:mid_t:s0");
        assert_true(allows(&f, CONTEXT, p));
        snprintf(p->context, sizeof(p->context), "system_u:system_r:other_t:s0");
        assert_false(allows(&f, CONTEXT, p));
        p->context[0] = '\0';
        assert_false(allows(&f, CONTEXT, p));
        snprintf(p->context, sizeof(p->context), "system_u:system_r:mid_t:s0");
        p->uid = 2999;
        assert_false(geteuid() != 2999 && allows(&f, CONTEXT, p));
        access_done(&f.access);
}

/* Rules follow the directory; a connection that it has no more lets nobody in. */
static void test_update(void **state) {
        _cleanup_free_ Peer *p = calloc(1, sizeof(*p));
        Connection other;
        Fixture f;

        (void) state;
        fixture_make(&f);
        other = f.connections[DEFAULT];
        assert_false(access_allows_caller(&f.access, &other, p));

        assert_int_equal(text_list_add(&f.connections[DEFAULT].m.allow_users, SPAN_LITERAL("77")), 0);
        p->uid = 77;
        f.directory.n_changes++;
        assert_int_equal(access_update(&f.access, &f.directory), 0);
        assert_true(allows(&f, DEFAULT, p));
        access_done(&f.access);
        assert_false(allows(&f, DEFAULT, p));
}

/* A name that nobody could look up lets nobody in; it is asked for again, although the directory is the same. */
static void test_lookups_fail(void **state) {
        _cleanup_free_ Peer *p = calloc(1, sizeof(*p));
        Fixture f;

        (void) state;
        p->uid = 1;
        lookups_fail = true;
        fixture_make(&f);
        assert_false(allows(&f, USER, p));
        p->uid = 3000;
        assert_true(allows(&f, USER, p));

        lookups_fail = false;
        p->uid = 1;
        assert_int_equal(access_update(&f.access, &f.directory), 0);
        assert_false(allows(&f, USER, p));
        f.access.retry_usec = now_usec();
        assert_int_equal(access_update(&f.access, &f.directory), 0);
        assert_true(allows(&f, USER, p));
        access_done(&f.access);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_glob),    cmocka_unit_test(test_paths),  cmocka_unit_test(test_methods),
                cmocka_unit_test(test_callers), cmocka_unit_test(test_update), cmocka_unit_test(test_lookups_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
