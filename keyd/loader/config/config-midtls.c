/* SPDX-License-Identifier: Apache-2.0 */

/* midtls.conf */

#include <string.h>
#include <sys/stat.h>

#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/file.h"

#define ROW(section, key, parser, field) \
        { section, key, parser, offsetof(Config, field) }

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
        ROW("CyberArk", "Endpoint",          ini_parser_string,         stores[ROLE_STORE_CYBERARK].endpoint),
        ROW("CyberArk", "Program",           ini_parser_string,         stores[ROLE_STORE_CYBERARK].program),
        ROW("CyberArk", "AppID",             ini_parser_string,         stores[ROLE_STORE_CYBERARK].identity),
        ROW("CyberArk", "Safe",              ini_parser_string,         stores[ROLE_STORE_CYBERARK].container),
        ROW("CyberArk", "Folder",            ini_parser_string,         stores[ROLE_STORE_CYBERARK].folder),
        ROW("CyberArk", "Timeout",           ini_parser_timespan,       stores[ROLE_STORE_CYBERARK].timeout_usec),
        ROW("CyberArk", "Refresh",           ini_parser_timespan,       stores[ROLE_STORE_CYBERARK].refresh_usec),
        ROW("CyberArk", "CertFile",          ini_parser_string,         stores[ROLE_STORE_CYBERARK].cert_file),
        ROW("CyberArk", "KeyFile",           ini_parser_string,         stores[ROLE_STORE_CYBERARK].key_file),
        ROW("CyberArk", "CertPassword",      ini_parser_string,         stores[ROLE_STORE_CYBERARK].cert_password),
        ROW("CyberArk", "CAFile",            ini_parser_string,         stores[ROLE_STORE_CYBERARK].ca_file),
        ROW("Vault",    "Address",           ini_parser_string,         stores[ROLE_STORE_VAULT].endpoint),
        ROW("Vault",    "Namespace",         ini_parser_string,         stores[ROLE_STORE_VAULT].scope),
        ROW("Vault",    "Mount",             ini_parser_string,         stores[ROLE_STORE_VAULT].container),
        ROW("Vault",    "KVVersion",         config_parse_kv_version,   stores[ROLE_STORE_VAULT].is_version1),
        ROW("Vault",    "Field",             ini_parser_string,         stores[ROLE_STORE_VAULT].field),
        ROW("Vault",    "Login",             config_parse_login,        stores[ROLE_STORE_VAULT].login),
        ROW("Vault",    "LoginPath",         ini_parser_string,         stores[ROLE_STORE_VAULT].login_path),
        ROW("Vault",    "Role",              ini_parser_string,         stores[ROLE_STORE_VAULT].identity),
        ROW("Vault",    "SecretID",          ini_parser_string,         stores[ROLE_STORE_VAULT].credential),
        ROW("Vault",    "Token",             ini_parser_string,         stores[ROLE_STORE_VAULT].token),
        ROW("Vault",    "Timeout",           ini_parser_timespan,       stores[ROLE_STORE_VAULT].timeout_usec),
        ROW("Vault",    "Refresh",           ini_parser_timespan,       stores[ROLE_STORE_VAULT].refresh_usec),
        ROW("Vault",    "CertFile",          ini_parser_string,         stores[ROLE_STORE_VAULT].cert_file),
        ROW("Vault",    "KeyFile",           ini_parser_string,         stores[ROLE_STORE_VAULT].key_file),
        ROW("Vault",    "CertPassword",      ini_parser_string,         stores[ROLE_STORE_VAULT].cert_password),
        ROW("Vault",    "CAFile",            ini_parser_string,         stores[ROLE_STORE_VAULT].ca_file),
        ROW("Conjur",   "Address",           ini_parser_string,         stores[ROLE_STORE_CONJUR].endpoint),
        ROW("Conjur",   "Account",           ini_parser_string,         stores[ROLE_STORE_CONJUR].scope),
        ROW("Conjur",   "Login",             ini_parser_string,         stores[ROLE_STORE_CONJUR].identity),
        ROW("Conjur",   "APIKey",            ini_parser_string,         stores[ROLE_STORE_CONJUR].credential),
        ROW("Conjur",   "Timeout",           ini_parser_timespan,       stores[ROLE_STORE_CONJUR].timeout_usec),
        ROW("Conjur",   "Refresh",           ini_parser_timespan,       stores[ROLE_STORE_CONJUR].refresh_usec),
        ROW("Conjur",   "CertFile",          ini_parser_string,         stores[ROLE_STORE_CONJUR].cert_file),
        ROW("Conjur",   "KeyFile",           ini_parser_string,         stores[ROLE_STORE_CONJUR].key_file),
        ROW("Conjur",   "CertPassword",      ini_parser_string,         stores[ROLE_STORE_CONJUR].cert_password),
        ROW("Conjur",   "CAFile",            ini_parser_string,         stores[ROLE_STORE_CONJUR].ca_file),
        ROW("Instance", "Address",           ini_parser_string,         stores[ROLE_STORE_INSTANCE].endpoint),
        ROW("Instance", "User",              ini_parser_string,         stores[ROLE_STORE_INSTANCE].identity),
        ROW("Instance", "Password",          ini_parser_string,         stores[ROLE_STORE_INSTANCE].credential),
        ROW("Instance", "Table",             ini_parser_string,         stores[ROLE_STORE_INSTANCE].container),
        ROW("Instance", "Columns",           ini_parser_string,         stores[ROLE_STORE_INSTANCE].field),
        ROW("Instance", "Timeout",           ini_parser_timespan,       stores[ROLE_STORE_INSTANCE].timeout_usec),
        ROW("Instance", "Refresh",           ini_parser_timespan,       stores[ROLE_STORE_INSTANCE].refresh_usec),
        ROW("Instance", "CertFile",          ini_parser_string,         stores[ROLE_STORE_INSTANCE].cert_file),
        ROW("Instance", "KeyFile",           ini_parser_string,         stores[ROLE_STORE_INSTANCE].key_file),
        ROW("Instance", "CertPassword",      ini_parser_string,         stores[ROLE_STORE_INSTANCE].cert_password),
        ROW("Instance", "CAFile",            ini_parser_string,         stores[ROLE_STORE_INSTANCE].ca_file),
        ROW("Instance", "Precedence",        config_parse_precedence,   instance_first),
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

