/* SPDX-License-Identifier: Apache-2.0 */

/* ALIAS.connection: the Connection & Credential alias */

#include <string.h>
#include <sys/stat.h>

#include "common/parse.h"
#include "common/proto.h"
#include "keyd/loader/config/account.h"
#include "keyd/loader/config/config-internal.h"

static int parse_header(const IniContext *c, void *target);

#define ROW(section, key, parser, field) \
        { section, key, parser, offsetof(ConnectionConfig, field) }

/* clang-format off */
static const IniRow rows[] = {
        ROW("Connection", "Profile",              ini_parser_string,           profile),
        ROW("Connection", "Host",                 config_parse_host,           host),
        ROW("Connection", "Port",                 ini_parser_port,             port),
        ROW("Connection", "BasePath",             config_parse_base_path,      base_path),
        ROW("Connection", "MidServers",           ini_parser_words,            mid_servers),
        ROW("Connection", "AllowUsers",           ini_parser_words,            allow_users),
        ROW("Connection", "AllowGroups",          ini_parser_words,            allow_groups),
        ROW("Connection", "AllowSELinuxContexts", ini_parser_words,            allow_selinux_contexts),
        ROW("Connection", "AllowMethods",         ini_parser_words,            allow_methods),
        ROW("Connection", "AllowPaths",           ini_parser_words,            allow_paths),
        ROW("HTTP",       "ConnectTimeout",       ini_parser_timespan,         connect_timeout_usec),
        ROW("HTTP",       "Timeout",              ini_parser_timespan,         timeout_usec),
        ROW("HTTP",       "MaxRequestBytes",      ini_parser_size,             max_request_bytes),
        ROW("HTTP",       "MaxResponseBytes",     ini_parser_size,             max_response_bytes),
        ROW("HTTP",       "HTTP2",                ini_parser_bool,             http2),
        ROW("HTTP",       "SessionResumption",    ini_parser_bool,             session_resumption),
        ROW("HTTP",       "Proxy",                config_parse_proxy,          proxy),
        ROW("HTTP",       "ProxyPassword",        ini_parser_string,           proxy_password),
        ROW("HTTP",       "DenyAddresses",        config_parse_deny_addresses, deny_addresses),
        ROW("Headers",    NULL,                   parse_header,                headers),
        ROW("Retry",      "Strategy",             config_parse_retry_strategy, retry_strategy),
        ROW("Retry",      "Interval",             ini_parser_timespan,         retry_interval_usec),
        ROW("Retry",      "Count",                ini_parser_uint32,           retry_count),
        ROW("Retry",      "MaxElapsed",           ini_parser_timespan,         retry_max_elapsed_usec),
        ROW("Retry",      "StatusCodes",          config_parse_status_codes,   retry_status_codes),
};
/* clang-format on */

ConnectionConfig *connection_config_free(ConnectionConfig *p) {
        char **lists[] = {
                p ? p->mid_servers : NULL,   p ? p->allow_users : NULL, p ? p->allow_groups : NULL,   p ? p->allow_selinux_contexts : NULL,
                p ? p->allow_methods : NULL, p ? p->allow_paths : NULL, p ? p->deny_addresses : NULL, p ? p->retry_status_codes : NULL,
        };

        if (!p)
                return NULL;

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
                strv_free(lists[i]);
        for (size_t i = 0; i < p->n_headers; i++) {
                free(p->headers[i].name);
                free(p->headers[i].value);
        }
        if (p->proxy_password)
                explicit_bzero(p->proxy_password, strlen(p->proxy_password));
        free(p->headers);
        free(p->alias);
        free(p->file);
        free(p->reason);
        free(p->profile);
        free(p->host);
        free(p->base_path);
        free(p->proxy);
        free(p->proxy_password);
        free(p->retry_strategy);
        free(p);
        return NULL;
}

/* RFC 9110, 5.6.2: a field name is a token. */
static bool token_valid(const char *s) {
        return *s && strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(s);
}

/* RFC 9110, 5.5: visible characters, blanks and tabs. */
static bool field_value_valid(const char *s) {
        for (const char *p = s; *p; p++)
                if (((unsigned char) *p < 0x20 && *p != '\t') || *p == 0x7f)
                        return false;

        return strlen(s) <= PROTO_VALUE_MAX;
}

