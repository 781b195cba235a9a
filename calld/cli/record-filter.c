/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/record-filter.h"

#include <pwd.h>
#include <string.h>

#include "calld/cli/record.h"
#include "calld/cli/when.h"
#include "common/parse.h"

typedef struct FilterRow {
        size_t offset;
        const char *field;
} FilterRow;

static const FilterRow rows[] = {
        {offsetof(RecordFilter, profile), "MIDTLS_PROFILE"}, {offsetof(RecordFilter, event), "MIDTLS_EVENT"},
        {offsetof(RecordFilter, verdict), "MIDTLS_VERDICT"}, {offsetof(RecordFilter, code), "MIDTLS_REASON"},
        {offsetof(RecordFilter, call), "MIDTLS_CALL_ID"},    {offsetof(RecordFilter, unit), "MIDTLS_CALLER_UNIT"},
};

static const char *value_of(const RecordFilter *f, const FilterRow *row) {
        return *(const char *const *) ((const char *) f + row->offset);
}

static bool event_known(const char *event) {
        for (size_t i = 0; record_events[i]; i++)
                if (strcmp(record_events[i], event) == 0)
                        return true;
        return false;
}

/* A user's name or number, or a unit. */
static int set_caller(const char *caller, RecordFilter *f) {
        const struct passwd *user;
        uint64_t uid;

        if (parse_uint(caller, 0, UINT32_MAX, &uid) == 0) {
                snprintf(f->uid, sizeof(f->uid), "%s", caller);
                return 0;
        }

        user = getpwnam(caller);
        if (user)
                snprintf(f->uid, sizeof(f->uid), "%u", user->pw_uid);
        else if (strchr(caller, '.'))
                f->unit = caller;
        else
                return output_error("write a user's name or number, or a unit such as backup.service", "there is no user \"%s\"", caller);
        return 0;
}

static int set_time(const char *option, const char *when, uint64_t *ret_usec) {
        if (when && when_parse(when, when_now(), ret_usec) < 0)
                return output_error("write 2h (ago), today, yesterday, \"2026-11-25 01:30\" or @SECONDS", "%s: \"%s\" is no time", option, when);
        return 0;
}

int record_filter_from_options(const Options *o, RecordFilter *ret) {
        RecordFilter f = {
                .name = o->n_arguments > 0 ? o->arguments[0] : NULL,
                .profile = o->log.profile,
                .event = o->log.event,
                .verdict = o->log.verdict,
                .code = o->log.code,
                .call = o->log.call,
                .until_usec = USEC_INFINITY,
        };
        int r;

        if (f.name && !alias_name_valid(f.name))
                return output_error("see midtls list", "\"%s\" is no name of a connection or profile", f.name);
        if (f.event && !event_known(f.event))
                return output_error("see midtls(7) for what is recorded", "there is no event \"%s\"", f.event);

        r = o->log.caller ? set_caller(o->log.caller, &f) : 0;
        if (r == 0)
                r = set_time("--since", o->log.since, &f.since_usec);
        if (r == 0)
                r = set_time("--until", o->log.until, &f.until_usec);
        if (r == 0)
                *ret = f;
        return r;
}

static bool has(const json_t *record, const char *field, const char *value) {
        const char *text = json_text(record, field);

        return text && strcmp(text, value) == 0;
}

static bool names(const RecordFilter *f, const json_t *record) {
        /* Keys belong to a profile, calls to an alias: either is taken. */
        if (f->name && !has(record, "MIDTLS_ALIAS", f->name) && !has(record, "MIDTLS_PROFILE", f->name))
                return false;
        return !f->profile || has(record, "MIDTLS_PROFILE", f->profile);
}

bool record_filter_names(const RecordFilter *f, const json_t *record) {
        return names(f, record) || !(json_text(record, "MIDTLS_ALIAS") || json_text(record, "MIDTLS_PROFILE"));
}

bool record_filter_takes(const RecordFilter *f, const json_t *record) {
        const char *event = json_text(record, "MIDTLS_EVENT");
        uint64_t usec = record_usec(record);

        if (!event || !event_known(event) || record_origin(record) == RECORD_FROM_OTHERS)
                return false;
        if (usec < f->since_usec || usec > f->until_usec)
                return false;
        if (!names(f, record))
                return false;
        if (f->uid[0] && !has(record, "MIDTLS_CALLER_UID", f->uid))
                return false;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (value_of(f, &rows[i]) && !has(record, rows[i].field, value_of(f, &rows[i])))
                        return false;
        return true;
}

int record_filter_fields(const RecordFilter *f, RecordFilterField field, void *userdata) {
        int r = f->uid[0] ? field(userdata, "MIDTLS_CALLER_UID", f->uid) : 0;

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
                if (value_of(f, &rows[i]))
                        r = field(userdata, rows[i].field, value_of(f, &rows[i]));
        return r;
}

RecordOrigin record_origin(const json_t *record) {
        const char *unit = json_text(record, "_SYSTEMD_UNIT"), *identifier = json_text(record, "SYSLOG_IDENTIFIER");

        if (unit)
                return strcmp(unit, "midtls-keyd.service") == 0    ? RECORD_FROM_KEYD
                       : strcmp(unit, "midtls-calld.service") == 0 ? RECORD_FROM_CALLD
                                                                   : RECORD_FROM_OTHERS;
        if (json_object_get(record, "_BOOT_ID") || json_object_get(record, "_TRANSPORT") || !identifier)
                return RECORD_FROM_OTHERS;

        return strncmp(identifier, "keyd", 4) == 0 ? RECORD_FROM_KEYD : strncmp(identifier, "calld", 5) == 0 ? RECORD_FROM_CALLD : RECORD_FROM_OTHERS;
}

uint64_t record_number(const json_t *record, const char *field) {
        const char *text = json_text(record, field);
        uint64_t v;

        return text && parse_uint(text, 0, UINT64_MAX, &v) == 0 ? v : 0;
}

uint64_t record_usec(const json_t *record) {
        return record_number(record, "__REALTIME_TIMESTAMP");
}
