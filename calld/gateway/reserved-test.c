/* SPDX-License-Identifier: Apache-2.0 */

/* POST /test/ALIAS: one call on a connection of its own, told step by step */

#include "calld/gateway/certificate.h"
#include "calld/gateway/reserved.h"

typedef enum TestStep {
        STEP_DNS,
        STEP_TCP,
        STEP_TLS,
        STEP_SERVER_CERTIFICATE,
        STEP_CERTIFICATE_REQUEST,
        STEP_SIGNATURE,
        STEP_ACCEPTED,
        STEP_HTTP,
        _STEP_MAX,
} TestStep;

static const char *const step_names[_STEP_MAX] = {
        [STEP_DNS] = "dns",
        [STEP_TCP] = "tcp",
        [STEP_TLS] = "tls",
        [STEP_SERVER_CERTIFICATE] = "server-certificate",
        [STEP_CERTIFICATE_REQUEST] = "certificate-request",
        [STEP_SIGNATURE] = "signature",
        [STEP_ACCEPTED] = "accepted",
        [STEP_HTTP] = "http",
};

/* The first step that the report does not show as done. */
static TestStep first_open(const CallReport *r) {
        const bool done[] = {
                [STEP_DNS] = r->resolved,
                [STEP_TCP] = r->connected,
                [STEP_TLS] = r->server_hello,
                [STEP_SERVER_CERTIFICATE] = r->server_certificate_ok,
                [STEP_CERTIFICATE_REQUEST] = r->certificate_requested,
                [STEP_SIGNATURE] = r->signed_by_keyd,
                [STEP_ACCEPTED] = r->handshake_done,
        };

        for (size_t i = 0; i < ARRAY_SIZE(done); i++)
                if (!done[i])
                        return (TestStep) i;
        return STEP_HTTP;
}

static TestStep failed_step(CallCode code, const CallReport *r) {
        switch (code) {
        case CALL_OK:
                return _STEP_MAX;

        case CALL_DNS_FAILED:
        case CALL_ADDRESS_DENIED:
                return STEP_DNS;

        case CALL_SERVER_CERTIFICATE:
                return STEP_SERVER_CERTIFICATE;

        case CALL_KEY_UNAVAILABLE:
        case CALL_KEY_EXPIRED:
        case CALL_KEYD_UNAVAILABLE:
        case CALL_SIGNING_REFUSED:
                return STEP_SIGNATURE;

        case CALL_CLIENT_CERTIFICATE_REJECTED:
                return STEP_ACCEPTED;

        case CALL_RESPONSE_INVALID:
        case CALL_RESPONSE_TOO_LARGE:
        case CALL_TIMEOUT:
                return STEP_HTTP;

        default:
                return first_open(r);
        }
}

/* Whether the server would take a certificate of our issuer, as far as it says. RFC 8446, 4.2.4; RFC 5246, 7.4.4: it need not say it. */
static bool is_acceptable(const Exchange *e) {
        size_t n = MIN_OF(e->detail->n_issuers, (size_t) DETAIL_ISSUERS_MAX);

        for (size_t i = 0; i < n; i++)
                if (certificate_has_issuer(&e->destination->profile->m, e->detail->issuers[i]))
                        return true;
        return e->detail->n_issuers == 0 || e->detail->n_issuers > n;
}

static void describe_request(const Exchange *e, char *ret, size_t size) {
        if (e->detail->n_issuers == 0)
                snprintf(ret, size, "of any issuer");
        else
                snprintf(ret, size, "%zu issuer%s accepted, ours is %s", e->detail->n_issuers, e->detail->n_issuers == 1 ? "" : "s",
                         is_acceptable(e) ? "among them" : "not among them");
}

/* What a step that went well has to tell. */
static void describe(TestStep step, const Exchange *e, char *ret, size_t size) {
        const MsgConnection *m = &e->destination->m;
        const CallReport *r = &e->report;

        ret[0] = '\0';
        switch (step) {
        case STEP_DNS:
                snprintf(ret, size, m->proxy.size > 0 ? "%.*s, left to the proxy" : "%.*s", (int) m->host.size, (const char *) m->host.data);
                break;

        case STEP_TCP:
                snprintf(ret, size, m->proxy.size > 0 ? "the proxy %s, from there port %u" : "%s port %u", r->address, m->port);
                break;

        case STEP_TLS:
                snprintf(ret, size, "TLS %s %s", r->tls_version == TLS_VERSION_1_3 ? "1.3" : "1.2", r->cipher);
                break;

        case STEP_SERVER_CERTIFICATE:
                snprintf(ret, size, "%s", r->server_subject);
                break;

        case STEP_CERTIFICATE_REQUEST:
                describe_request(e, ret, size);
                break;

        case STEP_SIGNATURE:
                snprintf(ret, size, "by keyd, profile %.*s, generation %llu", (int) m->profile.size, (const char *) m->profile.data,
                         (unsigned long long) e->destination->profile->m.generation);
                break;

        case STEP_HTTP:
                snprintf(ret, size, "status %u", r->status);
                break;

        case STEP_ACCEPTED:
        case _STEP_MAX:
        default:
                break;
        }
}

