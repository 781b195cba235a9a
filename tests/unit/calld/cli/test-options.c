/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/verbs.h"

#define PARSE(o, ...)                                                \
        ({                                                           \
                const char *_argv[] = {"midtls", __VA_ARGS__, NULL}; \
                parse((int) ARRAY_SIZE(_argv) - 1, _argv, (o));      \
        })

/* Says on failure what was complained about. */
static int parse(int argc, const char **argv, Options *o) {
        _cleanup_free_ char *error = NULL;
        int r;

        *o = (Options) {};
        r = options_parse(argc, (char **) argv, o, &error);
        if (r == OPTIONS_USAGE)
                assert_true(error && *error);
        else
                assert_null(error);
        return r;
}

static void expect_refused(int argc, const char **argv) {
        Options o;

        if (parse(argc, argv, &o) != OPTIONS_USAGE)
                fail_msg("taken: %s %s", argv[1], argc > 2 ? argv[2] : "");
}

#define REFUSED(...)                                                 \
        do {                                                         \
                const char *_argv[] = {"midtls", __VA_ARGS__, NULL}; \
                expect_refused((int) ARRAY_SIZE(_argv) - 1, _argv);  \
        } while (0)

static void test_default(void **state _unused_) {
        char *argv[] = {(char *) "midtls", NULL};
        _cleanup_(options_done) Options o = {};
        char *error = NULL;

        assert_int_equal(options_parse(1, argv, &o, &error), 0);
        assert_string_equal(o.verb->name, "status");
        assert_int_equal(o.n_arguments, 0);
}

/* Each row of the verb table is complete, found by its name, and has a bit of its own. */
static void test_verb_table(void **state _unused_) {
        unsigned seen = 0;

        for (const VerbRow *v = verb_table; v->name; v++) {
                assert_non_null(v->handler);
                assert_true(v->help && v->synopsis);
                assert_ptr_equal(verb_find(v->name), v);
                assert_int_equal(seen & v->verb, 0);
                seen |= v->verb;
        }
        assert_int_equal(seen, VERB_ALL);
        assert_null(verb_find("frobnicate"));
        assert_null(verb_find(""));
}

static void test_call(void **state _unused_) {
        _cleanup_(options_done) Options o;

        assert_int_equal(PARSE(&o, "call", "crm", "POST", "/tell", "-d", "hello", "-H", "X-One: 1", "-HX-Two: 2", "-io", "out", "--fail",
                               "--timeout=1min 30s", "-j", "--socket", "/x", "--no-legend"),
                         0);
        assert_string_equal(o.verb->name, "call");
        assert_int_equal(o.n_arguments, 3);
        assert_string_equal(o.arguments[0], "crm");
        assert_string_equal(o.arguments[2], "/tell");
        assert_string_equal(o.data, "hello");
        assert_int_equal(o.n_headers, 2);
        assert_string_equal(o.headers[1], "X-Two: 2");
        assert_true(o.include && o.fail && o.no_legend);
        assert_string_equal(o.output, "out");
        assert_string_equal(o.timeout, "1min 30s");
        assert_int_equal(o.timeout_usec, 90 * USEC_PER_SEC);
        assert_int_equal(o.json, JSON_MODE_SHORT); /* standard output of a test is no terminal */
        assert_string_equal(o.socket, "/x");
}

static void test_order_and_end(void **state _unused_) {
        _cleanup_(options_done) Options o, p, q;

        assert_int_equal(PARSE(&o, "-i", "call", "--", "crm", "-x"), 0);
        assert_int_equal(o.n_arguments, 2);
        assert_string_equal(o.arguments[1], "-x");
        assert_int_equal(PARSE(&p, "soap", "-d", "-", "a", "/b"), 0);
        assert_string_equal(p.data, "-");
        assert_int_equal(p.n_arguments, 2);
        assert_int_equal(PARSE(&q, "call", "-d", "--fail", "a", "/b"), 0);
        assert_string_equal(q.data, "--fail");
        assert_false(q.fail);
}

static void test_modes(void **state _unused_) {
        _cleanup_(options_done) Options o, p, q, r, s, t;

        assert_int_equal(PARSE(&o, "list", "--json=pretty", "--color=never", "--profiles"), 0);
        assert_int_equal(o.json, JSON_MODE_PRETTY);
        assert_int_equal(o.color, COLOR_MODE_NEVER);
        assert_true(o.profiles);
        assert_int_equal(PARSE(&p, "list", "--json", "off", "--color"), 0);
        assert_int_equal(p.json, JSON_MODE_OFF);
        assert_int_equal(p.color, COLOR_MODE_ALWAYS);
        assert_int_equal(PARSE(&q, "certs", "--expiring", "30d"), 0);
        assert_true(q.expiring);
        assert_int_equal(q.expiring_usec, 30 * 1440 * USEC_PER_MINUTE);
        assert_int_equal(PARSE(&r, "log", "-f", "crm"), 0);
        assert_true(r.follow);
        assert_int_equal(PARSE(&s, "test", "a", "b", "c", "d"), 0);
        assert_int_equal(s.n_arguments, 4);
        assert_int_equal(PARSE(&t, "--help", "show"), 0);
        assert_true(t.help);
}

