/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/proxy.h"

#include <stdio.h>

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

static size_t find_scheme(Span text) {
        for (size_t i = 0; i + 3 <= text.size; i++)
                if (memcmp(text.data + i, "://", 3) == 0)
                        return i;
        return 0;
}

bool proxy_parse(Span text, Proxy *ret) {
        size_t n = find_scheme(text), at = 0;
        Span rest;

        if (n == 0)
                return false;

        rest = span_make(text.data + n + 3, text.size - n - 3);
        for (size_t i = 0; i < rest.size; i++)
                if (rest.data[i] == '@')
                        at = i + 1;
        *ret = (Proxy) {
                .scheme = span_make(text.data, n),
                .user = at > 0 ? span_make(rest.data, at - 1) : (Span) {},
                .authority = span_make(rest.data + at, rest.size - at),
        };
        return true;
}

void proxy_to_string(const Proxy *p, char *ret, size_t size) {
        snprintf(ret, size, "%.*s://%.*s", SPAN_ARGS(p->scheme), SPAN_ARGS(p->authority));
}
