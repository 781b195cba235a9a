#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the resolver and its lookup processes may still ask of the kernel
 *
 * A lookup inherits the resolver's filter and adds its own, so the resolver's list holds all of the lookup's.
 */

#include "common/def.h"

/* @ret_text: as landlock_confine(). Return: 0 or -errno */
int confine_resolver(bool sandbox_off, char *ret_text) _must_check_;

/* Return: 0 or -errno */
int confine_lookup(bool sandbox_off) _must_check_;
