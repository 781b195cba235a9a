/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/client.h"

#include <poll.h>
#include <sys/epoll.h>

#include "calld/resolver/received.h"
#include "common/chan-pass.h"
#include "common/log.h"
#include "common/msg-hello.h"

/* A question's own deadline is this much later than that of who asked it first, so that others can join. */
#define JOIN_USEC USEC_PER_SEC

/* One question that is under way, and gone when nobody waits for its answer any more. */
typedef struct Query {
        struct Query *next;
        uint64_t id;
        ResolveKind kind;
        Span name; /* its bytes stand behind the struct */
        uint64_t deadline_usec;
        ResolverLookup *lookups;
        bool done;
        MsgAnswer answer;
        char text[RESOLVE_TEXT_MAX + 1];
        int fd; /* of RESOLVE_KEYD */
} Query;

struct ResolverLookup {
        ResolverLookup *next;
        ResolverClient *client;
        Query *query;
        ResolverOnAnswer on_answer;
        void *userdata;
        sd_event_source *timer;
};

struct ResolverClient {
        sd_event *loop;
        sd_event_source *io;
        sd_event_source *defer; /* hands out what came while something was waited for */
        int fd;                 /* -1: the resolver has ended */
        uid_t keyd_uid;
        ResolverOnEnd on_end;
        void *userdata;
        uint64_t last_id;
        Query *queries;
        Buf record;
};

static void lookup_free(ResolverLookup *l) {
        ResolverLookup **p = &l->query->lookups;

        while (*p != l)
                p = &(*p)->next;
        *p = l->next;
        sd_event_source_disable_unref(l->timer);
        free(l);
}

static void query_free(ResolverClient *c, Query *q) {
        Query **p = &c->queries;

        while (*p != q)
                p = &(*p)->next;
        *p = q->next;
        while (q->lookups)
                lookup_free(q->lookups);
        close_fdp(&q->fd);
        free(q);
}

static void query_done(ResolverClient *c, Query *q, const MsgAnswer *answer) {
        q->answer = *answer;
        span_copy_text(answer->text, q->text, sizeof(q->text));
        q->answer.text = span_from_string(q->text);
        q->done = true;
        sd_event_source_set_enabled(c->defer, SD_EVENT_ONESHOT);
}

static void client_end(ResolverClient *c) {
        static const MsgAnswer ended = {.result = RESOLVE_FAILED, .text = SPAN_LITERAL("the resolver of midtls has ended")};

        if (c->fd < 0)
                return;
        c->io = sd_event_source_disable_unref(c->io);
        close_fdp(&c->fd);
        for (Query *q = c->queries; q; q = q->next)
                if (!q->done)
                        query_done(c, q, &ended);
        sd_event_source_set_enabled(c->defer, SD_EVENT_ONESHOT);
}

static Query *query_by_id(ResolverClient *c, uint64_t id) {
        for (Query *q = c->queries; q; q = q->next)
                if (q->id == id && !q->done)
                        return q;
        return NULL;
}

/* Return: 0, -EAGAIN when nothing is there, other values when the channel is of no use any more */
static int receive_one(ResolverClient *c) {
        _cleanup_fd_ int fd = -1;
        MsgAnswer answer;
        Query *q;
        int r;

        r = received_answer(c->fd, &c->record, c->keyd_uid, &answer, &fd);
        if (r != 0)
                return r;

        q = query_by_id(c, answer.id);
        if (fd >= 0 && q && q->kind != RESOLVE_KEYD)
                return CHAN_E_VIOLATION;
        if (!q)
                return 0; /* nobody waits any more */
        q->fd = TAKE_FD(fd);
        query_done(c, q, &answer);
        return 0;
}

static void receive_all(ResolverClient *c) {
        int r;

        do
                r = receive_one(c);
        while (r == 0);
        if (r == -EAGAIN || r == -ENOMEM)
                return;
        if (r == CHAN_E_VIOLATION)
                log_message(PRIORITY_ERROR, "The resolver answered something that is no answer; its channel is closed");
        client_end(c);
}

