/* SPDX-License-Identifier: Apache-2.0 */

/* The sections of the secret stores in midtls.conf: what they need, and what profiles want of them */

#include <string.h>
#include <strings.h>

#include "keyd/loader/config/account.h"
#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/file.h"

#define TIMEOUT_MIN_USEC (100 * USEC_PER_MSEC)
#define TIMEOUT_MAX_USEC (60 * USEC_PER_SEC)
#define TIMEOUT_USEC (10 * USEC_PER_SEC)
#define REFRESH_MIN_USEC (10 * USEC_PER_SEC)
#define REFRESH_MAX_USEC (24 * 60 * USEC_PER_MINUTE)
#define REFRESH_USEC (10 * USEC_PER_MINUTE)
#define TEXT_MAX 500U

static void free_secret_text(char *s) {
        if (s)
                explicit_bzero(s, strlen(s));
        free(s);
}

#define N_TEXTS 14U

static void list_texts(StoreConfig *k, char **ret[static N_TEXTS]) {
        char **const texts[N_TEXTS] = {
                &k->endpoint, &k->identity,   &k->scope,      &k->container, &k->folder,   &k->field,         &k->program,
                &k->token,    &k->credential, &k->login_path, &k->cert_file, &k->key_file, &k->cert_password, &k->ca_file,
        };

        memcpy(ret, texts, sizeof(texts));
}

void store_config_done(StoreConfig *c) {
        char **texts[N_TEXTS];

        list_texts(c, texts);
        for (size_t i = 0; i < N_TEXTS; i++)
                free_secret_text(*texts[i]);
        free(c->file);
        free(c->problem);
}

bool store_config_is_set(const StoreConfig *k) {
        StoreConfig copy = *k;
        char **texts[N_TEXTS];

        list_texts(&copy, texts);
        for (size_t i = 0; i < N_TEXTS; i++)
                if (*texts[i])
                        return true;

        return false;
}

int store_config_make_absolute(const char *file, char **path) {
        _cleanup_free_ char *folder = NULL;
        const char *slash = strrchr(file, '/');
        char *joined;
        int r;

        if (!*path || strncmp(*path, "credential:", strlen("credential:")) == 0)
                return 0;
        folder = slash ? strndup(file, (size_t) (slash - file) + 1) : strdup(".");
        r = folder ? path_join(folder, *path, &joined) : -ENOMEM;
        if (r < 0)
                return r;

        free(*path);
        *path = joined;
        return 0;
}

static bool text_valid(const char *s) {
        for (const char *p = s; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        return false;

        return strlen(s) <= TEXT_MAX;
}

/* RFC 3986, 3: without user, query and fragment. */
static bool endpoint_valid(const char *s) {
        static const char scheme[] = "https://";

        if (strncasecmp(s, scheme, strlen(scheme)) != 0 || strlen(s) > TEXT_MAX)
                return false;
        for (const char *p = s; *p; p++)
                if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f || strchr("?#@\\\"<>", *p))
                        return false;

        return s[strlen(scheme)] && s[strlen(scheme)] != '/';
}

static bool texts_valid(const StoreConfig *k) {
        const char *const texts[] = {k->identity, k->scope, k->container, k->folder, k->field, k->login_path, k->program};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (texts[i] && !text_valid(texts[i]))
                        return false;

        return true;
}

/* What each store needs: return NULL when it can be asked, else why not; static */

static const char *find_problem_cyberark(const StoreConfig *k) {
        if (k->program && k->endpoint)
                return "Endpoint= (Central Credential Provider) and Program= (Credential Provider on this host) are both set: set one";
        if (k->program && k->program[0] != '/')
                return "Program= is no absolute path: /opt/CARKaim/sdk/clipasswordsdk";
        if (k->program)
                return k->identity ? NULL : "AppID= is not set: the name of the application in the vault";
        if (!k->endpoint)
                return "Endpoint= is not set: https://HOST/AIMWebService/api/Accounts";
        if (!endpoint_valid(k->endpoint))
                return "Endpoint= is no https URL without user and query: https://HOST/AIMWebService/api/Accounts";
        if (!k->identity)
                return "AppID= is not set: the name of the application in the vault";
        if (!k->cert_file)
                return "CertFile= is not set: the client certificate by which the vault knows this host";

        return NULL;
}

