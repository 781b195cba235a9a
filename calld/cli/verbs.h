#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verbs: one row each, with the handler that main() calls
 *
 * A handler returns the exit status and has told the user what went wrong.
 */

#include "calld/cli/options.h"

typedef struct VerbRow {
        const char *name;
        Verb verb;
        int (*handler)(const Options *o);
        size_t n_arguments_min, n_arguments_max;
        const char *synopsis;
        const char *help;
} VerbRow;

/* Ends with a row whose name is NULL; the first is the default. */
extern const VerbRow verb_table[];

/* NULL: there is none of that name. */
const VerbRow *verb_find(const char *name);

int verb_status(const Options *o);
int verb_list(const Options *o);
int verb_show(const Options *o);
int verb_call(const Options *o);
int verb_soap(const Options *o);
int verb_test(const Options *o);
int verb_certs(const Options *o);
int verb_check(const Options *o);
int verb_inspect(const Options *o);
int verb_encrypt(const Options *o);
int verb_log(const Options *o);
int verb_reload(const Options *o);
