/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/answer.h"

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
