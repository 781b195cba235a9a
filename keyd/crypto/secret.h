#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Secret: bytes that must not leave keyd: passwords, keystores, keys
 *
 * Locked, not dumped, wiped when freed. There is no conversion to Span or Buf, so putting one on a wire does not compile.
 */

#include "common/def.h"

typedef struct Secret Secret;

/* An empty secret with room for @capacity bytes; it never grows. Return: 0 or -errno */
int secret_new(size_t capacity, Secret **ret) _must_check_;

/* A copy. The caller wipes the original. Return: 0 or -errno */
int secret_new_from(const void *data, size_t size, Secret **ret) _must_check_;

Secret *secret_free(Secret *s);
DEFINE_CLEANUP(Secret *, secret_free)

size_t secret_size(const Secret *s);
size_t secret_capacity(const Secret *s);

/* Borrowed; one NUL byte always follows the content. */
const uint8_t *secret_data(const Secret *s);
uint8_t *secret_writable(Secret *s);

/* Sets how many of the writable bytes count; @size is at most the capacity (asserted). */
void secret_set_size(Secret *s, size_t size);
