/* SPDX-License-Identifier: Apache-2.0 */

/* midtls show: everything about one connection or profile, by a table of its members */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "calld/cli/client.h"
#include "calld/cli/verbs.h"

#define LABEL_WIDTH 24

/* How a member is shown. */
typedef enum Shape {
        SHAPE_TEXT,
        SHAPE_STATE,
        SHAPE_EXPIRY,
        SHAPE_NUMBER,
        SHAPE_SPAN, /* microseconds */
        SHAPE_SIZE, /* bytes */
        SHAPE_BOOL,
        SHAPE_LIST,
        SHAPE_HEADERS,
        SHAPE_SUBJECTS,
} Shape;

typedef struct Member {
        const char *parent; /* of an object inside; NULL: none */
        const char *name;
        Shape shape;
        const char *label;
        const char *when_empty; /* NULL: nothing is shown then */
} Member;

/* clang-format off */
#define CERTIFICATE_MEMBERS                                                                  \
        {"certificate", "subject",    SHAPE_TEXT,   "Certificate", "none"},                  \
        {"certificate", "issuer",     SHAPE_TEXT,   "Issuer",      NULL},                    \
        {"certificate", "sha256",     SHAPE_TEXT,   "SHA-256",     NULL},                    \
        {"certificate", "key_type",   SHAPE_TEXT,   "Key",         NULL},                    \
        {"certificate", "not_before", SHAPE_TEXT,   "Valid from",  NULL},                    \
        {"certificate", "not_after",  SHAPE_EXPIRY, "Expires",     NULL},                    \
        {NULL,          "generation", SHAPE_NUMBER, "Generation of the key", NULL}

static const Member connection_members[] = {
        {NULL,    "name",                   SHAPE_TEXT,    "Connection",          "-"},
        {NULL,    "url",                    SHAPE_TEXT,    "URL",                 "-"},
        {NULL,    "state",                  SHAPE_STATE,   "State",               "-"},
        {NULL,    "reason",                 SHAPE_TEXT,    "Reason",              NULL},
        {NULL,    "hint",                   SHAPE_TEXT,    "Hint",                NULL},
        {NULL,    "profile",                SHAPE_TEXT,    "Profile",             "-"},
        CERTIFICATE_MEMBERS,
        {NULL,    "host",                   SHAPE_TEXT,    "Host",                "-"},
        {NULL,    "port",                   SHAPE_NUMBER,  "Port",                "-"},
        {NULL,    "base_path",              SHAPE_TEXT,    "Base path",           "/"},
        {NULL,    "proxy",                  SHAPE_TEXT,    "Proxy",               "none"},
        {NULL,    "http2",                  SHAPE_BOOL,    "HTTP/2",              NULL},
        {NULL,    "session_resumption",     SHAPE_BOOL,    "Session resumption",  NULL},
        {NULL,    "connect_timeout_usec",   SHAPE_SPAN,    "Connect timeout",     NULL},
        {NULL,    "timeout_usec",           SHAPE_SPAN,    "Timeout",             NULL},
        {NULL,    "max_request_bytes",      SHAPE_SIZE,    "Largest request",     NULL},
        {NULL,    "max_response_bytes",     SHAPE_SIZE,    "Largest response",    NULL},
        {NULL,    "allow_users",            SHAPE_LIST,    "Allowed users",       "root and the group midtls"},
        {NULL,    "allow_groups",           SHAPE_LIST,    "Allowed groups",      NULL},
        {NULL,    "allow_selinux_contexts", SHAPE_LIST,    "Allowed contexts",    NULL},
        {NULL,    "allow_methods",          SHAPE_LIST,    "Allowed methods",     "all"},
        {NULL,    "allow_paths",            SHAPE_LIST,    "Allowed paths",       "all"},
        {NULL,    "deny_addresses",         SHAPE_LIST,    "Denied addresses",    "none"},
        {NULL,    "headers",                SHAPE_HEADERS, "Headers",             "none"},
        {"retry", "strategy",               SHAPE_TEXT,    "Retry",               NULL},
        {"retry", "interval_usec",          SHAPE_SPAN,    "Retry interval",      NULL},
        {"retry", "count",                  SHAPE_NUMBER,  "Retry count",         NULL},
        {"retry", "max_elapsed_usec",       SHAPE_SPAN,    "Retry at most",       NULL},
        {"retry", "status_codes",           SHAPE_LIST,    "Retry on",            NULL},
};

