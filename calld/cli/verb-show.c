/* SPDX-License-Identifier: Apache-2.0 */

/* midtls show: everything about one connection or profile, by a table of its members, and where each setting stands */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "calld/cli/client.h"
#include "calld/cli/origin.h"
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
        const char *setting;    /* "HTTP.Timeout"; NULL: is none */
} Member;

/* Of what calld does not know, the files tell. */
typedef struct FileMember {
        const char *setting;
        const char *label;
        const char *when_absent;
} FileMember;

/* What is printed, and what is known of where it stands. */
typedef struct Show {
        const Options *o;
        Origins origins;
        bool has_origins;
} Show;

/* clang-format off */
#define CERTIFICATE_MEMBERS                                                                  \
        {"certificate", "subject",    SHAPE_TEXT,   "Certificate", "none", NULL},                  \
        {"certificate", "issuer",     SHAPE_TEXT,   "Issuer",      NULL, NULL},                    \
        {"certificate", "sha256",     SHAPE_TEXT,   "SHA-256",     NULL, NULL},                    \
        {"certificate", "key_type",   SHAPE_TEXT,   "Key",         NULL, NULL},                    \
        {"certificate", "not_before", SHAPE_TEXT,   "Valid from",  NULL, NULL},                    \
        {"certificate", "not_after",  SHAPE_EXPIRY, "Expires",     NULL, NULL},                    \
        {NULL,          "generation", SHAPE_NUMBER, "Generation of the key", NULL, NULL}

static const Member connection_members[] = {
        {NULL,    "name",                   SHAPE_TEXT,    "Connection",          "-", NULL},
        {NULL,    "url",                    SHAPE_TEXT,    "URL",                 "-", NULL},
        {NULL,    "state",                  SHAPE_STATE,   "State",               "-", NULL},
        {NULL,    "reason",                 SHAPE_TEXT,    "Reason",              NULL, NULL},
        {NULL,    "hint",                   SHAPE_TEXT,    "Hint",                NULL, NULL},
        {NULL,    "profile",                SHAPE_TEXT,    "Profile",             "-", "Connection.Profile"},
        CERTIFICATE_MEMBERS,
        {NULL,    "host",                   SHAPE_TEXT,    "Host",                "-", "Connection.Host"},
        {NULL,    "port",                   SHAPE_NUMBER,  "Port",                "-", "Connection.Port"},
        {NULL,    "base_path",              SHAPE_TEXT,    "Base path",           "/", "Connection.BasePath"},
        {NULL,    "proxy",                  SHAPE_TEXT,    "Proxy",               "none", "HTTP.Proxy"},
        {NULL,    "http2",                  SHAPE_BOOL,    "HTTP/2",              NULL, "HTTP.HTTP2"},
        {NULL,    "session_resumption",     SHAPE_BOOL,    "Session resumption",  NULL, "HTTP.SessionResumption"},
        {NULL,    "connect_timeout_usec",   SHAPE_SPAN,    "Connect timeout",     NULL, "HTTP.ConnectTimeout"},
        {NULL,    "timeout_usec",           SHAPE_SPAN,    "Timeout",             NULL, "HTTP.Timeout"},
        {NULL,    "max_request_bytes",      SHAPE_SIZE,    "Largest request",     NULL, "HTTP.MaxRequestBytes"},
        {NULL,    "max_response_bytes",     SHAPE_SIZE,    "Largest response",    NULL, "HTTP.MaxResponseBytes"},
        {NULL,    "allow_users",            SHAPE_LIST,    "Allowed users",       "root and the group midtls", "Connection.AllowUsers"},
        {NULL,    "allow_groups",           SHAPE_LIST,    "Allowed groups",      NULL, "Connection.AllowGroups"},
        {NULL,    "allow_selinux_contexts", SHAPE_LIST,    "Allowed contexts",    NULL, "Connection.AllowSELinuxContexts"},
        {NULL,    "allow_methods",          SHAPE_LIST,    "Allowed methods",     "all", "Connection.AllowMethods"},
        {NULL,    "allow_paths",            SHAPE_LIST,    "Allowed paths",       "all", "Connection.AllowPaths"},
        {NULL,    "deny_addresses",         SHAPE_LIST,    "Denied addresses",    "none", "HTTP.DenyAddresses"},
        {NULL,    "headers",                SHAPE_HEADERS, "Headers",             "none", NULL},
        {"retry", "strategy",               SHAPE_TEXT,    "Retry",               NULL, "Retry.Strategy"},
        {"retry", "interval_usec",          SHAPE_SPAN,    "Retry interval",      NULL, "Retry.Interval"},
        {"retry", "count",                  SHAPE_NUMBER,  "Retry count",         NULL, "Retry.Count"},
        {"retry", "max_elapsed_usec",       SHAPE_SPAN,    "Retry at most",       NULL, "Retry.MaxElapsed"},
        {"retry", "status_codes",           SHAPE_LIST,    "Retry on",            NULL, "Retry.StatusCodes"},
};

