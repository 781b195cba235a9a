/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/server.h"

#include <poll.h>
#include <systemd/sd-login.h>

#include "calld/resolver/cache.h"
#include "calld/resolver/process.h"
#include "common/chan-pass.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "common/parse.h"

/* Long enough for a backlog that is full for a moment; nothing else is answered meanwhile. */
#define KEYD_USEC (50 * USEC_PER_MSEC)

typedef struct Job {
        ResolveKind kind;
        char name[RESOLVE_NAME_MAX + 1];
        uint64_t ids[SERVER_CLIENTS_MAX]; /* who waits, by channel; 0: nobody there */
        uint64_t deadline_usec;
        uint64_t generation; /* of the cache when it began */
        LookupProcess process;
} Job;

typedef struct Server {
        const ServerOptions *options;
        int fds[SERVER_CLIENTS_MAX]; /* -1: has ended */
        Job *jobs[SERVER_JOBS_MAX];  /* in the order in which they came; those with a process first */
        size_t n_jobs, n_running;
        Cache cache;
        Buf record;
} Server;

static void send_answer(Server *s, size_t client, const MsgAnswer *a, int passed) {
        _cleanup_(buf_done) Buf record = BUF_INIT(RESOLVE_RECORD_MAX);

        if (s->fds[client] < 0 || msg_answer_encode(&record, a) < 0)
                return;
        ignore_result(chan_send_with(s->fds[client], buf_span(&record), passed), "who does not read its answers goes by its own deadline");
}

static void send_result(Server *s, size_t client, uint64_t id, ResolveResult result, const char *text) {
        MsgAnswer a = {.id = id, .result = result, .text = span_from_string(text)};

        send_answer(s, client, &a, -1);
}

static void job_answer(Server *s, Job *job, const MsgAnswer *answer) {
        MsgAnswer a = *answer;

        for (size_t i = 0; i < s->options->n_fds; i++) {
                a.id = job->ids[i];
                if (a.id != 0)
                        send_answer(s, i, &a, -1);
        }
}

static void job_remove(Server *s, size_t i) {
        Job *job = s->jobs[i];

        s->n_running -= job->process.pid != 0;
        lookup_process_end(&job->process);
        free(job);
        s->n_jobs--;
        memmove(&s->jobs[i], &s->jobs[i + 1], (s->n_jobs - i) * sizeof(s->jobs[0]));
}

static void job_end(Server *s, size_t i, ResolveResult result, const char *text) {
        MsgAnswer a = {.id = 1, .result = result, .text = span_from_string(text)};

        job_answer(s, s->jobs[i], &a);
        job_remove(s, i);
}

static void start_jobs(Server *s) {
        while (s->n_running < s->n_jobs && s->n_running < SERVER_LOOKUPS_MAX) {
                Job *job = s->jobs[s->n_running];
                MsgLookup m = {.id = 1, .kind = job->kind, .deadline_usec = job->deadline_usec, .name = span_from_string(job->name)};
                int r;

                r = lookup_process_start(&m, s->options->sandbox_off, &job->process);
                if (r < 0) {
                        log_errno(r, "Cannot start a lookup");
                        job_end(s, s->n_running, RESOLVE_FAILED, "no process for the lookup could be started");
                        continue;
                }
                job->generation = s->cache.generation;
                s->n_running++;
        }
}

static Job *job_find(Server *s, const MsgLookup *m) {
        for (size_t i = 0; i < s->n_jobs; i++)
                if (s->jobs[i]->kind == m->kind && span_is(m->name, s->jobs[i]->name))
                        return s->jobs[i];
        return NULL;
}

static Job *job_new(Server *s, const MsgLookup *m) {
        Job *job;

        if (s->n_jobs == SERVER_JOBS_MAX)
                return NULL;
        job = calloc(1, sizeof(*job));
        if (!job)
                return NULL;

        job->kind = m->kind;
        memcpy(job->name, m->name.data, m->name.size);
        job->process.fd = -1;
        s->jobs[s->n_jobs++] = job;
        return job;
}

static void on_name(Server *s, size_t client, const MsgLookup *m) {
        const MsgAnswer *known = cache_find(&s->cache, m->kind, m->name, now_usec());
        Job *job;

        if (known) {
                MsgAnswer a = *known;

                a.id = m->id;
                send_answer(s, client, &a, -1);
                return;
        }

        job = job_find(s, m);
        if (!job)
                job = job_new(s, m);
        if (!job) {
                send_result(s, client, m->id, RESOLVE_OVERLOAD, "too many names are being looked up");
                return;
        }
        job->ids[client] = m->id;
        job->deadline_usec = MIN_OF(MAX_OF(job->deadline_usec, m->deadline_usec), deadline_after(SERVER_LOOKUP_USEC));
}

/* /proc is not foreign code, and quicker read than a process is started. */
static void on_unit(Server *s, size_t client, const MsgLookup *m) {
        _cleanup_free_ char *name = NULL, *unit = NULL;
        uint64_t pid;

        if (span_to_string(m->name, &name) < 0 || parse_uint(name, 1, INT32_MAX, &pid) < 0 ||
            (sd_pid_get_unit((pid_t) pid, &unit) < 0 && sd_pid_get_user_unit((pid_t) pid, &unit) < 0) || strlen(unit) > RESOLVE_TEXT_MAX)
                send_result(s, client, m->id, RESOLVE_UNKNOWN, "the unit is not to be seen");
        else
                send_result(s, client, m->id, RESOLVE_OK, unit);
}

