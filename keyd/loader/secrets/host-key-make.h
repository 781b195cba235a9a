#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* --make-host-key: once, when midtls is installed */

#include "common/def.h"

/*
 * Makes host.key and host.pem in @folder (NULL: /etc/midtls) and prints what was made. Overwrites nothing: when host.pem is there,
 * nothing is done; when only host.key is, its certificate is made. As root, the key is given to the user midtls-keyd where there is one.
 *
 * Return: 0; 1 when it was refused or failed (said on standard error); -errno (not said yet)
 */
int host_key_make(const char *folder) _must_check_;
