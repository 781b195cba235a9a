/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/options.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "common/parse.h"

typedef struct OptionRow OptionRow;

/* NULL, or what is wrong with @value. Flags get NULL for @value. */
typedef const char *(*OptionSet)(const OptionRow *row, const char *value, Options *o);

struct OptionRow {
        const char *name;
        char letter;          /* 0: none */
        const char *argument; /* what --help calls the value; NULL: a flag */
        unsigned verbs;       /* where it may stand */
        OptionSet set;
        size_t offset;
        const char *help;
};

typedef struct VerbRow {
        const char *name;
        Verb verb;
        size_t n_arguments_min, n_arguments_max;
        const char *synopsis;
        const char *help;
} VerbRow;

/* clang-format off */
static const VerbRow verbs[] = {
        {"status",  VERB_STATUS,  0, 0,        "",                           "whether the services answer, how many calls they made (default)"},
        {"list",    VERB_LIST,    0, 0,        "[--profiles]",               "connections (profiles): name, url, certificate, expiry, state"},
        {"show",    VERB_SHOW,    1, 1,        "NAME",                       "everything about one connection or profile"},
        {"call",    VERB_CALL,    1, 3,        "ALIAS [METHOD] PATH",        "make a call; also: call [METHOD] SCHEME://HOST/PATH"},
        {"soap",    VERB_SOAP,    2, 2,        "ALIAS PATH --action URI",    "wrap a body into a SOAP envelope, send it, show a Fault"},
        {"test",    VERB_TEST,    0, SIZE_MAX, "[ALIAS...]",                 "try connections step by step; without ALIAS: all"},
        {"check",   VERB_CHECK,   0, 0,        "[--root DIR]",               "check the configuration"},
        {"inspect", VERB_INSPECT, 1, 1,        "FILE",                       "would keyd take this keystore, and what is in it"},
};
/* clang-format on */

static void *field(const OptionRow *row, Options *o) {
        return (uint8_t *) o + row->offset;
}

static const char *set_flag(const OptionRow *row, const char *value _unused_, Options *o) {
        *(bool *) field(row, o) = true;
        return NULL;
}

static const char *set_string(const OptionRow *row, const char *value, Options *o) {
        *(const char **) field(row, o) = value;
        return NULL;
}

static const char *set_json(const OptionRow *row _unused_, const char *value, Options *o) {
        if (strcmp(value, "short") == 0)
                o->json = JSON_MODE_SHORT;
        else if (strcmp(value, "pretty") == 0)
                o->json = JSON_MODE_PRETTY;
        else if (strcmp(value, "off") == 0)
                o->json = JSON_MODE_OFF;
        else
                return "write short, pretty or off";

        return NULL;
}

static const char *set_json_default(const OptionRow *row _unused_, const char *value _unused_, Options *o) {
        o->json = isatty(STDOUT_FILENO) ? JSON_MODE_PRETTY : JSON_MODE_SHORT;
        return NULL;
}

static const char *set_color(const OptionRow *row _unused_, const char *value, Options *o) {
        if (strcmp(value, "auto") == 0)
                o->color = COLOR_MODE_AUTO;
        else if (strcmp(value, "always") == 0)
                o->color = COLOR_MODE_ALWAYS;
        else if (strcmp(value, "never") == 0)
                o->color = COLOR_MODE_NEVER;
        else
                return "write auto, always or never";

        return NULL;
}

/* RFC 9110, 5.5 and 5.6.2: a field is a token, a colon and a value without control characters. */
static bool header_valid(const char *s) {
        size_t name = strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

        if (name == 0 || s[name] != ':')
                return false;

        for (const char *p = s + name; *p; p++)
                if (((unsigned char) *p < 0x20 && *p != '\t') || *p == 0x7f)
                        return false;
        return true;
}

