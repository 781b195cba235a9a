#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The secret stores, each asked through a fetcher of its own, which is started when the first profile needs it
 *
 * All profiles of a load share one budget of time; a store that is away is asked once, not once a profile. Lives as long as the load.
 */

#include "keyd/crypto/secret.h"
#include "keyd/loader/config/account.h"
#include "keyd/loader/load.h"

typedef struct VaultChannel {
        int fd; /* borrowed */
        bool is_open;
        bool is_young;    /* what it gave before need not be asked for again yet */
        bool is_down;     /* no use to ask again in this load: */
        LoadFailure down; /* why */
} VaultChannel;

struct Vault {
        const StoreConfig *configs;  /* ROLE_STORES of them, borrowed; NULL: nobody is asked */
        const char *host_key_folder; /* borrowed */
        int control_fd;              /* borrowed */
        VaultChannel channels[ROLE_STORES];
        const char *profile;    /* borrowed; for which is asked; the caller sets it */
        uint64_t deadline_usec; /* of all fetches together */
        bool wants_retry;
        uint32_t retry_after_sec;
};

void vault_init(Vault *v, const Config *c, int control_fd, uint64_t budget_usec);
void vault_done(Vault *v);

/* Whether what the stores gave for @p is young enough, so that they need not be asked. */
bool vault_is_young(const Vault *v, const ProfileConfig *p);

/* How soon a value of @p is too old, seconds; UINT32_MAX: it asks nobody. */
uint32_t vault_refresh_sec(const Vault *v, const ProfileConfig *p);

/*
 * The value of the account @id in @store. @v NULL: nobody can be asked.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_IO, _POLICY for what somebody should look at, those of load_key() for the client
 * certificate, those of password_read() for what proves who asks); -errno
 */
int vault_fetch(Vault *v, RoleStore store, const char *id, Secret **ret, bool *ret_is_changing, LoadFailure *ret_failure) _must_check_;

/* Notes that the load is to be done again, not before @after_sec. */
void vault_want_retry(Vault *v, uint32_t after_sec);

/* Tells the supervisor, when something is to be tried again. Return: 0 or -errno */
int vault_tell_retry(const Vault *v) _must_check_;

/*
 * vault-open.c: hands the fetcher what it needs to ask @store: the CA certificates, who asks and what proves it.
 *
 * Return: 0; 1 with *f filled; -EMSGSIZE: it does not fit; other -errno
 */
int vault_send_open(const Vault *v, RoleStore store, uint64_t timeout_usec, LoadFailure *f) _must_check_;

/*
 * vault-value.c: whether a value is a keystore: PEM, or base64 (in lines or not) of a PKCS#12 file or a Java keystore
 *
 * Return: 0, *ret NULL when it is a password; -errno
 */
int vault_value_as_keystore(const Secret *value, Secret **ret) _must_check_;
