#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Conjur: POST /authn/ACCOUNT/LOGIN/authenticate with the API key, then GET /secrets/ACCOUNT/variable/ID
 *
 * A value comes as it is, without a name: an HTML page, which somebody in between may send, is never taken for one.
 */

#include "keyd/fetcher/session.h"

/* Return: 0 with *ret filled, or -errno */
int conjur_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) _must_check_;

/* What answers mean; asks nobody. @reply may be anything. Return: 0 with *ret filled, or -ENOMEM */
int conjur_read_value(const FetchAsk *asked, const SessionReply *reply, FetchAnswer *ret) _must_check_;

/* Return: 0 with *ret_token (base64, as the header takes it), or NULL and *ret filled; -ENOMEM */
int conjur_read_login(const SessionReply *reply, Secret **ret_token, FetchAnswer *ret) _must_check_;