/* What says where a message ends is written by midtls alone. */
static bool header_is_framing(const char *s) {
        static const char *const names[] = {"connection:", "content-length:", "host:", "transfer-encoding:", "upgrade:"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strncasecmp(s, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

static const char *set_header(const OptionRow *row _unused_, const char *value, Options *o) {
        if (!header_valid(value))
                return "write it as 'Name: value', without control characters";
        if (header_is_framing(value))
                return "midtls writes that header itself";
        if (o->n_headers >= OPTIONS_HEADERS_MAX)
                return "64 headers at most";

        o->headers[o->n_headers++] = value;
        return NULL;
}

static const char *set_timeout(const OptionRow *row _unused_, const char *value, Options *o) {
        if (parse_timespan(value, &o->timeout_usec) < 0 || o->timeout_usec == 0)
                return "write a time span such as 30s or 2min";

        o->timeout = value;
        return NULL;
}

static const char *set_soap(const OptionRow *row _unused_, const char *value, Options *o) {
        if (strcmp(value, "1.1") != 0 && strcmp(value, "1.2") != 0)
                return "write 1.1 or 1.2";

        o->soap = value;
        return NULL;
}

#define AT(f) offsetof(Options, f)
#define CALLS (VERB_CALL | VERB_SOAP)

/* clang-format off */
static const OptionRow rows[] = {
        {"help",       'h', NULL,      VERB_ALL,               set_flag,         AT(help),       "show this"},
        {"version",    0,   NULL,      VERB_ALL,               set_flag,         AT(version),    "show the version"},
        {"socket",     0,   "PATH",    VERB_ALL,               set_string,       AT(socket),     "calld's socket (default $MIDTLS_SOCKET, /run/midtls/calld.sock)"},
        {"json",       0,   "MODE",    VERB_ALL,               set_json,         0,              "print JSON: short, pretty or off"},
        {NULL,         'j', NULL,      VERB_ALL,               set_json_default, 0,              "--json=pretty on a terminal, --json=short elsewhere"},
        {"color",      0,   "WHEN",    VERB_ALL,               set_color,        0,              "auto, always or never"},
        {"no-legend",  0,   NULL,      VERB_ALL,               set_flag,         AT(no_legend),  "tables without their headings"},
        {"no-pager",   0,   NULL,      VERB_ALL,               set_flag,         AT(no_pager),   "taken for uniformity; midtls starts no pager"},
        {"profiles",   0,   NULL,      VERB_LIST,              set_flag,         AT(profiles),   "list: profiles instead of connections"},
        {"header",     'H', "HEADER",  CALLS,                  set_header,       0,              "call, soap: add a header, 'Name: value'"},
        {"data",       'd', "DATA",    CALLS,                  set_string,       AT(data),       "call, soap: the body; @FILE: from a file; -: standard input"},
        {"output",     'o', "FILE",    CALLS,                  set_string,       AT(output),     "call, soap: write the body there"},
        {"include",    'i', NULL,      CALLS,                  set_flag,         AT(include),    "call, soap: print status line and headers too"},
        {"fail",       'f', NULL,      CALLS,                  set_flag,         AT(fail),       "call, soap: exit 22 when the server answers 400 or above"},
        {"verbose",    'v', NULL,      CALLS,                  set_flag,         AT(verbose),    "call, soap: print the status on standard error"},
        {"timeout",    0,   "TIME",    CALLS,                  set_timeout,      0,              "call, soap: at most that long; may only lower the connection's"},
        {"action",     0,   "URI",     VERB_SOAP,              set_string,       AT(action),     "soap: the action"},
        {"soap",       0,   "VERSION", VERB_SOAP,              set_soap,         0,              "soap: 1.1 (default) or 1.2"},
        {"root",       0,   "DIR",     VERB_CHECK,             set_string,       AT(root),       "check: the configuration in DIR/etc/midtls"},
        {"config-dir", 0,   "DIR",     VERB_CHECK,             set_string,       AT(config_dir), "check: the configuration in DIR"},
        {"key-alias",  0,   "ALIAS",   VERB_INSPECT,           set_string,       AT(key_alias),  "inspect: which entry"},
};
/* clang-format on */

/* Where the parser is. */
typedef struct Parser {
        char **argv;
        int argc, i;
        Options *o;
        bool given[ARRAY_SIZE(rows)];
        char *error;
} Parser;

static int fail(Parser *p, const char *format, ...) _printf_(2, 3) _must_check_;

static int fail(Parser *p, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&p->error, format, ap);
        va_end(ap);
        if (n >= 0)
                return OPTIONS_USAGE;

        p->error = NULL;
        return -ENOMEM;
}

static const OptionRow *find_long(const char *name, size_t size) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (rows[i].name && strlen(rows[i].name) == size && strncmp(rows[i].name, name, size) == 0)
                        return &rows[i];

        return NULL;
}

static const OptionRow *find_letter(char letter) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (rows[i].letter == letter)
                        return &rows[i];

        return NULL;
}

/* @value is what was glued to the option, or NULL; a value that is missing is the next word. */
static int apply(Parser *p, const OptionRow *row, const char *shown, const char *value) {
        const char *wrong;

        if (!row->argument && value)
                return fail(p, "%s takes no value", shown);
        if (row->argument && !value) {
                if (p->i + 1 >= p->argc)
                        return fail(p, "%s needs a value (%s)", shown, row->argument);
                value = p->argv[++p->i];
        }

        wrong = row->set(row, value, p->o);
        if (wrong)
                return fail(p, "%s %s: %s", shown, value ? value : "", wrong);

        p->given[row - rows] = true;
        return 0;
}

