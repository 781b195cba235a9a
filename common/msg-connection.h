#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* CONNECTION: a Connection & Credential alias as its file and its profile make it */

#include "common/msg-list.h"

typedef enum RetryStrategy {
        RETRY_NONE,
        RETRY_FIXED,
        RETRY_EXPONENTIAL,
        RETRY_AFTER,
        _RETRY_MAX,
} RetryStrategy;

typedef struct MsgConnection {
        Span alias;
        Span profile;
        uint8_t state; /* PROTO_STATE_READY, or PROTO_STATE_UNAVAILABLE when its file is broken */
        Span reason;   /* what is wrong with the file */
        Span host;
        uint16_t port;
        Span base_path; /* "" or begins with "/" and does not end with one */
        TextList allow_users;
        TextList allow_groups;
        TextList allow_selinux_contexts;
        TextList allow_methods;
        TextList allow_paths;
        uint64_t connect_timeout_usec;
        uint64_t timeout_usec;
        uint64_t max_request_bytes;
        uint64_t max_response_bytes;
        bool http2;
        bool session_resumption;
        Span proxy; /* URL, empty for none */
        Span proxy_password;
        TextList deny_addresses; /* "loopback", "private", "link-local" or CIDR */
        TextList header_names;   /* same count as header_values */
        TextList header_values;
        uint8_t retry_strategy; /* RetryStrategy */
        uint64_t retry_interval_usec;
        uint32_t retry_count;
        uint64_t retry_max_elapsed_usec;
        TextList retry_status_codes; /* three digits each */
} MsgConnection;

int msg_connection_decode(Span body, MsgConnection *ret) _must_check_;
int msg_connection_encode(Buf *record, const MsgConnection *m) _must_check_;
