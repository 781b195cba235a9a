/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/supervisor/load-process.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-load.h"
#include "common/msg-quarantine.h"
#include "keyd/supervisor/spawn.h"

Load *load_free(Load *l) {
        if (!l)
                return NULL;

        sd_event_source_disable_unref(l->exit_source);
        sd_event_source_disable_unref(l->deadline_source);
        for (size_t i = 0; i < ROLE_STORES; i++)
                fetcher_stop(&l->fetchers[i]);
        close_fdp(&l->pidfd);
        channel_free(l->channel);
        load_records_done(&l->records);
        free(l);
        return NULL;
}
DEFINE_CLEANUP(Load *, load_free)

void load_give_up(Load *l, const char *fault) {
        if (!l->fault)
                l->fault = fault;
        kill(l->pid, SIGKILL);
}

uint64_t load_realtime_usec(void) {
        struct timespec t;

        ASSERT(clock_gettime(CLOCK_REALTIME, &t) == 0);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* time */

/* A dry run waits too: nobody waits for it, and it is given up when something else is wanted. */
static bool is_patient(const Load *l) {
        return l->order.dry_run || strcmp(l->progress.profile, l->order.patient) == 0;
}

static void stop_reading(Load *l, ProgressState state) {
        l->state = state;
        memcpy(l->blamed, l->progress.profile, sizeof(l->blamed));
        load_give_up(l, state == PROGRESS_SLOW ? "it took long" : "it was not done in time");
}

static void check_progress(Load *l) {
        uint64_t usec;
        ProgressState state = progress_check(&l->progress, l->supervisor->p, is_patient(l), &usec);

        if (state == PROGRESS_GOES_ON)
                supervisor_arm(l->deadline_source, usec);
        else
                stop_reading(l, state);
}

static int on_deadline(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Load *l = userdata;

        if (l->progress.profile[0])
                check_progress(l);
        else
                load_give_up(l, "it was not done in time");
        return 0;
}

/* One deadline for all that is no profile's time: a vault that is slow for each profile anew does not make it longer. */
static void arm_own(Load *l) {
        uint64_t limit = l->supervisor->p->load_deadline_usec;

        supervisor_arm(l->deadline_source, limit - MIN_OF(l->own_usec, limit));
}

/* records */

static int take_watch(Load *l, Span record) {
        MsgWatch m;

        ASSERT(msg_watch_decode(span_make(record.data + 1, record.size - 1), &m) == 0);
        return l->order.dry_run ? 0 : watch_add(l->supervisor, m.folder, m.name);
}

static int take_progress(Load *l, Span record) {
        MsgProgress m;

        ASSERT(msg_progress_decode(span_make(record.data + 1, record.size - 1), &m) == 0);
        if (l->progress.profile[0] && strcmp(l->progress.profile, l->order.patient) == 0)
                l->patient_is_slow = l->patient_is_slow || progress_cpu_usec(&l->progress) >= l->supervisor->p->slow_usec;
        if (!l->progress.profile[0])
                l->own_usec += now_usec() - l->progress.begun_usec;

        progress_begin(&l->progress, m.profile);
        if (m.profile.size > 0)
                check_progress(l);
        else
                arm_own(l);
        return 0;
}

/* Also of a load that has failed already: the numbers that it says may be with the signer. */
static int take_record(Load *l, Span record) {
        int r = load_records_take(&l->records, record);

        switch (r) {
        case LOAD_RECORD_E_WATCH:
                return l->fault ? 0 : take_watch(l, record);
        case LOAD_RECORD_E_PROGRESS:
                return l->fault ? 0 : take_progress(l, record);
        case LOAD_RECORD_E_FETCHER:
                return l->fault ? 0 : fetcher_start(l->supervisor, l->records.store_by_program, &l->fetchers[l->records.store]);
        case LOAD_RECORD_E_REPORT:
                if (!l->fault)
                        admin_load_report(l->supervisor, l->order.dry_run, record);
                return 0;
        default:
                return r;
        }
}

static int on_record(Channel *c _unused_, Span record, void *userdata) {
        Load *l = userdata;
        int r = take_record(l, record);

        if (r == 0)
                return 0;

        load_give_up(l, r < 0 ? "what it said could not be followed" : "it said what it must not");
        return 1;
}

static void on_end(Channel *c _unused_, int reason, void *userdata) {
        Load *l = userdata;

        /* Closed is how it ends: its exit tells how well. */
        if (reason != CHAN_E_CLOSED && reason != -EPIPE && reason != -ECONNRESET)
                load_give_up(l, "its channel failed");
}

static const ChannelHandlers handlers = {.on_record = on_record, .on_end = on_end};

static int on_ended(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_, void *userdata) {
        Load *l = userdata;
        siginfo_t end = {};

        if (waitid(P_PID, (id_t) l->pid, &end, WEXITED | WNOWAIT | WNOHANG) < 0 || end.si_pid == 0)
                return 0;

        channel_receive_rest(l->channel);
        load_ended(l, &end);
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

static int send_left_out(Load *l) {
        _cleanup_(record_list_unrefp) RecordList *list = NULL;
        int r;

        r = quarantine_list(l->supervisor, l->order.patient, l->order.dry_run, &list);
        return r < 0 ? r : channel_send_list(l->channel, list);
}

static int send_request(Load *l) {
        Supervisor *s = l->supervisor;
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const uint8_t end = ROLE_LOAD_END;
        MsgLoad m = {
                .revision = l->records.revision,
                .resend_keys = l->resend_keys,
                .signer_is_empty = s->signer_is_empty,
                .dry_run = l->order.dry_run,
                .quiet = l->order.quiet,
                .realtime = l->records.realtime,
                .previous_realtime = s->snapshot ? s->snapshot_realtime : 0,
        };
        int r;

        memcpy(m.fetched_realtime, s->fetched_realtime, sizeof(m.fetched_realtime));
        r = msg_load_encode(&record, &m);
        if (r >= 0)
                r = channel_send(l->channel, buf_span(&record));
        if (r >= 0)
                r = send_generations(l);
        if (r >= 0)
                r = send_left_out(l);
        if (r >= 0 && s->snapshot)
                r = channel_send_list(l->channel, s->snapshot);
        if (r >= 0)
                r = channel_send(l->channel, span_make(&end, sizeof(end)));

        return r;
}

static int spawn(Load *l, int fd) {
        const Supervisor *s = l->supervisor;
        SpawnRequest q = {
                .folder = s->p->executables,
                .name = "keyd-loader",
                .config_dir = s->p->config_dir,
                .log = s->p->log,
                .sandbox_off = s->p->sandbox_off,
                .credentials = true,
        };
        int r;

        spawn_set_fds(&q, fd, -1, l->order.dry_run ? -1 : s->keys[0]);
        for (size_t i = 0; i < ROLE_STORES; i++)
                q.fds[ROLE_FD_FETCH - ROLE_FD_CONTROL + (int) i] = l->fetchers[i].loader_fd;
        r = spawn_role(&q, &l->pid);

        for (size_t i = 0; i < ROLE_STORES; i++)
                close_fdp(&l->fetchers[i].loader_fd);
        return r;
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

        arm_own(l);
        return 0;
}

/* All are made before one fails, so that each may be stopped. */
static int prepare_fetchers(Load *l) {
        int r = 0;

        for (size_t i = 0; i < ROLE_STORES; i++) {
                int k = fetcher_prepare(&l->fetchers[i]);

                r = r < 0 ? r : k;
        }
        return r;
}

int load_start(Supervisor *s, const LoadOrder *order, Load **ret) {
        _cleanup_(load_freep) Load *l = NULL;
        _cleanup_fd_ int ours = -1, theirs = -1;
        int pair[2], r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (Load) {.supervisor = s, .order = *order, .pidfd = -1, .resend_keys = !s->signer_is_known && !order->dry_run};

        r = prepare_fetchers(l);
        if (r < 0)
                return r;
        r = load_records_init(&l->records, s->revision + 1, load_realtime_usec() / USEC_PER_SEC, &s->generations);
        if (r < 0)
                return r;
        l->records.only = order->only;
        r = spawn_pair(pair);
        if (r < 0)
                return r;
        ours = pair[0];
        theirs = pair[1];

        r = spawn(l, theirs);
        if (r < 0)
                return r;
        l->progress.pid = l->pid;
        progress_begin(&l->progress, (Span) {});
        r = attach(l, &ours);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);
        return 0;
}
