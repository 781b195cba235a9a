/* SPDX-License-Identifier: Apache-2.0 */

/* PROTOCOL.profile: the MID Protocol Profile */

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/parse.h"
#include "common/proto.h"
#include "keyd/loader/config/account.h"
#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/file.h"

/* What the rows fill before it is checked. */
typedef struct ProfileFile {
        ProfileConfig *p;
        ProfileConfig parsed;
        bool specific;
        char **mid_servers;
} ProfileFile;

#define ROW(section, key, parser, field) \
        { section, key, parser, offsetof(ProfileFile, field) }

/* clang-format off */
static const IniRow rows[] = {
        ROW("Profile", "Description",             ini_parser_string,              parsed.description),
        ROW("Profile", "KeystorePath",            ini_parser_string,              parsed.keystore_path),
        ROW("Profile", "KeystoreType",            config_parse_keystore_type,     parsed.keystore_type),
        ROW("Profile", "KeyAlias",                ini_parser_string,              parsed.key_alias),
        ROW("Profile", "Password",                ini_parser_string,              parsed.password),
        ROW("Profile", "KeyPassword",             ini_parser_string,              parsed.key_password),
        ROW("Profile", "ExternalCredentialStore", config_parse_credential_store,  parsed.store),
        ROW("Profile", "AppliesTo",               config_parse_applies_to,        specific),
        ROW("Profile", "MidServers",              ini_parser_words,               mid_servers),
        ROW("Profile", "DefaultPort",             ini_parser_port,                parsed.default_port),
        ROW("Server",  "CAFile",                  ini_parser_string,              parsed.ca_file),
        ROW("Server",  "PinnedSPKI",              config_parse_pins,              parsed.pins),
        ROW("Server",  "AllowedNames",            config_parse_hosts,             parsed.allowed_names),
        ROW("Server",  "MinimumTLS",              config_parse_tls_version,       parsed.minimum_tls),
        ROW("Server",  "CRLFile",                 ini_parser_string,              parsed.crl_file),
        ROW("Limits",  "MaxSignaturesPerMinute",  ini_parser_uint32,              parsed.max_signatures_per_minute),
};
/* clang-format on */

static void free_secret_text(char *s) {
        if (s)
                explicit_bzero(s, strlen(s));
        free(s);
}

static void profile_config_done(ProfileConfig *p) {
        free(p->name);
        free(p->file);
        free(p->reason);
        free(p->description);
        free(p->keystore_path);
        free(p->key_alias);
        free(p->key_file);
        free_secret_text(p->password);
        free_secret_text(p->key_password);
        free(p->ca_file);
        free(p->host_key_folder);
        strv_free(p->pins);
        strv_free(p->allowed_names);
        free(p->crl_file);
}

ProfileConfig *profile_config_free(ProfileConfig *p) {
        if (!p)
                return NULL;

        profile_config_done(p);
        free(p);
        return NULL;
}

static void profile_file_done(ProfileFile *f) {
        profile_config_done(&f->parsed);
        strv_free(f->mid_servers);
}

static bool is_empty(const char *s) {
        return !s || !*s;
}

static void drop_empty(char **s) {
        if (*s && !**s) {
                free(*s);
                *s = NULL;
        }
}

/* These say where the password is; anything else is the password itself. */
bool config_password_is_plain(const char *s) {
        static const char *const prefixes[] = {"credential:", "file:", "midtls:"};

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (strncmp(s, prefixes[i], strlen(prefixes[i])) == 0)
                        return false;

        return !account_find(s, NULL, NULL);
}

static int check_password(const ProfileConfig *p, unsigned mode, Problems *problems) {
        const char *const passwords[] = {p->password, p->key_password};

        for (size_t i = 0; i < ARRAY_SIZE(passwords); i++) {
                /* With a vault Password= is an account's ID. */
                if (is_empty(passwords[i]) || (i == 0 && p->store != CREDENTIAL_STORE_NO) || !config_password_is_plain(passwords[i]))
                        continue;
                if (mode & (S_IROTH | S_IWOTH))
                        return problems_add(problems, p->file, 0, false,
                                            "chmod 0640 the file with group midtls-keyd, or use Password=credential:NAME",
                                            "a password in plain text stands in a file that others can read (mode %04o)", mode);
                return problems_add(problems, p->file, 0, true, "Password=credential:NAME with LoadCredentialEncrypted= keeps it encrypted",
                                    "the password stands here in plain text");
        }
        return 0;
}

