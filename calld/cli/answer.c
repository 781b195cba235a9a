/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/answer.h"

#include <string.h>

#include "calld/cli/progress.h"
#include "calld/cli/sink.h"

/* As it was on the wire; a terminal gets it escaped. */
static int write_head(Sink *sink, const HttpHead *head) {
        _cleanup_(buf_done) Buf text = BUF_INIT(2 * HTTP_HEAD_MAX);
        int r;

        r = buf_printf(&text, "HTTP/1.1 %u %s\r\n", head->status, head->reason);
        for (size_t i = 0; r >= 0 && i < head->n_fields; i++)
                r = buf_printf(&text, "%s: %s\r\n", head->fields[i].name, head->fields[i].value);
        if (r >= 0)
                r = buf_append(&text, "\r\n", 2);

        return r < 0 ? r : sink_write(sink, text.data, text.size);
}

static int write_error(const Sink *sink, int r) {
        return output_error(NULL, "cannot write to %s: %s", sink->path ? sink->path : "standard output", strerror(-r));
}

/* Return: 0, or the exit status (the user has been told) */
static int relay_parts(Sink *sink, Http *http, Progress *progress) {
        for (;;) {
                uint8_t data[65536];
                size_t size;
                int r;

                r = http_read_body(http, data, sizeof(data), &size);
                if (r == 0 && size == 0)
                        return 0;
                if (r != 0) {
                        progress_end(progress);
                        ignore_result(sink_finish(sink), "the answer is not whole anyway");
                        return client_error(r);
                }

                r = sink_write(sink, data, size);
                if (r < 0) {
                        progress_end(progress);
                        return write_error(sink, r);
                }
                progress_add(progress, size);
        }
}

/* Return: 0, or the exit status (the user has been told) */
static int relay_body(Sink *sink, Http *http) {
        Progress progress;
        int r;

        progress_init(&progress, sink->path != NULL, "received", http->framing == HTTP_FRAMING_LENGTH ? http->n_left : 0);
        r = relay_parts(sink, http, &progress);
        progress_end(&progress);
        return r;
}

static void tell_status(const HttpHead *head) {
        const char *call_id = http_head_find(head, "Midtls-Call-Id");

        fprintf(stderr, "status: %u ", head->status);
        text_print(stderr, head->reason);
        fputs("\ncall: ", stderr);
        text_print(stderr, call_id ? call_id : "-");
        fputc('\n', stderr);
}

/* Return: 0, or the exit status */
static int tell_fault(const HttpHead *head) {
        const char *code = http_head_find(head, "Midtls-Soap-Fault"), *encoded = http_head_find(head, "Midtls-Soap-Fault-String");
        _cleanup_free_ char *string = strdup(encoded ? encoded : "");

        if (!code)
                return EXIT_GOOD;
        if (string)
                text_percent_decode(string);

        return output_error(NULL, "the server answers with a SOAP Fault, %s: %s", code, string ? string : "");
}

static int tell_failure(const HttpHead *head) {
        output_error(NULL, "the server answers %u %s", head->status, head->reason);
        return EXIT_FAR_SERVER;
}

int answer_show(const Options *o, Http *http, const HttpHead *head) {
        _cleanup_(sink_done) Sink sink = {};
        int r = 0;

        sink_init(&sink, client_is_problem(head) ? NULL : o->output);
        if (o->verbose)
                tell_status(head);
        if (o->include)
                r = write_head(&sink, head);
        if (r < 0)
                return write_error(&sink, r);

        if (client_is_problem(head))
                return client_show_problem(o, http);
        /* As curl's --fail: what an error page says is of no use to a script. */
        if (o->fail && head->status >= 400)
                return tell_failure(head);

        r = relay_body(&sink, http);
        if (r != 0)
                return r;
        r = sink_finish(&sink);
        if (r < 0)
                return write_error(&sink, r);

        return tell_fault(head);
}
