#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Making an answer for the loader; and what is common to the answers of all stores */

#include <jansson.h>

#include "keyd/crypto/fetch.h"

#define ANSWER_NAME_SHOWN 100 /* characters of a name in a sentence */

#define HINT_LATER "nothing to do at first: it is tried again by itself, at growing intervals"
#define HINT_BETWEEN "have the vault looked at, and what stands between: it is not used"

/* Fills *ret with a failure. @hint may be "". */
void answer_fail(FetchAnswer *ret, FetchClass class, const char *hint, const char *detail_format, ...) _printf_(4, 5);

/*
 * Fills *ret with a value of @size bytes, or with what is wrong with it: empty, too large. @what: whose value it is, as a sentence begins.
 *
 * Return: 0 or -ENOMEM
 */
int answer_value(FetchAnswer *ret, const char *what, const void *data, size_t size) _must_check_;

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
