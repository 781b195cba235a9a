/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/main-options.h"

#include <getopt.h>
#include <string.h>

#define DEFAULT_KEYD_SOCKET "/run/midtls/keyd.sock"

typedef struct OptionRow {
        const char *name;
        const char *argument; /* NULL: takes none */
        const char *help;
        int (*take)(CalldOptions *o, const char *value);
} OptionRow;

static int take_help(CalldOptions *o, const char *value);

static int take_keyd_socket(CalldOptions *o, const char *value) {
        o->keyd_socket = value;
        return 0;
}

static int take_log(CalldOptions *o, const char *value) {
        o->log = log_target_from_string(value);
        return o->log < 0 ? OPTIONS_E_USAGE : 0;
}

static int take_sandbox(CalldOptions *o, const char *value) {
        o->sandbox_off = true;
        return strcmp(value, "off") == 0 ? 0 : OPTIONS_E_USAGE;
}

static int take_check(CalldOptions *o, const char *value) {
        (void) value;
        o->check = true;
        return 0;
}

static int take_version(CalldOptions *o, const char *value) {
        (void) o;
        (void) value;
        printf("calld (midtls) %s\n", MIDTLS_VERSION);
        return OPTIONS_E_DONE;
}

static const OptionRow rows[] = {
        {"keyd-socket", "PATH", "where keyd listens (default " DEFAULT_KEYD_SOCKET ")", take_keyd_socket},
        {"log", "TARGET", "auto, journal, console or json", take_log},
        {"sandbox", "off", "for development: do not give up rights", take_sandbox},
        {"check", NULL, "check whether this program can run, then end", take_check},
        {"help", NULL, "show this text", take_help},
        {"version", NULL, "show the version", take_version},
};

static int take_help(CalldOptions *o, const char *value) {
        (void) o;
        (void) value;
        printf("calld: outbound calls over mutual TLS, without the keys. Listening sockets come by socket activation.\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char name[64];

                snprintf(name, sizeof(name), "--%s%s%s", rows[i].name, rows[i].argument ? "=" : "", rows[i].argument ? rows[i].argument : "");
                printf("  %-20s  %s\n", name, rows[i].help);
        }
        return OPTIONS_E_DONE;
}

int calld_options_parse(int argc, char **argv, CalldOptions *ret) {
        struct option options[ARRAY_SIZE(rows) + 1] = {};
        int index = 0, c, r;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                options[i] = (struct option) {rows[i].name, rows[i].argument ? required_argument : no_argument, NULL, 0};

        *ret = (CalldOptions) {.keyd_socket = DEFAULT_KEYD_SOCKET, .log = LOG_TARGET_AUTO};
        while ((c = getopt_long(argc, argv, "", options, &index)) == 0) {
                r = rows[index].take(ret, optarg);
                if (r == OPTIONS_E_USAGE)
                        fprintf(stderr, "calld: --%s does not take \"%s\"; see --help\n", rows[index].name, optarg);
                if (r != 0)
                        return r;
        }
        if (c != -1)
                return OPTIONS_E_USAGE;
        if (optind < argc) {
                fprintf(stderr, "calld: takes no arguments; see --help\n");
                return OPTIONS_E_USAGE;
        }
        return 0;
}