/* Headers that calld writes itself, or that would change where a message ends. */
static bool header_is_ours(const char *name) {
        static const char *const names[] = {"connection", "content-length",      "expect",           "host",
                                            "keep-alive", "proxy-authorization", "proxy-connection", "te",
                                            "trailer",    "transfer-encoding",   "upgrade"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (span_is_nocase(span_from_string(name), names[i]))
                        return true;

        return strlen(name) >= 7 && span_is_nocase(span_make(name, 7), "midtls-");
}

static int parse_header(const IniContext *c, void *target) {
        ConnectionConfig *p = c->userdata;
        HeaderConfig *headers;

        (void) target;
        if (!token_valid(c->key) || !field_value_valid(c->value))
                return problems_add(c->problems, c->file, c->line, false, "write Name=value as in RFC 9110", "%s= is no header", c->key);
        if (header_is_ours(c->key))
                return problems_add(c->problems, c->file, c->line, false, "remove it", "the header %s is written by midtls itself", c->key);
        if (p->n_headers >= PROTO_LIST_MAX)
                return problems_add(c->problems, c->file, c->line, false, "64 at most", "too many headers");

        headers = calloc(p->n_headers + 1, sizeof(*headers));
        if (!headers)
                return -ENOMEM;
        if (p->n_headers > 0)
                memcpy(headers, p->headers, p->n_headers * sizeof(*headers));
        free(p->headers);
        p->headers = headers;
        headers[p->n_headers].name = strdup(c->key);
        headers[p->n_headers].value = strdup(c->value);
        p->n_headers++;

        return headers[p->n_headers - 1].name && headers[p->n_headers - 1].value ? 0 : -ENOMEM;
}

static int complain(const ConnectionConfig *p, Problems *problems, const char *remedy, const char *what) {
        return problems_add(problems, p->file, 0, false, remedy, "%s", what);
}

static int check_profile(ConnectionConfig *p, const Config *c, const ConfigXml *xml, Problems *problems) {
        const ProfileConfig *profile;

        if (!p->profile || !*p->profile)
                return complain(p, problems, "write Profile=NAME in [Connection], with a file NAME.profile", "Profile= is missing");

        profile = config_find_profile(c, p->profile);
        if (!profile && configxml_find(xml, p->profile))
                return problems_add(problems, p->file, 0, false, "make a file of that name that holds [Profile]; the rest may come from config.xml",
                                    "there is no %s.profile; %s has mid.httpclient.protocol.%s", p->profile, c->config_xml, p->profile);
        if (!profile && store_config_is_set(&c->stores[ROLE_STORE_INSTANCE]) && !secure_getenv("STATE_DIRECTORY"))
                return problems_add(problems, p->file, 0, true, "see midtls list",
                                    "Profile=%s: it may come from the instance, which only the service sees", p->profile);
        if (!profile)
                return problems_add(problems, p->file, 0, false, "make that file, or name another profile", "Profile=%s: there is no %s.profile",
                                    p->profile, p->profile);
        if (p->port == 0)
                p->port = profile->default_port;
        if (p->applies && !profile->applies)
                return problems_add(problems, p->file, 0, false, "name this host there, or other MidServers= here",
                                    "Profile=%s does not apply to this MID Server (%s)", p->profile, c->mid_name);
        return 0;
}

static int check_lists(const ConnectionConfig *p, Problems *problems) {
        char **const lists[] = {p->allow_users, p->allow_groups, p->allow_selinux_contexts, p->allow_methods, p->allow_paths};

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                if (strv_length(lists[i]) > PROTO_LIST_MAX)
                        return complain(p, problems, "64 at most", "an Allow...= list is too long");
                for (size_t k = 0; lists[i] && lists[i][k]; k++)
                        if (!field_value_valid(lists[i][k]) || strlen(lists[i][k]) > PROTO_TEXT_MAX)
                                return complain(p, problems, "1024 characters at most", "an Allow...= list has a word that cannot be used");
        }
        return 0;
}

