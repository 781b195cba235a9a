#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which connection a request is for, and its path
 *
 * All spans are borrowed from the request target and the Host field, both of which come from a caller. The path is never rewritten:
 * percent-encoding is undone for decisions only.
 */

#include "common/span.h"

#define TARGET_RESERVED_AUTHORITY "midtls"

typedef enum TargetKind {
        TARGET_ALIAS,    /* origin-form with Host, or http://ALIAS/path */
        TARGET_RESERVED, /* the authority `midtls` */
        TARGET_URL,      /* PROTOCOL://host[:port]/path */
} TargetKind;

typedef struct Target {
        TargetKind kind;
        Span alias;
        Span scheme, authority, host; /* of TARGET_URL */
        uint16_t port;                /* 0: not said */
        Span path;                    /* path and query as sent: "" or begins with "/" or "?" */
} Target;

enum {
        _TARGET_E_SUCCESS,
        TARGET_E_INVALID,
};

/* @target: the request target as sent. @host: the value of the one Host field, "" without. Return: 0, TARGET_E_INVALID with *ret_why (static) */
int target_parse(Span target, Span host, Target *ret, const char **ret_why) _must_check_;

/* What lies in front of the query. */
Span target_path_only(Span path);

/*
 * True when "." and ".." segments, whatever part of them is percent-encoded, lead above where the path begins, or could lead there: "%2f" and
 * a backslash count as separators, what follows ";" in a segment does not count, and an empty segment is no step down.
 */
bool target_leaves_base(Span path);

/* True when any segment is "." or "..", percent-encoded or not. */
bool target_has_dot_segment(Span path);

/* The byte at the beginning of @rest, percent-decoded, which is taken off; -1 at the end. "%" without two hex digits stands for itself. */
int target_next_byte(Span *rest);