static void on_keyd(Server *s, size_t client, const MsgLookup *m) {
        MsgAnswer a = {.id = m->id};
        _cleanup_fd_ int fd = -1;
        int r;

        r = chan_connect(s->options->keyd_socket, MIN_OF(m->deadline_usec, deadline_after(KEYD_USEC)), &fd);
        if (r < 0)
                send_result(s, client, m->id, r == -ETIMEDOUT ? RESOLVE_SILENT : RESOLVE_FAILED, strerror(-r));
        else
                send_answer(s, client, &a, fd);
}

/* Return: 0, -EAGAIN when nothing is there, other values when the channel is to end */
static int take_lookup(Server *s, size_t client) {
        MsgLookup m;
        uint8_t type;
        Span body;
        int r;

        r = chan_receive(s->fds[client], &s->record, 0);
        if (r == 0)
                r = msg_split(buf_span(&s->record), &type, &body);
        if (r != 0)
                return r;
        if (type != RESOLVE_LOOKUP || msg_lookup_decode(body, &m) != 0)
                return CHAN_E_VIOLATION;

        if (m.kind == RESOLVE_KEYD)
                on_keyd(s, client, &m);
        else if (m.kind == RESOLVE_UNIT)
                on_unit(s, client, &m);
        else
                on_name(s, client, &m);
        return 0;
}

/* One record a turn, so that no worker keeps the others waiting. */
static void on_client(Server *s, size_t client) {
        int r;

        r = take_lookup(s, client);
        if (r == 0 || r == -EAGAIN || r == -ENOMEM)
                return;
        if (r != CHAN_E_CLOSED)
                log_message(PRIORITY_ERROR, "calld sent something that is not a lookup; its channel is closed");
        close_fdp(&s->fds[client]);
}

/* What the process said. Return: 0, or nonzero when that is no answer */
static int take_answer(Server *s, const Job *job, MsgAnswer *ret) {
        uint8_t type;
        Span body;
        int r;

        r = chan_receive(job->process.fd, &s->record, 0);
        if (r == 0)
                r = msg_split(buf_span(&s->record), &type, &body);
        if (r == 0)
                r = type == RESOLVE_ANSWER ? msg_answer_decode(body, ret) : CHAN_E_VIOLATION;
        return r;
}

static void on_job(Server *s, size_t i) {
        Job *job = s->jobs[i];
        MsgAnswer a;

        if (take_answer(s, job, &a) != 0) {
                log_message(PRIORITY_WARNING, "The lookup of %s died", job->name);
                job_end(s, i, RESOLVE_FAILED, "the lookup died");
                return;
        }
        cache_keep(&s->cache, job->generation, job->kind, span_from_string(job->name), &a, now_usec());
        job_answer(s, job, &a);
        job_remove(s, i);
}

static uint64_t nearest_deadline(const Server *s) {
        uint64_t nearest = USEC_INFINITY;

        for (size_t i = 0; i < s->n_jobs; i++)
                nearest = MIN_OF(nearest, s->jobs[i]->deadline_usec);
        return nearest;
}

static void end_late_jobs(Server *s) {
        uint64_t now = now_usec();

        for (size_t i = s->n_jobs; i-- > 0;)
                if (now >= s->jobs[i]->deadline_usec)
                        job_end(s, i, RESOLVE_SILENT, "no answer in time");
}

/* Return: 0, or -errno */
static int turn(Server *s) {
        struct pollfd polls[SERVER_CLIENTS_MAX + SERVER_LOOKUPS_MAX];
        size_t n = s->options->n_fds, n_running = s->n_running;

        for (size_t i = 0; i < n; i++)
                polls[i] = (struct pollfd) {.fd = s->fds[i], .events = POLLIN};
        for (size_t i = 0; i < n_running; i++)
                polls[n + i] = (struct pollfd) {.fd = s->jobs[i]->process.fd, .events = POLLIN};

        if (poll(polls, (nfds_t) (n + n_running), deadline_to_poll_ms(nearest_deadline(s))) < 0)
                return errno == EINTR ? 0 : -errno;

        /* from the last, since an answer takes the job out of the array */
        for (size_t i = n_running; i-- > 0;)
                if (polls[n + i].revents)
                        on_job(s, i);
        for (size_t i = 0; i < n; i++)
                if (polls[i].revents)
                        on_client(s, i);
        end_late_jobs(s);
        start_jobs(s);
        return 0;
}

static bool has_client(const Server *s) {
        for (size_t i = 0; i < s->options->n_fds; i++)
                if (s->fds[i] >= 0)
                        return true;
        return false;
}

static void server_done(Server *s) {
        while (s->n_jobs > 0)
                job_remove(s, s->n_jobs - 1);
        for (size_t i = 0; i < s->options->n_fds; i++)
                close_fdp(&s->fds[i]);
        buf_done(&s->record);
}

static void server_freep(Server **s) {
        if (*s)
                server_done(*s);
        free(*s);
}

int server_run(const ServerOptions *o) {
        _cleanup_(server_freep) Server *s = NULL;
        int r = 0;

        ASSERT(o->n_fds <= SERVER_CLIENTS_MAX);
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->options = o;
        s->record = (Buf) BUF_INIT(RESOLVE_RECORD_MAX);
        for (size_t i = 0; i < o->n_fds; i++)
                s->fds[i] = o->first_fd + (int) i;
        cache_init(&s->cache, cache_system_files);

        while (r == 0 && has_client(s))
                r = turn(s);
        return r;
}
