#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/client.h"

void upload_done(Upload *u);

/*
 * What -d says: the bytes themselves, "@FILE", or "-" for standard input. A regular file is sent with its length, anything else in
 * chunks. @spec outlives @ret. Return: 0, or the exit status (the user has been told)
 */
int upload_open(const char *spec, Upload *ret) _must_check_;
