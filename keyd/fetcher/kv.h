#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * HashiCorp Vault and OpenBao: key/value engines, versions 1 and 2; login by token, AppRole or client certificate
 *
 * A token that a login gave is revoked at the end. One that was configured is renewed when less than half of its life is left. What comes in was
 * written by whoever answered under the vault's name; no text of it is handed on.
 */

#include "keyd/fetcher/session.h"

/* Return: 0 with *ret filled, or -errno */
int kv_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) _must_check_;

/* Gives back what a login gave. */
void kv_end(Session *s);

/* kv-read.c: what answers mean; asks nobody. @status: of HTTP; @body: what came with it, which may be anything */

/* Return: 0 with *ret filled, or -ENOMEM */
int kv_read_value(const FetchAsk *asked, bool is_versioned, long status, const Secret *body, FetchAnswer *ret) _must_check_;

/* Return: 0 with *ret_token, or NULL and *ret filled; -ENOMEM */
int kv_read_login(long status, const Secret *body, Secret **ret_token, FetchAnswer *ret) _must_check_;

/* Whether the token that this tells of should be renewed now. */
bool kv_read_age(long status, const Secret *body);
