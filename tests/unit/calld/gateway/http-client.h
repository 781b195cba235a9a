#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A blocking HTTP client for tests: bytes as they are, the answer taken apart */

#include "common/buf.h"

typedef struct HttpAnswer {
        unsigned status; /* 0: the connection was closed instead */
        Buf head;        /* NUL-terminated */
        Buf body;
        bool cut; /* the connection ended before the body did */
} HttpAnswer;

#define HTTP_ANSWER_INIT \
        { .head = BUF_INIT(1024 * 1024), .body = BUF_INIT(64 * 1024 * 1024) }

void http_answer_done(HttpAnswer *a);

/* Return: a connected socket; asserts */
int http_connect(const char *path);
int http_connect_tcp(uint16_t port);
void http_send(int fd, const void *data, size_t size);
void http_send_text(int fd, const char *format, ...) _printf_(2, 3);

/* @is_head: no body comes, whatever its head says. */
void http_receive(int fd, bool is_head, HttpAnswer *ret);

/* The value of a field, valid until the next call; NULL without. @n: which of several */
const char *http_field(const HttpAnswer *a, const char *name, unsigned n);
