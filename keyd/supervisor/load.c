/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which load comes next, and what the end of one means
 *
 * A round begins when something has changed, or somebody asks. Its first load reads every profile that is not in quarantine. One whose files
 * take long, or at which the loader dies, is put in quarantine and the load begins anew without it: so the first snapshot of the round waits for
 * each such profile once at most. Then each profile in quarantine has a load of its own, which has time; it is dropped when a new round begins.
 */

#include <string.h>
#include <sys/wait.h>

#include "common/daemon.h"
#include "common/log.h"
#include "common/msg-admin.h"
#include "keyd/supervisor/load-process.h"

#define SENTENCE_SLOW "its files take long to read, which is done when those of the other profiles have been read"
#define HINT_SLOW "wait; a keystore with fewer iterations opens faster (openssl pkcs12 -export -iter 10000)"
#define HINT_LATE "make the keystore anew, with fewer iterations; it is tried again when a file changes, and by midtls reload"
#define HINT_DIED "make the keystore anew with openssl or keytool; it is tried again when a file changes, and by midtls reload"

#define UNANNOUNCED_MAX 8U

static void start_next(Supervisor *s);

/* end: it went well */

/* When what a store gave is as old as it may become: loads in between, which asked for other things, do not put that off. */
static uint64_t until_old(const Supervisor *s, uint64_t now, uint64_t begun) {
        uint64_t least = s->refresh_sec * USEC_PER_SEC;

        for (size_t i = 0; i < ROLE_STORES; i++) {
                uint64_t date = (s->fetched_realtime[i] + s->refresh_sec) * USEC_PER_SEC;

                /* The load that has ended began before: for it the value was young. Still earlier: it is not used any more, or could not be asked. */
                if (date > MIN_OF(begun, now))
                        least = MIN_OF(least, date > now ? date - now : 0);
        }
        return least;
}

/*
 * @begun: when the load that went well did; UINT64_MAX: there was none, and what could not be asked is not asked again at once
 *
 * Also when the next certificate begins or ends: a successor that lies ready is taken then.
 */
static void arm_refresh(Supervisor *s, uint64_t begun) {
        uint64_t now = load_realtime_usec(), date = MIN_OF(s->next_date, UINT64_MAX / USEC_PER_SEC) * USEC_PER_SEC;
        uint64_t refresh = s->refresh_sec > 0 ? MIN_OF(s->p->refresh_usec, until_old(s, now, begun)) : s->p->refresh_usec;

        supervisor_arm(s->refresh_source, MIN_OF(refresh, date > now ? date - now : 0));
}

static int commit(Supervisor *s, Load *l) {
        s->signer_is_empty = false;
        s->signer_is_known = true;
        s->snapshot_realtime = l->records.realtime;
        s->next_date = l->records.next_date;
        s->refresh_sec = l->records.refresh_sec;
        if (l->records.keep_is_whole)
                keep_profiles(l->records.keep);
        for (size_t i = 0; i < ROLE_STORES; i++)
                /* Of the instance it counts that it has answered: no profile would say that it has not. */
                if (l->records.is_fetched[i] && (i != ROLE_STORE_INSTANCE || l->records.keep_is_whole))
                        s->fetched_realtime[i] = l->records.realtime;
        arm_refresh(s, l->records.realtime * USEC_PER_SEC);
        s->round.wants_retry = l->records.wants_retry;
        if (s->round.wants_retry)
                fetcher_arm_retry(s, l->records.retry_after_sec);
        else
                ignore_result(sd_event_source_set_enabled(s->retry_source, SD_EVENT_OFF), "a load more does no harm");
        watch_end_round(s);
        if (load_records_same(s->snapshot, l->records.list))
                return 0;

        record_list_unref(s->snapshot);
        s->snapshot = TAKE_PTR(l->records.list);
        s->revision = l->records.revision;
        s->counts = l->records.counts;
        s->idle_exit_usec = l->records.idle_exit_usec;

        return child_send_snapshot(s);
}

/* The profile for which that load was. */
static void settle(Supervisor *s, const Load *l) {
        Quarantined *q = quarantine_find(s, l->order.patient);

        if (!q)
                return;
        if (!l->patient_is_slow) {
                quarantine_release(s, q);
                return;
        }
        q->due = q->failed = false;
        snprintf(q->sentence, sizeof(q->sentence), "%s", SENTENCE_SLOW);
        snprintf(q->hint, sizeof(q->hint), "%s", HINT_SLOW);
}

static void succeed(Supervisor *s, Load *l) {
        int r;

        s->round.again = false;
        s->round.reported = true;
        s->round.n_failed += l->records.n_failed;
        settle(s, l);

        r = commit(s, l);
        if (r < 0)
                supervisor_fail(s, log_errno(r, "Cannot hand the snapshot to the verifier"));
}