static const char *find_problem_vault(const StoreConfig *k) {
        if (!k->endpoint)
                return "Address= is not set: https://HOST:8200";
        if (!endpoint_valid(k->endpoint))
                return "Address= is no https URL without user and query: https://HOST:8200";
        if (k->login == FETCH_LOGIN_TOKEN && !k->token)
                return "Token= is not set: file:PATH or credential:NAME; or set Login=approle or Login=certificate";
        if (k->login == FETCH_LOGIN_APPROLE && (!k->identity || !k->credential))
                return "Login=approle needs Role= (the role ID) and SecretID=";
        if (k->login == FETCH_LOGIN_CERTIFICATE && !k->cert_file)
                return "Login=certificate needs CertFile=";

        return NULL;
}

static const char *find_problem_conjur(const StoreConfig *k) {
        if (!k->endpoint)
                return "Address= is not set: https://HOST";
        if (!endpoint_valid(k->endpoint))
                return "Address= is no https URL without user and query: https://HOST";
        if (!k->scope || !k->identity || !k->credential)
                return "Account=, Login= (host/NAME) and APIKey= are needed";

        return NULL;
}

static const char *find_problem_instance(const StoreConfig *k) {
        if (!k->endpoint)
                return "Address= is not set: https://NAME.service-now.com";
        if (!endpoint_valid(k->endpoint))
                return "Address= is no https URL without user and query: https://NAME.service-now.com";
        if ((!k->identity || !k->credential) && !k->cert_file)
                return "User= and Password= are needed, or CertFile=";

        return NULL;
}

/* clang-format off */
static const struct {
        const char *section;
        const char *if_empty;
        const char *(*find_problem)(const StoreConfig *k);
} stores[ROLE_STORES] = {
        [ROLE_STORE_CYBERARK] = {"[CyberArk]", "[CyberArk] in midtls.conf is empty: set Endpoint=, AppID=, Safe= and CertFile=", find_problem_cyberark},
        [ROLE_STORE_VAULT]    = {"[Vault]",    "[Vault] in midtls.conf is empty: set Address= and Token=",                      find_problem_vault},
        [ROLE_STORE_CONJUR]   = {"[Conjur]",   "[Conjur] in midtls.conf is empty: set Address=, Account=, Login= and APIKey=",   find_problem_conjur},
        [ROLE_STORE_INSTANCE] = {"[Instance]", "", find_problem_instance},
};
/* clang-format on */

static const char *find_problem(RoleStore store, const StoreConfig *k) {
        const char *problem = store_config_is_set(k) ? stores[store].find_problem(k) : stores[store].if_empty;

        if (!problem && !texts_valid(k))
                problem = "a value is too long, or no text";
        if (!problem && (k->timeout_usec < TIMEOUT_MIN_USEC || k->timeout_usec > TIMEOUT_MAX_USEC))
                problem = "Timeout= is not between 100ms and 1min";
        if (!problem && (k->refresh_usec < REFRESH_MIN_USEC || k->refresh_usec > REFRESH_MAX_USEC))
                problem = "Refresh= is not between 10s and 1d";

        return problem;
}

static void drop_empty(StoreConfig *k) {
        char **texts[N_TEXTS];

        list_texts(k, texts);
        for (size_t i = 0; i < N_TEXTS; i++)
                if (*texts[i] && !**texts[i]) {
                        free(*texts[i]);
                        *texts[i] = NULL;
                }
}

/* A slash at the end of an address is none of the path. */
static void trim_address(RoleStore store, StoreConfig *k) {
        size_t size = k->endpoint && store != ROLE_STORE_CYBERARK ? strlen(k->endpoint) : 0;

        while (size > 0 && k->endpoint[size - 1] == '/')
                k->endpoint[--size] = 0;
}

