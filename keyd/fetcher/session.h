#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A secret store that is asked over HTTPS: where it is, as whom, and the connection to it
 *
 * https alone, the server's certificate and name always checked, no redirect followed, no proxy, 1 MiB of answer at most.
 */

#include <curl/curl.h>

#include "keyd/crypto/fetch.h"

#define SESSION_BODY_MAX (1024U * 1024)
#define SESSION_URL_MAX 8192U

/* How messages call a store and its settings */
typedef struct SessionWords {
        const char *name;    /* "CyberArk" */
        const char *section; /* "[CyberArk]" */
        const char *address; /* the key that names the URL: "Endpoint=" */
        const char *example; /* of such a URL */
} SessionWords;

typedef struct Session {
        const SessionWords *words;
        FetchOpen open; /* owned */
        Buf ca;         /* PEM */
        CURL *curl;
        struct curl_slist *addresses;
        char error[CURL_ERROR_SIZE];

        /* What the store gave for the login; NULL: not logged in */
        Secret *token;
        bool token_is_old; /* it was used before: that it is refused may be for its age */
        bool is_refused;   /* the login failed, which is not tried again with the same: */
        FetchAnswer refusal;
} Session;

void session_done(Session *s);

/*
 * Looks up the store's name: the last thing for which files are opened.
 *
 * Before: s->words, s->open and s->ca are set. Return: 0 with *ret_answer filled (FETCH_OK: it may be asked), or -errno
 */
int session_open(Session *s, FetchAnswer *ret_answer) _must_check_;

typedef struct SessionRequest {
        const char *url;
        const struct curl_slist *headers; /* NULL: Accept: application/json alone */
        const Secret *body;               /* it is POSTed; NULL: GET */
        uint64_t deadline_usec;
} SessionRequest;

typedef struct SessionReply {
        long status;
        uint32_t retry_after_sec;
        bool is_html; /* by its Content-Type */
        Secret *body;
} SessionReply;

void session_reply_done(SessionReply *r);

/* Asks once. Return: 0 with *ret; 1 with *ret_failure filled: no answer came; -errno */
int session_send(Session *s, const SessionRequest *q, SessionReply *ret, FetchAnswer *ret_failure) _must_check_;

/* A login has failed as *ret says: so will every other of this session. */
void session_refuse(Session *s, const SessionReply *reply, FetchAnswer *ret);

/* Appends "NAME: VALUE" to *list, which curl_slist_free_all() frees; @value may be a secret. Return: 0 or -ENOMEM */
int session_add_header(struct curl_slist **list, const char *name, const void *value, size_t size) _must_check_;

/* Appends @text to @url, percent-encoded; @keep_slashes: but for its slashes. Return: 0, -EMSGSIZE, -ENOMEM */
int session_put_escaped(Session *s, Buf *url, const char *text, bool keep_slashes) _must_check_;
