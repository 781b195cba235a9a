#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only place that asks keyd for signatures
 *
 * Synchronous: libssl wants the signature inside SSL_do_handshake(). At most two seconds. After a timeout, a refusal or any surprise the connection is
 * closed, so that a late answer can never be read as the next one's. It never signs and never falls back to anything.
 */

#include "calld/keyprov/handshake.h"

#define KEYCLIENT_TIMEOUT_USEC (2 * USEC_PER_SEC)

typedef struct KeyClient KeyClient;

/* Opens a connection to keyd, as chan_connect() does. */
typedef int (*KeyClientConnect)(void *userdata, uint64_t deadline_usec, int *ret_fd);

/* Tells if keyd is known to be there; false: no connection is even tried. */
typedef bool (*KeyClientIsUp)(const void *userdata);

/* Connects at the first signature. @is_up may be NULL; both userdata outlive the client. Return: 0 or -ENOMEM */
int keyclient_new(KeyClientConnect connect, void *connect_userdata, KeyClientIsUp is_up, const void *userdata, KeyClient **ret) _must_check_;
KeyClient *keyclient_free(KeyClient *c);
DEFINE_CLEANUP(KeyClient *, keyclient_free)

/* For tests: another deadline than KEYCLIENT_TIMEOUT_USEC. */
void keyclient_set_timeout(KeyClient *c, uint64_t timeout_usec);

enum {
        _KEYCLIENT_E_SUCCESS,
        KEYCLIENT_E_NO_SIGNATURE, /* the reason is in the handshake */
};

/*
 * Asks keyd to sign @transcript for @h. The signature has @min to @max bytes, with @max at most PROTO_SIGNATURE_MAX.
 *
 * Return: 0 with *ret_size bytes in @signature, or KEYCLIENT_E_NO_SIGNATURE
 */
int keyclient_sign(KeyClient *c, Handshake *h, uint16_t tls_version, uint16_t scheme, Span transcript, size_t min, size_t max, uint8_t *signature,
                   size_t *ret_size) _must_check_;
