#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Extensions of TLS messages (RFC 8446, 4.2); borrows the transcript */

#include "common/wire.h"

/* https://www.iana.org/assignments/tls-extensiontype-values */
enum {
        EXTENSION_SERVER_NAME = 0,
        EXTENSION_SUPPORTED_GROUPS = 10,
        EXTENSION_SIGNATURE_ALGORITHMS = 13,
        EXTENSION_ALPN = 16,
        EXTENSION_PADDING = 21,
        EXTENSION_EXTENDED_MASTER_SECRET = 23,
        EXTENSION_PRE_SHARED_KEY = 41,
        EXTENSION_EARLY_DATA = 42,
        EXTENSION_SUPPORTED_VERSIONS = 43,
        EXTENSION_COOKIE = 44,
        EXTENSION_KEY_SHARE = 51,
        EXTENSION_RENEGOTIATION_INFO = 0xff01,
};

#define EXTENSIONS_MAX 64U

typedef struct Extension {
        uint16_t type;
        Span body;
} Extension;

typedef struct ExtensionList {
        Extension items[EXTENSIONS_MAX];
        size_t n_items;
} ExtensionList;

/* A vector of extensions with its two-byte length. Malformed also: one type twice, or more than EXTENSIONS_MAX. */
void extension_list_get(WireReader *r, ExtensionList *ret);

/* NULL when absent. */
const Extension *extension_find(const ExtensionList *list, uint16_t type);

/*
 * The content of an extension that is nothing but one vector; its data is NULL when the extension is absent. @r is marked failed when it is
 * malformed; @unit: the vector's size is a multiple of it.
 */
Span extension_get_vector(WireReader *r, const ExtensionList *list, uint16_t type, size_t length_size, size_t min, size_t unit);

/* Whether @v is in a list of two-byte numbers. */
bool u16_list_has(Span list, uint16_t v);
