/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/decide.h"

#include <string.h>
#include <time.h>

#include "common/msg-certificates.h"

#define SECONDS_PER_DAY 86400

void profile_result_done(ProfileResult *r) {
        r->key = loaded_key_free(r->key);
        r->ca = ca_set_free(r->ca);
        buf_done(&r->crls);
}

void decide_copy_text(char *ret, size_t size, const char *text) {
        size_t n = 0;

        for (; text[n] && n + 1 < size; n++) {
                unsigned char c = (unsigned char) text[n];

                ret[n] = (c < 0x20 && c != '\t') || c == 0x7f ? '?' : text[n];
        }
        ret[n] = 0;
}

unsigned decide_expiry_stage(int64_t not_after, int64_t realtime) {
        static const int64_t thresholds[] = {30, 14, 7, 1, 0};
        unsigned stage = 0;

        for (size_t i = 0; i < ARRAY_SIZE(thresholds); i++)
                stage += not_after - realtime < thresholds[i] * SECONDS_PER_DAY;

        return stage;
}

static bool same_chain(const LoadedKey *key, Span chain) {
        Span der;

        for (size_t i = 0; i < key->n_chain; i++)
                if (!msg_certificates_next(&chain, &der) || !span_equal(der, span_make(key->chain[i].der, key->chain[i].size)))
                        return false;

        return chain.size == 0;
}

static uint8_t state_by_dates(int64_t not_before, int64_t not_after, int64_t realtime) {
        return realtime < not_before ? PROTO_STATE_NOT_YET_VALID : realtime > not_after ? PROTO_STATE_EXPIRED : PROTO_STATE_READY;
}

static void format_date(int64_t seconds, char ret[32]) {
        time_t t = (time_t) seconds;
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(ret, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
                snprintf(ret, 32, "another date");
}

static void explain_dates(ProfileResult *r, int64_t not_before, int64_t not_after) {
        char date[32];

        if (r->state == PROTO_STATE_EXPIRED) {
                format_date(not_after, date);
                snprintf(r->reason, sizeof(r->reason), "the client certificate expired on %s", date);
                snprintf(r->hint, sizeof(r->hint), "put the renewed keystore in place; it is loaded by itself");
        } else if (r->state == PROTO_STATE_NOT_YET_VALID) {
                format_date(not_before, date);
                snprintf(r->reason, sizeof(r->reason), "the client certificate is not valid before %s", date);
                snprintf(r->hint, sizeof(r->hint), "wait, or see whether the clock of this host is right");
        }
}

/* Of a profile that has a key all the same. */
static void explain_failure(ProfileResult *r) {
        char detail[sizeof(r->failure.detail)];

        decide_copy_text(detail, sizeof(detail), r->failure.detail);
        snprintf(r->reason, sizeof(r->reason), "the last reload failed: %s", detail);
        decide_copy_text(r->hint, sizeof(r->hint), r->failure.hint);
}

static bool has_old_key(const ProfileResult *r) {
        return r->has_previous && r->previous.generation > 0;
}

/*
 * A certificate that is put in place before its time, or after, does not replace one that is valid: it is taken when its day comes.
 * With an empty signer there is nothing to keep.
 */
static void refuse_untimely_key(ProfileResult *r, const MsgLoad *load) {
        int64_t realtime = (int64_t) load->realtime;
        ProfileResult untimely = {};

        if (r->key_failed || load->signer_is_empty || !has_old_key(r) || same_chain(r->key, r->previous.chain))
                return;
        untimely.state = state_by_dates(r->key->not_before, r->key->not_after, realtime);
        if (untimely.state == PROTO_STATE_READY ||
            state_by_dates((int64_t) r->previous.not_before, (int64_t) r->previous.not_after, realtime) != PROTO_STATE_READY)
                return;

        explain_dates(&untimely, r->key->not_before, r->key->not_after);
        r->key_failed = true;
        r->failure = (LoadFailure) {.verdict = VERDICT_POLICY};
        decide_copy_text(r->failure.detail, sizeof(r->failure.detail), untimely.reason);
        decide_copy_text(r->failure.hint, sizeof(r->failure.hint), untimely.hint);
}

void decide_fail(ProfileResult *r) {
        r->what = ADMIN_WHAT_FAILED;
        r->state = PROTO_STATE_UNAVAILABLE;
        r->generation = 0;
        r->send_key = false;
        decide_copy_text(r->reason, sizeof(r->reason), r->failure.detail);
        decide_copy_text(r->hint, sizeof(r->hint), r->failure.hint);
}

static void take_key(ProfileResult *r, const MsgLoad *load) {
        bool same = has_old_key(r) && same_chain(r->key, r->previous.chain);

        r->what = same ? ADMIN_WHAT_UNCHANGED : ADMIN_WHAT_LOADED;
        r->generation = same ? r->previous.generation : r->last_generation + 1;
        r->send_key = !same || load->resend_keys;
        r->state = state_by_dates(r->key->not_before, r->key->not_after, (int64_t) load->realtime);
        explain_dates(r, r->key->not_before, r->key->not_after);
}

static void keep_key(ProfileResult *r, int64_t realtime) {
        int64_t not_before = (int64_t) r->previous.not_before, not_after = (int64_t) r->previous.not_after;

        r->generation = r->previous.generation;
        r->state = state_by_dates(not_before, not_after, realtime);
        explain_dates(r, not_before, not_after);
}

/*
 * What the signer has not got cannot be kept. Nor can CRLs that the profile never had: to go on without them would be to ignore the
 * wish for them.
 */
static bool can_keep(const ProfileResult *r, const MsgLoad *load) {
        if (!r->keeps_key && !r->keeps_ca && !r->keeps_crls)
                return true;

        return has_old_key(r) && !(r->keeps_key && load->signer_is_empty) && !(r->keeps_crls && !r->had_crls);
}

void decide_profile(ProfileResult *r, const MsgLoad *load) {
        refuse_untimely_key(r, load);

        r->keeps_key = r->key_failed;
        r->keeps_ca = r->ca_failed;
        r->keeps_crls = r->crls_failed;
        if (!can_keep(r, load)) {
                decide_fail(r);
                return;
        }

        if (r->keeps_key)
                keep_key(r, (int64_t) load->realtime);
        else
                take_key(r, load);

        if (r->keeps_key || r->keeps_ca || r->keeps_crls) {
                r->what = r->put_off ? ADMIN_WHAT_UNCHANGED : ADMIN_WHAT_KEPT_OLD;
                if (r->state != PROTO_STATE_READY)
                        return;
                if (!r->put_off)
                        explain_failure(r);
                else if (r->previous.state == PROTO_STATE_READY) {
                        span_copy_text(r->previous.reason, r->reason, sizeof(r->reason));
                        span_copy_text(r->previous.hint, r->hint, sizeof(r->hint));
                }
        }
}
