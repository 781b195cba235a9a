/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/reserved.h"

#include <string.h>
#include <strings.h>

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_METRICS_PLAIN "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX (4U * 1024 * 1024)

void reserved_answer_json(Exchange *e, json_t *value) {
        _cleanup_free_ char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;

        json_decref(value);
        if (text) {
                exchange_answer_text(e, 200, TYPE_JSON, span_from_string(text));
                return;
        }
        call_error_set(&e->error, CALL_INTERNAL, NULL, "out of memory");
        exchange_answer_error(e);
}

static void answer_connections(Exchange *e) {
        reserved_answer_json(e, reserved_connections(e->gateway->directory));
}

static void answer_profiles(Exchange *e) {
        reserved_answer_json(e, reserved_profiles(e->gateway->directory));
}

static void answer_status(Exchange *e) {
        reserved_answer_json(e, reserved_status(e->gateway));
}

/* Prometheus names both formats; who names neither gets OpenMetrics. RFC 9110, 12.5.1, but without weights. */
static MetricsForm wanted_form(const Request *r) {
        bool plain = false;

        for (size_t i = 0; i < r->n_headers; i++) {
                if (strcasecmp(r->headers[i].name, "Accept") != 0)
                        continue;
                if (strcasestr(r->headers[i].value, "application/openmetrics-text"))
                        return METRICS_OPENMETRICS;
                plain |= strcasestr(r->headers[i].value, "text/plain") != NULL;
        }
        return plain ? METRICS_PLAIN : METRICS_OPENMETRICS;
}

static void answer_metrics(Exchange *e) {
        _cleanup_(buf_done) Buf text = BUF_INIT(METRICS_MAX);
        _cleanup_(metrics_done) Metrics metrics = {};
        MetricsForm form = wanted_form(&e->request);
        const Gateway *g = e->gateway;
        MetricsNow now = {
                .n_calls = shared_n_calls(g->shared),
                .n_workers = (unsigned) g->shared->n_watches,
                .n_draining = shared_draining(g->shared),
                .configuration_usec = shared_configuration_usec(g->shared),
                .keyd_up = shared_keyd_is_up(g->shared),
                .sandbox = g->shared->sandbox,
                .directory = g->directory,
        };

        if (shared_read(g->shared, &metrics) == 0 && metrics_format(&metrics, &now, form, &text) == 0)
                exchange_answer_text(e, 200, form == METRICS_PLAIN ? TYPE_METRICS_PLAIN : TYPE_METRICS, buf_span(&text));
        else
                reserved_answer_json(e, NULL);
}

static void answer_healthz(Exchange *e) {
        exchange_answer_text(e, 200, TYPE_TEXT, SPAN_LITERAL("ok\n"));
}

/* Ready for every call: the connections are known and keyd is there for new handshakes. */
static void answer_readyz(Exchange *e) {
        if (shared_keyd_is_up(e->gateway->shared))
                exchange_answer_text(e, 200, TYPE_TEXT, SPAN_LITERAL("ready\n"));
        else
                exchange_answer_text(e, 503, TYPE_TEXT, SPAN_LITERAL("keyd is not there\n"));
}

typedef struct ReservedRow {
        const char *path;
        void (*answer)(Exchange *e);
        bool is_public; /* for callers without an identity too */
} ReservedRow;

static const ReservedRow rows[] = {
        {"/connections", answer_connections, false}, {"/profiles", answer_profiles, false}, {"/status", answer_status, false},
        {"/metrics", answer_metrics, true},          {"/healthz", answer_healthz, true},    {"/readyz", answer_readyz, true},
};

static const ReservedRow *find_row(Span path) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (span_is(path, rows[i].path))
                        return &rows[i];
        return NULL;
}

static void refuse(Exchange *e, CallCode code, unsigned status, const char *hint, const char *detail) {
        call_error_set(&e->error, code, hint, "%s", detail);
        e->error.status = status;
        exchange_answer_error(e);
}

static void refuse_method(Exchange *e, const char *hint) {
        refuse(e, CALL_REQUEST_INVALID, 405, hint, "the method is not right for this path");
}

/* Return: the alias of /test/ALIAS, or an empty span */
static Span test_alias(Span path) {
        static const char prefix[] = "/test/";

        if (path.size <= sizeof(prefix) - 1 || memcmp(path.data, prefix, sizeof(prefix) - 1) != 0)
                return (Span) {};
        return span_make(path.data + sizeof(prefix) - 1, path.size - (sizeof(prefix) - 1));
}

void reserved_answer(Exchange *e) {
        Span path = target_path_only(e->target.path), alias = test_alias(path);
        const ReservedRow *row = find_row(path);
        bool known = e->client->has_peer;

        snprintf(e->alias, sizeof(e->alias), "midtls");
        e->quiet = true;
        if (!row && alias.size == 0)
                refuse(e, CALL_ALIAS_UNKNOWN, 0, "There are /connections, /profiles, /status, /metrics, /healthz, /readyz and /test/ALIAS.",
                       "midtls has nothing at that path");
        else if (row && !row->is_public && !known)
                refuse(e, CALL_CALLER_DENIED, 0, "Ask over /run/midtls/calld.sock.", "this is not told over TCP");
        else if (row && strcmp(e->method, "GET") != 0 && strcmp(e->method, "HEAD") != 0)
                refuse_method(e, "Use GET.");
        else if (!row && strcmp(e->method, "POST") != 0)
                refuse_method(e, "Use POST.");
        else if (row)
                row->answer(e);
        else
                reserved_test(e, alias);
}
