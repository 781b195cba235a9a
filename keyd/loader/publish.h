#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A load's outcome as the records of a snapshot, in the order that role.h names
 *
 * Pure: what is written was found before. Each record is decoded again before it is taken, so that one profile or connection with
 * something in it that the protocol cannot hold is published as unavailable instead of spoiling the snapshot.
 */

#include "keyd/loader/config/config.h"
#include "keyd/loader/decide.h"

typedef struct Publication {
        const Config *config;
        const LoadRequest *request;
        ProfileResult *results; /* of the profiles that apply */
        size_t n_results;
} Publication;

/* Adds SNAPSHOT, CERTIFICATES, CRL, PROFILE and CONNECTION to @ret, but not SNAPSHOT_END. Return: 0, -E2BIG, other -errno */
int publish_snapshot(const Publication *p, RecordList *ret) _must_check_;

/* The result for the profile of that name, or NULL. */
const ProfileResult *publish_find_result(const Publication *p, const char *name);

/* "host:port" of a connection as the verifier names it. Return: false when it is longer than ROLE_DESTINATION_MAX */
bool publish_destination(const ConnectionConfig *c, char ret[static ROLE_DESTINATION_MAX + 1]);

/* True when the connection may be used; else *ret_reason says why not (borrowed, or in @buffer). */
bool publish_connection_ready(const Publication *p, const ConnectionConfig *c, char *buffer, size_t size, const char **ret_reason);

/* PinnedSPKI= as bytes: @storage holds what @ret points to. Return: 0 or -EINVAL */
int publish_pins(char *const *pins, uint8_t storage[static PROTO_LIST_MAX][PROTO_PIN_SIZE], TextList *ret) _must_check_;
