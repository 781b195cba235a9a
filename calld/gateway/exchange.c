/* SPDX-License-Identifier: Apache-2.0 */

/* The life of an exchange, as libmicrohttpd tells it */

#include "calld/gateway/exchange.h"

#include "calld/gateway/listener.h"
#include "calld/gateway/problem.h"
#include "calld/gateway/tcp.h"

#define UPLOAD_MAX (128U * 1024)
#define DOWNLOAD_MAX (256U * 1024)

/* What a refused request may still have: its sender is to see the answer, and few do before all is sent. */
#define DROP_MAX (64U * 1024 * 1024)

static void identity_take(CallerIdentity *i, const Client *c) {
        if (!c->has_peer)
                return;

        i->known = true;
        i->uid = c->peer.uid;
        i->gid = c->peer.gid;
        i->pid = c->peer.pid;
        snprintf(i->unit, sizeof(i->unit), "%s", c->unit);
        snprintf(i->context, sizeof(i->context), "%s", c->peer.context);
}

static Exchange *exchange_new(Client *c, struct MHD_Connection *connection, const char *target) {
        Gateway *g = c->listener->gateway;
        Exchange *e;

        e = calloc(1, sizeof(*e));
        if (!e)
                return NULL;

        e->target_text = strdup(target ? target : "");
        if (!e->target_text) {
                free(e);
                return NULL;
        }
        e->gateway = g;
        e->listener = c->listener;
        e->client = c;
        e->connection = connection;
        e->started_usec = now_usec();
        e->upload = (Buf) BUF_INIT(UPLOAD_MAX);
        e->download = (Buf) BUF_INIT(DOWNLOAD_MAX);
        call_id_new(e->call_id);
        identity_take(&e->identity, c);

        e->next = g->exchanges;
        if (e->next)
                e->next->previous = e;
        g->exchanges = e;
        g->n_exchanges++;
        return e;
}

static void exchange_free(Exchange *e) {
        Gateway *g = e->gateway;

        if (e->previous)
                e->previous->next = e->next;
        else
                g->exchanges = e->next;
        if (e->next)
                e->next->previous = e->previous;
        g->n_exchanges--;

        exchange_soap_free(e);
        free(e->detail);
        request_done(&e->request);
        connection_unref(e->destination);
        buf_done(&e->upload);
        buf_done(&e->download);
        free(e->head);
        free(e->target_text);
        free(e);
        gateway_check_drained(g);
}

void exchange_end(Exchange *e) {
        if (e->begun && !e->quiet) {
                record_call(e);
                shared_count(e->gateway->shared, e->destination ? e->destination->m.alias : (Span) {}, e->error.code, &e->report,
                             now_usec() - e->started_usec);
        }
        exchange_free(e);
}

void *exchange_on_target(void *userdata, const char *uri, struct MHD_Connection *connection) {
        Client *c = client_of(connection);
        Exchange *e;

        (void) userdata;
        if (!c)
                return NULL;

        client_on_request(c);
        e = exchange_new(c, connection, uri);
        c->exchange = e;
        return e;
}

void exchange_suspend(Exchange *e) {
        ASSERT(!e->suspended);
        e->suspended = true;
        client_set_wait(e->client, CLIENT_WAIT_NOTHING);
        MHD_suspend_connection(e->connection);
        if (e->client->hung_up)
                exchange_on_hangup(e);
}

void exchange_wake(Exchange *e) {
        if (!e->connection || !e->suspended)
                return;

        e->suspended = false;
        client_set_wait(e->client, CLIENT_WAIT_BODY);
        MHD_resume_connection(e->connection);
        listener_wake(e->listener);
}

static void refuse(Exchange *e, CallCode code, unsigned status, const char *hint, const char *detail) {
        call_error_set(&e->error, code, hint, "%s", detail);
        e->error.status = status;
}

/* Whose request it is and what it wants. Errors are in e->error. */
static void read_request(Exchange *e, const char *method) {
        const char *why = NULL;
        CallError error = {};
        int r;

        snprintf(e->method, sizeof(e->method), "%s", method);
        r = request_read(e->connection, &e->request, &error);
        e->request.n_bytes += strlen(e->target_text) + strlen(method) + 12;

        if (r < 0)
                refuse(e, CALL_INTERNAL, 0, NULL, "out of memory");
        else if (e->request.n_bytes > gateway_max_header_bytes(e->gateway))
                refuse(e, CALL_REQUEST_TOO_LARGE, 431, "Send a smaller header, or raise MaxHeaderBytes= in midtls.conf.",
                       "the request's header is larger than MaxHeaderBytes= permits");
        else if (e->request.n_hosts > 1)
                refuse(e, CALL_REQUEST_INVALID, 0, NULL, "there is more than one Host field"); /* RFC 9112, 3.2 */
        else if (target_parse(span_from_string(e->target_text), e->request.host, &e->target, &why) != 0)
                refuse(e, CALL_REQUEST_INVALID, 0, "Send `GET /path` with `Host: ALIAS`, or `GET http://ALIAS/path`; percent-encode the path.", why);
        else if (r != 0)
                e->error = error;
}

/* Whether the answer goes out before the body was read; libmicrohttpd closes the connection after it. */
static bool answers_early(const Exchange *e) {
        if (!e->response || e->request.bad_framing)
                return e->response;
        if (!e->request.has_body)
                return false;
        return e->request.expects_continue || e->request.body_size > (int64_t) DROP_MAX;
}

