/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/record.h"

#include <string.h>

#include "common/log.h"
#include "common/parse.h"

#define NO_PROFILE "there is no such profile now, or it does not apply here"
#define SECONDS_PER_HOUR 3600
#define SECONDS_PER_DAY (24 * SECONDS_PER_HOUR)

void record_configuration(const Config *c, const Problems *problems) {
        LogRecord rec;

        for (size_t i = 0; i < problems->n_items; i++) {
                const Problem *p = &problems->items[i];
                _cleanup_free_ char *text = problem_to_string(p);

                log_record_init(&rec, p->warning ? PRIORITY_WARNING : PRIORITY_ERROR, EVENT_CONFIG_ERROR);
                log_record_send(&rec, "%s", text ? text : p->file);
        }

        log_record_init(&rec, PRIORITY_INFO, EVENT_CONFIG_LOADED);
        log_record_send(&rec, "Configuration of %s: %zu profiles, %zu connections, %zu errors", c->mid_name, c->n_profiles, c->n_connections,
                        problems->n_errors);
}

static void add_profile(LogRecord *rec, const char *profile, uint64_t generation) {
        log_record_add(rec, "MIDTLS_PROFILE", "%s", profile);
        if (generation > 0)
                log_record_add(rec, "MIDTLS_GENERATION", "%llu", (unsigned long long) generation);
}

static void record_loaded(const ProfileResult *r) {
        char sha256[65];
        LogRecord rec;

        hex_encode(r->key->leaf_sha256, sizeof(r->key->leaf_sha256), sha256);
        log_record_init(&rec, PRIORITY_INFO, EVENT_KEY_LOADED);
        add_profile(&rec, r->config->name, r->generation);
        log_record_add(&rec, "MIDTLS_CLIENT_CERT_SHA256", "%s", sha256);
        log_record_add(&rec, "MIDTLS_KEY_TYPE", "%s", r->key->key_type);
        log_record_add(&rec, "MIDTLS_NOT_AFTER", "%lld", (long long) r->key->not_after);
        log_record_send(&rec, "Loaded the key of profile %s: generation %llu, %s", r->config->name, (unsigned long long) r->generation,
                        r->key->key_type);

        for (char **w = r->key->warnings; w && *w; w++) {
                log_record_init(&rec, PRIORITY_WARNING, EVENT_NONE);
                add_profile(&rec, r->config->name, r->generation);
                log_record_send(&rec, "Profile %s: %s", r->config->name, *w);
        }
}

/* A broken file has been said as config-error, what was left out by the supervisor. The same failure is said once, not at each refresh. */
static void record_failed(const ProfileResult *r) {
        LogRecord rec;

        if (r->config->broken || r->left_out || (r->has_previous && span_is(r->previous.reason, r->reason)))
                return;

        log_record_init(&rec, r->failure.is_alert ? PRIORITY_ALERT : PRIORITY_ERROR, EVENT_KEY_LOAD_FAILED);
        add_profile(&rec, r->config->name, r->generation);
        log_record_add(&rec, "MIDTLS_REASON", "%s", verdict_to_string(r->failure.verdict));
        log_record_add(&rec, "MIDTLS_HINT", "%s", r->failure.hint);
        log_record_send(&rec, "Cannot load the key of profile %s: %s; %s%s", r->config->name, r->failure.detail, r->failure.hint,
                        r->generation > 0 ? " (the old one stays)" : "");
}

/* "29 days", "1 day", "12 hours": rounded up, so that it holds */
static void format_remaining(int64_t seconds, char ret[32]) {
        int64_t unit = seconds < SECONDS_PER_DAY ? SECONDS_PER_HOUR : SECONDS_PER_DAY, n = (seconds + unit - 1) / unit;

        snprintf(ret, 32, "%lld %s%s", (long long) n, unit == SECONDS_PER_DAY ? "day" : "hour", n == 1 ? "" : "s");
}

/* At each threshold once: when it was not yet passed at the last load, or the key is new. */
static void record_expiry(const ProfileResult *r, const MsgLoad *load) {
        int64_t realtime = (int64_t) load->realtime, previous_realtime = (int64_t) load->previous_realtime;
        int64_t not_after = r->keeps_key ? (int64_t) r->previous.not_after : r->key->not_after;
        unsigned stage = decide_expiry_stage(not_after, realtime);
        bool is_known = r->has_previous && r->previous.generation == r->generation && previous_realtime > 0;
        char remaining[32];
        LogRecord rec;

        if (stage == 0 || (is_known && decide_expiry_stage(not_after, previous_realtime) == stage))
                return;

        log_record_init(&rec, not_after < realtime ? PRIORITY_ERROR : PRIORITY_WARNING, EVENT_KEY_EXPIRING);
        add_profile(&rec, r->config->name, r->generation);
        log_record_add(&rec, "MIDTLS_NOT_AFTER", "%lld", (long long) not_after);
        if (not_after < realtime) {
                log_record_send(&rec, "The client certificate of profile %s has expired", r->config->name);
                return;
        }
        format_remaining(not_after - realtime, remaining);
        log_record_send(&rec, "The client certificate of profile %s expires within %s", r->config->name, remaining);
}

