/* SPDX-License-Identifier: Apache-2.0 */

/* The `midtls` command */

#include <locale.h>
#include <string.h>

#include "calld/cli/output.h"
#include "calld/cli/verbs.h"

static int usage_error(const char *error) {
        output_error("see midtls --help", "%s", error ? error : "the command line is wrong");
        return EXIT_USAGE;
}

/* What could not be written (a full disk, a closed pipe) must not look like success. */
static int finish(int status) {
        bool failed = ferror(stdout) != 0;

        errno = 0;
        if (fclose(stdout) == 0 && !failed)
                return status;

        return output_error(NULL, "cannot write to standard output: %s", strerror(errno ? errno : EIO));
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
        else
                r = o.verb->handler(&o);

        return finish(r);
}