static uint64_t step_usec(TestStep step, const CallReport *r) {
        uint64_t from = 0, to = 0;

        if (step == STEP_SIGNATURE)
                return r->sign_usec;
        if (step == STEP_DNS)
                to = r->dns_usec;
        else if (step == STEP_TCP) {
                from = r->dns_usec;
                to = r->connect_usec;
        } else if (step == STEP_TLS) {
                from = r->connect_usec;
                to = r->tls_usec;
        } else if (step == STEP_HTTP) {
                from = r->tls_usec;
                to = r->first_byte_usec;
        }
        return to > from ? to - from : 0;
}

/* Steps before the failed one went well if they were reached at all: without a key none is tried. */
static json_t *step_to_json(TestStep step, TestStep failed, const Exchange *e) {
        bool reached = step < failed && step < first_open(&e->report);
        const CallError *error = &e->error;
        char detail[512];

        if (step == failed)
                return json_pack("{s:s, s:b, s:o, s:o, s:I}", "name", step_names[step], "ok", 0, "detail",
                                 reserved_text(span_from_string(error->detail)), "hint",
                                 reserved_text(span_from_string(error->hint[0] ? error->hint : call_code_row(error->code)->hint)), "usec",
                                 (json_int_t) step_usec(step, &e->report));
        if (failed != _STEP_MAX && !reached)
                return json_pack("{s:s, s:n, s:s, s:s, s:i}", "name", step_names[step], "ok", "detail", "", "hint", "", "usec", 0);

        describe(step, e, detail, sizeof(detail));
        return json_pack("{s:s, s:b, s:o, s:s, s:I}", "name", step_names[step], "ok", 1, "detail", reserved_text(span_from_string(detail)), "hint",
                         "", "usec", (json_int_t) step_usec(step, &e->report));
}

/* What was seen of the server and what it was shown, for whoever has to explain a refusal. */
static void put_detail(json_t *test, const Exchange *e) {
        const Profile *p = e->destination->profile;
        json_t *chain = json_array(), *issuers = json_array();

        for (size_t i = 0; i < e->detail->n_chain; i++)
                json_array_append_new(chain, certificate_server(&e->detail->chain[i]));
        for (size_t i = 0; i < MIN_OF(e->detail->n_issuers, (size_t) DETAIL_ISSUERS_MAX); i++)
                json_array_append_new(issuers, reserved_text(span_from_string(e->detail->issuers[i])));
        json_object_set_new(test, "server_chain", chain);
        json_object_set_new(test, "accepted_issuers", issuers);
        json_object_set_new(test, "client_certificate", p ? certificate_to_json(&p->m) : json_null());
}

static void answer(Exchange *e) {
        _cleanup_free_ char *url = reserved_url(&e->destination->m);
        TestStep failed = failed_step(e->error.code, &e->report);
        json_t *steps = json_array(), *test;

        for (TestStep i = STEP_DNS; i < _STEP_MAX; i++)
                json_array_append_new(steps, step_to_json(i, failed, e));
        test = json_pack("{s:s, s:s, s:b, s:o, s:s?, s:s, s:i}", "alias", e->alias, "url", url ? url : "", "ok", failed == _STEP_MAX, "steps", steps,
                         "code", failed == _STEP_MAX ? NULL : call_code_row(e->error.code)->name, "call_id", e->call_id, "http_status",
                         (int) e->report.status);
        if (test)
                put_detail(test, e);
        reserved_answer_json(e, test);
}

static void on_head(void *userdata, unsigned status, const CallHeader *headers, size_t n_headers, int64_t content_length) {
        (void) userdata;
        (void) status;
        (void) headers;
        (void) n_headers;
        (void) content_length;
}

static bool on_body(void *userdata, const uint8_t *data, size_t size) {
        (void) userdata;
        (void) data;
        (void) size;
        return true;
}

static void on_done(void *userdata, const CallError *error, const CallReport *report) {
        Exchange *e = userdata;

        e->report = *report;
        e->error = *error;
        exchange_cancel_call(e);
        if (e->connection)
                answer(e);
        else
                exchange_end(e);
}

static const CallOps test_ops = {.on_head = on_head, .on_body = on_body, .on_done = on_done};

void reserved_test(Exchange *e, Span alias) {
        e->target.kind = TARGET_ALIAS;
        e->target.alias = alias;
        e->target.path = SPAN_LITERAL("/");
        e->quiet = false;
        if (!exchange_find(e)) {
                exchange_answer_error(e);
                return;
        }

        e->detail = calloc(1, sizeof(*e->detail));
        if (!e->detail) {
                call_error_set(&e->error, CALL_INTERNAL, NULL, "out of memory");
                exchange_answer_error(e);
                return;
        }

        if (!exchange_launch(e,
                             &(CallRequest) {
                                     .connection = e->destination,
                                     .method = "HEAD",
                                     .path = "",
                                     .timeout_usec = e->destination->m.timeout_usec,
                                     .call_id = e->call_id,
                                     .fresh = true,
                                     .detail = e->detail,
                             },
                             &test_ops))
                answer(e);
}
