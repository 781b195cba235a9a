/* SPDX-License-Identifier: Apache-2.0 */

/* midtls.conf */

#include <string.h>

#include "keyd/loader/config-internal.h"
#include "keyd/loader/file.h"

#define ROW(section, key, parser, field) \
        { section, key, parser, offsetof(Config, field) }
#define OTHER_STORE(section) \
        { section, NULL, config_parse_ignored, 0 }

/* clang-format off */
static const IniRow rows[] = {
        ROW("MID",     "Name",              ini_parser_string,         mid_name),
        ROW("MID",     "ConfigXml",         ini_parser_string,         config_xml),
        ROW("MID",     "KeystoreDirectory", ini_parser_string,         keystore_directory),
        ROW("Calls",   "MaxCalls",          ini_parser_uint32,         max_calls),
        ROW("Calls",   "MaxCallsPerUser",   ini_parser_uint32,         max_calls_per_user),
        ROW("Calls",   "MaxHeaderBytes",    ini_parser_size,           max_header_bytes_64),
        ROW("Calls",   "HeaderTimeout",     ini_parser_timespan,       header_timeout_usec),
        ROW("Calls",   "IdleTimeout",       ini_parser_timespan,       idle_timeout_usec),
        ROW("Sandbox", "Mode",              config_parse_sandbox_mode, sandbox_strict),
        OTHER_STORE("CyberArk"),
        OTHER_STORE("Vault"),
        OTHER_STORE("Conjur"),
        OTHER_STORE("Instance"),
};
/* clang-format on */

#define HEADER_BYTES_MIN 4096U
#define HEADER_BYTES_MAX (1024U * 1024)

static void drop_empty(char **s) {
        if (*s && !**s) {
                free(*s);
                *s = NULL;
        }
}

static int check(const char *file, Config *c, Problems *problems) {
        drop_empty(&c->mid_name);
        drop_empty(&c->config_xml);
        drop_empty(&c->keystore_directory);

        if (c->max_header_bytes_64 >= HEADER_BYTES_MIN && c->max_header_bytes_64 <= HEADER_BYTES_MAX) {
                c->max_header_bytes = (uint32_t) c->max_header_bytes_64;
                return 0;
        }
        return problems_add(problems, file, 0, false, "write a size from 4K to 1M", "MaxHeaderBytes= has a value that cannot be used");
}

static int make_absolute(const char *file, char **path) {
        _cleanup_free_ char *dir = NULL;
        char *slash, *joined;
        int r;

        if (!*path)
                return 0;
        dir = strdup(file);
        if (!dir)
                return -ENOMEM;
        slash = strrchr(dir, '/');
        if (slash)
                *slash = 0;
        r = path_join(slash ? dir : ".", *path, &joined);
        if (r < 0)
                return r;

        free(*path);
        *path = joined;
        return 0;
}

int config_load_midtls(char *const *dirs, Config *c, Problems *problems) {
        _cleanup_(config_files_done) ConfigFiles files = {};
        unsigned mode;
        int r;

        c->max_calls = 1024;
        c->max_calls_per_user = 256;
        c->max_header_bytes_64 = c->max_header_bytes = 64 * 1024;
        c->header_timeout_usec = 10 * USEC_PER_SEC;
        c->idle_timeout_usec = 60 * USEC_PER_SEC;
        c->sandbox_strict = true;

        r = config_dir_list(dirs, ".conf", &files);
        for (size_t i = 0; r >= 0 && i < files.n_items; i++) {
                if (strcmp(files.items[i].name, "midtls") != 0)
                        continue;

                r = config_file_parse(&files.items[i], rows, ARRAY_SIZE(rows), problems, c, &mode);
                if (r >= 0)
                        r = check(files.items[i].path, c, problems);
                if (r >= 0)
                        r = make_absolute(files.items[i].path, &c->config_xml);
                if (r >= 0)
                        r = make_absolute(files.items[i].path, &c->keystore_directory);
        }

        return r;
}
