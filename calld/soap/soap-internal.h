#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* How soap.c and fault.c read XML */

#include <libxml/parser.h>

#include "calld/soap/soap.h"

#define SOAP_NAMESPACE_1_1 "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP_NAMESPACE_1_2 "http://www.w3.org/2003/05/soap-envelope"

/* Of one element, namespace declarations included. */
#define SOAP_ATTRIBUTES_MAX 256U

typedef struct SoapReader SoapReader;

struct SoapReader {
        xmlParserCtxtPtr ctxt;
        unsigned depth;
        const char *refused; /* why it was stopped, NULL: not */

        void (*on_start)(SoapReader *r, const char *name, const char *uri); /* depth counts the element already */
        void (*on_end)(SoapReader *r);                                      /* depth counts it still */
        void (*on_text)(SoapReader *r, const char *text, size_t size);      /* may be NULL */
        void *userdata;
};

/* Return: 0, SOAP_E_INVALID with @ret_why, -ENOMEM */
int soap_read(SoapReader *r, Span body, char ret_why[SOAP_WHY_SIZE]) _must_check_;

/* scan.c: @body has an element with more attributes than SOAP_ATTRIBUTES_MAX; counts "=" in what looks like a tag, so never too few. */
bool soap_is_crowded(Span body);

/* What the XML declaration says, "utf-8" without one, "" when it cannot be told. Borrowed from @body. */
Span soap_declared_encoding(Span body);

/* Markup of @body is in ASCII, as far as its first bytes and its declaration say. */
bool soap_is_ascii_based(Span body);
