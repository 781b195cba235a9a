#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The keys channel: keys, grants and bindings to the signer, which takes them in one step */

#include "keyd/loader/publish.h"

enum {
        _GRANT_E_SUCCESS,
        GRANT_E_REFUSED, /* the signer went away, or answered what it must not */
};

/* Sends all and waits for KEYS_TAKEN. @batch: no other load's. *ret_n_missing: see MsgKeysTaken. Return: 0, GRANT_E_REFUSED, -ETIMEDOUT, other -errno */
int grant_send(const Publication *p, int fd, uint64_t batch, uint64_t deadline_usec, uint32_t *ret_n_missing) _must_check_;
