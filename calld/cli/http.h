#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Http: the client's side of HTTP/1.1 (RFC 9112) on one connected socket, one exchange at a time
 *
 * Bounded: a head has at most HTTP_HEAD_MAX bytes, a body is read piece by piece. Every wait ends after idle_usec with -ETIMEDOUT.
 * What is read comes from calld, and through it from a far server: it is checked strictly and never repaired.
 */

#include "common/buf.h"

#define HTTP_HEAD_MAX (256U * 1024)
#define HTTP_FIELDS_MAX 512U
#define HTTP_LINE_MAX 1024U /* a chunk's first line */

/* Outcomes */
#define HTTP_CLOSED 1    /* the peer closed before the message was complete */
#define HTTP_MALFORMED 2 /* not HTTP/1.1 as RFC 9112 has it */
#define HTTP_TOO_LARGE 3 /* more than the limits above */
#define HTTP_ANSWERS 4   /* http_send: the peer answers before all was sent, or takes no more; read its answer */

typedef enum HttpFraming {
        HTTP_FRAMING_NONE = 0,
        HTTP_FRAMING_LENGTH,
        HTTP_FRAMING_CHUNKED,
        HTTP_FRAMING_CLOSE,
} HttpFraming;

typedef struct Http {
        int fd; /* owned */
        uint64_t idle_usec;
        Buf in; /* read but not yet used */
        HttpFraming framing;
        uint64_t n_left; /* bytes of the body (of the chunk) still to come */
        bool in_chunks;  /* a chunk was begun: CRLF stands before the next one's size */
        bool ended;
} Http;

typedef struct HttpField {
        const char *name;
        const char *value;
} HttpField;

/* A head; its strings lie in text. */
typedef struct HttpHead {
        Buf text;
        unsigned status;
        const char *reason;
        HttpField *fields;
        size_t n_fields;
} HttpHead;

#define HTTP_HEAD_INIT \
        { .text = BUF_INIT(HTTP_HEAD_MAX) }

/* Takes @fd. */
void http_init(Http *h, int fd, uint64_t idle_usec);
void http_done(Http *h);

void http_head_done(HttpHead *head);

/* The first field of that name (any case), or NULL. */
const char *http_head_find(const HttpHead *head, const char *name);

/* Return: 0, HTTP_ANSWERS, -errno */
int http_send(Http *h, const void *data, size_t size) _must_check_;

/*
 * Reads a final head; 1xx heads are passed over. @is_head: the request was HEAD, no body follows.
 *
 * Return: 0, HTTP_CLOSED, HTTP_MALFORMED, HTTP_TOO_LARGE, -errno
 */
int http_read_head(Http *h, bool is_head, HttpHead *ret) _must_check_;

/* The next piece of the body; *ret_size 0: it is complete. Return: 0, HTTP_CLOSED, HTTP_MALFORMED, HTTP_TOO_LARGE, -errno */
int http_read_body(Http *h, void *data, size_t size, size_t *ret_size) _must_check_;

/* Parses @text (with its empty line) in place; the caller checks nothing before. Return: 0 or an outcome or -ENOMEM */
int http_head_parse(HttpHead *head) _must_check_;

/* How the body of @head ends. Return: 0 or HTTP_MALFORMED */
int http_head_framing(const HttpHead *head, bool is_head, HttpFraming *ret, uint64_t *ret_length) _must_check_;
