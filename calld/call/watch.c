/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/epoll.h>

#include "calld/call/snapshot.h"
#include "calld/call/watch.h"
#include "common/chan.h"
#include "common/msg-hello.h"

#define WATCH_RETRY_MIN_USEC (100 * USEC_PER_MSEC)
#define WATCH_RETRY_MAX_USEC (5 * USEC_PER_SEC)

/* A try that is not answered at once holds up the loop, so that the pause after it is as much longer. */
#define WATCH_PAUSE_FACTOR 20U

/* From the connection to the end of the first snapshot: a keyd that is just being started has keystores to open. */
#define WATCH_ANSWER_USEC (30 * USEC_PER_SEC)

struct Watch {
        sd_event *loop;
        ResolverClient *resolver; /* borrowed */
        Directory *directory;     /* borrowed, as is the state */
        WatchState *state;
        Snapshot *snapshot; /* on its way */
        Buf record;
        int fd;
        sd_event_source *io;
        sd_event_source *timer; /* to reconnect, or the deadline of an answer */
        uint64_t retry_usec;    /* 0: at once */
        uint64_t tried_usec;    /* when the last try ended */
        uint64_t pause_usec;    /* what is to pass until the next, whoever is in a hurry */
        bool welcome;
};

static void watch_connect(Watch *w);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void watch_set_timer(Watch *w, uint64_t delay_usec) {
        w->timer = sd_event_source_disable_unref(w->timer);
        ignore_result(sd_event_add_time_relative(w->loop, &w->timer, CLOCK_MONOTONIC, delay_usec, 0, on_timer, w),
                      "fails without memory only; then keyd is not asked again");
}

static void watch_close(Watch *w) {
        w->io = sd_event_source_disable_unref(w->io);
        w->timer = sd_event_source_disable_unref(w->timer);
        w->snapshot = snapshot_free(w->snapshot);
        close_fdp(&w->fd);
        w->welcome = false;
        w->state->up = false;
}

/* Ends the connection and makes the next one: at once, then after 100 ms, doubling up to 5 s. */
static void watch_retry(Watch *w) {
        watch_close(w);
        watch_set_timer(w, w->retry_usec);
        w->retry_usec = w->retry_usec == 0 ? WATCH_RETRY_MIN_USEC : MIN_OF(w->retry_usec * 2, WATCH_RETRY_MAX_USEC);
}

static int watch_send_empty(Watch *w, MsgType type) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        int r;

        r = msg_empty_encode(&record, type);
        return r < 0 ? r : chan_send(w->fd, buf_span(&record), 0);
}

static int watch_send_hello(Watch *w) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        int r;

        r = msg_hello_encode(&record, MSG_HELLO, &(MsgHello) {.version = PROTO_VERSION});
        return r < 0 ? r : chan_send(w->fd, buf_span(&record), 0);
}

