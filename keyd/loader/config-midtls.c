/* SPDX-License-Identifier: Apache-2.0 */

/* midtls.conf */

#include <string.h>
#include <sys/stat.h>

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
        ROW("Calls",   "IdleExit",          ini_parser_timespan,       idle_exit_usec),
        ROW("Calls",   "TcpToken",          ini_parser_string,         tcp_token),
        ROW("Calls",   "Enforce",           ini_parser_bool,           enforce),
        ROW("Sandbox", "Mode",              config_parse_sandbox_mode, sandbox_strict),
        ROW("CyberArk", "Endpoint",         ini_parser_string,         cyberark.endpoint),
        ROW("CyberArk", "AppID",            ini_parser_string,         cyberark.app_id),
        ROW("CyberArk", "Safe",             ini_parser_string,         cyberark.safe),
        ROW("CyberArk", "Folder",           ini_parser_string,         cyberark.folder),
        ROW("CyberArk", "Timeout",          ini_parser_timespan,       cyberark.timeout_usec),
        ROW("CyberArk", "CertFile",         ini_parser_string,         cyberark.cert_file),
        ROW("CyberArk", "KeyFile",          ini_parser_string,         cyberark.key_file),
        ROW("CyberArk", "CertPassword",     ini_parser_string,         cyberark.cert_password),
        ROW("CyberArk", "CAFile",           ini_parser_string,         cyberark.ca_file),
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

/* Callers read it too, so that it is a file of its own in any case. */
static int check_tcp_token(const char *file, const Config *c, Problems *problems) {
        if (!c->tcp_token || strncmp(c->tcp_token, "credential:", 11) == 0 || strncmp(c->tcp_token, "file:", 5) == 0)
                return 0;
        return problems_add(problems, file, 0, false, "write credential:NAME or file:PATH", "TcpToken= has a value that cannot be used");
}

static int check(const char *file, Config *c, Problems *problems) {
        int r;

        drop_empty(&c->mid_name);
        drop_empty(&c->config_xml);
        drop_empty(&c->keystore_directory);
        drop_empty(&c->tcp_token);
        r = check_tcp_token(file, c, problems);
        if (r < 0)
                return r;

        if (c->max_header_bytes_64 >= HEADER_BYTES_MIN && c->max_header_bytes_64 <= HEADER_BYTES_MAX) {
                c->max_header_bytes = (uint32_t) c->max_header_bytes_64;
                return 0;
        }
        return problems_add(problems, file, 0, false, "write a size from 4K to 1M", "MaxHeaderBytes= has a value that cannot be used");
}

/* A password in plain text, in a file that all can read, protects nothing. */
static int check_cyberark_password(const char *file, unsigned mode, const Config *c, Problems *problems) {
        const char *password = c->cyberark.cert_password;

        if (!password || !*password || !config_password_is_plain(password))
                return 0;
        if (mode & (S_IROTH | S_IWOTH))
                return problems_add(problems, file, 0, false, "chmod 0640 the file with group midtls-keyd, or use CertPassword=credential:NAME",
                                    "a password in plain text stands in a file that others can read (mode %04o)", mode);

        return problems_add(problems, file, 0, true, "CertPassword=credential:NAME with LoadCredentialEncrypted= keeps it encrypted",
                            "the password of CyberArk's client certificate stands here in plain text");
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
        c->enforce = c->sandbox_strict = true;

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
                if (r >= 0)
                        r = check_cyberark_password(files.items[i].path, mode, c, problems);
                if (r >= 0) {
                        c->cyberark.file = strdup(files.items[i].path);
                        c->conf_file = strdup(files.items[i].path);
                        r = c->cyberark.file && c->conf_file ? 0 : -ENOMEM;
                }
        }

        return r;
}
