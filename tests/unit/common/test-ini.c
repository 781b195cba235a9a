/* SPDX-License-Identifier: Apache-2.0 */

#include <stddef.h>
#include <string.h>

#include "common/ini.h"
#include "tests/unit/lib/unit.h"

typedef struct Values {
        char *name;
        bool on;
        uint16_t port;
        uint64_t size;
        uint64_t usec;
        uint32_t count;
        char **words;
        char headers[256]; /* "Key=Value|" for each */
        Problems problems;
} Values;

static int parse_header(const IniContext *c, void *target) {
        size_t used = strlen(target);

        snprintf((char *) target + used, 256 - used, "%s=%s|", c->key, c->value);
        return 0;
}

static int parse_failing(const IniContext *c, void *target) {
        return -EIO;
}

static const IniRow rows[] = {
        {"Main", "Name", ini_parser_string, offsetof(Values, name)},
        {"Main", "On", ini_parser_bool, offsetof(Values, on)},
        {"Main", "Port", ini_parser_port, offsetof(Values, port)},
        {"Main", "Size", ini_parser_size, offsetof(Values, size)},
        {"Main", "Timeout", ini_parser_timespan, offsetof(Values, usec)},
        /* a comment keeps the table one row a line */
        {"Main", "Count", ini_parser_uint32, offsetof(Values, count)},
        {"Main", "Words", ini_parser_words, offsetof(Values, words)},
        {"Headers", NULL, parse_header, offsetof(Values, headers)},
        {"Headers", "Fail", parse_failing, 0},
};

static int parse(Values *v, const char *text) {
        _cleanup_free_ char *copy = strdup(text);

        *v = (Values) {};
        return ini_parse("f", copy, rows, ARRAY_SIZE(rows), &v->problems, v);
}

static void values_done(Values *v) {
        free(v->name);
        strv_free(v->words);
        problems_done(&v->problems);
}

/* That the text has exactly this one problem. */
static void check_problem(const char *text, unsigned line, const char *what) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, text), 0);
        assert_int_equal(v.problems.n_items, 1);
        assert_int_equal(v.problems.items[0].line, line);
        assert_string_equal(v.problems.items[0].file, "f");
        assert_string_equal(v.problems.items[0].what, what);
        assert_true(v.problems.items[0].remedy[0] != 0);
}

static void test_values(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Main]\nName=a name ; with # all\nOn=yes\n Port = 443 \nSize=64M\nTimeout=2min\nCount=7\nWords=a  b\tc\n"), 0);
        assert_int_equal(v.problems.n_items, 0);
        assert_string_equal(v.name, "a name ; with # all");
        assert_true(v.on);
        assert_int_equal(v.port, 443);
        assert_true(v.size == 64 * 1024 * 1024 && v.usec == 2 * USEC_PER_MINUTE);
        assert_int_equal(v.count, 7);
        assert_int_equal(strv_length(v.words), 3);
        assert_string_equal(v.words[0], "a");
        assert_string_equal(v.words[2], "c");
}

static void test_empty_values(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Main]\nName=\nWords=  \n"), 0);
        assert_int_equal(v.problems.n_items, 0);
        assert_string_equal(v.name, "");
        assert_int_equal(strv_length(v.words), 0);
        assert_non_null(v.words);
        assert_int_equal(strv_length(NULL), 0);
        strv_free(NULL);
}

static void test_bad_values(void **state) {
        check_problem("[Main]\nOn=maybe", 2, "On= has a value that cannot be used");
        check_problem("[Main]\nPort=0", 2, "Port= has a value that cannot be used");
        check_problem("[Main]\nSize=1X", 2, "Size= has a value that cannot be used");
        check_problem("[Main]\nTimeout=", 2, "Timeout= has a value that cannot be used");
        check_problem("[Main]\nCount=0", 2, "Count= has a value that cannot be used");
        check_problem("[Main]\nCount=4294967296", 2, "Count= has a value that cannot be used");
}

static void test_form(void **state) {
        check_problem("[Main\n", 1, "a section's line does not end with ]");
        check_problem("[]\n", 1, "a section's line does not end with ]");
        check_problem("\n\n[Other]\nX=1\n", 3, "unknown section [Other]");
        check_problem("[main]\n", 1, "unknown section [main]");
        check_problem("[Main]\nX=1\n", 2, "unknown key X= in [Main]");
        check_problem("[Main]\nname=1\n", 2, "unknown key name= in [Main]");
        check_problem("Name=1\n", 1, "an assignment stands in no section");
        check_problem("[Main]\nName\n", 2, "neither a section, an assignment nor a comment");
        check_problem("[Main]\n=x\n", 2, "neither a section, an assignment nor a comment");
        check_problem("[Main]\nName=a\n[Main]\nName=b\n", 4, "Name= was set already in line 2");
}

