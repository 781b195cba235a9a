/* SPDX-License-Identifier: Apache-2.0 */

/* The signer and the verifier: started, watched, replaced */

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "keyd/supervisor/spawn.h"
#include "keyd/supervisor/supervisor-internal.h"

#define STOP_USEC (3 * USEC_PER_SEC)

static const char *const names[_CHILD_MAX] = {
        [CHILD_SIGNER] = "signer",
        [CHILD_VERIFIER] = "verifier",
};

static const char *const executables[_CHILD_MAX] = {
        [CHILD_SIGNER] = "keyd-signer",
        [CHILD_VERIFIER] = "keyd-verifier",
};

const char *child_name(ChildId id) {
        return names[id];
}

void child_describe_end(const siginfo_t *end, char *ret, size_t size) {
        if (end->si_code == CLD_EXITED && end->si_status == SPAWN_EXIT_FAILED)
                snprintf(ret, size, "could not be started (is its executable there?)");
        else if (end->si_code == CLD_EXITED)
                snprintf(ret, size, "ended with status %d", end->si_status);
        else
                snprintf(ret, size, "was killed by signal %d (%s)", end->si_status,
                         sigabbrev_np(end->si_status) ? sigabbrev_np(end->si_status) : "?");
}

static void take_down(Child *c) {
        c->exit_source = sd_event_source_disable_unref(c->exit_source);
        c->deadline_source = sd_event_source_disable_unref(c->deadline_source);
        c->control = channel_free(c->control);
        c->pid = 0;
        c->ready = false;
        c->text[0] = 0;
}

/* control */

static int on_record(Channel *channel _unused_, Span record, void *userdata) {
        Child *c = userdata;
        uint8_t type;
        MsgReady m;
        Span body;

        if (c->id == CHILD_VERIFIER && c->ready && idle_take(c->supervisor, record) == 0)
                return 0;
        if (c->ready || msg_split(record, &type, &body) != 0 || type != ROLE_READY || msg_ready_decode(body, &m) != 0) {
                log_message(PRIORITY_ERROR, "The %s says what it must not; it is killed", names[c->id]);
                kill(c->pid, SIGKILL);
                return 1;
        }

        c->ready = true;
        span_copy_text(m.text, c->text, sizeof(c->text));
        child_watch_queue(c);
        callers_update(c->supervisor);
        return 0;
}

/* Its end is told by its exit; one that closes its channel and lives on is of no use. */
static void on_end(Channel *channel _unused_, int reason _unused_, void *userdata) {
        Child *c = userdata;

        kill(c->pid, SIGKILL);
}

static void on_drained(Channel *channel _unused_, void *userdata) {
        Child *c = userdata;

        child_watch_queue(c);
        callers_update(c->supervisor);
}

static const ChannelHandlers control_handlers = {.on_record = on_record, .on_end = on_end, .on_drained = on_drained};

/* deadline */

void child_watch_queue(Child *c) {
        if (c->deadline_source && (!c->ready || channel_stalled_since_usec(c->control) > 0))
                supervisor_arm(c->deadline_source, c->supervisor->p->role_deadline_usec);
        else
                ignore_result(sd_event_source_set_enabled(c->deadline_source, SD_EVENT_OFF), "a timer that rings for nothing does nothing");
}

static int on_deadline(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        Child *c = userdata;
        uint64_t since = channel_stalled_since_usec(c->control);

        if (c->ready && since == 0)
                return 0;
        if (c->ready && now_usec() - since < c->supervisor->p->role_deadline_usec) {
                child_watch_queue(c);
                return 0;
        }

        log_message(PRIORITY_ERROR, "The %s %s in time; it is killed", names[c->id], c->ready ? "does not take its records" : "was not ready");
        kill(c->pid, SIGKILL);
        return 0;
}

/* exit */

/* Return: whether it ended too often */
static bool count_crash(Child *c) {
        const SupervisorParameters *p = c->supervisor->p;
        unsigned burst = MIN_OF(p->crash_burst, CHILD_CRASHES_MAX);
        uint64_t now = now_usec(), oldest;

        c->crashes_usec[c->n_crashes++ % CHILD_CRASHES_MAX] = now;
        if (c->n_crashes < burst)
                return false;

        oldest = c->crashes_usec[(c->n_crashes - burst) % CHILD_CRASHES_MAX];
        return now - oldest < p->crash_interval_usec;
}

