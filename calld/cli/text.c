/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* Characters that change the direction or join of what stands beside them: a name could be made to look like another. */
static bool is_deceptive(wchar_t c) {
        return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Bytes of the printable character at @s, or 0. */
static size_t printable(const char *s) {
        mbstate_t state = {};
        wchar_t c;
        size_t n = mbrtowc(&c, s, strlen(s), &state);

        if (n == 0 || n == (size_t) -1 || n == (size_t) -2)
                return 0;

        return iswprint((wint_t) c) && !is_deceptive(c) ? n : 0;
}

char *text_escape(const char *s) {
        char *ret = malloc(strlen(s) * 4 + 1), *p = ret;

        if (!ret)
                return NULL;

        while (*s) {
                size_t n = printable(s);

                if (n > 0) {
                        memcpy(p, s, n);
                        p += n;
                        s += n;
                } else if (*s == '\n' || *s == '\t') {
                        *p++ = '\\';
                        *p++ = *s++ == '\n' ? 'n' : 't';
                } else
                        p += snprintf(p, 5, "\\x%02x", (unsigned char) *s++);
        }

        *p = 0;
        return ret;
}

void text_print(FILE *f, const char *s) {
        _cleanup_free_ char *escaped = text_escape(s);

        fputs(escaped ? escaped : "(no memory)", f);
}

/* Bytes and columns of the character at @s; a byte that is no character counts as one column. */
static size_t measure(const char *s, size_t *ret_columns) {
        mbstate_t state = {};
        wchar_t c;
        size_t n = mbrtowc(&c, s, strlen(s), &state);
        int columns;

        *ret_columns = 1;
        if (n == 0 || n == (size_t) -1 || n == (size_t) -2)
                return 1;

        columns = wcwidth(c);
        if (columns >= 0)
                *ret_columns = (size_t) columns;
        return n;
}

size_t text_width(const char *s) {
        size_t width = 0, columns;

        while (*s) {
                s += measure(s, &columns);
                width += columns;
        }

        return width;
}

void text_ellipsize(char *s, size_t width) {
        const char *mark = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\xe2\x80\xa6" : "~";
        size_t used = 0, columns, size = strlen(s);
        char *p = s;

        if (text_width(s) <= width)
                return;

        for (;;) {
                size_t n = measure(p, &columns);

                /* The mark may be longer than the last characters: one more of them goes then. */
                if (used + columns + 1 > width || size - (size_t) (p - s) - n < strlen(mark))
                        break;
                p += n;
                used += columns;
        }

        if (strlen(mark) > size - (size_t) (p - s))
                mark = "~";
        memcpy(p, mark, strlen(mark) + 1);
}

typedef struct Unit {
        const char *shown;
        const char *name;
        uint64_t usec;
} Unit;

static const Unit units[] = {
        {"d", "day", 24 * 60 * USEC_PER_MINUTE}, {"h", "hour", 60 * USEC_PER_MINUTE},  {"min", "minute", USEC_PER_MINUTE},
        {"s", "second", USEC_PER_SEC},           {"ms", "millisecond", USEC_PER_MSEC}, {"us", "microsecond", 1},
};

void text_format_span(uint64_t usec, char ret[32]) {
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                uint64_t rest = usec % units[i].usec;

                if (usec < units[i].usec)
                        continue;
                if (i + 1 < ARRAY_SIZE(units) && i < 3 && rest >= units[i + 1].usec)
                        snprintf(ret, 32, "%" PRIu64 "%s %" PRIu64 "%s", usec / units[i].usec, units[i].shown, rest / units[i + 1].usec,
                                 units[i + 1].shown);
                else
                        snprintf(ret, 32, "%" PRIu64 "%s", usec / units[i].usec, units[i].shown);
                return;
        }

        snprintf(ret, 32, "0");
}

static void format_relative(int64_t seconds, char ret[40]) {
        uint64_t usec = (uint64_t) (seconds < 0 ? -seconds : seconds) * USEC_PER_SEC;

        for (size_t i = 0; i < 4; i++) {
                uint64_t n = usec / units[i].usec;

                if (n == 0 && i < 3)
                        continue;
                snprintf(ret, 40, "%s%" PRIu64 " %s%s%s", seconds < 0 ? "" : "in ", n, units[i].name, n == 1 ? "" : "s", seconds < 0 ? " ago" : "");
                return;
        }
}

int text_parse_time(const char *rfc3339, time_t *ret) {
        struct tm tm = {};
        const char *end = rfc3339 ? strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

        if (!end || (strcmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0))
                return -EINVAL;

        *ret = timegm(&tm);
        return 0;
}

void text_format_expiry(const char *rfc3339, time_t now, char ret[64]) {
        char relative[40] = "";
        time_t end;

        if (text_parse_time(rfc3339, &end) < 0) {
                snprintf(ret, 64, "-");
                return;
        }

        format_relative((int64_t) end - (int64_t) now, relative);
        snprintf(ret, 64, "%s (%.10s)", relative, rfc3339);
}

static int hex_value(char c) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *p = c ? strchr(digits, c) : NULL;

        if (!p)
                return -1;
        return p - digits < 16 ? (int) (p - digits) : (int) (p - digits) - 6;
}

void text_percent_decode(char *s) {
        char *to = s;

        for (; *s; s++) {
                int high = *s == '%' ? hex_value(s[1]) : -1, low = high >= 0 ? hex_value(s[2]) : -1;

                if (low >= 0 && high + low > 0) {
                        *to++ = (char) (high << 4 | low);
                        s += 2;
                } else
                        *to++ = *s;
        }
        *to = 0;
}