static int check_name(const char *name, const char *file, Problems *problems) {
        if (!protocol_name_valid(name))
                return problems_add(problems, file, 0, false,
                                    "name it with lower-case letters and digits, a letter first, 31 at most, no known URL scheme",
                                    "\"%s\" cannot be a protocol's name", name);
        /* A MID takes letters only, fewer than eight. */
        if (strlen(name) >= 8 || strpbrk(name, "0123456789"))
                return problems_add(problems, file, 0, true, "letters only and at most 7 of them, if the instance shall know it too",
                                    "a MID Server would not take the protocol name \"%s\"", name);
        return 0;
}

static int copy_from_xml(ProfileConfig *p, const Config *c, const XmlProtocol *x, Problems *problems) {
        p->from_config_xml = true;
        if (is_empty(x->path))
                return problems_add(problems, c->config_xml, x->line, false, "set its .path parameter", "mid.httpclient.protocol.%s has no path",
                                    x->name);
        if (x->password && strncmp(x->password, "encrypted:", 10) == 0)
                return problems_add(
                        problems, c->config_xml, x->line, false,
                        "only that MID can read it: put the password into the profile: Password= with what midtls encrypt prints, credential:NAME or file:PATH",
                        "mid.httpclient.protocol.%s.password is encrypted by the MID", x->name);
        if (!is_empty(x->port) && parse_port(x->port, &p->default_port) < 0)
                return problems_add(problems, c->config_xml, x->line, false, "write a port from 1 to 65535",
                                    "mid.httpclient.protocol.%s.port has a value that cannot be used", x->name);

        p->keystore_path = strdup(x->path);
        p->password = strdup(x->password ? x->password : "");
        if (!p->keystore_path || !p->password)
                return -ENOMEM;

        /* However it is spelled there */
        if (strncasecmp(p->password, ACCOUNT_CYBERARK_PREFIX, strlen(ACCOUNT_CYBERARK_PREFIX)) == 0)
                memcpy(p->password, ACCOUNT_CYBERARK_PREFIX, strlen(ACCOUNT_CYBERARK_PREFIX));
        return config_check_account(c, p->password, c->config_xml, x->line, problems);
}

/* Password= is the account's ID; the keystore is a file here, the one that config.xml names, or the value itself. */
static int choose_store(ProfileConfig *p, RoleStore store, const Config *c, const XmlProtocol *x, Problems *problems) {
        char *value = NULL;

        if (is_empty(p->password))
                return problems_add(problems, p->file, 0, false, account_form(store), "Password= does not tell the account's ID in %s",
                                    account_store_name(store));
        if (asprintf(&value, "%s%s", account_prefix(store), p->password) < 0)
                return -ENOMEM;
        free(p->password);
        p->password = value;

        if (!p->keystore_path && x && !is_empty(x->path)) {
                p->from_config_xml = true;
                p->keystore_path = strdup(x->path);
                if (!p->keystore_path)
                        return -ENOMEM;
        }
        return config_check_account(c, p->password, p->file, 0, problems);
}