static const Member profile_members[] = {
        {NULL, "name",          SHAPE_TEXT,     "Profile",        "-"},
        {NULL, "description",   SHAPE_TEXT,     "Description",    NULL},
        {NULL, "state",         SHAPE_STATE,    "State",          "-"},
        {NULL, "reason",        SHAPE_TEXT,     "Reason",         NULL},
        {NULL, "hint",          SHAPE_TEXT,     "Hint",           NULL},
        CERTIFICATE_MEMBERS,
        {NULL, "chain",         SHAPE_SUBJECTS, "Chain",          NULL},
        {NULL, "default_port",  SHAPE_NUMBER,   "Default port",   NULL},
        {NULL, "minimum_tls",   SHAPE_TEXT,     "Minimum TLS",    NULL},
        {NULL, "allowed_names", SHAPE_LIST,     "Further names",  "none"},
        {NULL, "pins",          SHAPE_LIST,     "Pinned keys",    "none"},
        {NULL, "connections",   SHAPE_LIST,     "Connections",    "none"},
};
/* clang-format on */

static void print_label(const char *label) {
        printf("%*s: ", LABEL_WIDTH, label);
}

static void print_line(const char *label, const char *text) {
        print_label(label);
        text_print(stdout, text);
        putchar('\n');
}

static void format_size(uint64_t bytes, char ret[32]) {
        static const char suffixes[] = {'G', 'M', 'K'};

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                uint64_t unit = UINT64_C(1) << (30 - 10 * i);

                if (bytes >= unit && bytes % unit == 0) {
                        snprintf(ret, 32, "%" PRIu64 "%c", bytes / unit, suffixes[i]);
                        return;
                }
        }
        snprintf(ret, 32, "%" PRIu64, bytes);
}

static void print_number(const Member *m, const json_t *value) {
        json_int_t v = json_integer_value(value);
        char text[32];

        if (m->shape == SHAPE_SPAN)
                text_format_span(v > 0 ? (uint64_t) v : 0, text);
        else if (m->shape == SHAPE_SIZE)
                format_size(v > 0 ? (uint64_t) v : 0, text);
        else
                snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, v);
        print_line(m->label, text);
}

/* "503" of a number, the text of a string, the subject of a certificate. */
static void print_element(const json_t *element) {
        const char *text = json_is_object(element) ? json_text(element, "subject") : json_string_value(element);

        if (json_is_integer(element))
                printf("%" JSON_INTEGER_FORMAT, json_integer_value(element));
        else
                text_print(stdout, text ? text : "-");
}

static void print_list(const Member *m, const json_t *array) {
        bool lines = m->shape == SHAPE_SUBJECTS;

        print_label(m->label);
        for (size_t i = 0; i < json_array_size(array); i++) {
                if (i > 0 && lines)
                        printf("\n%*s", LABEL_WIDTH + 2, "");
                else if (i > 0)
                        putchar(' ');
                print_element(json_array_get(array, i));
        }
        putchar('\n');
}

/* Whatever an older or a broken calld sends: a header's value is never shown. */
static void print_headers(const Member *m, const json_t *array) {
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *name = json_text(json_array_get(array, i), "name");

                print_label(i == 0 ? m->label : "");
                text_print(stdout, name ? name : "-");
                puts("=(hidden)");
        }
}

