/* SPDX-License-Identifier: Apache-2.0 */

/* From a request to a call: which connection, may this caller, is there room; and what the call tells */

#include "calld/gateway/exchange.h"

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"};

static bool method_known(const char *method) {
        for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
                if (strcmp(method, methods[i]) == 0)
                        return true;
        return false;
}

static bool find_destination(Exchange *e) {
        const Directory *d = e->gateway->directory;
        Target *t = &e->target;
        Connection *c;

        if (t->kind == TARGET_ALIAS) {
                snprintf(e->alias, sizeof(e->alias), "%.*s", SPAN_ARGS(t->alias));
                c = directory_find(d, t->alias);
        } else
                c = directory_find_url(d, t->scheme, t->host, t->port, t->path, &t->path);

        if (c) {
                snprintf(e->alias, sizeof(e->alias), "%.*s", SPAN_ARGS(c->m.alias));
                e->destination = connection_ref(c);
        } else if (d->n_changes == 0)
                call_error_set(&e->error, CALL_KEYD_UNAVAILABLE, NULL, "keyd has not said yet which connections there are");
        else if (t->kind == TARGET_ALIAS)
                call_error_set(&e->error, CALL_ALIAS_UNKNOWN, NULL, "there is no connection %.*s", (int) MIN_OF(t->alias.size, 100U),
                               (const char *) t->alias.data);
        else
                call_error_set(&e->error, CALL_ALIAS_UNKNOWN,
                               "A connection with that profile, Host= and Port= whose BasePath= begins the path is needed.",
                               "no connection leads to %.*s://%.*s with that port and path", (int) MIN_OF(t->scheme.size, 32U),
                               (const char *) t->scheme.data, (int) MIN_OF(t->host.size, 100U), (const char *) t->host.data);
        return c;
}

/* Return: false, or true when Enforce=no lets the call go on */
static bool deny(Exchange *e, const char *setting, const char *what) {
        bool report_only = e->gateway->directory->limits.report_only;

        call_error_set(&e->error, CALL_CALLER_DENIED, NULL, "connection %s is not for %s: %s", e->alias, what, setting);
        record_denied(e, report_only);
        if (report_only)
                e->error = (CallError) {.code = CALL_OK, .alert_id = -1};
        return report_only;
}

static bool check_access(Exchange *e) {
        const Connection *c = e->destination;
        Gateway *g = e->gateway;

        if (access_update(&g->access, g->directory) < 0) {
                call_error_set(&e->error, CALL_INTERNAL, NULL, "out of memory");
                return false;
        }

        if (!access_allows_caller(&g->access, c, e->client->has_peer ? &e->client->peer : NULL) &&
            !deny(e, "AllowUsers=, AllowGroups= or AllowSELinuxContexts= does not name it", "this caller"))
                return false;
        if (!access_allows_method(&c->m, span_from_string(e->method)) && !deny(e, "AllowMethods= does not name it", "this method"))
                return false;
        return access_allows_path(&c->m, e->target.path) || deny(e, "AllowPaths= does not name it", "this path");
}

/* The path that a scheme's URL leaves behind the base path must not go above that either. */
static bool check_path(Exchange *e) {
        if (method_known(e->method) && !target_leaves_base(e->target.path))
                return true;
        call_error_set(&e->error, CALL_REQUEST_INVALID, NULL, "%s",
                       method_known(e->method) ? "the path leaves the connection's base path" : "the method is none that is passed on");
        return false;
}

static bool take_place(Exchange *e) {
        const MsgSnapshot *limits = &e->gateway->directory->limits;
        unsigned n;
        int r;

        r = shared_add_call(e->gateway->shared, client_uid(e->client), limits->max_calls, limits->max_calls_per_user, &n);
        if (r == SHARED_E_CALLS)
                call_error_set(&e->error, CALL_OVERLOADED, NULL, "%u calls are under way, as many as MaxCalls= permits", n);
        if (r == SHARED_E_CALLS_PER_USER) {
                call_error_set(&e->error, CALL_OVERLOADED, NULL, "this user has %u calls under way, as many as MaxCallsPerUser= permits", n);
                e->error.status = 429;
        }
        e->counted = r == 0;
        return e->counted;
}

static void give_place(Exchange *e) {
        if (e->counted)
                shared_remove_call(e->gateway->shared, e->identity.known ? e->identity.uid : USER_UNKNOWN);
        e->counted = false;
}

void exchange_cancel_call(Exchange *e) {
        if (e->call)
                e->report = *call_report(e->call);
        e->call = call_free(e->call);
        give_place(e);
}

void exchange_on_head(void *userdata, unsigned status, const CallHeader *headers, size_t n_headers, int64_t content_length) {
        Exchange *e = userdata;

        free(e->head);
        e->head = answer_head_new(status, headers, n_headers, content_length);
        if (!e->head)
                exchange_abort(e);
        else if (!e->is_soap)
                exchange_wake(e);
}

static bool on_body(void *userdata, const uint8_t *data, size_t size) {
        Exchange *e = userdata;

        /* the caller has all it is to have */
        if (!e->connection)
                return true;

        if (e->download.size > 0 && size > e->download.max - e->download.size) {
                e->download_full = true;
                return false;
        }
        if (e->download.size == 0 && size > e->download.max)
                e->download.max = size;
        if (buf_append(&e->download, data, size) < 0) {
                exchange_abort(e);
                return true;
        }
        if (e->queued)
                exchange_wake(e);
        return true;
}

static void on_done(void *userdata, const CallError *error, const CallReport *report) {
        exchange_end_call(userdata, error, report);
}

static const CallOps call_ops = {.read_body = exchange_read_body, .on_head = exchange_on_head, .on_body = on_body, .on_done = on_done};

bool exchange_launch(Exchange *e, const CallRequest *request, const CallOps *ops) {
        int r;

        if (!take_place(e))
                return false;

        r = call_start(e->gateway->caller, request, ops, e, &e->call, &e->error);
        if (r < 0)
                call_error_set(&e->error, CALL_INTERNAL, NULL, "the call could not be started: %s", strerror(-r));
        if (r != 0)
                give_place(e);
        return r == 0;
}

static uint64_t timeout_of(const Exchange *e) {
        uint64_t asked = e->request.options.timeout_usec, ours = e->destination->m.timeout_usec;

        return asked > 0 ? MIN_OF(asked, ours) : ours;
}

bool exchange_find(Exchange *e) {
        return find_destination(e) && check_path(e) && check_access(e);
}

void exchange_start(Exchange *e) {
        _cleanup_free_ char *path = NULL;

        if (!exchange_find(e)) {
                exchange_answer_error(e);
                return;
        }
        if (e->request.options.soap != SOAP_NONE || e->request.options.soap_action || e->request.options.soap_addressing) {
                exchange_soap_begin(e);
                return;
        }

        if (span_to_string(e->target.path, &path) < 0)
                call_error_set(&e->error, CALL_INTERNAL, NULL, "out of memory");
        else if (exchange_launch(e,
                                 &(CallRequest) {
                                         .connection = e->destination,
                                         .method = e->method,
                                         .path = path,
                                         .headers = e->request.headers,
                                         .n_headers = e->request.n_headers,
                                         .has_body = e->request.has_body,
                                         .body_size = e->request.body_size,
                                         .timeout_usec = timeout_of(e),
                                         .call_id = e->call_id,
                                         .retry_off = e->request.options.retry_off,
                                 },
                                 &call_ops)) {
                e->upload_open = e->request.has_body;
                return;
        }
        exchange_answer_error(e);
}
