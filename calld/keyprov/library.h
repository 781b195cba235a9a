#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* OpenSSL for one thread: the algorithms that TLS needs (common/algorithms.h), and keys that are handles (provider.h) */

#include "calld/keyprov/provider.h"

typedef struct Library Library;

/* Whatever was made in the context is freed before it. Return: 0, -ENOMEM, -EIO */
int library_new(Library **ret) _must_check_;
Library *library_free(Library *l);
DEFINE_CLEANUP(Library *, library_free)

/* From now on this thread uses it wherever OpenSSL is not told another. NULL: the process's again. */
void library_enter(const Library *l);
