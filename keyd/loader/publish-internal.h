#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Between the files that make up publish_snapshot() */

#include "keyd/loader/publish.h"

/* The CA set that a profile names, or NULL when it has no key. */
const uint8_t *publish_ca_set(const ProfileResult *r);

/* With its three-byte length. Return: 0 or as buf_append */
int publish_append_certificate(Buf *to, const Certificate *c) _must_check_;

/*
 * One PROFILE; a profile that cannot be said as it is has failed, and *result says so afterwards. A profile or connection that does not apply, or
 * whose name cannot be said, adds nothing.
 */
int publish_profile(ProfileResult *result, RecordList *ret) _must_check_;
int publish_connection(const Publication *p, const ConnectionConfig *c, RecordList *ret) _must_check_;