static int parse_long(Parser *p, const char *word) {
        size_t size = strcspn(word + 2, "=");
        const OptionRow *row = find_long(word + 2, size);

        if (!row)
                return fail(p, "there is no option %.*s", (int) size + 2, word);

        return apply(p, row, word, word[2 + size] ? word + 2 + size + 1 : NULL);
}

/* Letters may be joined; the rest of the word is the value of one that takes a value. */
static int parse_letters(Parser *p, const char *word) {
        for (const char *s = word + 1; *s; s++) {
                const OptionRow *row = find_letter(*s);
                char shown[] = {'-', *s, 0};
                int r;

                if (!row)
                        return fail(p, "there is no option %s", shown);

                r = apply(p, row, shown, row->argument && s[1] ? s + 1 : NULL);
                if (r != 0 || row->argument)
                        return r;
        }

        return 0;
}

static int parse_words(Parser *p) {
        bool options_end = false;
        int r = 0;

        for (p->i = 1; r == 0 && p->i < p->argc; p->i++) {
                const char *word = p->argv[p->i];

                if (options_end || word[0] != '-' || !word[1])
                        p->o->arguments[p->o->n_arguments++] = word;
                else if (strcmp(word, "--") == 0)
                        options_end = true;
                else if (word[1] == '-')
                        r = parse_long(p, word);
                else
                        r = parse_letters(p, word);
        }

        return r;
}

static int check_verb(Parser *p) {
        Options *o = p->o;
        const VerbRow *v = &verbs[0];

        if (o->n_arguments > 0) {
                for (v = verbs; v < verbs + ARRAY_SIZE(verbs); v++)
                        if (strcmp(v->name, o->arguments[0]) == 0)
                                break;
                if (v == verbs + ARRAY_SIZE(verbs))
                        return fail(p, "there is no verb \"%s\"", o->arguments[0]);
                o->n_arguments--;
                memmove(o->arguments, o->arguments + 1, o->n_arguments * sizeof(o->arguments[0]));
        }

        o->verb = v->verb;
        if (o->help || o->version)
                return 0;
        if (o->n_arguments < v->n_arguments_min || o->n_arguments > v->n_arguments_max)
                return fail(p, "wrong number of arguments; write midtls %s %s", v->name, v->synopsis);

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (p->given[i] && !(rows[i].verbs & o->verb))
                        return fail(p, "--%s does not go with %s", rows[i].name, v->name);
        return 0;
}

int options_parse(int argc, char **argv, Options *ret, char **ret_error) {
        _cleanup_(options_done) Options o = {};
        Parser p = {.argv = argv, .argc = argc, .o = &o};
        int r;

        o.arguments = calloc((size_t) MAX_OF(argc, 1), sizeof(o.arguments[0]));
        if (!o.arguments)
                return -ENOMEM;

        r = parse_words(&p);
        if (r == 0)
                r = check_verb(&p);
        if (r != 0) {
                if (r > 0)
                        *ret_error = p.error;
                return r;
        }

        *ret = o;
        o.arguments = NULL;
        return 0;
}

void options_done(Options *o) {
        free(o->arguments);
        o->arguments = NULL;
        o->n_arguments = 0;
}

static void print_option(FILE *f, const OptionRow *row) {
        char letter[] = {'-', row->letter, 0};
        int n;

        n = fprintf(f, "  %s%s%s%s%s%s", row->letter ? letter : "  ", row->letter && row->name ? ", " : "  ", row->name ? "--" : "",
                    row->name ? row->name : "", row->argument ? "=" : "", row->argument ? row->argument : "");
        fprintf(f, "%*s%s\n", n < 26 ? 26 - n : 1, "", row->help);
}

void options_print_help(FILE *f) {
        fputs("midtls [OPTION...] [VERB] [ARGUMENT...]\n\nCalls to partner servers with mutual TLS, by alias.\n\n", f);
        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
                int n = fprintf(f, "  %s %s", verbs[i].name, verbs[i].synopsis);

                fprintf(f, "%*s%s\n", n < 34 ? 34 - n : 1, "", verbs[i].help);
        }
        fputc('\n', f);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                print_option(f, &rows[i]);
        fputs("\nExit status: 0 good; 1 the operation failed; 2 usage; 22 with --fail, the server answered 400 or above;\n"
              "3 midtls test: a step failed. See midtls(1).\n",
              f);
}
