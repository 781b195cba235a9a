/* SPDX-License-Identifier: Apache-2.0 */

/* The `midtls` command */

#include <locale.h>
#include <string.h>

#include "calld/cli/output.h"
#include "calld/cli/pager.h"
#include "calld/cli/verbs.h"

static int usage_error(const char *error) {
        output_error("see midtls --help", "%s", error ? error : "the command line is wrong");
        return EXIT_USAGE;
}

/* What could not be written (a full disk, a closed pipe) must not look like success. */
static int finish(int status) {
        bool failed = ferror(stdout) != 0;
        int error;

        errno = 0;
        failed |= fclose(stdout) != 0;
        error = errno;
        /* a pager that was left early has what its reader wanted */
        if (pager_wait() || !failed)
                return status;

        return output_error(NULL, "cannot write to standard output: %s", strerror(error ? error : EIO));
}

int main(int argc, char **argv) {
        _cleanup_(options_done) Options o = {};
        _cleanup_free_ char *error = NULL;
        int r;

        setlocale(LC_CTYPE, "");
        r = options_parse(argc, argv, &o, &error);
        if (r == OPTIONS_USAGE)
                return usage_error(error);
        if (r < 0)
                return output_error(NULL, "%s", strerror(-r));

        if (o.help)
                options_print_help(stdout, o.verb_given ? o.verb : NULL);
        else if (o.version)
                puts("midtls " MIDTLS_VERSION);
        else {
                pager_open(&o);
                r = o.verb->handler(&o);
        }

        return finish(r);
}
