/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/options.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "calld/cli/verbs.h"
#include "common/parse.h"

typedef struct OptionRow OptionRow;

/* NULL, or what is wrong with @value. Flags get NULL for @value. */
typedef const char *(*OptionSet)(const OptionRow *row, const char *value, Options *o);

struct OptionRow {
        const char *name;
        char letter;          /* 0: none */
        const char *argument; /* what --help calls the value, in brackets when it may be left out; NULL: a flag */
        unsigned verbs;       /* where it may stand */
        OptionSet set;
        size_t offset;
        const char *help;
};

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
        if (value && strcmp(value, "auto") == 0)
                o->color = COLOR_MODE_AUTO;
        else if (!value || strcmp(value, "always") == 0)
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

static const char *set_expiring(const OptionRow *row _unused_, const char *value, Options *o) {
        if (parse_timespan(value, &o->expiring_usec) < 0)
                return "write a time span such as 30d or 2weeks";

        o->expiring = true;
        return NULL;
}

/* RFC 9110, 5.5: what goes into a header has no control characters. */
static const char *set_action(const OptionRow *row _unused_, const char *value, Options *o) {
        for (const char *p = value; *p; p++)
                if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f || *p == '"')
                        return "write a URI, without blanks, quotes and control characters";

        o->action = value;
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
        {"socket",     0,   "PATH",    VERB_ALL,               set_string,       AT(socket),     "calld's socket (default $MIDTLS_SOCKET, /run/midtls/calld.sock); reload: keyd's"},
        {"json",       0,   "MODE",    VERB_ALL,               set_json,         0,              "print JSON: short, pretty or off"},
        {NULL,         'j', NULL,      VERB_ALL,               set_json_default, 0,              "--json=pretty on a terminal, --json=short elsewhere"},
        {"color",      0,   "[WHEN]",   VERB_ALL,               set_color,        0,              "always (also without WHEN), auto or never"},
        {"no-legend",  0,   NULL,      VERB_ALL,               set_flag,         AT(no_legend),  "tables without their headings"},
        {"no-pager",   0,   NULL,      VERB_ALL,               set_flag,         AT(no_pager),   "print at once what is longer than the terminal"},
        {"profiles",   0,   NULL,      VERB_LIST,              set_flag,         AT(profiles),   "list: profiles instead of connections"},
        {"header",     'H', "HEADER",  CALLS,                  set_header,       0,              "call, soap: add a header, 'Name: value'"},
        {"data",       'd', "DATA",    CALLS,                  set_string,       AT(data),       "call, soap: the body; @FILE: from a file; -: standard input"},
        {"output",     'o', "FILE",    CALLS,                  set_string,       AT(output),     "call, soap: write the body there"},
        {"include",    'i', NULL,      CALLS,                  set_flag,         AT(include),    "call, soap: print status line and headers too"},
        {"fail",       0,   NULL,      CALLS,                  set_flag,         AT(fail),       "call, soap: exit 22 when the server answers 400 or above"},
        {"verbose",    'v', NULL,      CALLS,                  set_flag,         AT(verbose),    "call, soap: print the status on standard error"},
        {"timeout",    0,   "TIME",    CALLS,                  set_timeout,      0,              "call, soap: at most that long; may only lower the connection's"},
        {"action",     0,   "URI",     VERB_SOAP,              set_action,       0,              "soap: the action"},
        {"addressing", 0,   NULL,      VERB_SOAP,              set_flag,         AT(addressing), "soap: add WS-Addressing headers"},
        {"soap",       0,   "VERSION", VERB_SOAP,              set_soap,         0,              "soap: 1.1 (default) or 1.2"},
        {"root",       0,   "DIR",     VERB_CHECK,             set_string,       AT(root),       "check: the configuration in DIR/etc/midtls"},
        {"config-dir", 0,   "DIR",     VERB_CHECK | VERB_ENCRYPT | VERB_SHOW, set_string, AT(config_dir), "check, show: the configuration in DIR; encrypt: DIR/host.pem"},
        {"key-alias",  0,   "ALIAS",   VERB_INSPECT,           set_string,       AT(key_alias),  "inspect: which entry"},
        {"expiring",   0,   "TIME",    VERB_CERTS,             set_expiring,     0,              "certs: exit 1 when one expires within that time"},
        {"follow",     'f', NULL,      VERB_LOG,               set_flag,         AT(follow),     "log: wait for more"},
        {"profile",    0,   "NAME",    VERB_LOG,               set_string,       AT(log.profile),   "log: of this profile"},
        {"event",      0,   "EVENT",   VERB_LOG,               set_string,       AT(log.event),     "log: of this kind, such as call or signature"},
        {"caller",     0,   "USER",    VERB_LOG,               set_string,       AT(log.caller),    "log: of this user (name or number) or unit"},
        {"verdict",    0,   "VERDICT", VERB_LOG,               set_string,       AT(log.verdict),   "log: ok, failed, refused or denied"},
        {"code",       0,   "CODE",    VERB_LOG,               set_string,       AT(log.code),      "log: with this reason, such as server-certificate"},
        {"call",       0,   "ID",      VERB_LOG,               set_string,       AT(log.call),      "log: of the call with this Midtls-Call-Id"},
        {"since",      0,   "TIME",    VERB_LOG,               set_string,       AT(log.since),     "log: not before; 2h (ago), today, \"2026-11-25 01:30\""},
        {"until",      0,   "TIME",    VERB_LOG,               set_string,       AT(log.until),     "log: not after"},
        {"input",      0,   "FILE",    VERB_LOG,               set_string,       AT(log.input),     "log: records from a file (-: standard input), as journalctl exports them"},
        {"reconcile",  0,   NULL,      VERB_LOG,               set_flag,         AT(log.reconcile), "log: compare calls and signatures; silent when they agree"},
        {"dry-run",    0,   NULL,      VERB_RELOAD,            set_flag,         AT(dry_run),    "reload: tell what would happen, change nothing"},
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

