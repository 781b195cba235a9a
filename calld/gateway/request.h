#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A caller's request header: what passes, what stops here, and how the body is framed */

#include <microhttpd.h>

#include "calld/call/call.h"
#include "calld/gateway/options.h"

typedef struct Request {
        CallHeader *headers; /* those that pass, in order; the texts are libmicrohttpd's until the request is over */
        size_t n_headers;
        Span host; /* value of the Host field */
        unsigned n_hosts;
        bool has_body;
        bool expects_continue;
        bool from_page;    /* a browser sent it for a web page */
        bool bad_framing;  /* nobody can say where the body ends: answered at once, and the connection is closed */
        int64_t body_size; /* -1: chunked; 0 without a body */
        RequestOptions options;
        size_t n_bytes; /* of the whole header */
} Request;

/* Return: 0, 1 with *ret_error filled (as much of *ret as could be read is there all the same), -ENOMEM */
int request_read(struct MHD_Connection *connection, Request *ret, CallError *ret_error) _must_check_;
void request_done(Request *r);

/* For tests: whether @name stops here, given the values of the request's Connection fields. */
bool request_field_stops(const char *name, const char *const *connection_values, size_t n_values);
