#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* DenyAddresses=: which addresses a name may not resolve to */

#include <sys/socket.h>

#include "common/msg-list.h"

/* Return: the entry of @deny that forbids @address, or NULL. An entry that is not understood forbids everything. */
const Span *address_find_denied(const struct sockaddr *address, const TextList *deny);

/* The same for a text; NULL when it is no address. */
const Span *address_find_denied_text(Span text, const TextList *deny);

/* The address without its port; "" for other families than IPv4 and IPv6. */
void address_to_string(const struct sockaddr *address, char *ret, size_t size);
