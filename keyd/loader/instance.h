#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Profiles of a ServiceNow instance: asked for while keys are loaded, kept as files by the supervisor, read as files by the next load
 *
 * So an instance that is away changes nothing, and what it says is read by the same rules as what stands in a file.
 */

#include "keyd/loader/secrets/vault.h"

/* Where the supervisor keeps them: $STATE_DIRECTORY/instance. Return: 0, *ret NULL when the service has no such folder; -ENOMEM */
int instance_folder(char **ret) _must_check_;

/*
 * Asks, if it is time, and tells the supervisor what to keep. What goes wrong is a problem, and changes nothing.
 *
 * Return: 0 or -errno
 */
int instance_sync(Vault *v, const Config *c, bool quiet, Problems *problems) _must_check_;
