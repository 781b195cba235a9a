#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An OpenSSL library context for one thread, with the algorithms that TLS needs
 *
 * Of its own, because threads of OpenSSL 3.0 that share a context spend their time on its locks. Of key types and decoders it has those that
 * certificates and handshakes need: for each certificate that comes OpenSSL compares all with all, which costs more than to check a signature.
 */

#include <openssl/types.h>

#include "common/def.h"

typedef struct Algorithms Algorithms;

/* Whatever was made in the context is freed before it. Return: 0, -ENOMEM, -EIO */
int algorithms_new(Algorithms **ret) _must_check_;
Algorithms *algorithms_free(Algorithms *a);
DEFINE_CLEANUP(Algorithms *, algorithms_free)

/* Borrowed. */
OSSL_LIB_CTX *algorithms_context(const Algorithms *a);

/* From now on this thread uses it wherever OpenSSL is not told another. NULL: the process's again. */
void algorithms_enter(const Algorithms *a);
