/* SPDX-License-Identifier: Apache-2.0 */

#include "common/span.h"

#include <strings.h>

bool span_equal(Span a, Span b) {
        uint8_t difference = 0;

        if (a.size != b.size)
                return false;

        for (size_t i = 0; i < a.size; i++)
                difference |= a.data[i] ^ b.data[i];

        return difference == 0;
}

bool span_is(Span a, const char *s) {
        return span_equal(a, span_from_string(s));
}

bool span_is_nocase(Span a, const char *s) {
        Span b = span_from_string(s);

        return a.size == b.size && (a.size == 0 || strncasecmp((const char *) a.data, s, a.size) == 0);
}

int span_to_string(Span a, char **ret) {
        char *s;

        if (a.size > 0 && memchr(a.data, 0, a.size))
                return -EINVAL;

        s = malloc(a.size + 1);
        if (!s)
                return -ENOMEM;

        if (a.size > 0)
                memcpy(s, a.data, a.size);
        s[a.size] = 0;

        *ret = s;
        return 0;
}

void span_copy_text(Span a, char *ret, size_t size) {
        size_t n = MIN_OF(a.size, size - 1);

        if (n > 0)
                memcpy(ret, a.data, n);
        ret[n] = '\0';
}