/* A secret in plain text, in a file that all can read, protects nothing. */
static int check_secret(const char *file, unsigned mode, const char *key, const char *secret, Problems *problems) {
        char hint[160];

        if (!secret || !*secret || !config_password_is_plain(secret))
                return 0;
        if (mode & (S_IROTH | S_IWOTH)) {
                snprintf(hint, sizeof(hint), "chmod 0640 the file with group midtls-keyd, or use %s=credential:NAME", key);
                return problems_add(problems, file, 0, false, hint, "a password in plain text stands in a file that others can read (mode %04o)",
                                    mode);
        }

        snprintf(hint, sizeof(hint), "%s=credential:NAME with LoadCredentialEncrypted= keeps it encrypted", key);
        return problems_add(problems, file, 0, true, hint, "%s= stands here in plain text", key);
}

static int check_secrets(const char *file, unsigned mode, const Config *c, Problems *problems) {
        static const char *const secret_keys[ROLE_STORES] = {
                [ROLE_STORE_CYBERARK] = "",
                [ROLE_STORE_VAULT] = "SecretID",
                [ROLE_STORE_CONJUR] = "APIKey",
                [ROLE_STORE_INSTANCE] = "Password",
        };
        int r = 0;

        for (size_t i = 0; i < ROLE_STORES && r >= 0; i++) {
                r = check_secret(file, mode, "CertPassword", c->stores[i].cert_password, problems);
                if (r >= 0)
                        r = check_secret(file, mode, "Token", c->stores[i].token, problems);
                if (r >= 0)
                        r = check_secret(file, mode, secret_keys[i], c->stores[i].credential, problems);
        }
        return r;
}

static int name_file(const char *file, Config *c) {
        for (size_t i = 0; i < ROLE_STORES; i++) {
                c->stores[i].file = strdup(file);
                if (!c->stores[i].file)
                        return -ENOMEM;
        }
        return 0;
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
        c->stores[ROLE_STORE_VAULT].login = FETCH_LOGIN_TOKEN;

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
                        r = check_secrets(files.items[i].path, mode, c, problems);
                if (r >= 0)
                        r = name_file(files.items[i].path, c);
                if (r >= 0) {
                        c->conf_file = strdup(files.items[i].path);
                        r = c->conf_file ? 0 : -ENOMEM;
                }
        }

        return r;
}