static int check_proxy(const ConnectionConfig *p, unsigned mode, Problems *problems) {
        RoleStore store;

        if (!p->proxy_password || !*p->proxy_password)
                return 0;
        if (!p->proxy || !strchr(p->proxy, '@'))
                return complain(p, problems, "write Proxy=http://USER@HOST:PORT or the like", "ProxyPassword= is there, but Proxy= names no user");
        if (account_find(p->proxy_password, &store, NULL))
                return problems_add(problems, p->file, 0, false, "write credential:NAME, file:PATH or midtls:BASE64",
                                    "ProxyPassword= cannot be asked of %s", account_store_name(store));
        if (!config_password_is_plain(p->proxy_password))
                return 0;
        if (mode & (S_IROTH | S_IWOTH))
                return problems_add(problems, p->file, 0, false, "chmod 0640 the file with group midtls-keyd, or use ProxyPassword=credential:NAME",
                                    "a password in plain text stands in a file that others can read (mode %04o)", mode);
        return problems_add(problems, p->file, 0, true, "ProxyPassword=credential:NAME with LoadCredentialEncrypted= keeps it encrypted",
                            "the proxy's password stands here in plain text");
}

static int check(ConnectionConfig *p, unsigned mode, const Config *c, const ConfigXml *xml, Problems *problems) {
        int r = 0;

        if (!alias_name_valid(p->alias))
                r = complain(p, problems, "letters, digits, '-', '_' and '.', 63 at most, not \"midtls\"", "the file's name cannot be an alias");
        if (r >= 0 && (!p->host || !*p->host))
                r = complain(p, problems, "write Host= in [Connection]", "Host= is missing");
        if (r >= 0 && (p->connect_timeout_usec == 0 || p->timeout_usec == 0))
                r = complain(p, problems, "write a time span above zero", "ConnectTimeout= or Timeout= is zero");
        if (r >= 0)
                r = check_lists(p, problems);
        if (r >= 0)
                r = check_proxy(p, mode, problems);
        if (r >= 0)
                r = check_profile(p, c, xml, problems);

        return r;
}

static int set_defaults(ConnectionConfig *p, const ConfigFile *file) {
        p->alias = strdup(file->name);
        p->file = strdup(file->path);
        p->base_path = strdup("");
        p->connect_timeout_usec = 10 * USEC_PER_SEC;
        p->timeout_usec = 175 * USEC_PER_SEC;
        p->max_request_bytes = p->max_response_bytes = UINT64_C(64) << 20;
        p->http2 = p->session_resumption = true;
        p->retry_strategy = strdup("none");
        p->retry_interval_usec = USEC_PER_SEC;
        p->retry_count = 3;
        p->retry_max_elapsed_usec = 60 * USEC_PER_SEC;

        return p->alias && p->file && p->base_path && p->retry_strategy ? 0 : -ENOMEM;
}

/* Lists that have a default when the file does not set them. */
static int set_default_lists(ConnectionConfig *p) {
        static const IniContext deny = {.value = "link-local"}, codes = {.value = "429 502 503 504"};
        int r = 0;

        if (!p->deny_addresses)
                r = ini_parser_words(&deny, &p->deny_addresses);
        if (r >= 0 && !p->retry_status_codes)
                r = ini_parser_words(&codes, &p->retry_status_codes);

        return r;
}

int config_load_connection(const ConfigFile *file, const Config *c, const ConfigXml *xml, ConnectionConfig **ret, Problems *problems) {
        _cleanup_(connection_config_freep) ConnectionConfig *p = NULL;
        size_t n_before = problems->n_items;
        unsigned mode = 0;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        r = set_defaults(p, file);
        if (r >= 0)
                r = config_file_parse(file, rows, ARRAY_SIZE(rows), problems, p, &mode);
        if (r >= 0)
                r = set_default_lists(p);
        if (r < 0)
                return r;

        p->applies = config_applies_to(p->mid_servers, c->mid_name);
        r = check(p, mode, c, xml, problems);
        if (r >= 0)
                r = config_first_error(problems, n_before, &p->reason);
        if (r < 0)
                return r;

        p->broken = p->reason;
        *ret = TAKE_PTR(p);
        return 0;
}
