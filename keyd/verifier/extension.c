/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/extension.h"

void extension_list_get(WireReader *r, ExtensionList *ret) {
        WireReader list;

        ret->n_items = 0;
        wire_reader_init(&list, wire_get_vector(r, 2, 0, UINT16_MAX));

        while (wire_reader_more(&list)) {
                Extension e = {.type = wire_get_u16(&list)};

                e.body = wire_get_vector(&list, 2, 0, UINT16_MAX);
                /* RFC 8446, 4.2: there MUST NOT be more than one extension of the same type */
                if (list.failed || ret->n_items == EXTENSIONS_MAX || extension_find(ret, e.type)) {
                        wire_reader_check(r, false);
                        return;
                }
                ret->items[ret->n_items++] = e;
        }
}

const Extension *extension_find(const ExtensionList *list, uint16_t type) {
        for (size_t i = 0; i < list->n_items; i++)
                if (list->items[i].type == type)
                        return &list->items[i];
        return NULL;
}

Span extension_get_vector(WireReader *r, const ExtensionList *list, uint16_t type, size_t length_size, size_t min, size_t unit) {
        const Extension *e = extension_find(list, type);
        WireReader body;
        Span v;

        if (!e)
                return (Span) {};

        wire_reader_init(&body, e->body);
        v = wire_get_vector(&body, length_size, min, UINT16_MAX);
        wire_reader_check(r, wire_reader_end(&body) == 0 && v.size % unit == 0);
        return v;
}

bool u16_list_has(Span list, uint16_t v) {
        WireReader r;

        wire_reader_init(&r, list);
        while (wire_reader_more(&r))
                if (wire_get_u16(&r) == v && !r.failed)
                        return true;
        return false;
}
