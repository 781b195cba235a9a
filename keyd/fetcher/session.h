#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A vault that is asked over HTTPS: where it is, as whom, and the connection to it
 *
 * https alone, the server's certificate and name always checked, no redirect followed, no proxy, 1 MiB of answer at most.
 */

#include <curl/curl.h>

#include "keyd/crypto/fetch.h"

#define SESSION_BODY_MAX (1024U * 1024)

typedef struct Session {
        FetchOpen open; /* owned */
        Buf ca;         /* PEM */
        CURL *curl;
        struct curl_slist *addresses, *headers;
        char error[CURL_ERROR_SIZE];
} Session;

void session_done(Session *s);

/*
 * Looks up the vault's name: the last thing for which files are opened.
 *
 * Before: s->open and s->ca are set. Return: 0 with *ret_answer filled (FETCH_OK: it may be asked), or -errno
 */
int session_open(Session *s, FetchAnswer *ret_answer) _must_check_;

/* Asks once. Return: 0 with *ret filled, or -errno */
int session_ask(Session *s, const FetchAsk *ask, FetchAnswer *ret) _must_check_;
