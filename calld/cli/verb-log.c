/* SPDX-License-Identifier: Apache-2.0 */

/* midtls log: finds the records of the audit trail, prints a line for each, or compares its two halves */

#include <inttypes.h>
#include <string.h>

#include "calld/cli/reconcile.h"
#include "calld/cli/record-source.h"
#include "calld/cli/record.h"
#include "calld/cli/verbs.h"
#include "calld/cli/when.h"

/* journald's own field, which no sender can set: others may write MIDTLS_EVENT too. */
static const char *const units[] = {"_SYSTEMD_UNIT=midtls-keyd.service", "_SYSTEMD_UNIT=midtls-calld.service"};

/* What began later may be under way: its call has no record yet. */
#define UNDER_WAY_USEC (5 * USEC_PER_MINUTE)

#define ARGUMENTS_MAX 64U

typedef struct Arguments {
        const char *items[ARGUMENTS_MAX];
        char *owned[ARGUMENTS_MAX];
        size_t n_items, n_owned;
} Arguments;

static void arguments_done(Arguments *a) {
        for (size_t i = 0; i < a->n_owned; i++)
                free(a->owned[i]);
}

static void add(Arguments *a, const char *s) {
        ASSERT(a->n_items + 1 < ARRAY_SIZE(a->items));
        a->items[a->n_items++] = s;
}

/* A match FIELD=VALUE. Return: 0 or -ENOMEM */
static int add_match(void *userdata, const char *field, const char *value) {
        Arguments *a = userdata;
        char *s;

        if (asprintf(&s, "%s=%s", field, value) < 0)
                return -ENOMEM;
        a->owned[a->n_owned++] = s;
        add(a, s);
        return 0;
}

static int add_time(Arguments *a, const char *option, uint64_t usec) {
        char *s;

        if (asprintf(&s, "%s=@%" PRIu64, option, usec / USEC_PER_SEC) < 0)
                return -ENOMEM;
        a->owned[a->n_owned++] = s;
        add(a, s);
        return 0;
}

/* systemd.journal-fields(7): matches of one field are alternatives, those of several fields must all hold; "+" is "or". */
static int add_matches(const RecordFilter *f, Arguments *a, const char *field) {
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                add(a, units[i]);
        for (size_t i = 0; r == 0 && !f->event && record_events[i]; i++)
                r = add_match(a, "MIDTLS_EVENT", record_events[i]);
        if (r == 0 && field)
                r = add_match(a, field, f->name);

        return r == 0 ? record_filter_fields(f, add_match, a) : r;
}

static int build_arguments(const Options *o, const RecordFilter *f, Arguments *a) {
        int r = 0;

        add(a, "journalctl");
        add(a, "--no-pager");
        add(a, "--output=json");
        add(a, "--all");
        /* It would also hide that the user may not read the journal; but "-- No entries --" is no JSON. */
        if (o->json != JSON_MODE_OFF)
                add(a, "--quiet");
        if (o->follow)
                add(a, "--follow");
        if (f->since_usec > 0)
                r = add_time(a, "--since", f->since_usec);
        if (r == 0 && f->until_usec != USEC_INFINITY && !o->log.reconcile)
                r = add_time(a, "--until", f->until_usec + USEC_PER_SEC);

        /* Each record of both daemons may say that others were lost. */
        if (o->log.reconcile) {
                for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                        add(a, units[i]);
                return r;
        }

        if (r == 0)
                r = add_matches(f, a, f->name ? "MIDTLS_ALIAS" : NULL);
        if (r < 0 || !f->name)
                return r;
        add(a, "+");
        return add_matches(f, a, "MIDTLS_PROFILE");
}

static int open_source(const Options *o, const RecordFilter *f, RecordSource *s) {
        _cleanup_(arguments_done) Arguments a = {};
        int r;

        if (o->log.input)
                return record_source_open(s, o->log.input);

        r = build_arguments(o, f, &a);
        return r < 0 ? output_error(NULL, "%s", strerror(-r)) : record_source_start(s, a.items);
}

