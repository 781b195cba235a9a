#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the error codes of CyberArk's Central Credential Provider and Credential Provider mean */

#include "keyd/crypto/fetch.h"

#define CYBERARK_HINT_QUERY "correct the account's ID (ID, SAFE:ID or SAFE:ID:PLATFORM), or Safe= and Folder= in [CyberArk]"
#define CYBERARK_HINT_IDENTITY \
        "see which certificates, addresses and users the vault allows for this application, and whether CertFile= is one of them"

typedef struct CyberArkMeaning {
        const char *code;
        FetchClass class;
        const char *what;
        const char *hint;
} CyberArkMeaning;

/* An error code is shown, so it holds nothing but capitals and digits. */
bool cyberark_code_valid(const char *code);

/* @code may be NULL. Return: NULL when it is not known */
const CyberArkMeaning *cyberark_find(const char *code);
