#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The request fields Midtls-*: what a caller may ask of calld. An unknown one is refused, so that a typing error is never without effect. */

#include "calld/call/error.h"
#include "calld/soap/soap.h"
#include "common/span.h"

typedef struct RequestOptions {
        uint64_t timeout_usec; /* 0: not said */
        SoapVersion soap;
        const char *soap_action; /* borrowed; NULL: not said */
        bool soap_addressing;
        const char *token; /* borrowed; NULL: not said */
        bool retry_off;
        unsigned seen; /* bits: an option is said once */
} RequestOptions;

/* True for "Midtls-..." in any case. */
bool option_is_ours(const char *name);

/* Takes one field; both come from a caller, @value outlives @o. Return: 0, or 1 with *ret_error filled */
int option_take(RequestOptions *o, const char *name, const char *value, CallError *ret_error) _must_check_;
