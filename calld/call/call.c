/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/call-internal.h"

static bool is_up(const void *userdata) {
        return watch_is_up(userdata);
}

static int connect_keyd(void *userdata, uint64_t deadline_usec, int *ret_fd) {
        return resolver_connect_keyd(userdata, deadline_usec, ret_fd);
}

int caller_new(sd_event *loop, ResolverClient *resolver, Watch *watch, Caller **ret) {
        _cleanup_(caller_freep) Caller *c = NULL;
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;

        r = handshake_prepare();
        if (r < 0)
                return r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->loop = sd_event_ref(loop);
        c->watch = watch;
        c->resolver = resolver;
        r = turn_new(loop, &c->turn);
        if (r < 0)
                return r;
        r = library_new(&c->library);
        if (r < 0)
                return r;
        r = gate_init(&c->gate, loop);
        if (r < 0)
                return r;
        r = keyclient_new(connect_keyd, resolver, watch ? is_up : NULL, watch, &c->client);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

Caller *caller_free(Caller *c) {
        if (!c)
                return NULL;

        ASSERT(c->n_calls == 0);
        keyclient_free(c->client);
        gate_done(&c->gate);
        library_free(c->library);
        turn_free(c->turn);
        sd_event_unref(c->loop);
        free(c);
        return NULL;
}

Turn *caller_turn(Caller *c) {
        return c->turn;
}

void caller_enter(const Caller *c) {
        library_enter(c ? c->library : NULL);
}

/* libcurl's transfer begins when the name is known. */
static uint64_t usec_of(const Call *c, CURLINFO info) {
        curl_off_t value = 0;

        return curl_easy_getinfo(c->easy, info, &value) == CURLE_OK && value > 0 ? (uint64_t) value + c->lookup_usec : 0;
}

/* A kept connection was signed for by the call that opened it. */
static void count_signatures(Call *c) {
        Handshake *h = c->handshake;

        if (!h || h->counted || strcmp(h->call_id, c->call_id) != 0)
                return;

        h->counted = true;
        c->report.n_signatures += h->is_signed;
        c->report.n_unanswered += h->n_unanswered;
        c->report.n_asked += h->n_asked;
        c->report.sign_usec += h->sign_usec;
        if (h->is_signed) {
                c->report.keyd_usec += MIN_OF(h->keyd_usec, h->sign_usec);
                c->report.queue_usec += h->sign_usec - MIN_OF(h->keyd_usec, h->sign_usec);
        }
        c->report.refused = h->failure == HANDSHAKE_FAILURE_REFUSED;
        c->report.refusal_code = h->refusal_code;
}

void call_drop_handshake(Call *c) {
        count_signatures(c);
        if (c->handshake && c->detail)
                c->handshake->detail = NULL;
        c->handshake = handshake_unref(c->handshake);
}

static void fill_report(Call *c) {
        CallReport *r = &c->report;
        const Handshake *h = c->handshake;

        count_signatures(c);
        r->status = c->head_done ? c->status : 0;
        r->duration_usec = now_usec() - c->started_usec;
        r->dns_usec = usec_of(c, CURLINFO_NAMELOOKUP_TIME_T);
        r->connect_usec = usec_of(c, CURLINFO_CONNECT_TIME_T);
        r->tls_usec = usec_of(c, CURLINFO_APPCONNECT_TIME_T);
        r->first_byte_usec = usec_of(c, CURLINFO_STARTTRANSFER_TIME_T);
        if (!h)
                return;

        r->resolved = r->connected = true;
        r->server_hello = h->server_hello;
        r->server_certificate_ok = h->server_verified || r->resumed;
        r->certificate_requested = h->certificate_requested;
        r->signed_by_keyd = h->is_signed && !r->reused;
        snprintf(r->server_subject, sizeof(r->server_subject), "%s", h->server_subject);
        if (h->server_hello && r->tls_version == 0)
                r->tls_version = h->tls_version;
}

/* The end: gives the easy handle back, so that libcurl knows nothing of the call any more. */
static void call_release(Call *c) {
        if (!c->easy)
                return;

        c->early_timer = sd_event_source_disable_unref(c->early_timer);
        gate_leave(&c->ticket, false);
        pool_give_easy(c->connection->pool, TAKE_PTR(c->easy));
        c->caller->n_calls--;
}

static void call_destroy(Call *c) {
        call_release(c);
        turn_remove(c->caller->turn, &c->later);
        sd_event_source_disable_unref(c->retry_timer);
        resolver_cancel(c->lookup);
        call_forget_peer(c);
        curl_slist_free_all(c->pinned);
        handshake_unref(c->handshake);
        connection_unref(c->connection);
        curl_slist_free_all(c->headers);
        buf_done(&c->head);
        buf_done(&c->sent);
        free(c->url);
        free(c->target);
        free(c);
}

void call_finish(Call *c, CURLcode result) {
        gate_leave(&c->ticket, false);
        if (c->dead) {
                call_destroy(c);
                return;
        }

        if (c->needs_name && call_resolve(c))
                return;

        if (c->discarding) {
                c->waiting = true;
                return;
        }

        if (c->stale && result == CURLE_ABORTED_BY_CALLBACK && call_replace_connection(c))
                return;

        fill_report(c);
        call_explain(c, result);
        if (c->error.code != CALL_OK && call_retry_failure(c))
                return;
        call_release(c);
        turn_remove(c->caller->turn, &c->later);
        c->ops.on_done(c->userdata, &c->error, &c->report);
}

static void on_curl_done(CURL *easy, CURLcode result) {
        char *private = NULL;

        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) == CURLE_OK && private)
                call_finish((Call *) private, result);
}