static Query *first_done(ResolverClient *c) {
        for (Query *q = c->queries; q; q = q->next)
                if (q->done)
                        return q;
        return NULL;
}

/* Whoever is called back may ask again, or cancel others of the same query. */
static void hand_out(ResolverClient *c) {
        Query *q;

        while ((q = first_done(c))) {
                ResolverLookup *l = q->lookups;

                if (l) {
                        ResolverOnAnswer on_answer = l->on_answer;
                        void *userdata = l->userdata;

                        lookup_free(l);
                        on_answer(userdata, &q->answer);
                } else
                        query_free(c, q);
        }
}

static int on_defer(sd_event_source *source, void *userdata) {
        ResolverClient *c = userdata;
        ResolverOnEnd on_end = c->fd < 0 ? c->on_end : NULL;

        (void) source;
        hand_out(c);
        if (on_end) {
                c->on_end = NULL;
                on_end(c->userdata);
        }
        return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        receive_all(userdata);
        hand_out(userdata);
        return 0;
}

int resolver_client_new(sd_event *loop, int fd, uid_t keyd_uid, ResolverOnEnd on_end, void *userdata, ResolverClient **ret) {
        _cleanup_(resolver_client_freep) ResolverClient *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c) {
                close(fd);
                return -ENOMEM;
        }

        c->fd = fd;
        c->loop = sd_event_ref(loop);
        c->on_end = on_end;
        c->userdata = userdata;
        c->record = (Buf) BUF_INIT(RESOLVE_RECORD_MAX);
        c->keyd_uid = keyd_uid;
        r = sd_event_add_io(loop, &c->io, fd, EPOLLIN, on_readable, c);
        if (r >= 0)
                r = sd_event_add_defer(loop, &c->defer, on_defer, c);
        if (r >= 0)
                r = sd_event_source_set_enabled(c->defer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

ResolverClient *resolver_client_free(ResolverClient *c) {
        if (!c)
                return NULL;

        while (c->queries)
                query_free(c, c->queries);
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->defer);
        sd_event_unref(c->loop);
        close_fdp(&c->fd);
        buf_done(&c->record);
        free(c);
        return NULL;
}

static Query *query_to_join(ResolverClient *c, Span name, uint64_t deadline_usec) {
        for (Query *q = c->queries; q; q = q->next)
                if (!q->done && q->kind == RESOLVE_HOST && q->deadline_usec >= deadline_usec && span_equal(q->name, name))
                        return q;
        return NULL;
}

static Query *query_new(ResolverClient *c, ResolveKind kind, Span name, uint64_t deadline_usec) {
        Query *q;

        ASSERT(name.size <= RESOLVE_NAME_MAX);
        q = calloc(1, sizeof(*q) + name.size);
        if (!q)
                return NULL;

        if (name.size > 0)
                memcpy(q + 1, name.data, name.size);
        q->id = ++c->last_id;
        q->kind = kind;
        q->name = span_make(q + 1, name.size);
        q->deadline_usec = deadline_usec;
        q->fd = -1;
        q->next = c->queries;
        c->queries = q;
        return q;
}

/* A resolver that takes nothing any more is as good as silent: the answer says so at once. */
static void query_send(ResolverClient *c, Query *q) {
        _cleanup_(buf_done) Buf record = BUF_INIT(RESOLVE_RECORD_MAX);
        MsgLookup m = {.id = q->id, .kind = q->kind, .deadline_usec = q->deadline_usec, .name = q->name};
        MsgAnswer failed = {.result = RESOLVE_FAILED};
        int r;

        r = msg_lookup_encode(&record, &m);
        if (r == 0)
                r = c->fd < 0 ? -EPIPE : chan_send(c->fd, buf_span(&record), 0);
        if (r == 0)
                return;

        failed.text = span_from_string(r == -EAGAIN ? "the resolver of midtls does not answer" : "the resolver of midtls has ended");
        query_done(c, q, &failed);
}

static Query *ask_host(ResolverClient *c, Span name, uint64_t deadline_usec) {
        Query *q = query_to_join(c, name, deadline_usec);

        if (q)
                return q;
        q = query_new(c, RESOLVE_HOST, name, deadline_usec + JOIN_USEC);
        if (q)
                query_send(c, q);
        return q;
}

