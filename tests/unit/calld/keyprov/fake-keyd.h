#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A keyd for tests: a thread that listens on a socket, states a snapshot and signs what it is sent with a real key
 *
 * It computes by itself what TLS has signed, so a handshake that a server accepts proves the transcript.
 */

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/buf.h"
#include "common/proto.h"

typedef enum FakeMode {
        FAKE_SIGN,
        FAKE_SILENT,      /* takes the request and never answers */
        FAKE_GARBAGE,     /* answers with a record that is no message */
        FAKE_WRONG_ID,    /* a good signature for another request */
        FAKE_REFUSE,      /* REFUSAL sni */
        FAKE_CLOSE,       /* closes instead of answering */
        FAKE_LONG,        /* a signature longer than the key's */
        FAKE_TWICE,       /* answers, then says the same again */
        FAKE_OLD_VERSION, /* WELCOME with another version */
} FakeMode;

#define FAKE_RECORDS_MAX 40U

typedef struct FakeKeyd {
        char folder[64];
        char path[96];
        int listen_fd, stop_fds[2];
        pthread_t thread;
        EVP_PKEY *key; /* borrowed */
        _Atomic int mode;
        _Atomic unsigned n_signatures, n_requests, n_connections;
        Buf records[FAKE_RECORDS_MAX]; /* what WATCH is answered with; fill it before the start */
        size_t n_records;
} FakeKeyd;

FakeKeyd *fake_keyd_new(EVP_PKEY *key);
void fake_keyd_start(FakeKeyd *f);

/* A KeyClientConnect: connects to the FakeKeyd at @userdata. */
int fake_keyd_connect(void *userdata, uint64_t deadline_usec, int *ret_fd);

/* Ends the thread and closes everything; the socket stays in the folder until fake_keyd_free(). */
void fake_keyd_stop(FakeKeyd *f);
FakeKeyd *fake_keyd_free(FakeKeyd *f);

/* What a TLS client signs for this transcript. */
void fake_keyd_tbs(Span transcript, uint16_t tls_version, Buf *ret);
