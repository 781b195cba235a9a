/* SPDX-License-Identifier: Apache-2.0 */

/* The head of an answer: status line, fields, and how the body ends */

#include <string.h>
#include <strings.h>

#include "calld/cli/http.h"
#include "common/parse.h"

void http_head_done(HttpHead *head) {
        buf_done(&head->text);
        free(head->fields);
        head->fields = NULL;
        head->n_fields = 0;
}

const char *http_head_find(const HttpHead *head, const char *name) {
        for (size_t i = 0; i < head->n_fields; i++)
                if (strcasecmp(head->fields[i].name, name) == 0)
                        return head->fields[i].value;

        return NULL;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* RFC 9112, 4: HTTP-version SP 3DIGIT SP [ reason-phrase ] */
static int parse_status_line(HttpHead *head, char *line) {
        if (strncmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ')
                return HTTP_MALFORMED;
        if (!is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]) || line[9] == '0')
                return HTTP_MALFORMED;
        if (line[12] && line[12] != ' ')
                return HTTP_MALFORMED;

        head->status = (unsigned) ((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
        head->reason = line[12] ? line + 13 : "";
        return 0;
}

static bool has_control(const char *s) {
        for (; *s; s++)
                if (((unsigned char) *s < 0x20 && *s != '\t') || *s == 0x7f)
                        return true;

        return false;
}

/* RFC 9112, 5: field-name ":" OWS field-value OWS; 5.1: no blank before the colon; 5.2: no folded lines. */
static int parse_field(HttpHead *head, char *line) {
        size_t name = strspn(line, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
        char *value = line + name + 1;
        size_t size;

        if (name == 0 || line[name] != ':' || has_control(value))
                return HTTP_MALFORMED;
        if (head->n_fields >= HTTP_FIELDS_MAX)
                return HTTP_TOO_LARGE;

        line[name] = 0;
        value += strspn(value, " \t");
        for (size = strlen(value); size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'); size--)
                value[size - 1] = 0;

        head->fields[head->n_fields++] = (HttpField) {.name = line, .value = value};
        return 0;
}

int http_head_parse(HttpHead *head) {
        char *line = (char *) head->text.data, *end = line + head->text.size;
        int r = 0;

        if (memchr(line, 0, head->text.size))
                return HTTP_MALFORMED;
        head->fields = calloc(HTTP_FIELDS_MAX, sizeof(head->fields[0]));
        if (!head->fields)
                return -ENOMEM;

        for (bool first = true; r == 0; first = false) {
                char *stop = memmem(line, (size_t) (end - line), "\r\n", 2);

                if (!stop)
                        return HTTP_MALFORMED;
                if (stop == line)
                        return first ? HTTP_MALFORMED : 0;

                *stop = 0;
                if (first)
                        r = has_control(line) ? HTTP_MALFORMED : parse_status_line(head, line);
                else
                        r = parse_field(head, line);
                line = stop + 2;
        }

        return r;
}

static size_t count(const HttpHead *head, const char *name) {
        size_t n = 0;

        for (size_t i = 0; i < head->n_fields; i++)
                n += strcasecmp(head->fields[i].name, name) == 0;

        return n;
}

int http_head_framing(const HttpHead *head, bool is_head, HttpFraming *ret, uint64_t *ret_length) {
        const char *length = http_head_find(head, "Content-Length"), *coding = http_head_find(head, "Transfer-Encoding");
        HttpFraming framing = HTTP_FRAMING_CLOSE;
        uint64_t n = 0;

        /* RFC 9112, 6.3, 3 and 5: both, or several that contradict, is an attempt at smuggling or a broken server. */
        if ((length && coding) || count(head, "Content-Length") > 1 || count(head, "Transfer-Encoding") > 1)
                return HTTP_MALFORMED;
        if (coding && strcasecmp(coding, "chunked") != 0)
                return HTTP_MALFORMED;
        if (length && parse_uint(length, 0, INT64_MAX, &n) < 0)
                return HTTP_MALFORMED;

        /* RFC 9112, 6.3, 1: these have no body, whatever the fields say. */
        if (is_head || head->status < 200 || head->status == 204 || head->status == 304)
                framing = HTTP_FRAMING_NONE;
        else if (coding)
                framing = HTTP_FRAMING_CHUNKED;
        else if (length)
                framing = HTTP_FRAMING_LENGTH;

        *ret = framing;
        *ret_length = framing == HTTP_FRAMING_LENGTH ? n : 0;
        return 0;
}