static uint64_t realtime_usec(void) {
        struct timespec t;

        ASSERT(clock_gettime(CLOCK_REALTIME, &t) == 0);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* One message. Return: 0, SNAPSHOT_E_INVALID, -errno: then the connection ends */
static int watch_on_message(Watch *w, uint8_t type, Span body) {
        MsgHello hello;
        int r;

        if (!w->welcome) {
                if (type != MSG_WELCOME || msg_hello_decode(body, &hello) != 0 || hello.version != PROTO_VERSION)
                        return SNAPSHOT_E_INVALID;
                w->welcome = true;
                return watch_send_empty(w, MSG_WATCH);
        }

        if (type == MSG_SNAPSHOT)
                return w->snapshot ? SNAPSHOT_E_INVALID : snapshot_new(w->directory, body, &w->snapshot);
        if (!w->snapshot)
                return SNAPSHOT_E_INVALID;
        if (type != MSG_SNAPSHOT_END)
                return snapshot_take(w->snapshot, type, body);
        if (msg_empty_decode(body) != 0)
                return SNAPSHOT_E_INVALID;

        r = snapshot_finish(w->snapshot, w->directory);
        w->snapshot = snapshot_free(w->snapshot);
        if (r != 0)
                return r;

        w->state->idle_exit_usec = w->directory->limits.idle_exit_usec;
        w->state->changed_usec = realtime_usec();
        w->state->revision = w->directory->revision;
        w->state->up = true;
        w->retry_usec = 0;
        w->timer = sd_event_source_disable_unref(w->timer);
        return 0;
}

/* Takes what is there, up to a bound, so that a call never waits long for a snapshot. */
static int watch_receive(Watch *w) {
        uint8_t type;
        Span body;
        int r;

        for (unsigned i = 0; i < 16; i++) {
                buf_clear(&w->record);
                r = chan_receive(w->fd, &w->record, 0);
                if (r == -EAGAIN)
                        return 0;
                if (r != 0)
                        return r;

                r = msg_split(buf_span(&w->record), &type, &body);
                if (r == 0)
                        r = watch_on_message(w, type, body);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Watch *w = userdata;

        (void) source;
        (void) fd;
        (void) events;
        if (watch_receive(w) != 0)
                watch_retry(w);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Watch *w = userdata;

        (void) source;
        (void) usec;
        if (w->fd >= 0)
                watch_retry(w); /* no whole answer in time */
        else
                watch_connect(w);
        return 0;
}

static int watch_try_connect(Watch *w) {
        int r;

        r = resolver_connect_keyd(w->resolver, deadline_after(WATCH_RETRY_MIN_USEC), &w->fd);
        if (r < 0)
                return r;

        r = sd_event_add_io(w->loop, &w->io, w->fd, EPOLLIN, on_readable, w);
        if (r < 0)
                return r;
        return watch_send_hello(w);
}

static void watch_connect(Watch *w) {
        uint64_t begun_usec = now_usec();
        int r;

        r = watch_try_connect(w);
        w->tried_usec = now_usec();
        w->pause_usec = MAX_OF(WATCH_RETRY_MIN_USEC, WATCH_PAUSE_FACTOR * (w->tried_usec - begun_usec));
        if (r < 0)
                watch_retry(w);
        else
                watch_set_timer(w, WATCH_ANSWER_USEC);
}

void watch_hurry(Watch *w) {
        uint64_t since_usec = now_usec() - w->tried_usec;

        if (w->retry_usec <= w->pause_usec)
                return;

        w->retry_usec = w->pause_usec;
        if (w->fd < 0)
                watch_set_timer(w, since_usec < w->pause_usec ? w->pause_usec - since_usec : 0);
}

int watch_new(sd_event *loop, ResolverClient *resolver, Directory *d, WatchState *state, Watch **ret) {
        _cleanup_(watch_freep) Watch *w = NULL;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->fd = -1;
        w->loop = sd_event_ref(loop);
        w->directory = d;
        d->n_draining = &state->n_draining;
        w->state = state;
        w->record = (Buf) BUF_INIT(PROTO_RECORD_MAX);
        w->retry_usec = WATCH_RETRY_MIN_USEC;
        w->resolver = resolver;

        watch_connect(w);
        *ret = TAKE_PTR(w);
        return 0;
}

Watch *watch_free(Watch *w) {
        if (!w)
                return NULL;

        watch_close(w);
        sd_event_unref(w->loop);
        buf_done(&w->record);
        free(w);
        return NULL;
}

bool watch_is_up(const Watch *w) {
        return w->state->up;
}

int watch_wait_first(Watch *w, uint64_t deadline_usec) {
        int r;

        while (w->directory->revision == 0) {
                uint64_t now = now_usec();

                if (now >= deadline_usec)
                        return -ETIMEDOUT;

                r = sd_event_run(w->loop, deadline_usec == USEC_INFINITY ? UINT64_MAX : deadline_usec - now);
                if (r < 0)
                        return r;
        }
        return 0;
}
