/* SPDX-License-Identifier: Apache-2.0 */

/* ext.cred.* of the MID's config.xml, for what [CyberArk] does not say */

#include <string.h>
#include <strings.h>

#include "common/parse.h"
#include "keyd/loader/config/config-internal.h"

#define TIMEOUT_MAX_SEC 60U

/* What midtls.conf says counts. *ret_taken: config.xml's was */
static int take(char **target, const char *value, bool *ret_taken) {
        *ret_taken = !*target && value && *value;
        if (!*ret_taken)
                return 0;

        *target = strdup(value);
        return *target ? 0 : -ENOMEM;
}

static int take_timeout(Config *c, const XmlCyberArk *x, Problems *problems) {
        StoreConfig *k = &c->stores[ROLE_STORE_CYBERARK];
        const char *name = k->program ? "ext.cred.safe_timeout" : "ext.cred.timeout", *value = k->program ? x->safe_timeout : x->timeout;
        uint64_t seconds;

        if (k->timeout_usec > 0 || !value || !*value)
                return 0;
        if (parse_uint(value, 1, TIMEOUT_MAX_SEC, &seconds) < 0)
                return problems_add(problems, c->config_xml, x->line, true, "write seconds from 1 to 60", "%s has a value that cannot be used", name);

        k->timeout_usec = seconds * USEC_PER_SEC;
        return 0;
}

static int take_certificate(Config *c, const XmlCyberArk *x, Problems *problems) {
        StoreConfig *k = &c->stores[ROLE_STORE_CYBERARK];
        bool taken;
        int r;

        r = take(&k->cert_file, x->cert_path, &taken);
        if (r < 0 || !taken)
                return r;
        r = store_config_make_absolute(c->config_xml, &k->cert_file);
        if (r < 0)
                return r;
        if (!k->cert_password && x->cert_password && strncmp(x->cert_password, "encrypted:", strlen("encrypted:")) == 0)
                return problems_add(problems, c->config_xml, x->line, true, "set CertPassword= in [CyberArk] of midtls.conf",
                                    "ext.cred.cyberark.cert_password is encrypted by the MID, and only that MID can read it");

        return take(&k->cert_password, x->cert_password, &taken);
}

int config_take_cyberark(Config *c, const XmlCyberArk *x, Problems *problems) {
        StoreConfig *k = &c->stores[ROLE_STORE_CYBERARK];
        bool taken;
        int r;

        if (x->use && strcasecmp(x->use, "true") != 0)
                return 0;

        /* How to ask is chosen by midtls.conf. */
        r = k->program ? 0 : take(&k->endpoint, x->endpoint, &taken);
        if (r >= 0)
                r = take(&k->identity, x->app_id, &taken);
        if (r >= 0)
                r = take(&k->container, x->safe, &taken);
        if (r >= 0)
                r = take(&k->folder, x->folder, &taken);
        if (r >= 0)
                r = take_timeout(c, x, problems);
        if (r >= 0 && !k->program)
                r = take_certificate(c, x, problems);
        if (r >= 0 && x->verify_ssl && strcasecmp(x->verify_ssl, "true") != 0)
                r = problems_add(
                        problems, c->config_xml, x->line, true, "name the CA of its certificate by CAFile= in [CyberArk] of midtls.conf",
                        "ext.cred.verify_ssl is not followed: who could stand between would get every secret; CyberArk's certificate is checked");
        if (r >= 0 && x->check_revocation && strcasecmp(x->check_revocation, "true") == 0 && k->endpoint)
                r = problems_add(
                        problems, c->config_xml, x->line, true, "name by CAFile= a CA that is used for nothing else",
                        "ext.cred.check_revocation is not followed: CyberArk's certificate is checked, but nobody is asked whether it was revoked");
        if (r >= 0 && !k->file) {
                k->file = strdup(c->config_xml);
                r = k->file ? 0 : -ENOMEM;
        }
        return r;
}
