#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A far server for tests: HTTPS/1.1 in threads, with a client certificate demanded
 *
 *      /echo gives the body back, /echo-chunked in chunks, /bytes/N and /chunked/N give N bytes, /status/N, /tell gives the request's header back,
 *      /no-length ends with the connection, /truncated, /cut-chunks, /no-length-cut and /garbage misbehave, /silent says nothing, /fault is a SOAP Fault
 */

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/def.h"

typedef struct FarServer {
        SSL_CTX *ctx;
        int listen_fd, stop_fds[2];
        uint16_t port;
        pthread_t thread;
        bool plain, mute;
        _Atomic unsigned n_connections, n_requests, n_threads;
        atomic_bool stopping;
} FarServer;

typedef struct FarOptions {
        EVP_PKEY *key;
        X509 *certificate;
        X509 *client_ca; /* NULL: no client certificate is asked for */
        int tls_version; /* TLS1_2_VERSION, TLS1_3_VERSION */
        bool plain;      /* speaks HTTP where TLS is expected */
        bool mute;       /* says nothing, not even TLS */
} FarOptions;

FarServer *far_server_new(const FarOptions *o);
FarServer *far_server_free(FarServer *s);
