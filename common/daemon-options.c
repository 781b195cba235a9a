/* SPDX-License-Identifier: Apache-2.0 */

#include "common/daemon-options.h"

#include <stdarg.h>
#include <string.h>

#include "common/log.h"
#include "common/parse.h"

typedef struct Parser {
        const char *program;
        const char *purpose;
        const DaemonOption *rows;
        size_t n_rows;
} Parser;

static int _printf_(2, 3) usage(const Parser *p, const char *format, ...) {
        va_list ap;

        fprintf(stderr, "%s: ", p->program);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fprintf(stderr, "; see %s --help\n", p->program);

        return DAEMON_OPTIONS_E_USAGE;
}

static void help_row(const char *name, const char *argument, const char *help) {
        char left[64];

        snprintf(left, sizeof(left), "--%s%s%s", name, argument ? "=" : "", argument ? argument : "");
        printf("  %-24s %s\n", left, help);
}

static int help(const Parser *p) {
        printf("Usage: %s [OPTION...]\n%s\n\n", p->program, p->purpose);
        for (size_t i = 0; i < p->n_rows; i++)
                help_row(p->rows[i].name, p->rows[i].argument, p->rows[i].help);
        help_row("help", NULL, "show this help");
        help_row("version", NULL, "show the version");

        return DAEMON_OPTIONS_E_DONE;
}

static int version(void) {
        puts("midtls " MIDTLS_VERSION);
        return DAEMON_OPTIONS_E_DONE;
}

static const DaemonOption *find(const Parser *p, const char *name, size_t size) {
        for (size_t i = 0; i < p->n_rows; i++)
                if (strlen(p->rows[i].name) == size && strncmp(p->rows[i].name, name, size) == 0)
                        return &p->rows[i];

        return NULL;
}

static int set(const Parser *p, const DaemonOption *row, const char *value, DaemonOptions *o) {
        char *target = (char *) o + row->offset;
        uint64_t number;

        switch (row->kind) {
        case DAEMON_OPTION_FLAG:
                memcpy(target, &(bool) {true}, sizeof(bool));
                return 0;

        case DAEMON_OPTION_SANDBOX:
                if (strcmp(value, "off") != 0)
                        return usage(p, "--sandbox=%s: only off can be chosen", value);
                memcpy(target, &(bool) {true}, sizeof(bool));
                return 0;

        case DAEMON_OPTION_WORKERS:
                if (parse_uint(value, 1, DAEMON_WORKERS_MAX, &number) != 0)
                        return usage(p, "--%s=%s: a number from 1 to %u", row->name, value, DAEMON_WORKERS_MAX);
                memcpy(target, &(unsigned) {(unsigned) number}, sizeof(unsigned));
                return 0;

        case DAEMON_OPTION_LOG:
                if (log_target_from_string(value) == _LOG_TARGET_INVALID)
                        return usage(p, "--log=%s: auto, journal, console or json", value);
                break;

        case DAEMON_OPTION_TEXT:
                if (!*value)
                        return usage(p, "--%s= needs a value", row->name);
                break;
        }

        memcpy(target, &value, sizeof(value));
        return 0;
}

/* One option at argv[*i]; steps over a value that stands by itself. */
static int parse_one(const Parser *p, int argc, char *const argv[], int *i, DaemonOptions *o) {
        const char *word = argv[*i], *value;
        const DaemonOption *row;

        if (strcmp(word, "--help") == 0)
                return help(p);
        if (strcmp(word, "--version") == 0)
                return version();
        if (strncmp(word, "--", 2) != 0)
                return usage(p, "%s: not an option", word);

        value = strchr(word, '=');
        row = find(p, word + 2, value ? (size_t) (value - word) - 2 : strlen(word) - 2);
        if (!row)
                return usage(p, "%s: no such option", word);
        if (!row->argument)
                return value ? usage(p, "--%s takes no value", row->name) : set(p, row, NULL, o);
        if (value)
                return set(p, row, value + 1, o);
        if (*i + 1 >= argc)
                return usage(p, "--%s needs a value", row->name);

        return set(p, row, argv[++*i], o);
}

int daemon_options_parse(const char *program, const char *purpose, const DaemonOption *rows, size_t n_rows, int argc, char *const argv[],
                         DaemonOptions *ret) {
        const Parser p = {.program = program, .purpose = purpose, .rows = rows, .n_rows = n_rows};
        DaemonOptions o = {};

        for (int i = 1; i < argc; i++) {
                int r = parse_one(&p, argc, argv, &i, &o);

                if (r)
                        return r;
        }

        *ret = o;
        return 0;
}