static void test_refused(void **state _unused_) {
        REFUSED("frobnicate");
        REFUSED("call");
        REFUSED("call", "a", "b", "c", "d");
        REFUSED("show");
        REFUSED("status", "x");
        REFUSED("list", "x");
        REFUSED("soap", "a");
        REFUSED("log", "a", "b");
        REFUSED("list", "--frob");
        REFUSED("list", "-x");
        REFUSED("list", "-d", "x");
        REFUSED("list", "--fail");
        REFUSED("call", "a", "/b", "--profiles");
        REFUSED("call", "a", "/b", "-f");
        REFUSED("call", "a", "/b", "-d");
        REFUSED("call", "a", "/b", "--timeout");
        REFUSED("call", "a", "/b", "--timeout=soon");
        REFUSED("call", "a", "/b", "--timeout=0");
        REFUSED("call", "a", "/b", "--timeout=1s\r\nX: y");
        REFUSED("call", "a", "/b", "--fail=yes");
        REFUSED("list", "--json=long");
        REFUSED("list", "--color=sometimes");
        REFUSED("certs", "--expiring=infinity");
        REFUSED("soap", "a", "/b", "--soap=1.3");
        REFUSED("soap", "a", "/b", "--action=urn:x\r\nX: y");
        REFUSED("soap", "a", "/b", "--action=a\"b");
}

/* A header must not be able to start another one, or to say where the message ends. */
static void test_headers_refused(void **state _unused_) {
        static const char *const headers[] = {
                "X",
                ": y",
                "X y: z",
                "X: a\r\nY: b",
                "X: a\nY: b",
                "X: \x7f",
                "Host: other",
                "host:other",
                "Content-Length: 5",
                "Transfer-Encoding: chunked",
                "Connection: keep-alive",
                "Upgrade: h2c",
        };

        for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
                REFUSED("call", "a", "/b", "-H", headers[i]);
}

static void test_too_many_headers(void **state _unused_) {
        const char *argv[2 * (OPTIONS_HEADERS_MAX + 1) + 5] = {"midtls", "call", "a", "/b"};
        _cleanup_(options_done) Options o;
        size_t n = 4;

        for (size_t i = 0; i < OPTIONS_HEADERS_MAX; i++) {
                argv[n++] = "-H";
                argv[n++] = "A: b";
        }
        assert_int_equal(parse((int) n, argv, &o), 0);
        assert_int_equal(o.n_headers, OPTIONS_HEADERS_MAX);
        argv[n++] = "-H";
        argv[n++] = "A: b";
        expect_refused((int) n, argv);
}

/* What may be a secret is not repeated in the message. */
static void test_message_without_value(void **state _unused_) {
        char *argv[] = {(char *) "midtls", (char *) "call", (char *) "a", (char *) "/b", (char *) "-H", (char *) "hush", NULL};
        _cleanup_free_ char *error = NULL;
        Options o;

        assert_int_equal(options_parse(6, argv, &o, &error), OPTIONS_USAGE);
        assert_null(strstr(error, "hush"));
        assert_non_null(strstr(error, "--header"));
}

static void test_help(void **state _unused_) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        options_print_help(f, NULL);
        fclose(f);
        for (const VerbRow *v = verb_table; v->name; v++)
                assert_non_null(strstr(text, v->name));
        assert_non_null(strstr(text, "-H, --header=HEADER"));
        assert_non_null(strstr(text, "--color[=WHEN]"));
}

/* Of one verb: itself, with the options that it takes. */
static void test_help_of_verb(void **state _unused_) {
        char *argv[] = {(char *) "midtls", (char *) "--help", (char *) "certs", NULL};
        _cleanup_free_ char *text = NULL, *error = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        Options o;

        assert_int_equal(options_parse(3, argv, &o, &error), 0);
        assert_true(o.verb_given);
        options_print_help(f, o.verb);
        fclose(f);
        options_done(&o);
        assert_ptr_equal(strstr(text, "midtls certs [OPTION...] [--expiring 30d]\n"), text);
        assert_non_null(strstr(text, "--expiring=TIME"));
        assert_non_null(strstr(text, "--json=MODE"));
        assert_null(strstr(text, "--header"));
        assert_null(strstr(text, "  soap"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default),
                cmocka_unit_test(test_verb_table),
                cmocka_unit_test(test_call),
                cmocka_unit_test(test_order_and_end),
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_headers_refused),
                cmocka_unit_test(test_too_many_headers),
                cmocka_unit_test(test_message_without_value),
                cmocka_unit_test(test_help),
                cmocka_unit_test(test_help_of_verb),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
