/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A look at XML before libxml2 gets it
 *
 * libxml2 compares each attribute of an element with all others before it tells anybody of the element: 200000 of them, in 2 MB, take a minute.
 */

#include <strings.h>

#include "calld/soap/soap-internal.h"

typedef struct Section {
        const char *begin, *end;
} Section;

/* Where markup means nothing: XML 1.0, 2.5 to 2.7 */
static const Section sections[] = {
        {"<!--", "-->"},
        {"<![CDATA[", "]]>"},
        {"<?", "?>"},
};

static Span skip(Span s, size_t n) {
        return span_make(s.data + n, s.size - n);
}

static bool begins_with(Span s, const char *text) {
        return s.size >= strlen(text) && memcmp(s.data, text, strlen(text)) == 0;
}

/* Return: true when @s begins with a section, which is taken off */
static bool skip_section(Span *s) {
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
                const uint8_t *end;

                if (!begins_with(*s, sections[i].begin))
                        continue;
                end = memmem(s->data, s->size, sections[i].end, strlen(sections[i].end));
                *s = end ? skip(*s, (size_t) (end - s->data) + strlen(sections[i].end)) : span_make(s->data + s->size, 0);
                return true;
        }
        return false;
}

/* Takes a tag off @s. Return: how many attributes it has */
static size_t skip_tag(Span *s) {
        uint8_t quote = 0;
        size_t i, n = 0;

        for (i = 1; i < s->size; i++) {
                uint8_t c = s->data[i];

                if (quote != 0)
                        quote = c == quote ? 0 : quote;
                else if (c == '"' || c == '\'')
                        quote = c;
                else if (c == '=')
                        n++;
                else if (c == '>' || c == '<')
                        break;
        }
        *s = skip(*s, i);
        return n;
}

bool soap_is_crowded(Span body) {
        while (body.size > 0) {
                const uint8_t *p = memchr(body.data, '<', body.size);

                if (!p)
                        return false;
                body = skip(body, (size_t) (p - body.data));
                if (!skip_section(&body) && skip_tag(&body) > SOAP_ATTRIBUTES_MAX)
                        return true;
        }
        return false;
}

Span soap_declared_encoding(Span body) {
        const uint8_t *end, *p;
        size_t n;

        if (begins_with(body, "\xef\xbb\xbf"))
                body = skip(body, 3);
        if (!begins_with(body, "<?xml"))
                return SPAN_LITERAL("utf-8");

        end = memmem(body.data, body.size, "?>", 2);
        if (!end)
                return SPAN_LITERAL("");
        p = memmem(body.data, (size_t) (end - body.data), "encoding", 8);
        if (!p)
                return SPAN_LITERAL("utf-8");

        p += 8;
        while (p < end && strchr(" \t\r\n=\"'", *p))
                p++;
        for (n = 0; p + n < end && !strchr(" \t\r\n\"'", p[n]); n++)
                ;
        return span_make(p, n);
}

/* Others could hide markup from what is above: UTF-16, UTF-7, EBCDIC. */
bool soap_is_ascii_based(Span body) {
        static const char *const good[] = {"utf-8", "us-ascii", "iso-8859-", "windows-125"};
        Span encoding = soap_declared_encoding(body);

        if (body.size >= 2 && (body.data[0] >= 0xfe || body.data[0] == 0 || body.data[1] == 0))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                if (encoding.size >= strlen(good[i]) && strncasecmp((const char *) encoding.data, good[i], strlen(good[i])) == 0)
                        return true;
        return false;
}