static int on_ended(sd_event_source *source _unused_, const siginfo_t *end, void *userdata) {
        Child *c = userdata;
        Supervisor *s = c->supervisor;
        char how[64];
        int r;

        child_describe_end(end, how, sizeof(how));
        take_down(c);
        c->n_restarts++;
        callers_update(s);

        if (count_crash(c)) {
                log_message(PRIORITY_ERROR, "The %s %s, for the %zuth time: keyd ends", names[c->id], how, c->n_crashes);
                supervisor_fail(s, -ECHILD);
                return 0;
        }
        log_message(PRIORITY_ERROR, "The %s %s; it is started again", names[c->id], how);

        r = child_start(s, c->id);
        if (r < 0)
                supervisor_fail(s, log_errno(r, "Cannot start the %s", names[c->id]));
        else if (c->id == CHILD_SIGNER)
                load_signer_lost(s);

        return 0;
}

/* start */

/* What was said to a verifier that is dead is for nobody. */
static void drain(int fd) {
        uint8_t byte;

        while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) > 0)
                continue;
}

static int spawn(Supervisor *s, Child *c, int control) {
        SpawnRequest q = {
                .folder = s->p->executables,
                .name = executables[c->id],
                .log = s->p->log,
                .sandbox_off = s->p->sandbox_off,
        };

        spawn_set_fds(&q, control, c->id == CHILD_SIGNER ? s->verdicts[1] : s->verdicts[0], c->id == CHILD_SIGNER ? s->keys[1] : -1);
        return spawn_role(&q, &c->pid);
}

/* A new pair, so that nothing of a load that was meant for another signer comes to this one. */
static int renew_keys(Supervisor *s) {
        close_fdp(&s->keys[0]);
        close_fdp(&s->keys[1]);
        s->signer_is_empty = true;
        s->signer_is_known = false;

        return spawn_pair(s->keys);
}

int child_send_snapshot(Supervisor *s) {
        Child *verifier = &s->children[CHILD_VERIFIER];
        int r;

        if (!s->snapshot || !verifier->control)
                return 0;

        channel_drop_unsent_lists(verifier->control);
        r = channel_send_list(verifier->control, s->snapshot);
        if (r >= 0)
                child_watch_queue(verifier);
        return r;
}

int child_start(Supervisor *s, ChildId id) {
        Child *c = &s->children[id];
        int control[2], r;

        ASSERT(c->pid == 0);
        c->supervisor = s;
        c->id = id;

        if (id == CHILD_SIGNER) {
                r = renew_keys(s);
                if (r < 0)
                        return r;
        } else {
                drain(s->verdicts[0]);
                s->n_callers = s->n_callers_gone = 0;
        }

        r = spawn_pair(control);
        if (r < 0)
                return r;
        r = spawn(s, c, control[1]);
        close_fdp(&control[1]);
        if (r < 0) {
                close_fdp(&control[0]);
                return r;
        }

        r = channel_new(s->loop, &control[0], &control_handlers, c, &c->control);
        if (r >= 0)
                r = sd_event_add_child(s->loop, &c->exit_source, c->pid, WEXITED, on_ended, c);
        if (r >= 0)
                r = supervisor_add_timer(s, on_deadline, c, &c->deadline_source);
        if (r < 0)
                return r;
        child_watch_queue(c);

        return id == CHILD_VERIFIER ? child_send_snapshot(s) : 0;
}

/* stop */

/* Return: whether @pid ended until @deadline_usec */
static bool wait_for_end(pid_t pid, uint64_t deadline_usec) {
        _cleanup_fd_ int fd = -1;
        struct pollfd p = {.events = POLLIN};

        if (spawn_open_pidfd(pid, &fd) < 0)
                return false;

        p.fd = fd;
        for (;;) {
                int n = poll(&p, 1, deadline_to_poll_ms(deadline_usec));

                if (n > 0)
                        return true;
                if (n == 0 || errno != EINTR)
                        return false;
        }
}

void child_stop_all(Supervisor *s) {
        uint64_t deadline_usec = deadline_after(STOP_USEC);

        for (size_t i = 0; i < _CHILD_MAX; i++)
                if (s->children[i].pid > 0)
                        kill(s->children[i].pid, SIGTERM);

        for (size_t i = 0; i < _CHILD_MAX; i++) {
                pid_t pid = s->children[i].pid;

                if (pid == 0)
                        continue;
                take_down(&s->children[i]);
                if (!wait_for_end(pid, deadline_usec))
                        kill(pid, SIGKILL);
                ignore_result(waitpid(pid, NULL, 0), "it was ours and has ended");
        }
}
