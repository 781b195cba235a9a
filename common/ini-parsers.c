/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/ini.h"
#include "common/parse.h"

static int complain(const IniContext *c, const char *remedy) {
        return problems_add(c->problems, c->file, c->line, false, remedy, "%s= has a value that cannot be used", c->key);
}

int ini_parser_string(const IniContext *c, void *target) {
        char **s = target;
        char *copy = strdup(c->value);

        if (!copy)
                return -ENOMEM;

        if (*s)
                explicit_bzero(*s, strlen(*s));
        free(*s);
        *s = copy;
        return 0;
}

int ini_parser_bool(const IniContext *c, void *target) {
        return parse_bool(c->value, target) < 0 ? complain(c, "write yes or no") : 0;
}

int ini_parser_port(const IniContext *c, void *target) {
        return parse_port(c->value, target) < 0 ? complain(c, "write a port from 1 to 65535") : 0;
}

int ini_parser_size(const IniContext *c, void *target) {
        return parse_size(c->value, target) < 0 ? complain(c, "write a number of bytes, with K, M or G if wanted, such as 64M") : 0;
}

int ini_parser_timespan(const IniContext *c, void *target) {
        return parse_timespan(c->value, target) < 0 ? complain(c, "write a time span such as 10s or 2min") : 0;
}

int ini_parser_uint32(const IniContext *c, void *target) {
        uint64_t v;

        if (parse_uint(c->value, 1, UINT32_MAX, &v) < 0)
                return complain(c, "write a whole number from 1");

        *(uint32_t *) target = (uint32_t) v;
        return 0;
}

size_t strv_length(char *const *v) {
        size_t n = 0;

        while (v && v[n])
                n++;
        return n;
}

void strv_free(char **v) {
        for (size_t i = 0; v && v[i]; i++)
                free(v[i]);
        free(v);
}

static void strv_freep(char ***v) {
        strv_free(*v);
}

int ini_parser_words(const IniContext *c, void *target) {
        _cleanup_(strv_freep) char **words = NULL;
        const char *p = c->value;
        size_t n = 0;

        /* At most every second character begins a word. */
        words = calloc(strlen(p) / 2 + 2, sizeof(*words));
        if (!words)
                return -ENOMEM;

        for (p += strspn(p, " \t"); *p; p += strspn(p, " \t")) {
                size_t size = strcspn(p, " \t");

                words[n] = strndup(p, size);
                if (!words[n++])
                        return -ENOMEM;
                p += size;
        }

        strv_free(*(char ***) target);
        *(char ***) target = TAKE_PTR(words);
        return 0;
}
