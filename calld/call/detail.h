#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a handshake shows of the far server, for `midtls test`: nothing of it is kept for other calls */

#include <openssl/ssl.h>

#include "common/def.h"

#define DETAIL_CERTIFICATES_MAX 12U
#define DETAIL_ISSUERS_MAX 64U
#define DETAIL_NAME_MAX 256U

typedef struct DetailCertificate {
        char subject[DETAIL_NAME_MAX];
        uint64_t not_after; /* seconds since 1970 */
} DetailCertificate;

typedef struct CallDetail {
        DetailCertificate chain[DETAIL_CERTIFICATES_MAX]; /* as the server sent it, its own first */
        size_t n_chain;
        char issuers[DETAIL_ISSUERS_MAX][DETAIL_NAME_MAX]; /* whose certificates the server takes */
        size_t n_issuers;                                  /* may be more than there is room for */
} CallDetail;

/* RFC 4514, readable: UTF-8 stays, what would disturb is escaped. Cut at @size. */
void detail_name(const X509_NAME *name, char *ret, size_t size);

/* 0 when there is none */
uint64_t detail_not_after(const X509 *certificate);

/* What the server sent, whether it is accepted or not. */
void detail_add_chain(CallDetail *d, X509_STORE_CTX *store_ctx);

/* Lets @ctx fill in the issuers of the handshake that it has, if that has a place for them. */
void detail_watch_request(SSL_CTX *ctx);
