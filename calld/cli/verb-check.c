/* SPDX-License-Identifier: Apache-2.0 */

/* midtls check: keyd reads the configuration, here and now, as this user */

#include <string.h>

#include "calld/cli/keyd.h"
#include "calld/cli/output.h"
#include "calld/cli/verbs.h"

static int check(const char *option, const char *dir) {
        _cleanup_free_ char *argument = NULL;
        const char *argv[4] = {"keyd", "--check"};

        if (option && asprintf(&argument, "%s=%s", option, dir) < 0) {
                argument = NULL;
                return output_error(NULL, "%s", strerror(ENOMEM));
        }

        argv[2] = argument;
        return keyd_exec(argv);
}

int verb_check(const Options *o) {
        if (o->root && o->config_dir) {
                output_error("give one of them", "--root and --config-dir exclude each other");
                return EXIT_USAGE;
        }

        if (o->root)
                return check("--root", o->root);
        return o->config_dir ? check("--config-dir", o->config_dir) : check(NULL, NULL);
}
