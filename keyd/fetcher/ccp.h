#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * CyberArk's Central Credential Provider: GET ENDPOINT?AppID&Safe&Folder&Object&PolicyID
 *
 * What comes in was written by whoever answered under the vault's name; no text of it but a checked error code is handed on.
 */

#include "keyd/fetcher/session.h"

/* Return: 0 with *ret filled, or -errno */
int ccp_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) _must_check_;

/*
 * What an answer means; asks nobody. @status: of HTTP; @body: what came with it, which may be anything
 *
 * Return: 0 with *ret filled, or -ENOMEM
 */
int ccp_read(const FetchAsk *asked, long status, const Secret *body, FetchAnswer *ret) _must_check_;
