#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Genuine handshakes between libssl and libssl in memory, recorded on the client's side as calld does it */

#include <openssl/ssl.h>

#include "common/buf.h"
#include "common/proto.h"

/* Everything is borrowed. What is NULL stays at libssl's default. */
typedef struct RecordSpec {
        uint16_t version;
        const char *host; /* for server_name; NULL: none is sent */
        X509 *server_leaf, *client_leaf;
        EVP_PKEY *server_key, *client_key;
        STACK_OF(X509) *server_chain;
        const char *server_groups, *server_suites_1_2, *suites_1_3, *server_schemes, *client_schemes;
        const char *alpn;    /* wire form, "\x02h2" */
        bool server_max_1_2; /* the client still offers TLS 1.3 */
        bool ask_after;      /* the server asks for the certificate after the handshake */
        bool ems_off;
} RecordSpec;

typedef struct Recording {
        Buf transcript; /* up to what is there when the client signs */
        uint16_t scheme;
} Recording;

void recording_done(Recording *r);

/* Failures end the program. */
void record_handshake(const RecordSpec *spec, Recording *ret);
