/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <string.h>

#include "keyd/crypto/fetch.h"

const char *fetch_class_to_string(FetchClass c) {
        static const char *const names[_FETCH_CLASS_MAX] = {
                [FETCH_OK] = "ok",       [FETCH_RETRY] = "retry", [FETCH_RETRY_ALL] = "retry", [FETCH_CONFIGURATION] = "configuration",
                [FETCH_ALERT] = "alert",
        };

        return (unsigned) c < ARRAY_SIZE(names) ? names[c] : NULL;
}

void fetch_fail(FetchAnswer *ret, FetchClass class, const char *hint, const char *detail_format, ...) {
        va_list ap;

        *ret = (FetchAnswer) {.class = class};
        va_start(ap, detail_format);
        vsnprintf(ret->detail, sizeof(ret->detail), detail_format, ap);
        va_end(ap);
        snprintf(ret->hint, sizeof(ret->hint), "%s", hint);

        /* What libraries say may hold what their peer said. */
        for (char *p = ret->detail; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        *p = '?';
}

int fetch_set_value(FetchAnswer *ret, const char *what, const void *data, size_t size) {
        if (size == 0) {
                fetch_fail(ret, FETCH_CONFIGURATION, "store the keystore's password, or the keystore, there", "%s: the value is empty", what);
                return 0;
        }
        if (size > FETCH_CONTENT_MAX) {
                fetch_fail(ret, FETCH_CONFIGURATION, "a password or a keystore of 120 KiB at most is taken", "%s: the value has %zu bytes", what,
                           size);
                return 0;
        }

        return secret_new_from(data, size, &ret->content);
}
