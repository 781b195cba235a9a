/* SPDX-License-Identifier: Apache-2.0 */

/* One loader at a time: started, fed with the last snapshot, listened to, killed when late; its snapshot becomes the current one */

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>

#include "common/chan.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/msg-admin.h"
#include "common/msg-load.h"
#include "keyd/supervisor/spawn.h"
#include "keyd/supervisor/supervisor-internal.h"

struct Load {
        Supervisor *supervisor;
        pid_t pid;
        int pidfd;
        sd_event_source *exit_source, *deadline_source;
        Channel *channel;
        LoadRecords records;
        bool dry_run, quiet;
        bool resend_keys;
        bool obsolete;     /* the signer for which it was is dead */
        const char *fault; /* why it fails, whatever its exit says; NULL: so far none */
};

static void start_if_wanted(Supervisor *s);

static Load *load_free(Load *l) {
        if (!l)
                return NULL;

        sd_event_source_disable_unref(l->exit_source);
        sd_event_source_disable_unref(l->deadline_source);
        close_fdp(&l->pidfd);
        channel_free(l->channel);
        load_records_done(&l->records);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(Load *, load_free)

static void give_up(Load *l, const char *fault) {
        if (!l->fault)
                l->fault = fault;
        kill(l->pid, SIGKILL);
}

/* records */

static int take_watch(Load *l, Span record) {
        MsgWatch m;

        ASSERT(msg_watch_decode(span_make(record.data + 1, record.size - 1), &m) == 0);
        return l->dry_run ? 0 : watch_add(l->supervisor, m.folder, m.name);
}

static int on_record(Channel *c _unused_, Span record, void *userdata) {
        Load *l = userdata;
        int r;

        /* Also of a load that has failed already: the numbers that it says may be with the signer. */
        r = load_records_take(&l->records, record);
        if (r == LOAD_RECORD_E_WATCH)
                r = l->fault ? 0 : take_watch(l, record);
        else if (r == LOAD_RECORD_E_REPORT) {
                if (!l->fault)
                        admin_load_report(l->supervisor, record);
                r = 0;
        }
        if (r == 0)
                return 0;

        give_up(l, r < 0 ? "its records could not be kept" : "it said what it must not");
        return 1;
}

static void on_end(Channel *c _unused_, int reason, void *userdata) {
        Load *l = userdata;

        /* Closed is how it ends: its exit tells how well. */
        if (reason != CHAN_E_CLOSED && reason != -EPIPE && reason != -ECONNRESET)
                give_up(l, "its channel failed");
}

static const ChannelHandlers handlers = {.on_record = on_record, .on_end = on_end};

/* end */

static uint64_t realtime_usec(void) {
        struct timespec t;

        ASSERT(clock_gettime(CLOCK_REALTIME, &t) == 0);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* Also when the next certificate begins or ends: a successor that lies ready is taken then. */
static void arm_refresh(Supervisor *s) {
        uint64_t now = realtime_usec(), date = MIN_OF(s->next_date, UINT64_MAX / USEC_PER_SEC) * USEC_PER_SEC;

        supervisor_arm(s->refresh_source, MIN_OF(s->p->refresh_usec, date > now ? date - now : 0));
}

static int commit(Supervisor *s, Load *l) {
        s->signer_is_empty = false;
        s->signer_is_known = true;
        s->snapshot_realtime = l->records.realtime;
        s->next_date = l->records.next_date;
        arm_refresh(s);
        watch_end_round(s);
        if (load_records_same(s->snapshot, l->records.list))
                return 0;

        record_list_unref(s->snapshot);
        s->snapshot = TAKE_PTR(l->records.list);
        s->revision = l->records.revision;
        s->counts = l->records.counts;

        return child_send_snapshot(s);
}

/* Numbers that were said to a signer are spent, and it is not known what the signer has taken: it gets all again. */
static void roll_back(Supervisor *s, bool dry_run, const char *why) {
        _cleanup_(buf_done) Buf report = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReport m = {
                .what = ADMIN_WHAT_FAILED,
                .sentence = span_from_string(why),
                .hint = SPAN_LITERAL("the journal of midtls-keyd.service tells more; what was loaded before stays in force"),
        };

        log_message(PRIORITY_ERROR, "The loader failed: %s; what was loaded before stays", why);
        s->n_failed_loads++;
        if (msg_admin_report_encode(&report, &m) == 0)
                admin_load_report(s, buf_span(&report));
        if (dry_run)
                return;

        s->signer_is_known = false;
        supervisor_arm(s->retry_source, s->p->retry_usec);
}

static void finish(Load *l, const siginfo_t *end) {
        Supervisor *s = l->supervisor;
        char how[64], why[128];
        bool good;
        int r = 0;

        child_describe_end(end, how, sizeof(how));
        snprintf(why, sizeof(why), "it %s%s%s", how, l->fault ? ": " : "", l->fault ? l->fault : "");
        good = !l->fault && l->records.stage == LOAD_STAGE_END && end->si_code == CLD_EXITED && end->si_status == 0;

        if (!l->dry_run)
                r = load_records_note_generations(&l->records, &s->generations);
        if (!good && !l->obsolete)
                roll_back(s, l->dry_run, why);
        if (r >= 0 && good && !l->dry_run && !l->obsolete)
                r = commit(s, l);
        if (r < 0)
                supervisor_fail(s, log_errno(r, "Cannot keep what was loaded"));

        if (!l->obsolete)
                admin_load_ended(s, l->records.n_failed + !good);
        supervisor_announce(s);
}

static int on_ended(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        Load *l = userdata;
        Supervisor *s = l->supervisor;
        siginfo_t end = {};

        if (waitid(P_PID, (id_t) l->pid, &end, WEXITED | WNOWAIT | WNOHANG) < 0 || end.si_pid == 0)
                return 0;

        channel_receive_rest(l->channel);
        s->load = NULL;
        linger_add(s, l->pid);
        finish(l, &end);
        load_free(l);
        start_if_wanted(s);

        return 0;
}

static int on_deadline(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        give_up(userdata, "it was not done in time");
        return 0;
}

/* start */

static int add_generation(RecordList *list, Span profile, uint64_t last) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int r;

        r = msg_generation_encode(&record, &(MsgGeneration) {.profile = profile, .last = last});
        return r < 0 ? r : record_list_add(list, buf_span(&record));
}

static int send_generations(Load *l) {
        _cleanup_(record_list_unrefp) RecordList *list = NULL;
        const Generations *g = &l->supervisor->generations;
        int r;

        r = record_list_new(GENERATIONS_MAX + 1, ROLE_SNAPSHOT_BYTES_MAX, &list);
        if (r >= 0)
                r = add_generation(list, SPAN_LITERAL(""), g->forgotten);
        for (size_t i = 0; i < g->n_items && r >= 0; i++)
                r = add_generation(list, span_from_string(g->items[i].profile), g->items[i].last);

        return r < 0 ? r : channel_send_list(l->channel, list);
}

static int send_request(Load *l) {
        Supervisor *s = l->supervisor;
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const uint8_t end = ROLE_LOAD_END;
        const MsgLoad m = {
                .revision = l->records.revision,
                .resend_keys = l->resend_keys,
                .signer_is_empty = s->signer_is_empty,
                .dry_run = l->dry_run,
                .quiet = l->quiet,
                .realtime = l->records.realtime,
                .previous_realtime = s->snapshot ? s->snapshot_realtime : 0,
        };
        int r;

        r = msg_load_encode(&record, &m);
        if (r >= 0)
                r = channel_send(l->channel, buf_span(&record));
        if (r >= 0)
                r = send_generations(l);
        if (r >= 0 && s->snapshot)
                r = channel_send_list(l->channel, s->snapshot);
        if (r >= 0)
                r = channel_send(l->channel, span_make(&end, sizeof(end)));

        return r;
}

static int spawn(Load *l, int fd) {
        const Supervisor *s = l->supervisor;
        const SpawnRequest q = {
                .folder = s->p->executables,
                .name = "keyd-loader",
                .config_dir = s->p->config_dir,
                .log = s->p->log,
                .sandbox_off = s->p->sandbox_off,
                .credentials = true,
                .fds = {fd, -1, l->dry_run ? -1 : s->keys[0], log_journal()},
        };

        return spawn_role(&q, &l->pid);
}

/* A loader that runs but cannot be watched has not begun: it was sent nothing. */
static int attach(Load *l, int *fd) {
        Supervisor *s = l->supervisor;
        int r;

        r = channel_new(s->loop, fd, &handlers, l, &l->channel);
        if (r >= 0)
                r = spawn_open_pidfd(l->pid, &l->pidfd);
        if (r >= 0)
                r = sd_event_add_io(s->loop, &l->exit_source, l->pidfd, EPOLLIN, on_ended, l);
        if (r >= 0)
                r = supervisor_add_timer(s, on_deadline, l, &l->deadline_source);
        if (r >= 0)
                r = send_request(l);
        if (r < 0) {
                kill(l->pid, SIGKILL);
                ignore_result(waitpid(l->pid, NULL, 0), "it was ours and has ended");
                return r;
        }

        supervisor_arm(l->deadline_source, s->p->load_deadline_usec);
        return 0;
}

static int start(Supervisor *s, bool dry_run, bool quiet) {
        _cleanup_(load_freep) Load *l = NULL;
        _cleanup_fd_ int ours = -1, theirs = -1;
        int pair[2], r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (Load) {.supervisor = s, .pidfd = -1, .dry_run = dry_run, .quiet = quiet, .resend_keys = !s->signer_is_known && !dry_run};

        r = load_records_init(&l->records, s->revision + 1, realtime_usec() / USEC_PER_SEC, &s->generations);
        if (r < 0)
                return r;
        r = spawn_pair(pair);
        if (r < 0)
                return r;
        ours = pair[0];
        theirs = pair[1];

        r = spawn(l, theirs);
        if (r < 0)
                return r;
        r = attach(l, &ours);
        if (r < 0)
                return r;

        s->load = TAKE_PTR(l);
        return 0;
}

/* No memory, descriptor or process to be had now: what is loaded goes on working. */
static void start_failed(Supervisor *s, bool dry_run, int error) {
        char why[128];

        snprintf(why, sizeof(why), "it cannot be started: %s", strerrordesc_np(-error));
        roll_back(s, dry_run, why);
        admin_load_ended(s, 1);
        supervisor_announce(s);
        start_if_wanted(s);
}

static void start_if_wanted(Supervisor *s) {
        bool dry_run = !s->wanted, quiet = !dry_run && s->wanted_quiet;
        int r;

        if (s->load || (!s->wanted && !s->wanted_dry))
                return;

        if (dry_run)
                s->wanted_dry = false;
        else {
                s->wanted = s->wanted_quiet = false;
                s->next_date = UINT64_MAX;
                ignore_result(sd_event_source_set_enabled(s->retry_source, SD_EVENT_OFF), "a load more does no harm");
                watch_begin_round(s);
        }
        if (s->announced && !dry_run && !quiet)
                daemon_notify_reloading();
        admin_load_begun(s, dry_run);
        arm_refresh(s);
        s->n_loads++;

        r = start(s, dry_run, quiet);
        if (r < 0)
                start_failed(s, dry_run, r);
}

void load_request(Supervisor *s, LoadReason reason, bool dry_run) {
        if (dry_run)
                s->wanted_dry = true;
        else {
                s->wanted_quiet = reason == LOAD_REFRESH && (!s->wanted || s->wanted_quiet);
                s->wanted = true;
        }
        start_if_wanted(s);
}

void load_signer_lost(Supervisor *s) {
        Load *l = s->load;

        if (l && !l->dry_run) {
                l->obsolete = true;
                give_up(l, "the signer died meanwhile");
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
