#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Target: where a call goes, from the words of the command line
 *
 *      ALIAS PATH | ALIAS METHOD PATH | SCHEME://HOST/PATH | METHOD SCHEME://HOST/PATH
 */

#include "common/def.h"

#define TARGET_AUTHORITY_MAX 320U

typedef struct Target {
        const char *method; /* NULL: none was given */
        const char *target; /* path and query, or the absolute form; points into the words */
        char authority[TARGET_AUTHORITY_MAX];
} Target;

/* Return: NULL, or what is wrong */
const char *target_parse(const char *const *words, size_t n_words, Target *ret) _must_check_;
