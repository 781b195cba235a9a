#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What can go wrong with a call: one row for every code of the contract
 */

#include "common/def.h"

typedef enum CallCode {
        CALL_OK,
        CALL_ALIAS_UNKNOWN,
        CALL_CALLER_DENIED,
        CALL_REQUEST_INVALID,
        CALL_REQUEST_TOO_LARGE,
        CALL_OVERLOADED,
        CALL_KEY_UNAVAILABLE,
        CALL_KEY_EXPIRED,
        CALL_SIGNING_REFUSED,
        CALL_KEYD_UNAVAILABLE,
        CALL_DNS_FAILED,
        CALL_ADDRESS_DENIED,
        CALL_REQUEST_TIMEOUT,
        CALL_CONNECT_FAILED,
        CALL_SERVER_CERTIFICATE,
        CALL_CLIENT_CERTIFICATE_REJECTED,
        CALL_TLS_FAILED,
        CALL_RESPONSE_INVALID,
        CALL_RESPONSE_TOO_LARGE,
        CALL_TIMEOUT,
        CALL_INTERNAL, /* our own failure, out of memory and kin: 500 proxy_internal_error, code "internal" */
        _CALL_CODE_MAX,
} CallCode;

typedef struct CallCodeRow {
        const char *name;        /* "alias-unknown": the end of the problem's type */
        unsigned status;         /* 404 */
        const char *proxy_error; /* RFC 9209, 2.3: "destination_not_found" */
        const char *title;       /* "No such connection" */
        const char *hint;        /* what to do, when the error itself says nothing better */
} CallCodeRow;

const CallCodeRow *call_code_row(CallCode code);

typedef struct CallError {
        CallCode code;
        unsigned status;         /* 0: the row's */
        const char *proxy_error; /* NULL: the row's; static storage */
        const char *alert;       /* TLS alert's name, for tls_alert_received; static storage, or NULL */
        int alert_id;
        char detail[512]; /* what happened */
        char hint[512];   /* what to do; empty: the row's */
} CallError;

/* Sets @e, overwriting; the texts are cut at their size, never inside a UTF-8 character. */
void call_error_set(CallError *e, CallCode code, const char *hint, const char *detail_format, ...) _printf_(4, 5);
