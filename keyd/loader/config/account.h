#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a profile names what lies in a secret store
 *
 * CyberArk: ID, SAFE:ID, SAFE:ID:PLATFORM, or as a MID's config.xml has it, id=ID, type=TYPE. Vault: PATH or PATH#FIELD. Conjur: the variable.
 */

#include "common/role.h"

#define ACCOUNT_CYBERARK_PREFIX "cyberark:"
#define ACCOUNT_TEXT_MAX 250U /* characters of each part */

typedef struct AccountId {
        char container[ACCOUNT_TEXT_MAX + 1]; /* CyberArk: the safe; "": the configured one */
        char object[ACCOUNT_TEXT_MAX + 1];
        char part[ACCOUNT_TEXT_MAX + 1]; /* CyberArk: the platform, "": any; Vault: the field, "": the configured one */
} AccountId;

/* "CyberArk" */
const char *account_store_name(RoleStore store);

/* "cyberark:", with which a password begins that lies there; NULL: none does */
const char *account_prefix(RoleStore store);

/* How an ID of it is written, as a remedy. */
const char *account_form(RoleStore store);

/* Whether @value lies in a store: which one, and its ID there, borrowed from @value. The last two may be NULL. */
bool account_find(const char *value, RoleStore *ret, const char **ret_id);

/* @text: what stands behind the prefix. Return: 0; 1 when it is no ID of that store */
int account_parse(RoleStore store, const char *text, AccountId *ret) _must_check_;