/* What was put off, because libcurl must not be called from within itself nor call back from within call_resume_*(). */
static void on_later(void *userdata) {
        Call *c = userdata;
        CurlLoop *curl = c->connection->pool->curl;
        CURLcode result;

        if (!c->easy)
                return;
        if (c->dead) {
                if (!c->waiting)
                        curlloop_remove(curl, c->easy);
                call_destroy(c);
                return;
        }
        if (c->waiting)
                return;

        if (c->resume_upload)
                c->upload_paused = c->resume_upload = false;
        if (c->resume_download)
                c->download_paused = c->resume_download = false;

        result = curlloop_pause(curl, c->easy, (c->upload_paused ? CURLPAUSE_SEND : 0) | (c->download_paused ? CURLPAUSE_RECV : 0));
        if (result != CURLE_OK || c->dead) {
                curlloop_remove(curl, c->easy);
                call_finish(c, result);
        }
}

static void on_turn(void *userdata) {
        Call *c = userdata;

        curlloop_go_on(c->connection->pool->curl, c->easy);
}

CallError *call_fail(Call *c) {
        if (c->failed)
                return NULL;
        c->failed = true;
        return &c->error;
}

/* The state that keyd stated. Return: 0, 1 with *ret_error filled */
static int check_state(const Connection *c, CallError *ret_error) {
        const MsgProfile *p = c->profile ? &c->profile->m : NULL;
        struct timespec now = {};
        char hint[512];

        if (c->m.state != PROTO_STATE_READY || !p) {
                call_error_set(ret_error, CALL_KEY_UNAVAILABLE, "Correct the connection's file, then `midtls reload`.", "%.*s",
                               (int) c->m.reason.size, (const char *) c->m.reason.data);
                return 1;
        }

        snprintf(hint, sizeof(hint), "%.*s", (int) MIN_OF(p->hint.size, sizeof(hint) - 1), (const char *) p->hint.data);
        if (p->state != PROTO_STATE_READY) {
                call_error_set(ret_error, p->state == PROTO_STATE_UNAVAILABLE ? CALL_KEY_UNAVAILABLE : CALL_KEY_EXPIRED, hint, "%.*s",
                               (int) p->reason.size, (const char *) p->reason.data);
                return 1;
        }

        /* RFC 5280, 4.1.2.5: valid up to and including notAfter */
        if (clock_gettime(CLOCK_REALTIME, &now) == 0 && p->not_after != 0 && (uint64_t) now.tv_sec > p->not_after) {
                call_error_set(ret_error, CALL_KEY_EXPIRED, NULL, "the client certificate of profile %.*s has expired", (int) p->name.size,
                               (const char *) p->name.data);
                return 1;
        }
        return 0;
}

