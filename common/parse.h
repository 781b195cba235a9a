#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Strict values from text: what systemd takes, nothing more
 *
 * All return 0 or -EINVAL (-ERANGE where a range is given) and leave *ret alone on failure.
 */

#include "common/span.h"

/* Decimal digits only, no sign, no blanks. */
int parse_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret) _must_check_;

/* 1 yes true on y t / 0 no false off n f, any case */
int parse_bool(const char *s, bool *ret) _must_check_;

/* Bytes, with an optional K, M or G (1024-based) */
int parse_size(const char *s, uint64_t *ret) _must_check_;

/* systemd time span: "10s", "2min", "1h 30min", "250ms", a bare number is seconds; "infinity" is not taken */
int parse_timespan(const char *s, uint64_t *ret_usec) _must_check_;

/* 1 to 65535 */
int parse_port(const char *s, uint16_t *ret) _must_check_;

/* A profile's name: lower-case letters and digits, a letter first, at most 31, no known URL scheme */
bool protocol_name_valid(const char *s);

/* An alias: letters, digits, '-', '_', '.', a letter or digit first, at most PROTO_NAME_MAX; not "midtls" */
bool alias_name_valid(const char *s);

/* A DNS name (RFC 1123, 2.1) or an IP address literal without brackets */
bool host_valid(const char *s);

/* An IPv4 or IPv6 address literal */
bool host_is_address(const char *s);

/* Lower-case hex of @size bytes; @ret has room for 2 * size + 1. */
void hex_encode(const uint8_t *data, size_t size, char *ret);
