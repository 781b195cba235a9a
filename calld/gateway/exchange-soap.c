/* SPDX-License-Identifier: Apache-2.0 */

/* SOAP: both bodies are held whole, within bounds, because what is in them goes into headers */

#include <strings.h>

#include "calld/gateway/exchange.h"

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

/* What is escaped grows up to five times; a request's header has at most 1 MiB. */
#define ADDRESSING_MAX (6U * 1024 * 1024)

/* Request fields that SOAP replaces. */
static const char *const replaced[] = {"Content-Type", "SOAPAction"};

void exchange_soap_free(Exchange *e) {
        free(TAKE_PTR(e->soap_headers));
}

static void refuse(Exchange *e, const char *hint, const char *detail) {
        call_error_set(&e->error, CALL_REQUEST_INVALID, hint, "%s", detail);
        exchange_answer_error(e);
}

static bool is_ascii(const char *text) {
        for (const uint8_t *p = (const uint8_t *) text; *p; p++)
                if (*p <= 0x20 || *p >= 0x7f)
                        return false;
        return *text;
}

void exchange_soap_begin(Exchange *e) {
        const RequestOptions *o = &e->request.options;
        uint64_t max = MIN_OF(e->destination->m.max_request_bytes, (uint64_t) SOAP_BODY_MAX);

        if (o->soap == SOAP_NONE)
                refuse(e, "Send Midtls-Soap: 1.1 or 1.2 with it.", "Midtls-Soap-Action or Midtls-Soap-Addressing is there without Midtls-Soap");
        else if (o->soap_addressing && (!o->soap_action || !is_ascii(o->soap_action)))
                refuse(e, "Send Midtls-Soap-Action: URI with it; percent-encode what is no ASCII.",
                       "WS-Addressing needs an action, and a URI as one");
        else if (strcmp(e->method, "POST") != 0)
                refuse(e, "Send a POST.", "Midtls-Soap is for POST");
        else if (soap_fields(o->soap, o->soap_action, e->soap_type, e->soap_action, sizeof(e->soap_type)) < 0)
                refuse(e, NULL, "Midtls-Soap-Action is too long");
        else if (e->request.body_size > (int64_t) max) {
                call_error_set(&e->error, CALL_REQUEST_TOO_LARGE, NULL, "the body has %lld bytes, %llu are permitted",
                               (long long) e->request.body_size, (unsigned long long) max);
                exchange_answer_error(e);
        } else {
                e->is_soap = true;
                e->upload.max = (size_t) max;
                e->upload_open = true;
        }
}

static bool is_replaced(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(replaced); i++)
                if (strcasecmp(name, replaced[i]) == 0)
                        return true;
        return false;
}

/* Return: the number of fields, 0 without memory */
static size_t make_headers(Exchange *e) {
        const Request *q = &e->request;
        size_t n = 0;

        e->soap_headers = calloc(q->n_headers + 2, sizeof(*e->soap_headers));
        if (!e->soap_headers)
                return 0;

        for (size_t i = 0; i < q->n_headers; i++)
                if (!is_replaced(q->headers[i].name))
                        e->soap_headers[n++] = q->headers[i];
        e->soap_headers[n++] = (CallHeader) {.name = "Content-Type", .value = e->soap_type};
        if (e->soap_action[0])
                e->soap_headers[n++] = (CallHeader) {.name = "SOAPAction", .value = e->soap_action};
        return n;
}

/* Beyond the maximum nothing is kept, and the end says so. */
static bool on_body(void *userdata, const uint8_t *data, size_t size) {
        Exchange *e = userdata;

        if (!e->too_large && buf_append(&e->download, data, size) < 0)
                e->too_large = true;
        return true;
}

static void on_done(void *userdata, const CallError *error, const CallReport *report) {
        exchange_end_call(userdata, error, report);
}

static const CallOps soap_ops = {.read_body = exchange_read_body, .on_head = exchange_on_head, .on_body = on_body, .on_done = on_done};