static int call_new(Caller *caller, const CallRequest *request, const CallOps *ops, void *userdata, Call **ret) {
        Call *c;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->caller = caller;
        c->connection = connection_ref(request->connection);
        c->ops = *ops;
        c->userdata = userdata;
        c->started_usec = now_usec();
        c->head = (Buf) BUF_INIT(CALL_HEAD_MAX);
        c->sent = (Buf) BUF_INIT(CALL_REPLAY_MAX);
        c->is_idempotent = retry_method_is_idempotent(request->method);
        c->retry_off = request->retry_off || request->fresh;
        c->detail = request->detail;
        c->report.attempts = 1;
        c->content_length = -1;
        c->error = (CallError) {.alert_id = -1};
        snprintf(c->call_id, sizeof(c->call_id), "%s", request->call_id ? request->call_id : "");

        c->ticket.on_turn = on_turn;
        c->ticket.userdata = c;
        c->later = (TurnItem) {.run = on_later, .userdata = c};
        *ret = c;
        return 0;
}

/* Everything that needs the pool. Return: 0, 1 with *ret_error filled, -errno */
static int call_launch(Call *c, const CallRequest *request, CallError *ret_error) {
        static const CurlLoopOps ops = {.on_done = on_curl_done, .is_connecting = call_is_connecting, .may_go_on = call_may_go_on};
        int r;

        r = pool_prepare(c->connection, c->caller->loop, c->caller->turn, &ops);
        if (r == POOL_E_CERTIFICATES) {
                call_error_set(ret_error, CALL_KEY_UNAVAILABLE, "Look at the certificates in the keystore and in CAFile= of the profile.",
                               "the certificates of profile %.*s cannot be read", (int) c->connection->profile->m.name.size,
                               (const char *) c->connection->profile->m.name.data);
                return 1;
        }
        if (r < 0)
                return r;

        c->ticket.is_slow = &c->connection->pool->is_slow;
        c->easy = pool_take_easy(c->connection->pool);
        if (!c->easy)
                return -ENOMEM;
        c->caller->n_calls++;
        retry_budget_count(&c->connection->pool->retries, now_usec());

        r = call_setup(c, request, ret_error);
        return r != 0 ? r : curlloop_add(c->connection->pool->curl, c->easy);
}

int call_start(Caller *caller, const CallRequest *request, const CallOps *ops, void *userdata, Call **ret, CallError *ret_error) {
        Call *c;
        int r;

        r = check_state(request->connection, ret_error);
        if (r != 0)
                return r;

        r = call_new(caller, request, ops, userdata, &c);
        if (r < 0)
                return r;

        r = call_launch(c, request, ret_error);
        if (r != 0) {
                call_destroy(c);
                return r;
        }

        *ret = c;
        return 0;
}

void call_resume_upload(Call *c) {
        c->resume_upload = true;
        turn_add(c->caller->turn, &c->later);
}

void call_resume_download(Call *c) {
        c->resume_download = true;
        turn_add(c->caller->turn, &c->later);
}

const CallReport *call_report(Call *c) {
        if (c->easy)
                fill_report(c);
        return &c->report;
}

Call *call_free(Call *c) {
        if (!c)
                return NULL;

        /* a signature from now on would be in nobody's report */
        if (c->handshake)
                c->handshake->frozen = true;
        if (c->handshake && c->detail)
                c->handshake->detail = NULL;

        if (c->easy && curlloop_is_busy(c->connection->pool->curl)) {
                c->dead = true;
                c->retry_timer = sd_event_source_disable_unref(c->retry_timer);
                turn_add(c->caller->turn, &c->later);
                return NULL;
        }

        if (c->easy && !c->waiting)
                curlloop_remove(c->connection->pool->curl, c->easy);
        call_destroy(c);
        return NULL;
}