static const Member profile_members[] = {
        {NULL, "name",          SHAPE_TEXT,     "Profile",        "-", NULL},
        {NULL, "description",   SHAPE_TEXT,     "Description",    NULL, "Profile.Description"},
        {NULL, "state",         SHAPE_STATE,    "State",          "-", NULL},
        {NULL, "reason",        SHAPE_TEXT,     "Reason",         NULL, NULL},
        {NULL, "hint",          SHAPE_TEXT,     "Hint",           NULL, NULL},
        CERTIFICATE_MEMBERS,
        {NULL, "chain",         SHAPE_SUBJECTS, "Chain",          NULL, NULL},
        {NULL, "default_port",  SHAPE_NUMBER,   "Default port",   NULL, "Profile.DefaultPort"},
        {NULL, "minimum_tls",   SHAPE_TEXT,     "Minimum TLS",    NULL, "Server.MinimumTLS"},
        {NULL, "allowed_names", SHAPE_LIST,     "Further names",  "none", "Server.AllowedNames"},
        {NULL, "pins",          SHAPE_LIST,     "Pinned keys",    "none", "Server.PinnedSPKI"},
        {NULL, "connections",   SHAPE_LIST,     "Connections",    "none", NULL},
};

static const FileMember connection_files[] = {
        {"Connection.MidServers", "MID Servers",    "all"},
        {"HTTP.ProxyPassword",    "Proxy password", "none"},
};

static const FileMember profile_files[] = {
        {"Profile.KeystorePath",            "Keystore",              "what config.xml says"},
        {"Profile.KeystoreType",            "Keystore type",         "auto"},
        {"Profile.KeyAlias",                "Key alias",             "the one entry"},
        {"Profile.Password",                "Password",              "what config.xml says"},
        {"Profile.KeyPassword",             "Key password",          "the store's"},
        {"Profile.ExternalCredentialStore", "Credential store",      "no"},
        {"Profile.AppliesTo",               "Applies to",            "all"},
        {"Profile.MidServers",              "MID Servers",           "all"},
        {"Server.CAFile",                   "CA file",               "the system's"},
        {"Server.CRLFile",                  "Revocation list",       "none"},
        {"Limits.MaxSignaturesPerMinute",   "Signatures per minute", "6000"},
};
/* clang-format on */

static void print_label(const char *label) {
        printf("%*s: ", LABEL_WIDTH, label);
}

/* Where the value stands that the line tells, and the line's end. */
static void print_origin(const Show *s, const char *setting) {
        const Setting *found = setting && s->has_origins ? origins_find(&s->origins, setting) : NULL;
        bool color = output_style(s->o).color;

        if (setting && s->has_origins) {
                fputs(tint_begin(TINT_FAINT, color), stdout);
                fputs("  (", stdout);
                text_print(stdout, found ? found->where : "default");
                putchar(')');
                fputs(tint_end(TINT_FAINT, color), stdout);
        }
        putchar('\n');
}

static void print_line(const Show *s, const Member *m, const char *text) {
        print_label(m->label);
        text_print(stdout, text);
        print_origin(s, m->setting);
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

static void print_number(const Show *s, const Member *m, const json_t *value) {
        json_int_t v = json_integer_value(value);
        char text[32];

        if (m->shape == SHAPE_SPAN)
                text_format_span(v > 0 ? (uint64_t) v : 0, text);
        else if (m->shape == SHAPE_SIZE)
                format_size(v > 0 ? (uint64_t) v : 0, text);
        else
                snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, v);
        print_line(s, m, text);
}

/* "503" of a number, the text of a string, the subject of a certificate. */
static void print_element(const json_t *element) {
        const char *text = json_is_object(element) ? json_text(element, "subject") : json_string_value(element);

        if (json_is_integer(element))
                printf("%" JSON_INTEGER_FORMAT, json_integer_value(element));
        else
                text_print(stdout, text ? text : "-");
}

static void print_list(const Show *s, const Member *m, const json_t *array) {
        bool lines = m->shape == SHAPE_SUBJECTS;

        print_label(m->label);
        for (size_t i = 0; i < json_array_size(array); i++) {
                if (i > 0 && lines)
                        printf("\n%*s", LABEL_WIDTH + 2, "");
                else if (i > 0)
                        putchar(' ');
                print_element(json_array_get(array, i));
        }
        print_origin(s, m->setting);
}

