/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/record.h"

#include <string.h>

#include "calld/cli/record-filter.h"
#include "calld/cli/when.h"
#include "common/parse.h"

const char *const record_events[] = {
        "key-loaded", "key-load-failed", "key-expiring",  "key-removed",  "signature", "signature-refused",
        "call",       "caller-denied",   "config-loaded", "config-error", "sandbox",   NULL,
};

typedef struct Detail {
        const char *field;
        const char *label;
} Detail;

/* What follows the message, when the record has it and the message does not say it. */
static const Detail details[] = {
        {"MIDTLS_DURATION_USEC", "duration"},  {"MIDTLS_CALLER_UID", "uid"},        {"MIDTLS_CALLER_UNIT", "unit"}, {"MIDTLS_TLS_VERSION", "tls"},
        {"MIDTLS_SIGNATURE_SCHEME", "scheme"}, {"MIDTLS_GENERATION", "generation"}, {"MIDTLS_CALL_ID", "call"},     {"MIDTLS_HINT", "hint"},
};

static void print_time(const json_t *record, FILE *f) {
        uint64_t usec = record_usec(record);
        char text[32] = "-";

        if (usec > 0)
                when_format(usec, text);
        fprintf(f, "%-19s ", text);
}

/* syslog: 0 to 3 are errors, 4 is a warning. */
static Tint record_tint(const json_t *record) {
        const char *priority = json_text(record, "PRIORITY");
        uint64_t v;

        if (!priority || parse_uint(priority, 0, 7, &v) < 0)
                return TINT_NONE;
        return v <= 3 ? TINT_BAD : v == 4 ? TINT_WARNING : TINT_NONE;
}

static void print_detail(const Detail *d, const json_t *record, FILE *f) {
        const char *value = json_text(record, d->field);
        char span[32];
        uint64_t usec;

        if (!value || !*value)
                return;
        if (strcmp(d->field, "MIDTLS_DURATION_USEC") == 0 && parse_uint(value, 0, UINT64_MAX, &usec) == 0) {
                text_format_span(usec, span);
                value = span;
        }

        fprintf(f, " %s=", d->label);
        text_print(f, value);
}

void record_print(const json_t *record, FILE *f, bool color) {
        const char *event = json_text(record, "MIDTLS_EVENT"), *message = json_text(record, "MESSAGE");
        Tint tint = record_tint(record);
        int width = event ? (int) strlen(event) : 1;

        print_time(record, f);
        fputs(tint_begin(tint, color), f);
        text_print(f, event ? event : "-");
        fprintf(f, "%*s", width < 17 ? 17 - width + 1 : 1, "");
        text_print(f, message ? message : "-");
        fputs(tint_end(tint, color), f);

        fputs(tint_begin(TINT_FAINT, color), f);
        for (size_t i = 0; i < ARRAY_SIZE(details); i++)
                print_detail(&details[i], record, f);
        fputs(tint_end(TINT_FAINT, color), f);
        fputc('\n', f);
}
