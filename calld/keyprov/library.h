#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * OpenSSL for one thread: a library context with the algorithms of the default provider, and keys that are handles (provider.h)
 *
 * Of its own, because threads of OpenSSL 3.0 that share a context spend their time on its locks. Of key types and decoders it has those that a
 * TLS client needs: for each certificate that comes OpenSSL compares all with all, which costs more than to check a signature.
 */

#include "calld/keyprov/provider.h"

typedef struct Library Library;

/* Whatever was made in the context is freed before it. Return: 0, -ENOMEM, -EIO */
int library_new(Library **ret) _must_check_;
Library *library_free(Library *l);
DEFINE_CLEANUP(Library *, library_free)

/* From now on this thread uses it wherever OpenSSL is not told another. NULL: the process's again. */
void library_enter(const Library *l);
