#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A snapshot on its way: becomes the directory when it is whole
 *
 * What the directory has already, byte for byte, is shared with it and not made anew.
 */

#include "calld/call/directory.h"

/* Bounds, so that a keyd that lost its mind cannot take all memory. */
#define SNAPSHOT_ENTRIES_MAX 4096U
#define SNAPSHOT_CA_BYTES_MAX (16U * 1024 * 1024)

typedef struct Snapshot Snapshot;

enum {
        _SNAPSHOT_E_SUCCESS,
        SNAPSHOT_E_INVALID, /* malformed, out of turn, or it names what was not said */
};

/* @body: of SNAPSHOT. @current: to share with; outlives the snapshot. Return: 0, SNAPSHOT_E_INVALID, -ENOMEM */
int snapshot_new(const Directory *current, Span body, Snapshot **ret) _must_check_;
Snapshot *snapshot_free(Snapshot *s);
DEFINE_CLEANUP(Snapshot *, snapshot_free)

/* Takes CERTIFICATES, PROFILE or CONNECTION. Return: as snapshot_new */
int snapshot_take(Snapshot *s, uint8_t type, Span body) _must_check_;

/* SNAPSHOT_END: replaces the content of @d, which is the directory named at snapshot_new(). Return: as snapshot_new */
int snapshot_finish(Snapshot *s, Directory *d) _must_check_;

/* Shared with directory.c */
CaCertificates *ca_certificates_ref(CaCertificates *ca);
CaCertificates *ca_certificates_unref(CaCertificates *ca);
DEFINE_CLEANUP(CaCertificates *, ca_certificates_unref)
Profile *profile_ref(Profile *p);
Profile *profile_unref(Profile *p);
DEFINE_CLEANUP(Profile *, profile_unref)
