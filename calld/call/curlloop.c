/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/epoll.h>

#include "calld/call/curlloop.h"
#include "calld/call/lazy-timer.h"

typedef struct Socket Socket;

struct CurlLoop {
        unsigned n_ref; /* one of the owner, one for each dispatch under way */
        unsigned busy;
        sd_event *loop;
        Turn *turn;      /* borrowed */
        TurnItem due;    /* libcurl wants to be called at once */
        LazyTimer timer; /* or at a later time */
        CURLM *multi;
        const CurlLoopOps *ops;
        Socket *held; /* those held back */
};

/* One that libcurl waits for. */
struct Socket {
        CurlLoop *loop;
        sd_event_source *source;
        CURL *easy; /* that opened it, and closes it with its own end, until it is connected; then NULL */
        Socket *next_held;
};

static void curlloop_unref(CurlLoop *c) {
        if (--c->n_ref > 0)
                return;

        curl_multi_cleanup(c->multi);
        turn_remove(c->turn, &c->due);
        lazy_timer_done(&c->timer);
        sd_event_unref(c->loop);
        free(c);
}

/* Tells the ends that libcurl has noted. The owner may free the loop meanwhile. */
static void curlloop_drain(CurlLoop *c) {
        CURLMsg *m;
        int n_left;

        while ((m = curl_multi_info_read(c->multi, &n_left))) {
                CURL *easy = m->easy_handle;
                CURLcode result = m->data.result;

                if (m->msg != CURLMSG_DONE)
                        continue;
                curl_multi_remove_handle(c->multi, easy);
                c->ops->on_done(easy, result);
        }
}

static void curlloop_run(CurlLoop *c, curl_socket_t fd, int mask) {
        int n_running;

        c->n_ref++;
        c->busy++;
        curl_multi_socket_action(c->multi, fd, mask, &n_running);
        c->busy--;
        if (c->busy == 0)
                curlloop_drain(c);
        curlloop_unref(c);
}

static void hold(Socket *s) {
        sd_event_source_set_enabled(s->source, SD_EVENT_OFF);
        s->next_held = s->loop->held;
        s->loop->held = s;
}

/* A socket that failed is for libcurl to look at. */
static bool may_go_on(Socket *s, uint32_t events) {
        if (s->easy && events == EPOLLOUT && !s->loop->ops->may_go_on(s->easy))
                return false;
        s->easy = NULL;
        return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Socket *s = userdata;
        CurlLoop *c = s->loop;
        Turn *turn = c->turn;
        int mask = 0;

        (void) source;
        if (!may_go_on(s, events)) {
                hold(s);
                return 0;
        }
        if (events & EPOLLIN)
                mask |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                mask |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
                mask |= CURL_CSELECT_ERR;
        turn_begin(turn);
        curlloop_run(c, fd, mask);
        turn_end(turn);
        return 0;
}

static void on_due(void *userdata) {
        curlloop_run(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static void on_deadline(void *userdata) {
        CurlLoop *c = userdata;

        turn_add(c->turn, &c->due);
}

static void socket_free(Socket *s) {
        if (!s)
                return;

        for (Socket **p = &s->loop->held; *p; p = &(*p)->next_held)
                if (*p == s) {
                        *p = s->next_held;
                        break;
                }
        sd_event_source_disable_unref(s->source);
        free(s);
}

static int socket_new(CurlLoop *c, CURL *easy, curl_socket_t fd, uint32_t events) {
        Socket *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->loop = c;
        s->easy = events == EPOLLOUT && c->ops->is_connecting(easy) ? easy : NULL;
        if (sd_event_add_io(c->loop, &s->source, fd, events, on_io, s) >= 0 && curl_multi_assign(c->multi, fd, s) == CURLM_OK)
                return 0;
        socket_free(s);
        return -ENOMEM;
}

/* libcurl says which events of a socket it wants. */
static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketp) {
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
        Socket *s = socketp;

        if (what == CURL_POLL_REMOVE) {
                socket_free(s);
                return 0;
        }

        if (s)
                return sd_event_source_set_io_events(s->source, events) < 0 ? -1 : 0;
        return socket_new(userdata, easy, fd, events) < 0 ? -1 : 0;
}

/* libcurl says when it wants to be called next. */
static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata) {
        CurlLoop *c = userdata;

        (void) multi;
        turn_remove(c->turn, &c->due);
        if (timeout_ms == 0)
                turn_add(c->turn, &c->due);
        lazy_timer_set(&c->timer, timeout_ms > 0 ? deadline_after((uint64_t) timeout_ms * USEC_PER_MSEC) : USEC_INFINITY);
        return 0;
}

/*
 * Before its 8.1, libcurl has one buffer for all streams of an HTTP/2 connection: whoever does not read holds up all others, and bytes of one that
 * was paused get lost (seen with 7.88.1). There each connection has one call at a time.
 */
static bool can_multiplex(void) {
        return curl_version_info(CURLVERSION_NOW)->version_num >= 0x080100;
}

int curlloop_new(sd_event *loop, Turn *turn, const CurlLoopOps *ops, CurlLoop **ret) {
        _cleanup_(curlloop_freep) CurlLoop *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->n_ref = 1;
        c->loop = sd_event_ref(loop);
        c->ops = ops;
        c->multi = curl_multi_init();
        if (!c->multi)
                return -ENOMEM;

        c->turn = turn;
        c->due = (TurnItem) {.run = on_due, .userdata = c};
        r = lazy_timer_init(&c->timer, loop, USEC_PER_MSEC, on_deadline, c);
        if (r < 0)
                return r;

        curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
        curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, can_multiplex() ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
        curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long) CURLLOOP_CONNECTIONS_MAX);

        *ret = TAKE_PTR(c);
        return 0;
}

CurlLoop *curlloop_free(CurlLoop *c) {
        if (c)
                curlloop_unref(c);
        return NULL;
}

int curlloop_add(CurlLoop *c, CURL *easy) {
        return curl_multi_add_handle(c->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void curlloop_remove(CurlLoop *c, CURL *easy) {
        ASSERT(c->busy == 0);
        c->busy++;
        curl_multi_remove_handle(c->multi, easy);
        c->busy--;
}

void curlloop_go_on(CurlLoop *c, CURL *easy) {
        Socket **p = &c->held;

        while (*p) {
                Socket *s = *p;

                if (s->easy != easy) {
                        p = &s->next_held;
                        continue;
                }
                *p = s->next_held;
                s->easy = NULL;
                sd_event_source_set_enabled(s->source, SD_EVENT_ON);
        }
}

bool curlloop_is_busy(const CurlLoop *c) {
        return c->busy > 0;
}

CURLcode curlloop_pause(CurlLoop *c, CURL *easy, int mask) {
        CURLcode result;

        ASSERT(c->busy == 0);
        c->busy++;
        result = curl_easy_pause(easy, mask);
        c->busy--;
        return result;
}