/* end: because of one profile */

static void log_quarantined(const Quarantined *q, const Load *l) {
        bool slow = l->state == PROGRESS_SLOW;
        LogRecord rec;

        log_record_init(&rec, slow ? PRIORITY_NOTICE : PRIORITY_ERROR, slow ? EVENT_NONE : EVENT_KEY_LOAD_FAILED);
        log_record_add(&rec, "MIDTLS_PROFILE", "%s", q->profile);
        if (slow) {
                log_record_send(&rec, "Profile %s: %s", q->profile, q->sentence);
                return;
        }
        log_record_add(&rec, "MIDTLS_REASON", "%s", l->state == PROGRESS_LATE ? "limit" : "io");
        log_record_add(&rec, "MIDTLS_HINT", "%s", q->hint);
        log_record_send(&rec, "Cannot load the key of profile %s: %s; %s", q->profile, q->sentence, q->hint);
}

static void explain(Quarantined *q, const Load *l, const char *how) {
        if (l->state == PROGRESS_SLOW)
                snprintf(q->sentence, sizeof(q->sentence), "%s", SENTENCE_SLOW);
        else
                snprintf(q->sentence, sizeof(q->sentence), "the loader %s while it read its files%s%s", how, l->fault ? ": " : "",
                         l->fault ? l->fault : "");
        snprintf(q->hint, sizeof(q->hint), "%s", l->state == PROGRESS_SLOW ? HINT_SLOW : l->state == PROGRESS_LATE ? HINT_LATE : HINT_DIED);
}

/* The profile whose files were being read. A loader that names one which it was told to leave out is not believed. */
static const char *blamed_profile(const Supervisor *s, const Load *l) {
        const char *name = l->blamed[0] ? l->blamed : l->progress.profile;
        const Quarantined *q = quarantine_find(s, name);

        if (q && (l->order.dry_run ? q->failed_dry : strcmp(name, l->order.patient) != 0))
                return l->order.patient;

        return name;
}

/* Return: false when it was no profile's fault, or that cannot be kept */
static bool quarantine_culprit(Supervisor *s, const Load *l, const char *how) {
        const char *name = blamed_profile(s, l);
        bool slow = l->state == PROGRESS_SLOW, is_news;
        char before[QUARANTINE_TEXT_MAX];
        Quarantined *q;

        if (!*name || quarantine_put(s, name, &q) < 0)
                return false;

        memcpy(before, q->sentence, sizeof(before));
        explain(q, l, how);
        if (l->order.dry_run) {
                q->failed_dry = s->wanted_dry = true;
                return true;
        }

        /* The same is said once, not at each refresh. */
        is_news = strcmp(before, q->sentence) != 0 || (!slow && !q->failed);
        if (is_news)
                log_quarantined(q, l);
        q->failed = !slow;
        q->due = strcmp(name, l->order.patient) != 0;
        s->round.again = true;
        return true;
}

/* end: it failed as a whole */

static void fail(Supervisor *s, bool dry_run, const char *why) {
        _cleanup_(buf_done) Buf report = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReport m = {
                .what = ADMIN_WHAT_FAILED,
                .sentence = span_from_string(why),
                .hint = SPAN_LITERAL("the journal of midtls-keyd.service tells more; what was loaded before stays in force"),
        };

        log_message(PRIORITY_ERROR, "The loader failed: %s; what was loaded before stays", why);
        s->n_failed_loads++;
        if (msg_admin_report_encode(&report, &m) == 0)
                admin_load_report(s, dry_run, buf_span(&report));
        if (dry_run)
                return;

        s->round.again = false;
        s->round.n_failed++;
        quarantine_set_due(s, false);
        supervisor_arm(s->retry_source, s->p->retry_usec);
}

/* end */

static void finish_dry(Supervisor *s, const Load *l, bool good, const char *how, const char *why) {
        if (!good && quarantine_culprit(s, l, how))
                return;
        if (!good)
                fail(s, true, why);

        quarantine_forget_dry(s);
        admin_load_ended(s, true, l->records.n_failed + !good);
}

static void finish(Supervisor *s, Load *l, bool good, const char *how, const char *why) {
        if (good)
                succeed(s, l);
        else if (!quarantine_culprit(s, l, how))
                fail(s, false, why);

        if (s->round.again) {
                /* Who waits for our start waits for a few such profiles. */
                if (!s->announced && s->n_quarantined >= UNANNOUNCED_MAX)
                        supervisor_announce(s);
                return;
        }
        if (!quarantine_next(s))
                admin_load_ended(s, false, s->round.n_failed);
        supervisor_announce(s);
}