/* Whatever an older or a broken calld sends: a header's value is never shown. */
static void print_headers(const Show *s, const Member *m, const json_t *array) {
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *name = json_text(json_array_get(array, i), "name");
                _cleanup_free_ char *setting = NULL;

                if (asprintf(&setting, "Headers.%s", name ? name : "-") < 0)
                        setting = NULL;
                print_label(i == 0 ? m->label : "");
                text_print(stdout, name ? name : "-");
                fputs("=(hidden)", stdout);
                print_origin(s, setting);
        }
}

static void print_text(const Show *s, const Member *m, const char *text) {
        bool color = m->shape == SHAPE_STATE && output_style(s->o).color;
        Tint tint = output_state_tint(text);
        char expiry[64];

        if (m->shape == SHAPE_EXPIRY) {
                text_format_expiry(text, time(NULL), expiry);
                text = expiry;
        }

        print_label(m->label);
        fputs(tint_begin(tint, color), stdout);
        text_print(stdout, text);
        fputs(tint_end(tint, color), stdout);
        print_origin(s, m->setting);
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

static void print_member(const Show *s, const Member *m, const json_t *row) {
        const json_t *object = m->parent ? json_object_get(row, m->parent) : row;
        const json_t *value = json_object_get(object, m->name);

        if (is_empty(m, value)) {
                if (m->when_empty)
                        print_line(s, m, m->when_empty);
                return;
        }

        if (m->shape <= SHAPE_EXPIRY)
                print_text(s, m, json_string_value(value));
        else if (m->shape <= SHAPE_SIZE)
                print_number(s, m, value);
        else if (m->shape == SHAPE_BOOL)
                print_line(s, m, json_is_true(value) ? "yes" : "no");
        else if (m->shape == SHAPE_HEADERS)
                print_headers(s, m, value);
        else
                print_list(s, m, value);
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

static void print_files(const Show *s, const FileMember *members, size_t n_members) {
        for (size_t i = 0; s->has_origins && i < n_members; i++) {
                const Setting *found = origins_find(&s->origins, members[i].setting);

                print_label(members[i].label);
                text_print(stdout, found && *found->value ? found->value : members[i].when_absent);
                print_origin(s, members[i].setting);
        }
        if (!s->has_origins)
                puts("\nWhere these settings stand is told to who can read the files, such as root.");
}

/* The row, and each setting with the place that it has in the files. */
static int print_json(const Show *s, const json_t *row) {
        _cleanup_(json_decrefp) json_t *copy = json_copy((json_t *) row), *settings = json_object();

        for (size_t i = 0; i < s->origins.n_items; i++) {
                const Setting *found = &s->origins.items[i];

                json_object_set_new(settings, found->name, json_pack("{s:s, s:s}", "value", found->value, "where", found->where));
        }
        if (!copy || !settings || json_object_set(copy, "settings", s->has_origins ? settings : json_null()) < 0)
                return output_error(NULL, "%s", strerror(ENOMEM));
        output_json(s->o, copy);
        return EXIT_GOOD;
}

typedef struct Kind {
        const char *suffix;
        const Member *members;
        size_t n_members;
        const FileMember *files;
        size_t n_files;
} Kind;

static const Kind connection_kind = {".connection", connection_members, ARRAY_SIZE(connection_members), connection_files,
                                     ARRAY_SIZE(connection_files)};
static const Kind profile_kind = {".profile", profile_members, ARRAY_SIZE(profile_members), profile_files, ARRAY_SIZE(profile_files)};

static void show_done(Show *s) {
        origins_done(&s->origins);
}

static int show(const Options *o, const Kind *kind, const json_t *row) {
        _cleanup_(show_done) Show s = {.o = o};
        _cleanup_free_ char *file = NULL;

        if (asprintf(&file, "%s%s", o->arguments[0], kind->suffix) < 0) {
                file = NULL;
                return output_error(NULL, "%s", strerror(ENOMEM));
        }
        s.has_origins = origins_read(o->config_dir, file, &s.origins) == 0 && s.origins.found && !s.origins.unreadable;
        if (o->json != JSON_MODE_OFF)
                return print_json(&s, row);

        for (size_t i = 0; i < kind->n_members; i++)
                if (concerns(&kind->members[i], row))
                        print_member(&s, &kind->members[i], row);
        print_files(&s, kind->files, kind->n_files);
        return EXIT_GOOD;
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

        r = connection ? show(o, &connection_kind, connection) : EXIT_GOOD;
        if (connection && profile && o->json == JSON_MODE_OFF)
                putchar('\n');
        return profile && r == EXIT_GOOD ? show(o, &profile_kind, profile) : r;
}
