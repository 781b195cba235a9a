#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Hosts with a key each, and what is encrypted to them, for the loader's tests. What goes wrong here fails the test. */

#include <openssl/cms.h>

#include "keyd/loader/secrets/cms.h"
#include "keyd/loader/secrets/host-key.h"

#define ENVELOPE_HOSTS 2U
#define ENVELOPE_SECRET "opensesame-4711"

extern char envelope_folders[ENVELOPE_HOSTS][32]; /* with host.key and host.pem */
extern HostKey envelope_hosts[ENVELOPE_HOSTS];

/* CMS in DER */
typedef struct Envelope {
        uint8_t *data;
        size_t size;
} Envelope;

/* Group setup and teardown: 0, or -1 when it failed */
int envelope_setup(void **state);
int envelope_teardown(void **state);

/* A file in a host's folder; valid until the next call. */
const char *envelope_path(size_t i, const char *name);

/* @oaep: as midtls encrypt does it; else as openssl cms does. */
Envelope envelope_make(size_t host, const EVP_CIPHER *cipher, bool oaep, const void *content, size_t size);
void envelope_done(Envelope *d);

/* To be freed. */
char *envelope_base64(const uint8_t *data, size_t size);

/* What password_decrypt() says on @host; VERDICT_OK with *ret set. */
Verdict envelope_decrypt(size_t host, const char *text, Secret **ret, LoadFailure *f);

/* On host 0; @says stands in detail or hint, NULL: anything. The last one takes the envelope. */
void expect_text(const char *text, Verdict verdict, const char *says);
void expect_der(const uint8_t *der, size_t size, Verdict verdict, const char *says);
void expect_envelope(Envelope d, Verdict verdict, const char *says);
