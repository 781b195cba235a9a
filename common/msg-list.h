#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Bounded lists inside messages */

#include "common/proto.h"
#include "common/wire.h"

typedef struct TextList {
        Span items[PROTO_LIST_MAX];
        size_t n_items;
} TextList;

/* A two-byte count, then that many texts of at most @max bytes. */
void msg_list_get(WireReader *r, size_t max, TextList *ret);
void msg_list_put(WireWriter *w, const TextList *list);

/* Return: 0, or -E2BIG when the list is full */
int text_list_add(TextList *list, Span item) _must_check_;

/* Pins: a two-byte count, then items of PROTO_PIN_SIZE bytes each. */
void msg_pins_get(WireReader *r, TextList *ret);
void msg_pins_put(WireWriter *w, const TextList *pins);
