/* SPDX-License-Identifier: Apache-2.0 */

/* From libcurl's result, and from what was seen on the way, to one of the contract's errors */

#include "calld/call/call-internal.h"

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

static void set_kind(Call *c, unsigned status, const char *proxy_error) {
        c->error.status = status;
        c->error.proxy_error = proxy_error;
}

static void explain_dns(Call *c) {
        call_error_set(&c->error, CALL_DNS_FAILED, NULL, "%.*s: %s", SPAN_ARGS(c->connection->m.host),
                       c->curl_text[0] ? c->curl_text : "the name cannot be resolved");
}

static void explain_connect(Call *c) {
        const MsgConnection *m = &c->connection->m;
        long error = 0;

        /* every address was refused */
        if (c->error.code == CALL_ADDRESS_DENIED)
                return;

        curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &error);
        call_error_set(&c->error, CALL_CONNECT_FAILED, NULL, "%.*s port %u (%s): %s", SPAN_ARGS(m->host), m->port, c->report.address,
                       error != 0 ? strerror((int) error) : c->curl_text);

        /* RFC 9209, 2.3.5 and following */
        if (error == ETIMEDOUT)
                set_kind(c, 504, "connection_timeout");
        else if (error == ENETUNREACH || error == EHOSTUNREACH)
                set_kind(c, 0, "destination_ip_unroutable");
        else if (error == ECONNRESET || error == EPIPE)
                set_kind(c, 0, "connection_terminated");
}

/* Which wait was too long: for the name, for the connection with its handshake, or for the answer. */
static void explain_timeout(Call *c) {
        const MsgConnection *m = &c->connection->m;

        if (c->report.handshake_done) {
                call_error_set(&c->error, CALL_TIMEOUT, NULL, "no whole answer within %.1f s", (double) c->report.duration_usec / USEC_PER_SEC);
        } else if (!c->report.resolved) {
                call_error_set(&c->error, CALL_DNS_FAILED, NULL, "%.*s: no answer from DNS in time", SPAN_ARGS(m->host));
                set_kind(c, 504, "dns_timeout");
        } else {
                call_error_set(&c->error, CALL_CONNECT_FAILED,
                               "Check that the far server runs and that no firewall drops packets, or raise ConnectTimeout= of the connection.",
                               "%.*s port %u (%s): %s within %.1f s", SPAN_ARGS(m->host), m->port, c->report.address,
                               c->handshake ? "the TLS handshake was not finished" : "no connection",
                               (double) c->report.duration_usec / USEC_PER_SEC);
                set_kind(c, 504, "connection_timeout");
        }
}

static void explain_incomplete(Call *c) {
        const char *hint = NULL;

        /* An alert may have been lost with the connection: RFC 8446, 4.4.2.4, lets a server refuse after our Finished. */
        if (!c->head_done && c->report.signed_by_keyd && c->report.tls_version == TLS_VERSION_1_3)
                hint = "The far server closed right after the handshake; it may have refused the client certificate without saying so: ask its operator.";

        call_error_set(&c->error, CALL_RESPONSE_INVALID, hint, "%s: %s",
                       c->head_done ? "the far server's answer was cut off" : "the far server closed the connection without an answer",
                       c->curl_text[0] ? c->curl_text : "end of connection");
        set_kind(c, 0, "http_response_incomplete");
}

typedef struct ResultRow {
        CURLcode result;
        void (*explain)(Call *c);
} ResultRow;

static const ResultRow result_rows[] = {
        {CURLE_COULDNT_RESOLVE_HOST, explain_dns},
        {CURLE_COULDNT_CONNECT, explain_connect},
        /* once connected */
        {CURLE_OPERATION_TIMEDOUT, explain_timeout},
        {CURLE_PARTIAL_FILE, explain_incomplete},
        {CURLE_GOT_NOTHING, explain_incomplete},
        {CURLE_RECV_ERROR, explain_incomplete},
        {CURLE_SEND_ERROR, explain_incomplete},
        {CURLE_SEND_FAIL_REWIND, explain_incomplete},
};

static void explain_other(Call *c, CURLcode result) {
        /*
         * Once connected, libcurl says this of lines that are too long, of chunks and trailers that are none; when it was a callback of ours, that
         * has said so itself.
         */
        bool is_ours = !c->report.handshake_done &&
                       (result == CURLE_OUT_OF_MEMORY || result == CURLE_FAILED_INIT || result == CURLE_BAD_FUNCTION_ARGUMENT ||
                        result == CURLE_ABORTED_BY_CALLBACK || result == CURLE_WRITE_ERROR || result == CURLE_READ_ERROR);
        const char *text = c->curl_text[0] ? c->curl_text : curl_easy_strerror(result);

        if (is_ours)
                call_error_set(&c->error, CALL_INTERNAL, NULL, "%s", text);
        else if (!c->report.handshake_done)
                call_error_set(&c->error, CALL_CONNECT_FAILED, NULL, "%s", text);
        else
                call_error_set(&c->error, CALL_RESPONSE_INVALID, NULL, "the far server's answer is malformed: %s", text);
}

/* RFC 9112, 9.8: an answer that ends with the connection is whole only after a close_notify, which libcurl does not look at. */
static bool is_truncated(const Call *c) {
        return c->ends_by_close && (!c->handshake || !c->handshake->close_notify);
}

void call_explain(Call *c, CURLcode result) {
        if (c->failed)
                return;

        if (result == CURLE_OK && c->head_done && is_truncated(c)) {
                explain_incomplete(c);
                return;
        }
        if (result == CURLE_OK && c->head_done) {
                c->error = (CallError) {.code = CALL_OK, .alert_id = -1};
                return;
        }

        if (call_explain_proxy(c, result) || call_explain_handshake(c, result))
                return;

        for (size_t i = 0; i < ARRAY_SIZE(result_rows); i++)
                if (result_rows[i].result == result) {
                        result_rows[i].explain(c);
                        return;
                }
        explain_other(c, result);
}