/*
 * @value is what was glued to the option, or NULL; a value that is missing is the next word. Values are not repeated in messages: a
 * header's may be a secret.
 */
static int apply(Parser *p, const OptionRow *row, const char *value) {
        const char *wrong;

        if (!row->argument && value)
                return fail(p, "--%s takes no value", row->name);
        if (row->argument && row->argument[0] != '[' && !value) {
                if (p->i + 1 >= p->argc)
                        return fail(p, "--%s needs a value (%s)", row->name, row->argument);
                value = p->argv[++p->i];
        }

        wrong = row->set(row, value, p->o);
        if (wrong)
                return fail(p, "--%s: %s", row->name, wrong);

        p->given[row - rows] = true;
        return 0;
}

static int parse_long(Parser *p, const char *word) {
        size_t size = strcspn(word + 2, "=");
        const OptionRow *row = find_long(word + 2, size);

        if (!row)
                return fail(p, "there is no option %.*s", (int) size + 2, word);

        return apply(p, row, word[2 + size] ? word + 2 + size + 1 : NULL);
}

/* Letters may be joined; the rest of the word is the value of one that takes a value. */
static int parse_letters(Parser *p, const char *word) {
        for (const char *s = word + 1; *s; s++) {
                const OptionRow *row = find_letter(*s);
                int r;

                if (!row)
                        return fail(p, "there is no option -%c", *s);

                r = apply(p, row, row->argument && s[1] ? s + 1 : NULL);
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
        const VerbRow *v = &verb_table[0];

        if (o->n_arguments > 0) {
                v = verb_find(o->arguments[0]);
                if (!v)
                        return fail(p, "there is no verb \"%s\"", o->arguments[0]);
                o->verb_given = true;
                o->n_arguments--;
                memmove(o->arguments, o->arguments + 1, o->n_arguments * sizeof(o->arguments[0]));
        }

        o->verb = v;
        if (o->help || o->version)
                return 0;
        if (o->n_arguments < v->n_arguments_min || o->n_arguments > v->n_arguments_max)
                return fail(p, "wrong number of arguments; write midtls %s %s", v->name, v->synopsis);

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (p->given[i] && !(rows[i].verbs & v->verb))
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
        const char *argument = row->argument ? row->argument : "";
        bool optional = argument[0] == '[';
        int n;

        n = fprintf(f, "  %s%s%s%s%s%s%s", row->letter ? letter : "  ", row->letter && row->name ? ", " : "  ", row->name ? "--" : "",
                    row->name ? row->name : "", optional ? "[" : "", *argument ? "=" : "", argument + optional);
        fprintf(f, "%*s%s\n", n < 26 ? 26 - n : 1, "", row->help);
}

static void print_verbs(FILE *f) {
        fputs("midtls [OPTION...] [VERB] [ARGUMENT...]\n\nCalls to partner servers with mutual TLS, by alias.\n\n", f);
        for (const VerbRow *v = verb_table; v->name; v++) {
                int n = fprintf(f, "  %s %s", v->name, v->synopsis);

                fprintf(f, "%*s%s\n", n < 34 ? 34 - n : 1, "", v->help);
        }
}

void options_print_help(FILE *f, const VerbRow *verb) {
        if (verb)
                fprintf(f, "midtls %s [OPTION...] %s\n\n%s\n", verb->name, verb->synopsis, verb->help);
        else
                print_verbs(f);

        fputc('\n', f);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (!verb || rows[i].verbs & verb->verb)
                        print_option(f, &rows[i]);
        fputs("\nExit status: 0 good; 1 the operation failed; 2 usage; 22 with --fail, the server answered 400 or above;\n"
              "3 midtls test: a step failed. See midtls(1).\n",
              f);
}
