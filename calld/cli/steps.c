/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/steps.h"

#include <string.h>
#include <time.h>

#define NAME_WIDTH 20

#define ISSUERS_SHOWN 5U

typedef enum StepState {
        STEP_GOOD,
        STEP_FAILED,
        STEP_NOT_REACHED,
        _STEP_MAX,
} StepState;

typedef struct StepMark {
        const char *utf8;
        const char *word;
        Tint tint;
} StepMark;

static const StepMark marks[_STEP_MAX] = {
        [STEP_GOOD] = {"\xe2\x9c\x93", "ok    ", TINT_GOOD},
        [STEP_FAILED] = {"\xe2\x9c\x97", "FAILED", TINT_BAD},
        [STEP_NOT_REACHED] = {"-", "-     ", TINT_FAINT},
};

static StepState step_state(const json_t *step) {
        const json_t *ok = json_object_get(step, "ok");

        if (json_is_true(ok))
                return STEP_GOOD;
        return json_is_null(ok) ? STEP_NOT_REACHED : STEP_FAILED;
}

bool steps_good(const json_t *test) {
        const json_t *steps = json_object_get(test, "steps");

        for (size_t i = 0; i < json_array_size(steps); i++)
                if (step_state(json_array_get(steps, i)) == STEP_FAILED)
                        return false;

        return json_is_true(json_object_get(test, "ok"));
}

static void print_duration(FILE *f, const json_t *step) {
        json_int_t usec = json_integer_value(json_object_get(step, "usec"));
        char text[32];

        if (usec <= 0)
                return;
        text_format_span((uint64_t) usec, text);
        fprintf(f, " (%s)", text);
}

static void print_text(FILE *f, const char *before, const char *text) {
        fputs(before, f);
        text_print(f, text ? text : "-");
}

static void print_expiry(FILE *f, const json_t *certificate) {
        char expiry[64];

        text_format_expiry(json_text(certificate, "not_after"), time(NULL), expiry);
        fprintf(f, ", expires %s\n", expiry);
}

static void print_chain(const json_t *test, FILE *f) {
        const json_t *chain = json_object_get(test, "server_chain");

        for (size_t i = 0; i < json_array_size(chain); i++) {
                const json_t *certificate = json_array_get(chain, i);

                print_text(f, i == 0 ? "    sent: " : "          ", json_text(certificate, "subject"));
                print_expiry(f, certificate);
        }
}

static void print_issuers(const json_t *test, FILE *f) {
        const json_t *issuers = json_object_get(test, "accepted_issuers");
        size_t n = json_array_size(issuers);

        for (size_t i = 0; i < MIN_OF(n, (size_t) ISSUERS_SHOWN); i++) {
                print_text(f, i == 0 ? "    accepts: " : "             ", json_string_value(json_array_get(issuers, i)));
                fputc('\n', f);
        }
        if (n > ISSUERS_SHOWN)
                fprintf(f, "             and %zu more: see --json=pretty\n", n - ISSUERS_SHOWN);
}

static void print_client(const json_t *test, FILE *f) {
        const json_t *certificate = json_object_get(test, "client_certificate");

        if (!json_is_object(certificate))
                return;
        print_text(f, "    ours: ", json_text(certificate, "subject"));
        print_text(f, ", issued by ", json_text(certificate, "issuer"));
        print_expiry(f, certificate);
}

typedef struct More {
        const char *step;
        void (*print)(const json_t *test, FILE *f);
} More;

/* Below a step that was reached, whether it went well or not. */
static const More mores[] = {
        {"server-certificate", print_chain},
        {"certificate-request", print_issuers},
        {"signature", print_client},
};

static void print_more(const json_t *test, const char *step, FILE *f) {
        for (size_t i = 0; i < ARRAY_SIZE(mores); i++)
                if (strcmp(mores[i].step, step) == 0)
                        mores[i].print(test, f);
}

static void print_step(const json_t *test, const json_t *step, FILE *f, const TableStyle *style, bool utf8) {
        const char *name = json_text(step, "name"), *detail = json_text(step, "detail"), *hint = json_text(step, "hint");
        StepState state = step_state(step);
        const StepMark *m = &marks[state];
        size_t width;

        fprintf(f, "  %s%s%s ", tint_begin(m->tint, style->color), utf8 ? m->utf8 : m->word, tint_end(m->tint, style->color));
        text_print(f, name ? name : "?");

        width = name ? strlen(name) : 1;
        fprintf(f, "%*s", width < NAME_WIDTH ? (int) (NAME_WIDTH - width) : 1, "");
        text_print(f, detail && *detail ? detail : state == STEP_NOT_REACHED ? "not reached" : "");
        if (state != STEP_NOT_REACHED)
                print_duration(f, step);
        fputc('\n', f);

        if (name && state != STEP_NOT_REACHED)
                print_more(test, name, f);
        if (hint && *hint && state == STEP_FAILED) {
                fputs("    hint: ", f);
                text_print(f, hint);
                fputc('\n', f);
        }
}

void steps_print(const json_t *test, FILE *f, const TableStyle *style, bool utf8) {
        const json_t *steps = json_object_get(test, "steps");
        const char *alias = json_text(test, "alias"), *url = json_text(test, "url");

        text_print(f, alias ? alias : "?");
        fputs(": ", f);
        text_print(f, url ? url : "-");
        fputc('\n', f);
        for (size_t i = 0; i < json_array_size(steps); i++)
                print_step(test, json_array_get(steps, i), f, style, utf8);
}