static void print_text(const Options *o, const Member *m, const char *text) {
        bool color = m->shape == SHAPE_STATE && output_style(o).color;
        Tint tint = output_state_tint(text);
        char expiry[64];

        if (m->shape == SHAPE_EXPIRY) {
                text_format_expiry(text, time(NULL), expiry);
                text = expiry;
        }

        print_label(m->label);
        fputs(tint_begin(tint, color), stdout);
        text_print(stdout, text);
        puts(tint_end(tint, color));
}

static bool is_empty(const Member *m, const json_t *value) {
        const char *text = json_string_value(value);

        switch (m->shape) {
        case SHAPE_TEXT:
        case SHAPE_STATE:
        case SHAPE_EXPIRY:
                return !text || !*text;
        case SHAPE_NUMBER:
        case SHAPE_SPAN:
        case SHAPE_SIZE:
                return !json_is_integer(value);
        case SHAPE_BOOL:
                return !json_is_boolean(value);
        case SHAPE_LIST:
        case SHAPE_HEADERS:
        case SHAPE_SUBJECTS:
        default:
                return json_array_size(value) == 0;
        }
}

static void print_member(const Options *o, const Member *m, const json_t *row) {
        const json_t *object = m->parent ? json_object_get(row, m->parent) : row;
        const json_t *value = json_object_get(object, m->name);

        if (is_empty(m, value)) {
                if (m->when_empty)
                        print_line(m->label, m->when_empty);
                return;
        }

        if (m->shape <= SHAPE_EXPIRY)
                print_text(o, m, json_string_value(value));
        else if (m->shape <= SHAPE_SIZE)
                print_number(m, value);
        else if (m->shape == SHAPE_BOOL)
                print_line(m->label, json_is_true(value) ? "yes" : "no");
        else if (m->shape == SHAPE_HEADERS)
                print_headers(m, value);
        else
                print_list(m, value);
}

static bool is_listed(const json_t *row, const char *name) {
        return json_array_size(json_object_get(row, name)) > 0;
}

/* The parts that say nothing in this row are left out. */
static bool concerns(const Member *m, const json_t *row) {
        const char *strategy = json_text(json_object_get(row, "retry"), "strategy");
        bool retries = strategy && strcmp(strategy, "none") != 0;

        /* The default holds when none of the three lists is given. */
        if (strcmp(m->name, "allow_users") == 0)
                return is_listed(row, "allow_users") || (!is_listed(row, "allow_groups") && !is_listed(row, "allow_selinux_contexts"));

        return !m->parent || strcmp(m->parent, "retry") != 0 || retries || strcmp(m->name, "strategy") == 0;
}

static void print_row(const Options *o, const Member *members, size_t n_members, const json_t *row) {
        if (o->json != JSON_MODE_OFF) {
                output_json(o, row);
                return;
        }
        for (size_t i = 0; i < n_members; i++)
                if (concerns(&members[i], row))
                        print_member(o, &members[i], row);
}

static const json_t *find_row(const json_t *array, const char *name) {
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *found = json_text(json_array_get(array, i), "name");

                if (found && strcmp(found, name) == 0)
                        return json_array_get(array, i);
        }
        return NULL;
}

int verb_show(const Options *o) {
        _cleanup_(json_decrefp) json_t *connections = NULL, *profiles = NULL;
        const json_t *connection, *profile;
        int r;

        r = client_get_json(o, "GET", "/connections", &connections);
        if (r == 0)
                r = client_get_json(o, "GET", "/profiles", &profiles);
        if (r != 0)
                return r;

        connection = find_row(json_object_get(connections, "connections"), o->arguments[0]);
        profile = find_row(json_object_get(profiles, "profiles"), o->arguments[0]);
        if (!connection && !profile)
                return output_error("see midtls list, midtls list --profiles", "there is no connection and no profile \"%s\"", o->arguments[0]);

        if (connection)
                print_row(o, connection_members, ARRAY_SIZE(connection_members), connection);
        if (connection && profile && o->json == JSON_MODE_OFF)
                putchar('\n');
        if (profile)
                print_row(o, profile_members, ARRAY_SIZE(profile_members), profile);
        return EXIT_GOOD;
}