/* Until the end, or until nobody reads what is printed. */
static void print_records(const Options *o, const RecordFilter *f, RecordSource *s) {
        bool color = output_style(o).color;
        json_t *record;
        int r;

        while (!ferror(stdout) && (r = record_source_next(s, &record)) != RECORD_E_END) {
                if (r != 0)
                        continue;
                if (record_filter_takes(f, record) && o->json != JSON_MODE_OFF)
                        output_json(o, record);
                else if (record_filter_takes(f, record))
                        record_print(record, stdout, color);
                json_decref(record);
                if (o->follow)
                        fflush(stdout);
        }
}

/* Return: 0 or -ENOMEM */
static int compare_records(const RecordFilter *f, RecordSource *s, Reconcile *c, uint64_t *ret_n) {
        json_t *record;
        int r, k = 0;

        while (k == 0 && (r = record_source_next(s, &record)) != RECORD_E_END) {
                if (r != 0) {
                        k = reconcile_add_invalid(c);
                        continue;
                }
                *ret_n += record_origin(record) != RECORD_FROM_OTHERS;
                if (record_filter_names(f, record))
                        k = reconcile_add(c, record);
                json_decref(record);
        }
        return k;
}

static int print_gaps(const Options *o, const Gap *gaps, size_t n) {
        _cleanup_(json_decrefp) json_t *array = json_array(), *document = NULL;
        bool color = output_style(o).color;

        for (size_t i = 0; i < n; i++)
                if (o->json == JSON_MODE_OFF)
                        gap_print(&gaps[i], stdout, color);
                else if (json_array_append_new(array, gap_to_json(&gaps[i])) < 0)
                        return output_error(NULL, "%s", strerror(ENOMEM));

        if (o->json != JSON_MODE_OFF) {
                document = json_pack("{s:O}", "gaps", array);
                if (!document)
                        return output_error(NULL, "%s", strerror(ENOMEM));
                output_json(o, document);
        }
        return n > 0 ? EXIT_FAILED : EXIT_GOOD;
}

static int reconcile(const Options *o, RecordFilter *f, RecordSource *s) {
        _cleanup_(reconcile_freep) Reconcile *c = NULL;
        uint64_t n_records = 0;
        const Gap *gaps;
        size_t n_gaps;
        int r, status;

        if (!o->log.input && !o->log.until)
                f->until_usec = when_now() - UNDER_WAY_USEC;
        r = reconcile_new(f->since_usec, f->until_usec, &c);
        if (r == 0)
                r = compare_records(f, s, c, &n_records);
        if (r == 0)
                r = reconcile_finish(c, &gaps, &n_gaps);
        if (r < 0)
                return output_error(NULL, "%s", strerror(-r));

        status = record_source_finish(s);
        if (status == EXIT_GOOD && n_records == 0 && !o->log.since)
                return output_error("may this user read the journal? see journalctl(1)", "there are no records of keyd and calld");
        r = print_gaps(o, gaps, n_gaps);
        return MAX_OF(r, status);
}

static int usage_error(const char *wrong) {
        output_error("see midtls(1)", "%s", wrong);
        return EXIT_USAGE;
}

int verb_log(const Options *o) {
        _cleanup_(record_source_done) RecordSource s = {};
        RecordFilter f;
        int r;

        if (o->follow && o->log.input)
                return usage_error("--follow does not go with --input");
        if (o->log.reconcile && (o->follow || o->log.event || o->log.caller || o->log.verdict || o->log.code || o->log.call))
                return usage_error("--reconcile goes with a name, --profile, --since, --until and --input only");

        r = record_filter_from_options(o, &f);
        if (r == 0)
                r = open_source(o, &f, &s);
        if (r != 0)
                return r;
        if (o->log.reconcile)
                return reconcile(o, &f, &s);

        print_records(o, &f, &s);
        return ferror(stdout) ? EXIT_GOOD : record_source_finish(&s); /* main() tells of the former */
}
