/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/verbs.h"

#include <string.h>

/* clang-format off */
const VerbRow verb_table[] = {
        {"status",  VERB_STATUS,  verb_status,  0, 0,        "",                        "whether the services answer (default)"},
        {"list",    VERB_LIST,    verb_list,    0, 0,        "[--profiles]",            "connections (profiles): name, url, certificate, expiry, state"},
        {"show",    VERB_SHOW,    verb_show,    1, 1,        "NAME",                    "everything about one connection or profile"},
        {"call",    VERB_CALL,    verb_call,    1, 3,        "ALIAS [METHOD] PATH",     "make a call; also: call [METHOD] SCHEME://HOST/PATH"},
        {"soap",    VERB_SOAP,    verb_soap,    2, 2,        "ALIAS PATH --action URI", "wrap a body into a SOAP envelope, send it, show a Fault"},
        {"test",    VERB_TEST,    verb_test,    0, SIZE_MAX, "[ALIAS...]",              "try connections step by step; without ALIAS: all"},
        {"certs",   VERB_CERTS,   verb_certs,   0, 0,        "[--expiring 30d]",        "certificates and expiry; exit 1 when one expires within"},
        {"check",   VERB_CHECK,   verb_check,   0, 0,        "[--root DIR]",            "check the configuration; opens no socket and no key"},
        {"reload",  VERB_RELOAD,  verb_reload,  0, 0,        "[--dry-run]",             "read configuration and keys again; fails when a key could not be"},
        {"inspect", VERB_INSPECT, verb_inspect, 1, 1,        "FILE",                    "would keyd take this keystore, and what is in it"},
        {"encrypt", VERB_ENCRYPT, verb_encrypt, 0, 0,        "",                        "asks for a secret, prints midtls:BASE64 for this host"},
        {"log",     VERB_LOG,     verb_log,     0, 1,        "[-f] [ALIAS]",            "the audit trail, readable"},
        {NULL},
};
/* clang-format on */

const VerbRow *verb_find(const char *name) {
        for (const VerbRow *v = verb_table; v->name; v++)
                if (strcmp(v->name, name) == 0)
                        return v;

        return NULL;
}
