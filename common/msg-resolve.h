#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * calld and its resolver: LOOKUP asks, ANSWER answers, in any order
 *
 * The answer to RESOLVE_KEYD with RESOLVE_OK comes with one descriptor, every other record with none. The resolver's lookup processes answer it
 * with the same ANSWER.
 */

#include "common/proto.h"
#include "common/wire.h"

typedef enum ResolveMsgType {
        RESOLVE_LOOKUP = 0x61,
        RESOLVE_ANSWER = 0x62,
} ResolveMsgType;

typedef enum ResolveKind {
        RESOLVE_HOST = 1, /* addresses */
        RESOLVE_USER,     /* a uid */
        RESOLVE_GROUP,    /* a gid */
        RESOLVE_UNIT,     /* of the process whose number is the name: the answer's text */
        RESOLVE_KEYD,     /* a new connection to keyd's socket; has no name */
        _RESOLVE_KIND_MAX,
} ResolveKind;

typedef enum ResolveResult {
        RESOLVE_OK,
        RESOLVE_UNKNOWN,  /* there is no such name */
        RESOLVE_SILENT,   /* not within the time there was */
        RESOLVE_FAILED,   /* could not be looked up: the text says why */
        RESOLVE_OVERLOAD, /* too much is being looked up */
        _RESOLVE_RESULT_MAX,
} ResolveResult;

#define RESOLVE_NAME_MAX 255U
#define RESOLVE_TEXT_MAX 200U
#define RESOLVE_ADDRESSES_MAX 16U
#define RESOLVE_RECORD_MAX 1024U

typedef struct MsgLookup {
        uint64_t id; /* not 0 */
        ResolveKind kind;
        uint64_t deadline_usec;
        Span name;
} MsgLookup;

typedef struct ResolveAddress {
        bool is_ipv6;
        uint8_t bytes[16]; /* the first four of an IPv4 address */
} ResolveAddress;

typedef struct MsgAnswer {
        uint64_t id;
        ResolveResult result;
        Span text;                                       /* why not, for people; the unit */
        uint32_t number;                                 /* the uid or gid */
        ResolveAddress addresses[RESOLVE_ADDRESSES_MAX]; /* in the order in which they are to be tried */
        size_t n_addresses;
} MsgAnswer;

/* @body is the record without its type byte and comes from the peer. Return: 0 or WIRE_E_MALFORMED */
int msg_lookup_decode(Span body, MsgLookup *ret) _must_check_;
int msg_lookup_encode(Buf *record, const MsgLookup *m) _must_check_;
int msg_answer_decode(Span body, MsgAnswer *ret) _must_check_;
int msg_answer_encode(Buf *record, const MsgAnswer *m) _must_check_;