static void test_all_problems(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Main]\nOn=x\nPort=x\nWhat=x\nName=taken\n"), 0);
        assert_int_equal(v.problems.n_errors, 3);
        assert_string_equal(v.name, "taken");
}

static void test_comments(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "# a\n;b\n[Main]\n  # Name=c\n\t;Name=d\nName=e\n"), 0);
        assert_int_equal(v.problems.n_items, 0);
        assert_string_equal(v.name, "e");
}

/* A comment never swallows the line behind it. */
static void test_comment_does_not_go_on(void **state) {
        static const char *const texts[] = {"[Main]\n# a \\\nName=b\n", "[Main]\n  # a \\\nName=b\n", "[Main]\n\t; a\\\r\nName=b\n"};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(values_done) Values v;

                assert_int_equal(parse(&v, texts[i]), 0);
                assert_int_equal(v.problems.n_items, 0);
                assert_non_null(v.name);
                assert_string_equal(v.name, "b");
        }
}

static void test_continuation(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Main]\nWords=a\\\n b \\\r\n  c\nPort=0\n"), 0);
        assert_int_equal(strv_length(v.words), 3);
        assert_string_equal(v.words[1], "b");
        assert_int_equal(v.problems.n_items, 1);
        assert_int_equal(v.problems.items[0].line, 5);
}

/* With nothing behind it a backslash is a character. */
static void test_backslash_at_end(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Main]\nName=a\\"), 0);
        assert_string_equal(v.name, "a\\");
}

static void test_windows_text(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "\xef\xbb\xbf[Main]\r\nName=a\r\n\r\nPort=1\r\n"), 0);
        assert_int_equal(v.problems.n_items, 0);
        assert_string_equal(v.name, "a");
        assert_int_equal(v.port, 1);
}

static void test_any_key(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Headers]\nA=1\nB=a=b\nA=2\n"), 0);
        assert_int_equal(v.problems.n_items, 0);
        assert_string_equal(v.headers, "A=1|B=a=b|A=2|");
}

static void test_own_failure_ends_it(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, "[Headers]\nFail=1\nA=1\n"), -EIO);
        assert_string_equal(v.headers, "");
}

static void test_no_text(void **state) {
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, ""), 0);
        assert_int_equal(v.problems.n_items, 0);
}

/* "[Headers]\nA=" and @size letters */
static char *long_text(size_t size) {
        char *text = malloc(size + 32);
        int n;

        assert_non_null(text);
        n = snprintf(text, 32, "[Headers]\nA=");
        memset(text + n, 'x', size);
        text[(size_t) n + size] = 0;
        return text;
}

static void test_sizes(void **state) {
        _cleanup_free_ char *fits = long_text(64 * 1024 - 2), *line = long_text(64 * 1024 - 1), *file = long_text(1024 * 1024);
        _cleanup_(values_done) Values v;

        assert_int_equal(parse(&v, fits), 0);
        assert_int_equal(v.problems.n_items, 0);
        check_problem(line, 2, "the line is too long");
        check_problem(file, 0, "the file is too large");
}

/* Another kind of file given by mistake: not a problem for each of its lines. */
static void test_too_many_problems(void **state) {
        _cleanup_free_ char *text = calloc(1, 4096);
        _cleanup_(values_done) Values v;

        assert_non_null(text);
        for (size_t i = 0; i < 2000; i++)
                memcpy(text + 2 * i, "x\n", 2);
        assert_int_equal(parse(&v, text), 0);
        assert_int_equal(v.problems.n_items, 1001);
        assert_int_equal(v.problems.items[1000].line, 1001);
        assert_string_equal(v.problems.items[1000].what, "too much is wrong; the rest is not read");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_empty_values),
                cmocka_unit_test(test_bad_values),
                cmocka_unit_test(test_form),
                cmocka_unit_test(test_all_problems),
                cmocka_unit_test(test_comments),
                cmocka_unit_test(test_comment_does_not_go_on),
                cmocka_unit_test(test_continuation),
                cmocka_unit_test(test_backslash_at_end),
                cmocka_unit_test(test_windows_text),
                cmocka_unit_test(test_any_key),
                cmocka_unit_test(test_own_failure_ends_it),
                cmocka_unit_test(test_no_text),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_too_many_problems),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