void load_ended(Load *l, const siginfo_t *end) {
        Supervisor *s = l->supervisor;
        char how[64], why[128];
        bool good;
        int r = 0;

        s->load = NULL;
        linger_add(s, l->pid);
        child_describe_end(end, how, sizeof(how));
        snprintf(why, sizeof(why), "it %s%s%s", how, l->fault ? ": " : "", l->fault ? l->fault : "");
        good = !l->fault && l->records.stage == LOAD_STAGE_END && end->si_code == CLD_EXITED && end->si_status == 0;

        if (!l->order.dry_run) {
                /* Numbers that were said to a signer are spent, and it is not known what the signer has taken: it gets all again. */
                s->signer_is_known = s->signer_is_known && good;
                r = load_records_note_generations(&l->records, &s->generations);
        }
        if (r < 0)
                supervisor_fail(s, log_errno(r, "Cannot keep the generations"));
        else if (l->order.dry_run && !l->obsolete)
                finish_dry(s, l, good, how, why);
        else if (!l->obsolete)
                finish(s, l, good, how, why);

        load_free(l);
        start_next(s);
}

/* start */

static void begin_round(Supervisor *s) {
        s->n_retries = s->round.wants_retry ? s->n_retries + 1 : 0;
        s->round = (LoadRound) {.quiet = s->wanted_quiet};
        s->wanted = s->wanted_quiet = false;
        /* One that nobody asked for leaves out what is young, changed or not. */
        if (!s->round.quiet)
                watch_forget_changes(s);
        ignore_result(sd_event_source_set_enabled(s->retry_source, SD_EVENT_OFF), "a load more does no harm");
        quarantine_set_due(s, true);
        admin_load_begun(s, false);
        if (s->announced && !s->round.quiet)
                daemon_notify_reloading();
}

/* Return: whether a load is wanted */
static bool choose(Supervisor *s, LoadOrder *ret) {
        const Quarantined *q;

        *ret = (LoadOrder) {};
        if (s->wanted)
                begin_round(s);
        else if (s->round.again)
                ret->only = s->round.reported ? s->round.tried : NULL;
        else if ((q = quarantine_next(s))) {
                snprintf(ret->patient, sizeof(ret->patient), "%s", q->profile);
                snprintf(s->round.tried, sizeof(s->round.tried), "%s", q->profile);
                ret->only = s->round.tried;
        } else if (s->wanted_dry) {
                s->wanted_dry = false;
                ret->dry_run = true;
                admin_load_begun(s, true);
                return true;
        } else
                return false;

        ret->quiet = s->round.quiet || s->round.reported;
        return true;
}

/* What has time gives way to what has not, unless it is nearly done. */
static void give_way(Supervisor *s) {
        Load *l = s->load;

        if (!s->wanted || l->records.stage != LOAD_STAGE_BEGIN || (!l->order.dry_run && !l->order.patient[0]))
                return;

        s->wanted_dry = s->wanted_dry || l->order.dry_run;
        l->obsolete = true;
        load_give_up(l, "another load was wanted");
}

/* No memory, descriptor or process to be had now: what is loaded goes on working. */
static void start_failed(Supervisor *s, bool dry_run, int error) {
        char why[128];

        snprintf(why, sizeof(why), "it cannot be started: %s", strerrordesc_np(-error));
        fail(s, dry_run, why);
        if (dry_run)
                quarantine_forget_dry(s);
        else
                s->signer_is_known = false;
        admin_load_ended(s, dry_run, dry_run ? 1 : s->round.n_failed);
        supervisor_announce(s);
        start_next(s);
}

static void start_next(Supervisor *s) {
        LoadOrder order;
        int r;

        if (s->load) {
                give_way(s);
                return;
        }
        if (!choose(s, &order))
                return;

        if (!order.dry_run) {
                s->next_date = UINT64_MAX;
                watch_begin_round(s);
        }
        arm_refresh(s, /* begun= */ UINT64_MAX);
        s->n_loads++;

        r = load_start(s, &order, &s->load);
        if (r < 0)
                start_failed(s, order.dry_run, r);
}

void load_request(Supervisor *s, LoadReason reason, bool dry_run) {
        if (dry_run)
                s->wanted_dry = true;
        else {
                s->wanted_quiet = reason == LOAD_REFRESH && (!s->wanted || s->wanted_quiet);
                s->wanted = true;
        }
        start_next(s);
}

void load_signer_lost(Supervisor *s) {
        Load *l = s->load;

        if (l && !l->order.dry_run) {
                l->obsolete = true;
                load_give_up(l, "the signer died meanwhile");
        }
        load_request(s, LOAD_REFRESH, false);
}

void load_stop(Supervisor *s) {
        Load *l = s->load;

        if (!l)
                return;

        kill(l->pid, SIGKILL);
        ignore_result(waitpid(l->pid, NULL, 0), "it was ours and has ended");
        s->load = load_free(l);
}
