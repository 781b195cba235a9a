#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an answer of CyberArk's Central Credential Provider means
 *
 * Pure: asks nobody. What comes in was written by whoever answered under the vault's name; no text of it but a checked error code is handed on.
 */

#include "keyd/crypto/fetch.h"

/* Fills *ret with a failure. @hint may be "". */
void ccp_fail(FetchAnswer *ret, FetchClass class, const char *hint, const char *detail_format, ...) _printf_(4, 5);

/*
 * @status: of HTTP; @body: what came with it, which may be anything
 *
 * Return: 0 with *ret filled, or -ENOMEM
 */
int ccp_read(const FetchAsk *asked, long status, const Secret *body, FetchAnswer *ret) _must_check_;
