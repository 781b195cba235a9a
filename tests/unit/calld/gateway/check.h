#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the tests of the gateway check over and over; setjmp.h, stdarg.h and cmocka.h come first */

#include "tests/unit/calld/gateway/rig.h"

#define ANSWER(name) _cleanup_(http_answer_done) HttpAnswer name = HTTP_ANSWER_INIT
#define NO_BODY ((Span) {})

void assert_body(const HttpAnswer *a, const void *data, size_t size);
bool head_has(const HttpAnswer *a, const char *text);
bool body_has(const HttpAnswer *a, const char *text);

/* An answer of our own: status, code, Proxy-Status, and the record with the same code. */
void assert_problem(Rig *r, const HttpAnswer *a, unsigned status, const char *code, const char *proxy_error);

/* @size bytes as the far server makes them; the caller frees. */
uint8_t *pattern(size_t size);
void send_chunks(int fd, const uint8_t *data, size_t size);
