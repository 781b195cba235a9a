#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Given what a file says of a password: the password, as a secret, or the reason why not */

#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

#define CREDENTIAL_PREFIX "credential:"

/* Where the value stands; all are borrowed. */
typedef struct PasswordPlace {
        const char *whose;           /* "profile mauth", for messages */
        const char *file;            /* its folder is the base of file:PATH; NULL: the current one */
        const char *host_key_folder; /* as host_key_read() */
} PasswordPlace;

/*
 * @value: credential:NAME, file:PATH, midtls:BASE64, or the password itself (*ret_is_plain then). What lies in a secret store is refused.
 *
 * Return: 0; 1 with *ret_failure filled; -errno
 */
int password_read(const PasswordPlace *p, const char *value, Secret **ret, bool *ret_is_plain, LoadFailure *ret_failure) _must_check_;

/* A file of $CREDENTIALS_DIRECTORY, whole. Return: as password_read */
int credential_read(const char *name, Secret **ret, LoadFailure *ret_failure) _must_check_;

/* What stands behind "midtls:", of up to 4 KiB. @host_key_folder: as host_key_read(). Return: 0; 1 with *ret_failure filled; -errno */
int password_decrypt(const char *base64, const char *host_key_folder, Secret **ret, LoadFailure *ret_failure) _must_check_;
