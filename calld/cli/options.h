#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was asked for on the command line
 *
 * Options and arguments may stand in any order; "--" ends the options. Everything points into argv.
 */

#include "common/def.h"

#define OPTIONS_HEADERS_MAX 64U

typedef enum JsonMode {
        JSON_MODE_OFF = 0,
        JSON_MODE_SHORT,
        JSON_MODE_PRETTY,
} JsonMode;

typedef enum ColorMode {
        COLOR_MODE_AUTO = 0,
        COLOR_MODE_ALWAYS,
        COLOR_MODE_NEVER,
} ColorMode;

/* One bit a verb, so that a row of the option table can say where it belongs. */
typedef enum Verb {
        VERB_STATUS = 1 << 0,
        VERB_LIST = 1 << 1,
        VERB_SHOW = 1 << 2,
        VERB_CALL = 1 << 3,
        VERB_SOAP = 1 << 4,
        VERB_TEST = 1 << 5,
        VERB_CHECK = 1 << 6,
        VERB_INSPECT = 1 << 7,
        VERB_CERTS = 1 << 8,
        VERB_LOG = 1 << 9,
        VERB_RELOAD = 1 << 10,
        VERB_ENCRYPT = 1 << 11,
        VERB_ALL = (1 << 12) - 1,
} Verb;

struct VerbRow;

typedef struct Options {
        const struct VerbRow *verb; /* a row of verbs.h; never NULL after options_parse() */
        bool verb_given;            /* else it is the default */
        const char **arguments;     /* what follows the verb; the array is owned */
        size_t n_arguments;

        bool help;
        bool version;
        JsonMode json;
        ColorMode color;
        bool no_legend;
        bool no_pager;
        const char *socket; /* --socket, NULL when not given */

        bool profiles;
        const char *headers[OPTIONS_HEADERS_MAX];
        size_t n_headers;
        const char *data;
        const char *output;
        bool include;
        bool fail;
        bool verbose;
        const char *timeout; /* as written; is a valid time span */
        uint64_t timeout_usec;
        const char *action;
        bool addressing;
        const char *soap; /* "1.1" or "1.2" */
        const char *root;
        const char *config_dir;
        const char *key_alias;
        bool expiring; /* --expiring was given */
        uint64_t expiring_usec;
        bool follow;
        struct {
                const char *profile, *event, *caller, *verdict, *code, *call, *since, *until, *input;
                bool reconcile;
        } log;
        bool dry_run;
} Options;

#define OPTIONS_USAGE 1

/*
 * Return: 0, OPTIONS_USAGE when the command line is wrong (*ret_error says why, to be freed), -ENOMEM
 */
int options_parse(int argc, char **argv, Options *ret, char **ret_error) _must_check_;

void options_done(Options *o);

/* The text of --help: the verbs, or @verb alone, then a line for each row of the option table that goes with it. @verb may be NULL. */
void options_print_help(FILE *f, const struct VerbRow *verb);
