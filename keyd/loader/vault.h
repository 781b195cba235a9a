#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * CyberArk, asked through the fetcher, which is started when the first profile needs it
 *
 * All profiles of a load share one budget of time; a vault that is away is asked once, not once a profile. Lives as long as the load.
 */

#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

struct Vault {
        const CyberArkConfig *config; /* borrowed */
        int control_fd, fetch_fd;     /* borrowed */
        const char *profile;          /* borrowed; for which it is asked; the caller sets it */
        uint64_t deadline_usec;       /* of all fetches together */
        bool is_open;
        bool is_down;     /* no use to ask again in this load: */
        LoadFailure down; /* why */
        bool wants_retry;
        uint32_t retry_after_sec;
};

void vault_init(Vault *v, const CyberArkConfig *config, int control_fd, int fetch_fd, uint64_t budget_usec);
void vault_done(Vault *v);

/*
 * The value of the account @id: what stands behind "cyberark:". @v NULL: nobody can be asked.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_IO, _POLICY for what somebody should look at, those of load_key() for the client
 * certificate); -errno
 */
int vault_fetch(Vault *v, const char *id, Secret **ret, bool *ret_is_changing, LoadFailure *ret_failure) _must_check_;

/* Notes that the load is to be done again, not before @after_sec. */
void vault_want_retry(Vault *v, uint32_t after_sec);

/* Tells the supervisor, when something is to be tried again. Return: 0 or -errno */
int vault_tell_retry(const Vault *v) _must_check_;

/*
 * vault-value.c: whether a value is a keystore: PEM, or base64 (in lines or not) of a PKCS#12 file or a Java keystore
 *
 * Return: 0, *ret NULL when it is a password; -errno
 */
int vault_value_as_keystore(const Secret *value, Secret **ret) _must_check_;
