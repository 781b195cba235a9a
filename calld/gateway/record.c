/* SPDX-License-Identifier: Apache-2.0 */

/* What the journal says of a call: never a field's value, a body or a query */

#include <sys/random.h>

#include "calld/call/proxy.h"
#include "calld/gateway/exchange.h"
#include "calld/gateway/problem.h"
#include "common/log.h"
#include "common/parse.h"

typedef unsigned long long ull;

/* A system call fetches many; what was given out is no secret, but is not given out twice. */
static void take_random(uint8_t ret[16]) {
        static _Thread_local uint8_t pool[1024];
        static _Thread_local size_t n_left;

        if (n_left == 0) {
                ASSERT(getrandom(pool, sizeof(pool), 0) == sizeof(pool));
                n_left = sizeof(pool) / 16;
        }
        n_left--;
        memcpy(ret, pool + 16 * n_left, 16);
}

/* A UUID of version 4: RFC 9562, 5.4 */
void call_id_new(char ret[CALL_ID_SIZE]) {
        static const size_t groups[] = {4, 2, 2, 2, 6};
        const uint8_t *p;
        uint8_t bytes[16];

        take_random(bytes);
        bytes[6] = (uint8_t) (0x40 | (bytes[6] & 0x0f));
        bytes[8] = (uint8_t) (0x80 | (bytes[8] & 0x3f));

        p = bytes;
        for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
                if (i > 0)
                        *ret++ = '-';
                hex_encode(p, groups[i], ret);
                ret += 2 * groups[i];
                p += groups[i];
        }
}

static void add_text(LogRecord *rec, const char *name, const char *value) {
        if (value[0])
                log_record_add(rec, name, "%s", value);
}

static void add_identity(LogRecord *rec, const CallerIdentity *i) {
        if (!i->known)
                return;

        log_record_add(rec, "MIDTLS_CALLER_UID", "%u", i->uid);
        log_record_add(rec, "MIDTLS_CALLER_GID", "%u", i->gid);
        log_record_add(rec, "MIDTLS_CALLER_PID", "%d", (int) i->pid);
        add_text(rec, "MIDTLS_CALLER_UNIT", i->unit);
        add_text(rec, "MIDTLS_CALLER_CONTEXT", i->context);
}

static void add_destination(LogRecord *rec, const Connection *c) {
        char text[PROTO_TEXT_MAX + 1];
        Proxy proxy;

        if (!c)
                return;

        log_record_add(rec, "MIDTLS_DESTINATION", "%.*s:%u", (int) c->m.host.size, (const char *) c->m.host.data, c->m.port);
        if (proxy_parse(c->m.proxy, &proxy)) {
                proxy_to_string(&proxy, text, sizeof(text));
                log_record_add(rec, "MIDTLS_PROXY", "%s", text);
        }
        log_record_add(rec, "MIDTLS_PROFILE", "%.*s", (int) c->m.profile.size, (const char *) c->m.profile.data);
        if (c->profile)
                log_record_add(rec, "MIDTLS_GENERATION", "%llu", (ull) c->profile->m.generation);
}

static void add_common(LogRecord *rec, const Exchange *e) {
        log_record_add(rec, "MIDTLS_CALL_ID", "%s", e->call_id);
        add_text(rec, "MIDTLS_ALIAS", e->alias);
        add_text(rec, "MIDTLS_METHOD", e->method);
        add_destination(rec, e->destination);
        add_identity(rec, &e->identity);
}

static void add_report(LogRecord *rec, const CallReport *r) {
        log_record_add(rec, "MIDTLS_BYTES_OUT", "%llu", (ull) r->bytes_out);
        log_record_add(rec, "MIDTLS_BYTES_IN", "%llu", (ull) r->bytes_in);
        log_record_add(rec, "MIDTLS_ATTEMPTS", "%u", r->attempts);
        log_record_add(rec, "MIDTLS_SIGNATURES", "%u", r->n_signatures);
        if (r->n_unanswered > 0)
                log_record_add(rec, "MIDTLS_SIGNATURES_UNANSWERED", "%u", r->n_unanswered);
        log_record_add(rec, "MIDTLS_RESUMED", "%d", r->resumed);
        log_record_add(rec, "MIDTLS_REUSED", "%d", r->reused);
}

/* What the answer says of itself, too. */
static void add_error(LogRecord *rec, const CallError *error) {
        const CallCodeRow *row = call_code_row(error->code);

        log_record_add(rec, "MIDTLS_REASON", "%s", row->name);
        log_record_add(rec, "MIDTLS_HINT", "%s", error->hint[0] ? error->hint : row->hint);
}

void record_call(const Exchange *e) {
        bool failed = e->error.code != CALL_OK;
        LogRecord rec;

        log_record_init(&rec, failed ? PRIORITY_WARNING : PRIORITY_INFO, EVENT_CALL);
        add_common(&rec, e);
        add_report(&rec, &e->report);
        log_record_add(&rec, "MIDTLS_DURATION_USEC", "%llu", (ull) (now_usec() - e->started_usec));
        log_record_add(&rec, "MIDTLS_VERDICT", "%s", failed ? "failed" : "ok");
        if (failed)
                add_error(&rec, &e->error);

        /* what the far server said; without that, what we said */
        log_record_add(&rec, "MIDTLS_STATUS", "%u", e->report.status ? e->report.status : failed ? call_error_status(&e->error) : e->status);
        if (failed)
                log_record_send(&rec, "Call to %s failed (%s): %s", e->alias[0] ? e->alias : "nowhere", call_code_row(e->error.code)->name,
                                e->error.detail);
        else
                log_record_send(&rec, "Call to %s: %s, status %u", e->alias, e->method, e->report.status);
}

void record_denied(const Exchange *e, bool report_only) {
        LogRecord rec;

        log_record_init(&rec, PRIORITY_WARNING, EVENT_CALLER_DENIED);
        add_common(&rec, e);
        log_record_add(&rec, "MIDTLS_VERDICT", "%s", report_only ? "allowed" : "denied");
        add_error(&rec, &e->error);
        log_record_send(&rec, report_only ? "Call to %s would be denied, but for Enforce=no: %s" : "Call to %s denied: %s", e->alias,
                        e->error.detail);
}
