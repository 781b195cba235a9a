/* SPDX-License-Identifier: Apache-2.0 */

/* The INI reader and every ready-made parser of a value */

#include "common/ini.h"
#include "tests/fuzz/fuzz.h"

typedef struct Values {
        char *name;
        char **words;
        uint64_t size;
        uint64_t usec;
        uint32_t count;
        uint16_t port;
        bool on;
} Values;

static int take_any(const IniContext *c, void *target) {
        (void) target;
        CHECK(c->line > 0 && c->key[0] && !strpbrk(c->key, "\n=") && !strchr(c->value, '\n'));
        return 0;
}

static const IniRow rows[] = {
        {"Main", "Name", ini_parser_string, offsetof(Values, name)},
        {"Main", "Words", ini_parser_words, offsetof(Values, words)},
        /* numbers */
        {"Main", "Size", ini_parser_size, offsetof(Values, size)},
        {"Main", "Timeout", ini_parser_timespan, offsetof(Values, usec)},
        {"Main", "Count", ini_parser_uint32, offsetof(Values, count)},
        {"Main", "Port", ini_parser_port, offsetof(Values, port)},
        {"Main", "On", ini_parser_bool, offsetof(Values, on)},
        {"Headers", NULL, take_any, 0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(problems_done) Problems problems = {};
        _cleanup_free_ char *text = strndup((const char *) data, size);
        Values v = {};

        CHECK(text);
        CHECK(ini_parse("f", text, rows, ARRAY_SIZE(rows), &problems, &v) == 0);
        CHECK(problems.n_errors <= problems.n_items);
        for (size_t i = 0; i < problems.n_items; i++)
                free(problem_to_string(&problems.items[i]));

        free(v.name);
        strv_free(v.words);
        return 0;
}
