/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/log-internal.h"

/*
 * The size of the well-formed UTF-8 sequence at @s (RFC 3629, 4), or 0. Reads no byte behind one that does not continue.
 */
static size_t utf8_size(const uint8_t *s) {
        size_t size = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : s[0] >= 0xe0 && s[0] <= 0xef ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;

        for (size_t i = 1; i < size; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;

        /* Overlong forms, surrogates, beyond U+10FFFF */
        if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
                return 0;

        return size;
}

/* Bytes at @s that stand for themselves. */
static size_t plain_size(const uint8_t *s) {
        size_t n = 0;

        while (s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
                n++;
        return n;
}

/* RFC 8259, 7. A byte that is no UTF-8 becomes U+FFFD. */
static int put_json_string(Buf *b, const char *text) {
        const uint8_t *s = (const uint8_t *) text;
        int r;

        r = buf_append(b, "\"", 1);
        while (r >= 0 && *s) {
                size_t plain = plain_size(s), size = utf8_size(s);

                if (plain > 0) {
                        r = buf_append(b, s, plain);
                        s += plain;
                } else if (size == 0) {
                        r = buf_append(b, "\xef\xbf\xbd", 3);
                        s++;
                } else if (*s < 0x20 || *s == 0x7f) {
                        r = buf_printf(b, "\\u%04x", *s);
                        s++;
                } else {
                        if (*s == '"' || *s == '\\')
                                r = buf_append(b, "\\", 1);
                        if (r >= 0)
                                r = buf_append(b, s, size);
                        s += size;
                }
        }

        return r < 0 ? r : buf_append(b, "\"", 1);
}

static int put_json_member(Buf *b, const char *name, const char *value) {
        int r;

        r = b->size > 1 ? buf_append(b, ",\"", 2) : buf_append(b, "\"", 1);
        if (r >= 0)
                r = buf_append(b, name, strlen(name));
        if (r >= 0)
                r = buf_append(b, "\":", 2);
        return r < 0 ? r : put_json_string(b, value);
}

int log_format_json(const LogRecord *rec, const char *identifier, const char *message, Buf *ret) {
        char priority[4], realtime[24];
        struct timespec now;
        int r;

        ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
        snprintf(priority, sizeof(priority), "%d", rec->priority);
        snprintf(realtime, sizeof(realtime), "%llu", (unsigned long long) now.tv_sec * 1000000ULL + (unsigned long long) now.tv_nsec / 1000);

        r = buf_append(ret, "{", 1);
        if (r >= 0)
                r = put_json_member(ret, "__REALTIME_TIMESTAMP", realtime);
        if (r >= 0)
                r = put_json_member(ret, "PRIORITY", priority);
        if (r >= 0)
                r = put_json_member(ret, "SYSLOG_IDENTIFIER", identifier);
        if (r >= 0)
                r = put_json_member(ret, "MESSAGE", message);
        for (size_t i = 0; r >= 0 && i < rec->n_fields; i++)
                r = put_json_member(ret, rec->fields[i].name, rec->fields[i].value);

        return r < 0 ? r : buf_append(ret, "}\n", 2);
}

/* Bytes that could steer a terminal are shown as \xNN. */
static int put_console_text(Buf *b, const char *text) {
        int r = 0;

        for (const uint8_t *s = (const uint8_t *) text; r >= 0 && *s; s++)
                r = *s < 0x20 || *s == 0x7f ? buf_printf(b, "\\x%02x", *s) : buf_append(b, s, 1);

        return r;
}

int log_format_console(const LogRecord *rec, const char *message, Buf *ret) {
        int r;

        r = buf_printf(ret, "<%d>", rec->priority);
        if (r >= 0)
                r = put_console_text(ret, message);
        for (size_t i = 0; r >= 0 && i < rec->n_fields; i++) {
                r = buf_printf(ret, "%s%s=", i == 0 ? " [" : " ", rec->fields[i].name);
                if (r >= 0)
                        r = put_console_text(ret, rec->fields[i].value);
        }
        if (r >= 0 && rec->n_fields > 0)
                r = buf_append(ret, "]", 1);

        return r < 0 ? r : buf_append(ret, "\n", 1);
}
