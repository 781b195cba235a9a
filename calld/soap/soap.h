#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SOAP envelopes and Faults
 *
 * XML is read as a stream, without a tree: no network, no DTD, no entities but the predefined ones, no XInclude, elements at most SOAP_DEPTH_MAX
 * deep. What is passed on is never written anew. libxml2's home in calld.
 */

#include "common/buf.h"

#define SOAP_DEPTH_MAX 256U
#define SOAP_BODY_MAX (64U * 1024 * 1024)

typedef enum SoapVersion {
        SOAP_NONE,
        SOAP_1_1,
        SOAP_1_2,
} SoapVersion;

/* "1.1", "1.2"; anything else is SOAP_NONE */
SoapVersion soap_version_from_string(const char *s);

enum {
        _SOAP_E_SUCCESS,
        SOAP_E_INVALID, /* no XML that is taken; *ret_why (at most SOAP_WHY_SIZE) says what is wrong */
        SOAP_E_NO_FAULT,
};

#define SOAP_WHY_SIZE 160U

/*
 * Makes an envelope of that version around @body, or leaves *ret empty when @body is one already. @body comes from a caller; empty is taken for
 * an empty Body. @header: of soap_addressing(), or empty; an envelope that is there already is refused with it. *ret is initialised with a maximum.
 *
 * Return: 0, SOAP_E_INVALID, -EMSGSIZE, -ENOMEM
 */
int soap_wrap(SoapVersion version, Span header, Span body, Buf *ret, char ret_why[SOAP_WHY_SIZE]) _must_check_;

/*
 * A header with WS-Addressing's To, Action, MessageID and ReplyTo, for the soap_wrap() of either version. @to and @action come from a caller.
 * Return: 0 or as buf_append
 */
int soap_addressing(const char *to, const char *action, const char *message_id, Buf *ret) _must_check_;

/* Content-Type, and for 1.1 SOAPAction; @action may be NULL and holds no quote. Both at most @size, "" for none. Return: 0 or -EMSGSIZE */
int soap_fields(SoapVersion version, const char *action, char *ret_type, char *ret_action, size_t size) _must_check_;

typedef struct SoapFault {
        char code[128];    /* local part of the code: "Client", "Sender" */
        char string[3072]; /* percent-encoded UTF-8: RFC 3986, 2.1 */
} SoapFault;

/* @body comes from a far server. Return: 0, SOAP_E_NO_FAULT (also when it is no XML), -ENOMEM */
int soap_find_fault(Span body, SoapFault *ret) _must_check_;
