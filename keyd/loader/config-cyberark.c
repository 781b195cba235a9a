/* SPDX-License-Identifier: Apache-2.0 */

/* [CyberArk] of midtls.conf over ext.cred.* of the MID's config.xml */

#include <string.h>
#include <strings.h>

#include "common/parse.h"
#include "keyd/loader/config-internal.h"
#include "keyd/loader/cyberark-id.h"
#include "keyd/loader/file.h"

#define TIMEOUT_MIN_USEC (100 * USEC_PER_MSEC)
#define TIMEOUT_MAX_USEC (60 * USEC_PER_SEC)
#define TIMEOUT_USEC (10 * USEC_PER_SEC)
#define TEXT_MAX 500U

void cyberark_config_done(CyberArkConfig *c) {
        free(c->file);
        free(c->problem);
        free(c->endpoint);
        free(c->app_id);
        free(c->safe);
        free(c->folder);
        free(c->cert_file);
        free(c->key_file);
        if (c->cert_password)
                explicit_bzero(c->cert_password, strlen(c->cert_password));
        free(c->cert_password);
        free(c->ca_file);
}

static void drop_empty(char **s) {
        if (*s && !**s) {
                free(*s);
                *s = NULL;
        }
}

static int make_absolute(const char *file, char **path) {
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

/* What midtls.conf says counts. *ret_taken: config.xml's was */
static int take(char **target, const char *value, bool *ret_taken) {
        *ret_taken = !*target && value && *value;
        if (!*ret_taken)
                return 0;

        *target = strdup(value);
        return *target ? 0 : -ENOMEM;
}

static int take_timeout(Config *c, const XmlCyberArk *x, Problems *problems) {
        uint64_t seconds;

        if (c->cyberark.timeout_usec > 0 || !x->timeout || !*x->timeout)
                return 0;
        if (parse_uint(x->timeout, 1, TIMEOUT_MAX_USEC / USEC_PER_SEC, &seconds) < 0)
                return problems_add(problems, c->config_xml, x->line, true, "write seconds from 1 to 60",
                                    "ext.cred.timeout has a value that cannot be used");

        c->cyberark.timeout_usec = seconds * USEC_PER_SEC;
        return 0;
}

static int take_certificate(Config *c, const XmlCyberArk *x, Problems *problems) {
        CyberArkConfig *k = &c->cyberark;
        bool taken;
        int r;

        r = take(&k->cert_file, x->cert_path, &taken);
        if (r < 0 || !taken)
                return r;
        r = make_absolute(c->config_xml, &k->cert_file);
        if (r < 0)
                return r;
        if (!k->cert_password && x->cert_password && strncmp(x->cert_password, "encrypted:", strlen("encrypted:")) == 0)
                return problems_add(problems, c->config_xml, x->line, true, "set CertPassword= in [CyberArk] of midtls.conf",
                                    "ext.cred.cyberark.cert_password is encrypted by the MID, and only that MID can read it");

        return take(&k->cert_password, x->cert_password, &taken);
}

static int take_xml(Config *c, const XmlCyberArk *x, Problems *problems) {
        CyberArkConfig *k = &c->cyberark;
        bool taken;
        int r;

        if (x->use && strcasecmp(x->use, "true") != 0)
                return 0;

        r = take(&k->endpoint, x->endpoint, &taken);
        if (r >= 0)
                r = take(&k->app_id, x->app_id, &taken);
        if (r >= 0)
                r = take(&k->safe, x->safe, &taken);
        if (r >= 0)
                r = take(&k->folder, x->folder, &taken);
        if (r >= 0)
                r = take_timeout(c, x, problems);
        if (r >= 0)
                r = take_certificate(c, x, problems);
        if (r >= 0 && x->verify_ssl && strcasecmp(x->verify_ssl, "true") != 0)
                r = problems_add(
                        problems, c->config_xml, x->line, true, "name the CA of its certificate by CAFile= in [CyberArk] of midtls.conf",
                        "ext.cred.verify_ssl is not followed: who could stand between would get every secret; CyberArk's certificate is checked");
        if (r >= 0 && !k->file) {
                k->file = strdup(c->config_xml);
                r = k->file ? 0 : -ENOMEM;
        }
        return r;
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

/* Return: NULL when it can be asked, else why not; static */
static const char *find_problem(const CyberArkConfig *k) {
        if (!k->endpoint)
                return "Endpoint= is not set: https://HOST/AIMWebService/api/Accounts";
        if (!endpoint_valid(k->endpoint))
                return "Endpoint= is no https URL without user and query: https://HOST/AIMWebService/api/Accounts";
        if (!k->app_id)
                return "AppID= is not set: the name of the application in the vault";
        if (!k->cert_file)
                return "CertFile= is not set: the client certificate by which the vault knows this host";
        if (!text_valid(k->app_id) || (k->safe && !text_valid(k->safe)) || (k->folder && !text_valid(k->folder)))
                return "AppID=, Safe= or Folder= is too long, or no text";
        if (k->timeout_usec < TIMEOUT_MIN_USEC || k->timeout_usec > TIMEOUT_MAX_USEC)
                return "Timeout= is not between 100ms and 1min";

        return NULL;
}

static bool is_set(const CyberArkConfig *k) {
        return k->endpoint || k->app_id || k->safe || k->folder || k->cert_file || k->key_file || k->cert_password || k->ca_file;
}

int config_finish_cyberark(Config *c, const ConfigXml *xml, Problems *problems) {
        CyberArkConfig *k = &c->cyberark;
        char **const values[] = {&k->endpoint, &k->app_id, &k->safe, &k->folder, &k->cert_file, &k->key_file, &k->cert_password, &k->ca_file};
        char **const paths[] = {&k->cert_file, &k->key_file, &k->ca_file};
        const char *problem;
        bool is_own;
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                drop_empty(values[i]);
        for (size_t i = 0; i < ARRAY_SIZE(paths) && r >= 0 && k->file; i++)
                r = make_absolute(k->file, paths[i]);
        is_own = is_set(k);
        if (r >= 0 && xml)
                r = take_xml(c, &xml->cyberark, problems);
        if (r < 0)
                return r;
        if (k->timeout_usec == 0)
                k->timeout_usec = TIMEOUT_USEC;

        problem = is_set(k) ? find_problem(k) : "[CyberArk] in midtls.conf is empty: set Endpoint=, AppID=, Safe= and CertFile=";
        if (!problem)
                return 0;
        k->problem = strdup(problem);
        if (!k->problem)
                return -ENOMEM;

        /* A MID may ask CyberArk in another way, for other things. */
        return is_own ? problems_add(problems, k->file, 0, false, "", "[CyberArk] cannot be used: %s", problem) : 0;
}

int config_check_cyberark(const Config *c, const char *value, const char *file, unsigned line, Problems *problems) {
        CyberArkId id;

        if (strncmp(value, CYBERARK_PREFIX, strlen(CYBERARK_PREFIX)) != 0)
                return 0;
        if (c->cyberark.problem)
                return problems_add(problems, file, line, false, c->cyberark.problem, "CyberArk cannot be asked");
        if (cyberark_id_parse(value + strlen(CYBERARK_PREFIX), &id) != 0)
                return problems_add(problems, file, line, false, "write ID, SAFE:ID or SAFE:ID:PLATFORM",
                                    "the account's ID in CyberArk cannot be used");
        if (!id.safe[0] && !c->cyberark.safe)
                return problems_add(problems, file, line, false, "write SAFE:ID, or set Safe= in [CyberArk]",
                                    "the account's ID in CyberArk names no safe");

        return 0;
}