/* Where key and password come from is chosen by which fields are empty, as on a MID. */
static int choose_source(ProfileConfig *p, const Config *c, const ConfigXml *xml, Problems *problems) {
        const XmlProtocol *x = configxml_find(xml, p->name);

        drop_empty(&p->keystore_path);
        drop_empty(&p->key_alias);
        drop_empty(&p->key_password);
        drop_empty(&p->ca_file);
        drop_empty(&p->crl_file);
        if (p->key_password) {
                int r = config_check_account(c, p->key_password, p->file, 0, problems);

                if (r < 0)
                        return r;
        }
        if (p->store != CREDENTIAL_STORE_NO)
                return choose_store(p,
                                    p->store == CREDENTIAL_STORE_CYBERARK ? ROLE_STORE_CYBERARK
                                    : p->store == CREDENTIAL_STORE_VAULT  ? ROLE_STORE_VAULT
                                                                          : ROLE_STORE_CONJUR,
                                    c, x, problems);
        if (p->keystore_path)
                return is_empty(p->password) ? 0 : config_check_account(c, p->password, p->file, 0, problems);
        if (!is_empty(p->password))
                return problems_add(problems, p->file, 0, false, "set both, or leave both empty to use config.xml",
                                    "Password= is set but KeystorePath= is not");
        if (!c->config_xml)
                return problems_add(problems, p->file, 0, false, "set KeystorePath=, or ConfigXml= in midtls.conf",
                                    "KeystorePath= is empty and there is no config.xml");
        if (!x)
                return problems_add(problems, p->file, 0, false, "set KeystorePath= here, or the parameters there",
                                    "KeystorePath= is empty and %s has no mid.httpclient.protocol.%s.path", c->config_xml, p->name);

        drop_empty(&p->password);
        return copy_from_xml(p, c, x, problems);
}

/* credential:NAME is no path and stays as it is. */
static int make_absolute(char **path, const char *directory) {
        char *joined;
        int r;

        if (!*path || strncmp(*path, "credential:", strlen("credential:")) == 0)
                return 0;
        r = path_join(directory, *path, &joined);
        if (r < 0)
                return r;

        free(*path);
        *path = joined;
        return 0;
}

static int folder_of(const char *file, char **ret) {
        const char *slash = strrchr(file, '/');

        *ret = slash ? strndup(file, (size_t) (slash - file)) : strdup(".");
        return *ret ? 0 : -ENOMEM;
}

static int resolve_paths(ProfileConfig *p, const Config *c) {
        _cleanup_free_ char *own = NULL, *xml = NULL;
        int r;

        r = folder_of(p->file, &own);
        if (r >= 0 && c->config_xml)
                r = folder_of(c->config_xml, &xml);
        if (r >= 0)
                r = make_absolute(&p->keystore_path, c->keystore_directory ? c->keystore_directory : xml ? xml : own);
        if (r >= 0)
                r = make_absolute(&p->ca_file, own);
        if (r >= 0)
                r = make_absolute(&p->crl_file, own);

        return r;
}

int config_load_profile(const ConfigFile *file, const Config *c, const ConfigXml *xml, ProfileConfig **ret, Problems *problems) {
        _cleanup_(profile_file_done) ProfileFile f = {
                .parsed = {.default_port = 443, .minimum_tls = TLS_VERSION_1_2, .max_signatures_per_minute = 6000},
        };
        ProfileConfig *p = &f.parsed;
        size_t n_before = problems->n_items;
        unsigned mode = 0;
        int r;

        p->name = strdup(file->name);
        p->file = strdup(file->path);
        p->host_key_folder = strdup(c->host_key_folder);
        if (!p->name || !p->file || !p->host_key_folder)
                return -ENOMEM;

        r = check_name(p->name, p->file, problems);
        if (r >= 0)
                r = config_file_parse(file, rows, ARRAY_SIZE(rows), problems, &f, &mode);
        if (r >= 0)
                r = check_password(p, mode, problems);
        if (r >= 0)
                r = choose_source(p, c, xml, problems);
        if (r >= 0)
                r = resolve_paths(p, c);
        if (r >= 0)
                r = config_first_error(problems, n_before, &p->reason);
        /* That is midtls.conf's fault: what the profile wants is known, so it keeps its key. */
        if (r >= 0)
                r = config_check_stores(c, p, problems);
        if (r < 0)
                return r;

        p->broken = p->reason;
        p->applies = !f.specific || config_applies_to(f.mid_servers, c->mid_name);
        f.p = malloc(sizeof(*p));
        if (!f.p)
                return -ENOMEM;
        *f.p = f.parsed;
        f.parsed = (ProfileConfig) {};
        *ret = TAKE_PTR(f.p);
        return 0;
}