static enum MHD_Result queue_answer(Exchange *e) {
        e->queued = true;
        client_set_wait(e->client, CLIENT_WAIT_BODY);
        return MHD_queue_response(e->connection, e->status, e->response);
}

static enum MHD_Result begin(Exchange *e, const char *method) {
        e->begun = true;
        client_set_wait(e->client, CLIENT_WAIT_BODY);
        read_request(e, method);

        if (e->error.code != CALL_OK || (!e->client->has_peer && !tcp_may_call(e)))
                exchange_answer_error(e);
        else if (e->target.kind == TARGET_RESERVED)
                reserved_answer(e);
        else
                exchange_start(e);
        return answers_early(e) ? queue_answer(e) : MHD_YES;
}

static enum MHD_Result drop_body(Exchange *e, size_t *size) {
        e->n_dropped += *size;
        *size = 0;
        return e->n_dropped <= DROP_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result finish(Exchange *e) {
        if (!e->finished) {
                e->finished = true;
                if (e->is_soap && e->upload_open)
                        exchange_soap_launch(e);
                e->upload_open = false;
                if (e->call && e->upload_wanted) {
                        e->upload_wanted = false;
                        call_resume_upload(e->call);
                }
        }

        if (!e->response && e->head && !e->is_soap)
                exchange_answer_far(e);
        if (e->aborted)
                return MHD_NO;
        if (e->response)
                return queue_answer(e);
        exchange_suspend(e);
        return MHD_YES;
}

enum MHD_Result exchange_on_request(void *userdata, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                    const char *data, size_t *size, void **context) {
        Exchange *e = *context;

        (void) userdata;
        (void) connection;
        (void) url;
        (void) version;
        if (!e || e->aborted)
                return MHD_NO;
        if (!e->begun)
                return begin(e, method);
        if (*size == 0)
                return finish(e);

        client_set_wait(e->client, CLIENT_WAIT_BODY);
        return e->upload_open ? exchange_take_body(e, data, size) : drop_body(e, size);
}

/* libmicrohttpd has answered by itself, with a page of its own. */
static void fail_no_header(Exchange *e) {
        e->begun = true;
        refuse(e, CALL_REQUEST_INVALID, 0, "Send HTTP/1.1 as RFC 9112 has it; MaxHeaderBytes= in midtls.conf bounds the header.",
               "the request's header is malformed, or far too large");
}

static void fail_caller_gone(Exchange *e) {
        if (e->error.code == CALL_OK)
                refuse(e, CALL_REQUEST_INVALID, 0, "Nothing is to be done here: the caller closed its connection.",
                       "the caller went away before it had the whole answer");
}

void exchange_on_completed(void *userdata, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code) {
        Client *c = client_of(connection);
        Exchange *e = *context;

        (void) userdata;
        if (c) {
                c->exchange = NULL;
                client_set_wait(c, CLIENT_WAIT_REQUEST);
        }
        if (!e)
                return;

        *context = NULL;
        e->connection = NULL;
        e->client = NULL;
        e->suspended = false;
        if (e->response)
                MHD_destroy_response(TAKE_PTR(e->response));
        request_done(&e->request);

        if (code == MHD_REQUEST_TERMINATED_WITH_ERROR && !e->begun)
                fail_no_header(e);
        /* libmicrohttpd has still to look at what it sent when the caller, who has it all, closes: that is no error */
        if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !e->in_one_piece) {
                fail_caller_gone(e);
                exchange_cancel_call(e);
        }
        if (!e->call)
                exchange_end(e);
}

void exchange_on_hangup(Exchange *e) {
        if (!e->suspended)
                return;
        fail_caller_gone(e);
        exchange_abort(e);
}

void exchange_abort(Exchange *e) {
        e->aborted = true;
        e->download_end = true;
        fail_caller_gone(e);
        exchange_cancel_call(e);
        if (!e->connection)
                exchange_end(e);
        else
                exchange_wake(e);
}

void exchange_end_call(Exchange *e, const CallError *error, const CallReport *report) {
        e->report = *report;
        if (error->code != CALL_OK)
                e->error = *error;
        exchange_cancel_call(e);
        e->upload_open = false;
        e->download_end = true;

        if (!e->connection) {
                exchange_end(e);
                return;
        }
        if (e->error.code != CALL_OK)
                exchange_answer_error(e);
        else if (e->is_soap)
                exchange_soap_done(e);
        exchange_wake(e);
}

int exchange_format_timeout(Client *c, char *ret, size_t size) {
        Exchange *e = c->exchange ? c->exchange : exchange_new(c, NULL, NULL);
        _cleanup_free_ char *json = NULL;
        char status[256];
        int n = 0;

        if (!e)
                return 0;

        e->begun = true;
        refuse(e, CALL_REQUEST_TIMEOUT, 0, NULL, "the request's header was not there in time");
        json = call_error_json(&e->error, e->call_id);
        call_error_proxy_status(&e->error, status, sizeof(status));
        if (json)
                n = snprintf(ret, size,
                             "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
                             "Midtls-Call-Id: %s\r\nProxy-Status: %s\r\n\r\n%s",
                             strlen(json), e->call_id, status, json);

        /* without a request libmicrohttpd knows nothing of it */
        if (!e->connection)
                exchange_end(e);
        return n > 0 && (size_t) n < size ? n : 0;
}
