/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-list.h"

void msg_list_get(WireReader *r, size_t max, TextList *ret) {
        uint16_t n = wire_get_u16(r);

        ret->n_items = 0;
        wire_reader_check(r, n <= PROTO_LIST_MAX);

        for (size_t i = 0; i < n && !r->failed; i++)
                ret->items[ret->n_items++] = wire_get_text(r, 0, max);

        if (r->failed)
                ret->n_items = 0;
}

void msg_list_put(WireWriter *w, const TextList *list) {
        wire_put_u16(w, (uint16_t) list->n_items);
        for (size_t i = 0; i < list->n_items; i++)
                wire_put_text(w, list->items[i]);
}

int text_list_add(TextList *list, Span item) {
        if (list->n_items >= PROTO_LIST_MAX)
                return -E2BIG;

        list->items[list->n_items++] = item;
        return 0;
}

void msg_pins_get(WireReader *r, TextList *ret) {
        uint16_t n = wire_get_u16(r);

        ret->n_items = 0;
        wire_reader_check(r, n <= PROTO_LIST_MAX);
        for (size_t i = 0; i < n && !r->failed; i++)
                ret->items[ret->n_items++] = wire_get_fixed(r, PROTO_PIN_SIZE);
        if (r->failed)
                ret->n_items = 0;
}

void msg_pins_put(WireWriter *w, const TextList *pins) {
        wire_put_u16(w, (uint16_t) pins->n_items);
        for (size_t i = 0; i < pins->n_items; i++) {
                ASSERT(pins->items[i].size == PROTO_PIN_SIZE);
                wire_put_bytes(w, pins->items[i].data, PROTO_PIN_SIZE);
        }
}