static int set_default(char **target, const char *value) {
        if (*target)
                return 0;

        *target = strdup(value);
        return *target ? 0 : -ENOMEM;
}

static int set_vault_defaults(StoreConfig *k) {
        int r;

        r = set_default(&k->container, "secret");
        if (r >= 0)
                r = set_default(&k->field, "password");
        if (r >= 0)
                r = set_default(&k->login_path, k->login == FETCH_LOGIN_CERTIFICATE ? "cert" : "approle");
        return r;
}

/* The names of this table and its columns are not public: these are what the form calls them. */
static int set_instance_defaults(StoreConfig *k) {
        int r;

        r = set_default(&k->container, "mid_protocol_profile");
        return r < 0 ? r : set_default(&k->field, "protocol keystore_path applies_to mid_servers default_port external_credential_store password");
}

static int prepare(RoleStore store, StoreConfig *k) {
        char **const paths[] = {&k->cert_file, &k->key_file, &k->ca_file};
        int r = 0;

        drop_empty(k);
        trim_address(store, k);
        for (size_t i = 0; i < ARRAY_SIZE(paths) && r >= 0 && k->file; i++)
                r = store_config_make_absolute(k->file, paths[i]);
        if (r >= 0 && store == ROLE_STORE_VAULT && store_config_is_set(k))
                r = set_vault_defaults(k);
        if (r >= 0 && store == ROLE_STORE_INSTANCE && store_config_is_set(k))
                r = set_instance_defaults(k);

        return r;
}

static int finish(RoleStore store, StoreConfig *k, bool is_own, Problems *problems) {
        const char *problem;

        if (k->timeout_usec == 0)
                k->timeout_usec = TIMEOUT_USEC;
        if (k->refresh_usec == 0)
                k->refresh_usec = REFRESH_USEC;
        problem = find_problem(store, k);
        if (!problem)
                return 0;
        k->problem = strdup(problem);
        if (!k->problem)
                return -ENOMEM;

        /* A MID may ask CyberArk in another way, for other things. */
        return is_own ? problems_add(problems, k->file, 0, false, "", "%s cannot be used: %s", stores[store].section, problem) : 0;
}

int config_finish_stores(Config *c, const ConfigXml *xml, Problems *problems) {
        int r = 0;

        for (size_t i = 0; i < ROLE_STORES && r >= 0; i++) {
                StoreConfig *k = &c->stores[i];
                bool is_own;

                r = prepare((RoleStore) i, k);
                is_own = store_config_is_set(k);
                if (r >= 0 && xml && i == ROLE_STORE_CYBERARK)
                        r = config_take_cyberark(c, &xml->cyberark, problems);
                if (r >= 0)
                        r = finish((RoleStore) i, k, is_own, problems);
        }
        return r;
}

int config_check_account(const Config *c, const char *value, const char *file, unsigned line, Problems *problems) {
        RoleStore store;
        AccountId id;
        const char *text, *name;

        if (!account_find(value, &store, &text))
                return 0;
        name = account_store_name(store);
        if (account_parse(store, text, &id) != 0)
                return problems_add(problems, file, line, false, account_form(store), "the account's ID in %s cannot be used", name);
        if (store == ROLE_STORE_CYBERARK && !c->stores[store].problem && !id.container[0] && !c->stores[store].container)
                return problems_add(problems, file, line, false, "write SAFE:ID, or set Safe= in [CyberArk]",
                                    "the account's ID in CyberArk names no safe");

        return 0;
}

int config_check_stores(const Config *c, const ProfileConfig *p, Problems *problems) {
        const char *const values[] = {p->password, p->key_password};
        RoleStore store;
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(values) && r >= 0; i++)
                if (account_find(values[i], &store, NULL) && c->stores[store].problem)
                        r = problems_add(problems, p->file, 0, false, c->stores[store].problem, "%s cannot be asked", account_store_name(store));

        return r;
}