/* WS-Addressing 1.0, Core, 3: where it goes as the far server knows itself, and a message's own identifier, which the journal has too */
static int make_addressing(const Exchange *e, Buf *ret) {
        const MsgConnection *m = &e->destination->m;
        bool is_ipv6 = memchr(m->host.data, ':', m->host.size);
        char port[8] = "", id[CALL_ID_SIZE + sizeof("urn:uuid:")];
        _cleanup_free_ char *to = NULL;

        /* RFC 9110, 4.2.2: the default port is left out */
        if (m->port != 443)
                snprintf(port, sizeof(port), ":%u", m->port);
        snprintf(id, sizeof(id), "urn:uuid:%s", e->call_id);
        if (asprintf(&to, "https://%s%.*s%s%s%.*s%.*s", is_ipv6 ? "[" : "", SPAN_ARGS(m->host), is_ipv6 ? "]" : "", port, SPAN_ARGS(m->base_path),
                     SPAN_ARGS(e->target.path)) < 0) {
                to = NULL;
                return -ENOMEM;
        }
        return soap_addressing(to, e->request.options.soap_action, id, ret);
}

/* Return: false when the body is not taken; e->error says why */
static bool wrap_body(Exchange *e) {
        _cleanup_(buf_done) Buf header = BUF_INIT(ADDRESSING_MAX), envelope = BUF_INIT(e->upload.max + ADDRESSING_MAX + 1024);
        char why[SOAP_WHY_SIZE];
        int r = 0;

        if (e->request.options.soap_addressing)
                r = make_addressing(e, &header);
        if (r == 0)
                r = soap_wrap(e->request.options.soap, buf_span(&header), buf_span(&e->upload), &envelope, why);
        if (r == 0 && envelope.size > 0) {
                buf_done(&e->upload);
                buf_move(&e->upload, &envelope);
        }
        if (r > 0)
                call_error_set(&e->error, CALL_REQUEST_INVALID,
                               "Send well-formed XML in UTF-8 without a DTD: an envelope, or what belongs into its Body.", "the SOAP body: %s", why);
        if (r < 0)
                call_error_set(&e->error, CALL_INTERNAL, NULL, "the SOAP envelope could not be made: %s", strerror(-r));
        return r == 0;
}

void exchange_soap_launch(Exchange *e) {
        _cleanup_free_ char *path = NULL;
        uint64_t asked = e->request.options.timeout_usec, ours = e->destination->m.timeout_usec;
        size_t n_headers;

        if (!wrap_body(e)) {
                exchange_answer_error(e);
                return;
        }

        e->download.max = (size_t) MIN_OF(e->destination->m.max_response_bytes, (uint64_t) SOAP_BODY_MAX);
        n_headers = make_headers(e);
        if (n_headers == 0 || span_to_string(e->target.path, &path) < 0)
                call_error_set(&e->error, CALL_INTERNAL, NULL, "out of memory");
        else if (exchange_launch(e,
                                 &(CallRequest) {
                                         .connection = e->destination,
                                         .method = e->method,
                                         .path = path,
                                         .headers = e->soap_headers,
                                         .n_headers = n_headers,
                                         .has_body = true,
                                         .body_size = (int64_t) e->upload.size,
                                         .timeout_usec = asked > 0 ? MIN_OF(asked, ours) : ours,
                                         .call_id = e->call_id,
                                         .retry_off = e->request.options.retry_off,
                                 },
                                 &soap_ops))
                return;
        exchange_answer_error(e);
}

void exchange_soap_done(Exchange *e) {
        const AnswerHead *h = e->head;
        struct MHD_Response *response;
        SoapFault fault;

        if (!h || e->too_large) {
                call_error_set(&e->error, h ? CALL_RESPONSE_TOO_LARGE : CALL_INTERNAL, NULL, "%s",
                               h ? "the answer is larger than a SOAP answer may be here" : "out of memory");
                exchange_answer_error(e);
                return;
        }

        response = MHD_create_response_from_buffer(e->download.size, e->download.data, MHD_RESPMEM_PERSISTENT);
        if (response)
                exchange_add_far_headers(response, h->headers, h->n_headers);
        if (response && soap_find_fault(buf_span(&e->download), &fault) == 0) {
                exchange_add_header(response, "Midtls-Soap-Fault", fault.code);
                exchange_add_header(response, "Midtls-Soap-Fault-String", fault.string);
        }
        exchange_set_response(e, h->status, response);
}
