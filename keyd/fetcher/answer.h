#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What is common to reading the answers of all stores */

#include <jansson.h>

#include "keyd/crypto/fetch.h"

#define HINT_BETWEEN "have the vault looked at, and what stands between: it is not used"

/* What a status means where nothing tells more */
typedef struct StatusMeaning {
        long first, last;
        FetchClass class;
        const char *what;
        const char *hint;
} StatusMeaning;

/* The first row that fits, or NULL. */
const StatusMeaning *answer_find_status(const StatusMeaning *rows, size_t n_rows, long status);

/* JSON that somebody else wrote; strict, no member twice. Return: NULL when it is none */
json_t *answer_parse(const Secret *body);

/* NULL: it is not there, or no text. */
const char *json_text(const json_t *object, const char *name);
