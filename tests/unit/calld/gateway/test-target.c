/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/gateway/target.h"

/* In a heap block of exactly its size, so that a sanitizer sees every byte read too much. */
typedef struct Exact {
        uint8_t *data;
        size_t size;
} Exact;

static Exact exact(const char *s) {
        Exact e = {.size = strlen(s)};

        e.data = malloc(e.size + (e.size == 0));
        ASSERT(e.data);
        memcpy(e.data, s, e.size);
        return e;
}

static void exact_done(Exact *e) {
        free(e->data);
}

static Span exact_span(const Exact *e) {
        return span_make(e->data, e->size);
}

typedef struct PathRow {
        const char *path;
        bool leaves, has_dots;
} PathRow;

static const PathRow path_rows[] = {
        {"", false, false},
        {"/", false, false},
        {"/a/b", false, false},
        {"/a//b/", false, false},
        {"/a/..b/x%20y%2Fz?..=/../x", false, false},
        {"/...", false, false},
        {"/a.", false, false},
        {"/.", false, true},
        {"/a/..", false, true},
        {"/a/%2e%2e/b", false, true},
        {"/a/b/../..", false, true},
        {"/..", true, true},
        {"..", true, true},
        {"/../v1/x", true, true},
        {"/%2e%2e/v1", true, true},
        {"/.%2E/v1", true, true},
        {"/%2E./v1", true, true},
        {"/a/..%2f..%2fx", true, true},
        {"/a%2f..%2F../x", true, true},
        {"/a/%2e%2E/../x", true, true},
        {"/a/../..", true, true},
        {"/a//../../x", true, true},
        {"/./..", true, true},
        {"/..;a=b/x", true, true},
        {"/%2e%2e%3b/x", true, true},
        {"/..\\x", true, true},
        {"/..%5cx", true, true},
        {"/..%", false, false},
        {"/..%2", false, false},
        {"/%2", false, false},
        {"/?/../..", false, false},
};

static void test_paths(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(path_rows); i++) {
                _cleanup_(exact_done) Exact path = exact(path_rows[i].path);

                if (target_leaves_base(exact_span(&path)) != path_rows[i].leaves ||
                    target_has_dot_segment(exact_span(&path)) != path_rows[i].has_dots)
                        fail_msg("%s", path_rows[i].path);
        }
}

typedef struct TargetRow {
        const char *target, *host;
        int result;
        TargetKind kind;
        const char *alias, *scheme, *url_host;
        uint16_t port;
        const char *path;
} TargetRow;

static const TargetRow target_rows[] = {
        {"/x?a=%20b", "crm", 0, TARGET_ALIAS, "crm", "", "", 0, "/x?a=%20b"},
        {"/x", "crm:80", 0, TARGET_ALIAS, "crm", "", "", 0, "/x"},
        {"/x", "crm:8080", 0, TARGET_ALIAS, "crm:8080", "", "", 0, "/x"},
        {"/status", "midtls", 0, TARGET_RESERVED, "midtls", "", "", 0, "/status"},
        {"/status", "MIDTLS", 0, TARGET_RESERVED, "MIDTLS", "", "", 0, "/status"},
        {"http://crm/x", "other", 0, TARGET_ALIAS, "crm", "http", "", 0, "/x"},
        {"HTTP://crm?q", "", 0, TARGET_ALIAS, "crm", "HTTP", "", 0, "?q"},
        {"http://crm", "crm", 0, TARGET_ALIAS, "crm", "http", "", 0, ""},
        {"mauth://h.example/a", "x", 0, TARGET_URL, "", "mauth", "h.example", 0, "/a"},
        {"mauth://h.example:8443/a?b", "x", 0, TARGET_URL, "", "mauth", "h.example", 8443, "/a?b"},
        {"mauth://[::1]:44/a", "x", 0, TARGET_URL, "", "mauth", "[::1]", 44, "/a"},
        {"mauth://[::1]", "x", 0, TARGET_URL, "", "mauth", "[::1]", 0, ""},
        {"mauth://h:/a", "x", 0, TARGET_URL, "", "mauth", "h", 0, "/a"},
        {"/a://b", "crm", 0, TARGET_ALIAS, "crm", "", "", 0, "/a://b"},
        {"", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x", "", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x", ":80", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x", "a@b", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x", "a, b", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"*", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"crm:443", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"://crm/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x y", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x\x01", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/x#y", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"http:///x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"http://u@crm/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"mauth://u@h/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"mauth://h:0/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"mauth://h:65536/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"mauth://h:123456/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"mauth://:44/x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"mauth:///x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"/../x", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
        {"http://crm/%2e%2e", "crm", TARGET_E_INVALID, 0, "", "", "", 0, ""},
};

static void test_targets(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(target_rows); i++) {
                const TargetRow *row = &target_rows[i];
                _cleanup_(exact_done) Exact target = exact(row->target), host = exact(row->host);
                const char *why = NULL;
                Target t = {};
                int r = target_parse(exact_span(&target), exact_span(&host), &t, &why);

                if (r != row->result)
                        fail_msg("%s with %s: %d, %s", row->target, row->host, r, why ? why : "");
                if (r != 0) {
                        assert_non_null(why);
                        continue;
                }
                assert_int_equal(t.kind, row->kind);
                assert_true(span_is(t.alias, row->alias) && span_is(t.scheme, row->scheme) && span_is(t.host, row->url_host));
                assert_true(span_is(t.path, row->path));
                assert_int_equal(t.port, row->port);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_targets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
