/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/crypto/cyberark.h"

#include <string.h>

#define HINT_APP "the vault's administrators define the application and what it may do; AppID= in [CyberArk] must be its name"
#define HINT_OBJECT "the ID is the account's Name; the application (AppID=) must be a member of its safe with the right to retrieve"

/* clang-format off */
static const CyberArkMeaning meanings[] = {
        {"AIMWS030E", FETCH_CONFIGURATION, "the query has an invalid format", CYBERARK_HINT_QUERY},
        {"AIMWS031E", FETCH_CONFIGURATION, "the query names no application", "set AppID= in [CyberArk]"},
        {"APPAP004E", FETCH_CONFIGURATION, "there is no such object, or this application may not read it", HINT_OBJECT},
        {"APPAP007E", FETCH_RETRY_ALL,     "the connection to the vault failed", HINT_LATER},
        {"APPAP008E", FETCH_ALERT,         "the application is not defined in the vault", HINT_APP},
        {"APPAP081E", FETCH_CONFIGURATION, "the query has invalid content", CYBERARK_HINT_QUERY},
        {"APPAP087E", FETCH_ALERT,         "the application may not run from this path", CYBERARK_HINT_IDENTITY},
        {"APPAP132E", FETCH_ALERT,         "the application does not have the hash that the vault expects", CYBERARK_HINT_IDENTITY},
        {"APPAP133E", FETCH_ALERT,         "this host or user may not use the application", CYBERARK_HINT_IDENTITY},
        {"APPAP227E", FETCH_CONFIGURATION, "more than one object fits the query", CYBERARK_HINT_QUERY},
        {"APPAP228E", FETCH_CONFIGURATION, "more than one object fits the query", CYBERARK_HINT_QUERY},
        {"APPAP229E", FETCH_CONFIGURATION, "more than one object fits the query", CYBERARK_HINT_QUERY},
        {"APPAP230E", FETCH_CONFIGURATION, "more than one object fits the query", CYBERARK_HINT_QUERY},
        {"APPAP249E", FETCH_CONFIGURATION, "there is no such object, or this application may not read it", HINT_OBJECT},
        {"APPAP251E", FETCH_CONFIGURATION, "more than one object fits the query", CYBERARK_HINT_QUERY},
        {"APPAP282E", FETCH_RETRY,         "the value is being changed just now", HINT_LATER},
        {"APPAP306E", FETCH_ALERT,         "the application could not be authenticated", CYBERARK_HINT_IDENTITY},
        {"APPAP324E", FETCH_CONFIGURATION, "there is no such object, or this application may not read it", HINT_OBJECT},
        {"CASVL010E", FETCH_CONFIGURATION, "the query has invalid characters", CYBERARK_HINT_QUERY},
};
/* clang-format on */

bool cyberark_code_valid(const char *code) {
        size_t size = strlen(code);

        return size > 0 && size <= FETCH_CODE_MAX && strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == size;
}

const CyberArkMeaning *cyberark_find(const char *code) {
        for (size_t i = 0; code && i < ARRAY_SIZE(meanings); i++)
                if (strcmp(meanings[i].code, code) == 0)
                        return &meanings[i];

        return NULL;
}
