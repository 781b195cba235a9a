#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A ServiceNow instance: GET ADDRESS/api/now/table/TABLE, whose records become the text of profiles
 *
 * The value that is handed on has lines: "=NAME" begins a profile, whose lines of [Profile] follow; "!NAME WHY" is one that is not taken. No password
 * in clear passes: a profile with one is not taken.
 */

#include "keyd/fetcher/session.h"

/* Return: 0 with *ret filled, or -errno */
int instance_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) _must_check_;

/* What an answer means; asks nobody. @asked: part has the columns. @reply may be anything. Return: 0 with *ret filled, or -ENOMEM */
int instance_read(const FetchAsk *asked, const SessionReply *reply, FetchAnswer *ret) _must_check_;
