/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/problem.h"

#include <jansson.h>
#include <string.h>

unsigned call_error_status(const CallError *e) {
        return e->status ? e->status : call_code_row(e->code)->status;
}

/* RFC 8941, 3.3.3: printable ASCII, with quote and backslash escaped. Leaves room for the closing quote and the NUL. */
static size_t put_quoted(char *ret, size_t size, const char *text) {
        size_t n = 0;

        ret[n++] = '"';
        for (const char *p = text; *p && n + 4 <= size; p++) {
                if (*p == '"' || *p == '\\')
                        ret[n++] = '\\';
                ret[n++] = *p >= 0x20 && *p < 0x7f ? *p : '?';
        }
        ret[n++] = '"';
        ret[n] = '\0';
        return n;
}

/* RFC 9209, 2.1.1, 2.1.5 and, for the alert, 2.3.15 */
void call_error_proxy_status(const CallError *e, char *ret, size_t size) {
        const char *type = e->proxy_error ? e->proxy_error : call_code_row(e->code)->proxy_error;
        int n;

        n = e->alert ? snprintf(ret, size, "midtls; error=%s; alert-id=%d; alert-message=\"%s\"; details=", type, e->alert_id, e->alert)
                     : snprintf(ret, size, "midtls; error=%s; details=", type);
        ASSERT(n > 0 && (size_t) n + 4 < size);
        put_quoted(ret + n, size - (size_t) n, e->detail);
}

/* Text that may hold bytes of a far server which are no UTF-8: RFC 8259, 8.1, wants that. */
static json_t *json_text(const char *text) {
        json_t *value = json_string(text);
        char copy[sizeof(((CallError *) 0)->detail)];
        size_t n = 0;

        if (value)
                return value;
        for (; text[n] && n + 1 < sizeof(copy); n++)
                copy[n] = (unsigned char) text[n] < 0x80 ? text[n] : '?';
        copy[n] = '\0';
        return json_string(copy);
}

char *call_error_json(const CallError *e, const char *call_id) {
        const CallCodeRow *row = call_code_row(e->code);
        char type[64], *text;
        json_t *problem;

        snprintf(type, sizeof(type), "urn:midtls:error:%s", row->name);
        problem = json_pack("{s:s, s:s, s:i, s:o, s:o, s:s}", "type", type, "title", row->title, "status", (int) call_error_status(e), "detail",
                            json_text(e->detail[0] ? e->detail : row->title), "hint", json_text(e->hint[0] ? e->hint : row->hint), "call_id",
                            call_id);
        text = problem ? json_dumps(problem, JSON_INDENT(2)) : NULL;
        json_decref(problem);
        return text;
}
