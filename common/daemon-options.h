#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The command line of the daemons and their roles: a table of long options
 *
 * Each program lists the rows it takes; nothing else is understood and nothing may be abbreviated.
 */

#include "common/def.h"

#define DAEMON_WORKERS_MAX 16U

typedef struct DaemonOptions {
        const char *config_dir;  /* --config-dir=, NULL when not given */
        const char *root;        /* --root= (keyd, with --check) */
        const char *keyd_socket; /* --keyd-socket= (calld) */
        const char *log;         /* --log=, checked; NULL when not given */
        const char *inspect;     /* --inspect FILE (keyd) */
        const char *key_alias;   /* --key-alias= (keyd, with --inspect) */
        unsigned workers;        /* --workers= (calld), 0 when not given */
        bool check;              /* --check */
        bool make_host_key;      /* --make-host-key (keyd) */
        bool sandbox_off;        /* --sandbox=off: for development only */
} DaemonOptions;

typedef enum DaemonOptionKind {
        DAEMON_OPTION_TEXT,    /* a const char * that must not be empty */
        DAEMON_OPTION_FLAG,    /* a bool */
        DAEMON_OPTION_WORKERS, /* an unsigned from 1 to DAEMON_WORKERS_MAX */
        DAEMON_OPTION_LOG,
        DAEMON_OPTION_SANDBOX,
} DaemonOptionKind;

typedef struct DaemonOption {
        const char *name;     /* without "--" */
        const char *argument; /* for the help; NULL: takes none */
        DaemonOptionKind kind;
        size_t offset; /* in DaemonOptions */
        const char *help;
} DaemonOption;

/* clang-format off */
#define DAEMON_ROW_CONFIG_DIR  {"config-dir",  "DIR",    DAEMON_OPTION_TEXT,    offsetof(DaemonOptions, config_dir),  "read the configuration from DIR alone"}
#define DAEMON_ROW_ROOT        {"root",        "DIR",    DAEMON_OPTION_TEXT,    offsetof(DaemonOptions, root),        "with --check: look for the configuration below DIR"}
#define DAEMON_ROW_KEYD_SOCKET {"keyd-socket", "PATH",   DAEMON_OPTION_TEXT,    offsetof(DaemonOptions, keyd_socket), "where keyd listens"}
#define DAEMON_ROW_LOG         {"log",         "TARGET", DAEMON_OPTION_LOG,     offsetof(DaemonOptions, log),         "auto, journal, console or json"}
#define DAEMON_ROW_CHECK       {"check",       NULL,     DAEMON_OPTION_FLAG,    offsetof(DaemonOptions, check),       "check the configuration and exit"}
#define DAEMON_ROW_INSPECT     {"inspect",     "FILE",   DAEMON_OPTION_TEXT,    offsetof(DaemonOptions, inspect),     "tell what is in a keystore; reads passwords from standard input"}
#define DAEMON_ROW_KEY_ALIAS   {"key-alias",   "ALIAS",  DAEMON_OPTION_TEXT,    offsetof(DaemonOptions, key_alias),   "with --inspect: the entry to look at"}
#define DAEMON_ROW_HOST_KEY    {"make-host-key", NULL,   DAEMON_OPTION_FLAG,    offsetof(DaemonOptions, make_host_key), "make the key that passwords are encrypted to, unless there is one"}
#define DAEMON_ROW_WORKERS     {"workers",     "N",      DAEMON_OPTION_WORKERS, offsetof(DaemonOptions, workers),     "run N worker threads (default: one for each core)"}
#define DAEMON_ROW_SANDBOX     {"sandbox",     "off",    DAEMON_OPTION_SANDBOX, offsetof(DaemonOptions, sandbox_off), "for development only: no confinement"}
/* clang-format on */

enum {
        _DAEMON_OPTIONS_E_SUCCESS,
        DAEMON_OPTIONS_E_DONE,  /* --help or --version has been answered: exit 0 */
        DAEMON_OPTIONS_E_USAGE, /* said on standard error: exit 2 */
};

/*
 * Reads @argv. --help and --version are understood always.
 *
 * @program: for messages; @purpose: the help's second line
 * Return: 0 with *ret filled (strings borrowed from @argv), or DAEMON_OPTIONS_E_*
 */
int daemon_options_parse(const char *program, const char *purpose, const DaemonOption *rows, size_t n_rows, int argc, char *const argv[],
                         DaemonOptions *ret) _must_check_;
