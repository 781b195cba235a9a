/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/answer.h"

#include <stdarg.h>
#include <string.h>

void answer_fail(FetchAnswer *ret, FetchClass class, const char *hint, const char *detail_format, ...) {
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

int answer_value(FetchAnswer *ret, const char *what, const void *data, size_t size) {
        if (size == 0) {
                answer_fail(ret, FETCH_CONFIGURATION, "store the keystore's password, or the keystore, there", "%s: the value is empty", what);
                return 0;
        }
        if (size > FETCH_CONTENT_MAX) {
                answer_fail(ret, FETCH_CONFIGURATION, "a password or a keystore of 120 KiB at most is taken", "%s: the value has %zu bytes", what,
                            size);
                return 0;
        }

        return secret_new_from(data, size, &ret->content);
}

const StatusMeaning *answer_find_status(const StatusMeaning *rows, size_t n_rows, long status) {
        for (size_t i = 0; i < n_rows; i++)
                if (status >= rows[i].first && status <= rows[i].last)
                        return &rows[i];

        return NULL;
}

json_t *answer_parse(const Secret *body) {
        json_error_t error;

        return json_loadb((const char *) secret_data(body), secret_size(body), JSON_REJECT_DUPLICATES, &error);
}

const char *json_text(const json_t *object, const char *name) {
        const json_t *member = json_object_get(object, name);

        return json_is_string(member) ? json_string_value(member) : NULL;
}
