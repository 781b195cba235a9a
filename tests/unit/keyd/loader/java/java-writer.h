#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes JKS and JCEKS stores that keytool would not: every number, name and length can be a wrong one
 *
 * Independent of the readers: shares no code with them. All of it aborts on failure.
 */

#include <openssl/evp.h>

#include "common/wire.h"

typedef struct Fixture {
        EVP_PKEY *key;
        Buf pkcs8;       /* PrivateKeyInfo */
        Buf certificate; /* DER, self-signed */
} Fixture;

/* A P-256 key and a certificate for it. */
void fixture_init(Fixture *f);
void fixture_done(Fixture *f);

typedef struct JavaWriter {
        Buf store;
        WireWriter w;
        uint32_t version;
} JavaWriter;

void java_writer_init(JavaWriter *j, uint32_t magic, uint32_t version, uint32_t n_entries);
void java_writer_done(JavaWriter *j);
void java_writer_head(JavaWriter *j, uint32_t tag, Span alias);
void java_writer_certificate(JavaWriter *j, const char *type, Span der);

/* tag 1 with @n certificates, all the same */
void java_writer_private_key(JavaWriter *j, Span alias, Span protected, uint32_t n, Span certificate);

/* SHA-1(@utf16, "Mighty Aphrodite", everything so far); to be called last */
void java_writer_digest(JavaWriter *j, Span utf16);

#define DER_MAX (2U * 1024 * 1024)

/* ASCII to UTF-16BE */
void utf16_from_ascii(const char *s, Buf *ret);

/* EncryptedPrivateKeyInfo of both kinds. Above a million iterations it claims them and takes a zero key. */
void jks_protect(Span utf16, Span plain, Buf *ret);
void jceks_protect(const char *password, const uint8_t salt[8], bool old_slip, uint32_t iterations, Span plain, Buf *ret);

/* An EncryptedPrivateKeyInfo with any content; @parameter is DER. */
void protect_raw(const char *oid, Span parameter, Span content, Buf *ret);
void der_put(Buf *b, uint8_t tag, Span content);
void der_put_uint(Buf *b, uint64_t v);
void der_put_algorithm(Buf *b, const char *oid, Span parameter);