ResolverLookup *resolver_cancel(ResolverLookup *l) {
        if (l) {
                ResolverClient *c = l->client;
                Query *q = l->query;

                lookup_free(l);
                if (!q->lookups && !q->done)
                        query_free(c, q);
        }
        return NULL;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        static const MsgAnswer silent = {.result = RESOLVE_SILENT, .text = SPAN_LITERAL("no answer in time")};
        ResolverLookup *l = userdata;
        ResolverOnAnswer on_answer = l->on_answer;
        void *lookup_userdata = l->userdata;

        (void) source;
        (void) usec;
        resolver_cancel(l);
        on_answer(lookup_userdata, &silent);
        return 0;
}

int resolver_find_host(ResolverClient *c, Span name, uint64_t deadline_usec, ResolverOnAnswer on_answer, void *userdata, ResolverLookup **ret) {
        ResolverLookup *l;
        Query *q;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        r = sd_event_add_time(c->loop, &l->timer, CLOCK_MONOTONIC, deadline_usec, USEC_PER_MSEC, on_timer, l);
        q = r < 0 ? NULL : ask_host(c, name, deadline_usec);
        if (!q) {
                sd_event_source_disable_unref(l->timer);
                free(l);
                return r < 0 ? r : -ENOMEM;
        }

        l->client = c;
        l->query = q;
        l->on_answer = on_answer;
        l->userdata = userdata;
        l->next = q->lookups;
        q->lookups = l;
        *ret = l;
        return 0;
}

/* Asks, and waits for the answer alone. Return: 0 with *ret, which is to be freed by query_free(); -ETIMEDOUT, other -errno */
static int ask_and_wait(ResolverClient *c, ResolveKind kind, Span name, uint64_t deadline_usec, Query **ret) {
        Query *q = query_new(c, kind, name, deadline_usec);

        if (!q)
                return -ENOMEM;

        query_send(c, q);
        while (!q->done) {
                struct pollfd p = {.fd = c->fd, .events = POLLIN};
                int n = poll(&p, 1, deadline_to_poll_ms(deadline_usec));

                if (n == 0 || (n < 0 && errno != EINTR)) {
                        int r = n == 0 ? -ETIMEDOUT : -errno;

                        query_free(c, q);
                        return r;
                }
                if (n > 0)
                        receive_all(c);
        }
        *ret = q;
        return 0;
}

int resolver_find_id(ResolverClient *c, ResolveKind kind, Span name, uint64_t deadline_usec, uint32_t *ret) {
        Query *q;
        int r;

        r = ask_and_wait(c, kind, name, deadline_usec, &q);
        if (r < 0)
                return r == -ETIMEDOUT ? RESOLVER_E_FAILED : r;

        if (q->answer.result == RESOLVE_OK)
                *ret = q->answer.number;
        else
                r = q->answer.result == RESOLVE_UNKNOWN ? RESOLVER_E_UNKNOWN : RESOLVER_E_FAILED;
        query_free(c, q);
        return r;
}

void resolver_find_unit(ResolverClient *c, pid_t pid, uint64_t deadline_usec, char *ret) {
        char name[16];
        Query *q;

        ret[0] = '\0';
        snprintf(name, sizeof(name), "%d", (int) pid);
        if (ask_and_wait(c, RESOLVE_UNIT, span_from_string(name), deadline_usec, &q) < 0)
                return;
        if (q->answer.result == RESOLVE_OK)
                memcpy(ret, q->text, sizeof(q->text));
        query_free(c, q);
}

int resolver_connect_keyd(ResolverClient *c, uint64_t deadline_usec, int *ret_fd) {
        Query *q;
        int r;

        r = ask_and_wait(c, RESOLVE_KEYD, SPAN_LITERAL(""), deadline_usec, &q);
        if (r < 0)
                return r;
        if (q->fd >= 0)
                *ret_fd = TAKE_FD(q->fd);
        else
                r = q->answer.result == RESOLVE_SILENT ? -ETIMEDOUT : -ECONNREFUSED;
        query_free(c, q);
        return r;
}
