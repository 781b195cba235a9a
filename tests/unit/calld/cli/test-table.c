/* SPDX-License-Identifier: Apache-2.0 */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/table.h"

static const char *const titles[] = {"NAME", "URL", "STATE"};

/* Prints a table of the given cells; owned by the caller. */
static char *print(const TableStyle *style, const char *const *cells, size_t n_cells, Tint tint) {
        Table *t = table_new(titles, ARRAY_SIZE(titles));
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        for (size_t i = 0; i < n_cells; i++)
                assert_int_equal(table_add(t, cells[i], tint), 0);
        table_print(t, f, style);
        fclose(f);
        table_free(t);
        return text;
}

static void test_plain(void **state _unused_) {
        static const char *const cells[] = {"crm", "https://partner.example.com:443/api", "ready", "longer-name", NULL, ""};
        const TableStyle style = {.legend = true};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_GOOD);

        assert_string_equal(text, "NAME         URL                                  STATE\n"
                                  "crm          https://partner.example.com:443/api  ready\n"
                                  "longer-name  -                                    -\n");
}

static void test_no_legend(void **state _unused_) {
        static const char *const cells[] = {"a", "b", "c"};
        const TableStyle style = {};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_NONE);

        assert_string_equal(text, "a  b  c\n");
}

/* A row that is not complete is not printed. */
static void test_incomplete_row(void **state _unused_) {
        static const char *const cells[] = {"a", "b", "c", "d"};
        const TableStyle style = {};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_NONE);

        assert_string_equal(text, "a  b  c\n");
}

static void test_fits(void **state _unused_) {
        static const char *const cells[] = {"crm", "https://partner.example.com:443/a/very/long/base/path", "ready"};
        const TableStyle style = {.legend = true, .width = 40};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_NONE);

        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                *end = 0;
                assert_true(text_width(line) <= 40);
        }
}

/* Even where it cannot fit, nothing is cut to nothing. */
static void test_narrow(void **state _unused_) {
        static const char *const cells[] = {"connection", "https://partner.example.com", "unavailable"};
        const TableStyle style = {.width = 5};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_NONE);

        assert_string_equal(text, "connect\xe2\x80\xa6  https:/\xe2\x80\xa6  unavail\xe2\x80\xa6\n");
}

static void test_color(void **state _unused_) {
        static const char *const cells[] = {"a", "b", "c"};
        const TableStyle style = {.color = true};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_BAD);

        assert_string_equal(text, "\x1b[1;31ma\x1b[0m  \x1b[1;31mb\x1b[0m  \x1b[1;31mc\x1b[0m\n");
        assert_string_equal(tint_begin(TINT_BAD, false), "");
        assert_string_equal(tint_end(TINT_BAD, false), "");
}

static void test_hostile_cell(void **state _unused_) {
        static const char *const cells[] = {"\x1b]0;owned\x07", "a\nb", "c"};
        const TableStyle style = {};
        _cleanup_free_ char *text = print(&style, cells, ARRAY_SIZE(cells), TINT_NONE);

        assert_string_equal(text, "\\x1b]0;owned\\x07  a\\nb  c\n");
}

static void test_many_rows(void **state _unused_) {
        const TableStyle style = {};
        Table *t = table_new(titles, ARRAY_SIZE(titles));
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        for (size_t i = 0; i < 3000; i++)
                assert_int_equal(table_add(t, "x", TINT_NONE), 0);
        table_print(t, f, &style);
        fclose(f);
        table_free(t);
        assert_int_equal(size, 1000 * strlen("x  x  x\n"));
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),        cmocka_unit_test(test_no_legend), cmocka_unit_test(test_incomplete_row),
                cmocka_unit_test(test_fits),         cmocka_unit_test(test_narrow),    cmocka_unit_test(test_color),
                cmocka_unit_test(test_hostile_cell), cmocka_unit_test(test_many_rows),
        };

        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                return 77; /* skipped: the host has no such locale */
        return cmocka_run_group_tests(tests, NULL, NULL);
}
