#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Draft: a recorded transcript taken apart, changed at will, and signed again by the server's key, so that one rule alone can refuse it */

#include <openssl/evp.h>

#include "common/buf.h"

#define DRAFT_MESSAGES_MAX 16U
#define DRAFT_MAX (256U * 1024)

typedef struct DraftMessage {
        uint8_t type;
        Buf body;
} DraftMessage;

typedef struct Draft {
        DraftMessage messages[DRAFT_MESSAGES_MAX];
        size_t n_messages;
} Draft;

void draft_init(Draft *d, Span transcript);
void draft_done(Draft *d);

/* Appends the whole transcript to @ret. */
void draft_write(const Draft *d, Buf *ret);

/* The @nth message of a type, from 0; it must be there. */
DraftMessage *draft_find(Draft *d, uint8_t type, size_t nth);

/* Removes, inserts before, or swaps with the next one. */
void draft_remove(Draft *d, const DraftMessage *m);
void draft_insert(Draft *d, size_t position, uint8_t type, Span body);

/* @size bytes at @offset become @replacement. */
void draft_replace(DraftMessage *m, size_t offset, size_t size, Span replacement);

/* Body of an extension of a hello, EncryptedExtensions or a CertificateRequest of TLS 1.3; data NULL when absent. */
Span draft_extension(DraftMessage *m, uint16_t type);

/* Sets or adds an extension; removes it when @body.data is NULL. */
void draft_set_extension(DraftMessage *m, uint16_t type, Span body);

/* Adds an extension without looking for one of the type. */
void draft_add_extension(DraftMessage *m, uint16_t type, Span body);

/* Where a ServerHello's cipher suite, or a ClientHello's vector of suites, begins. */
size_t draft_suite_offset(const DraftMessage *m);

/* A new CertificateVerify of the server over what is there now. */
void draft_sign_1_3(Draft *d, EVP_PKEY *key, uint16_t scheme, const EVP_MD *digest, bool pss);

/* A new signature in ServerKeyExchange. */
void draft_sign_1_2(Draft *d, EVP_PKEY *key, uint16_t scheme, const EVP_MD *digest, bool pss);
