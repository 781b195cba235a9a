/* SPDX-License-Identifier: Apache-2.0 */

/* ext.cred.* of the MID's config.xml, for what [CyberArk] does not say */

#include <string.h>
#include <strings.h>

#include "common/parse.h"
#include "keyd/loader/config-internal.h"

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
        uint64_t seconds;

        if (c->stores[ROLE_STORE_CYBERARK].timeout_usec > 0 || !x->timeout || !*x->timeout)
                return 0;
        if (parse_uint(x->timeout, 1, TIMEOUT_MAX_SEC, &seconds) < 0)
                return problems_add(problems, c->config_xml, x->line, true, "write seconds from 1 to 60",
                                    "ext.cred.timeout has a value that cannot be used");

        c->stores[ROLE_STORE_CYBERARK].timeout_usec = seconds * USEC_PER_SEC;
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

        r = take(&k->endpoint, x->endpoint, &taken);
        if (r >= 0)
                r = take(&k->identity, x->app_id, &taken);
        if (r >= 0)
                r = take(&k->container, x->safe, &taken);
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