/* The next profile that had a key and has none now. Return: false at the end */
static bool next_removed(const Publication *p, size_t *cursor, char ret_name[static PROTO_NAME_MAX + 1], MsgProfile *ret,
                         const ProfileResult **ret_now) {
        Span record, body;

        while (request_next(p->request->previous, MSG_PROFILE, cursor, &record, &body)) {
                if (msg_profile_decode(body, ret) != 0 || ret->generation == 0)
                        continue;

                span_copy_text(ret->name, ret_name, PROTO_NAME_MAX + 1);
                *ret_now = publish_find_result(p, ret_name);
                if (!*ret_now || (*ret_now)->generation == 0)
                        return true;
        }
        return false;
}

static void record_removed(const Publication *p) {
        char name[PROTO_NAME_MAX + 1];
        const ProfileResult *now;
        size_t cursor = 0;
        MsgProfile old;

        while (next_removed(p, &cursor, name, &old, &now)) {
                LogRecord rec;

                log_record_init(&rec, PRIORITY_NOTICE, EVENT_KEY_REMOVED);
                add_profile(&rec, name, old.generation);
                log_record_send(&rec, "The key of profile %s is used no more: %s", name, now ? now->reason : NO_PROFILE);
        }
}

void record_keys(const Publication *p) {
        for (size_t i = 0; i < p->n_results; i++) {
                const ProfileResult *r = &p->results[i];

                if (r->key_failed || r->ca_failed || r->crls_failed)
                        record_failed(r);
                if (r->generation > 0 && !r->keeps_key && (!r->has_previous || r->previous.generation != r->generation))
                        record_loaded(r);
                if (r->generation > 0)
                        record_expiry(r, &p->request->load);
        }
        record_removed(p);
}

/* reports */

static int add_report(const char *profile, AdminWhat what, const char *sentence, const char *hint, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        char texts[2][PROTO_TEXT_MAX + 1];
        MsgAdminReport m = {.what = (uint8_t) what};
        int r;

        decide_copy_text(texts[0], sizeof(texts[0]), sentence);
        decide_copy_text(texts[1], sizeof(texts[1]), hint ? hint : "");
        /* A name that is none is left out; the sentence names the file. */
        if (strlen(profile) <= PROTO_NAME_MAX && protocol_name_valid(profile))
                m.profile = span_from_string(profile);
        m.sentence = span_from_string(texts[0]);
        m.hint = span_from_string(texts[1]);

        r = msg_admin_report_encode(&record, &m);
        return r < 0 ? r : record_list_add(ret, buf_span(&record));
}

static int add_profile_report(const ProfileResult *r, RecordList *ret) {
        char sentence[PROTO_TEXT_MAX + 64];

        if (r->what == ADMIN_WHAT_KEPT_OLD) {
                snprintf(sentence, sizeof(sentence), "%s; generation %llu stays in force", r->reason, (unsigned long long) r->generation);
                return add_report(r->config->name, r->what, sentence, r->hint, ret);
        }
        if (r->reason[0])
                return add_report(r->config->name, r->what, r->reason, r->hint, ret);

        snprintf(sentence, sizeof(sentence), "generation %llu, %s%s", (unsigned long long) r->generation, r->key ? r->key->key_type : "",
                 r->what == ADMIN_WHAT_UNCHANGED ? ", as before" : "");
        return add_report(r->config->name, r->what, sentence, "", ret);
}

static bool is_told(const Publication *p, const Problem *problem) {
        for (size_t i = 0; i < p->n_results; i++)
                if (p->results[i].config->broken && strcmp(p->results[i].config->file, problem->file) == 0)
                        return true;

        return false;
}

/* Those that are there have a report of their own. */
static int add_removed_reports(const Publication *p, RecordList *ret) {
        char name[PROTO_NAME_MAX + 1];
        const ProfileResult *now;
        size_t cursor = 0;
        MsgProfile old;
        int r = 0;

        while (r >= 0 && next_removed(p, &cursor, name, &old, &now))
                if (!now)
                        r = add_report(name, ADMIN_WHAT_REMOVED, NO_PROFILE, "", ret);

        return r;
}

int record_add_reports(const Publication *p, const Problems *problems, RecordList *ret) {
        int r = 0;

        for (size_t i = 0; i < p->n_results && r >= 0; i++)
                if (!p->results[i].put_off)
                        r = add_profile_report(&p->results[i], ret);
        if (r >= 0)
                r = add_removed_reports(p, ret);

        for (size_t i = 0; i < problems->n_items && r >= 0; i++) {
                const Problem *problem = &problems->items[i];
                _cleanup_free_ char *text = NULL;

                if (problem->warning || is_told(p, problem))
                        continue;
                text = problem_to_string(problem);
                r = text ? add_report("", ADMIN_WHAT_FAILED, text, "", ret) : -ENOMEM;
        }
        /* So much is wrong that it does not fit: the journal has all of it, and what is good works. */
        return r == -E2BIG ? 0 : r;
}
