#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A MID Server's config.xml: the parameters that midtls reads
 *
 * The file is never written. Its size is capped, any DOCTYPE is refused, nothing is fetched, no entity is expanded.
 */

#include "common/problem.h"
#include "keyd/crypto/secret.h"

/* mid.httpclient.protocol.NAME.* */
typedef struct XmlProtocol {
        char *name;
        char *path;
        char *port;
        char *password; /* wiped when freed */
        unsigned line;
} XmlProtocol;

/* ext.cred.*: how the MID asks CyberArk; NULL where there is no such parameter */
typedef struct XmlCyberArk {
        char *use;      /* use_cyberark */
        char *endpoint; /* ccp_endpoint */
        char *app_id;
        char *safe;                      /* safe_name */
        char *folder;                    /* safe_folder */
        char *timeout;                   /* seconds; over the network */
        char *safe_timeout;              /* likewise; by the Credential Provider on this host */
        char *cert_path, *cert_password; /* cyberark.cert_path, .cert_password; wiped when freed */
        char *verify_ssl, *check_revocation;
        unsigned line; /* of the last one */
} XmlCyberArk;

typedef struct ConfigXml {
        XmlCyberArk cyberark;
        char *mid_name; /* parameter `name` */
        XmlProtocol *protocols;
        size_t n_protocols;
} ConfigXml;

/*
 * @text comes from a file that another program writes. All that is wrong is added to @problems as being in @file.
 *
 * Return: 0, or -errno for our own failure
 */
int configxml_parse(const char *file, const Secret *text, ConfigXml **ret, Problems *problems) _must_check_;

ConfigXml *configxml_free(ConfigXml *x);
DEFINE_CLEANUP(ConfigXml *, configxml_free)

const XmlProtocol *configxml_find(const ConfigXml *x, const char *name);
