#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The admin socket: what root may ask keyd's supervisor, one record one message as in proto.h
 *
 *      client                       keyd
 *      RELOAD dry_run            ->
 *                                <- REPORT* (one a profile, and one for each thing else that is wrong), RELOADED n_failed
 *      STATUS                    ->
 *                                <- STATUS_ANSWER
 *
 * Requests are answered in order, one at a time. Anything else closes the connection. No request carries a secret, a path or a key.
 */

#include "common/proto.h"
#include "common/wire.h"

typedef enum AdminMsgType {
        /* asked */
        ADMIN_RELOAD = 0x61,
        ADMIN_STATUS = 0x62,
        /* said */
        ADMIN_REPORT = 0x69, /* also from the loader to the supervisor, which passes it on unchanged */
        ADMIN_RELOADED = 0x6a,
        ADMIN_STATUS_ANSWER = 0x6b,
} AdminMsgType;

/* What became of a profile's key. */
typedef enum AdminWhat {
        ADMIN_WHAT_LOADED,    /* a new generation */
        ADMIN_WHAT_UNCHANGED, /* the same key as before */
        ADMIN_WHAT_KEPT_OLD,  /* the new one cannot be used, the old one stays */
        ADMIN_WHAT_FAILED,    /* there is none */
        ADMIN_WHAT_REMOVED,   /* the profile is gone, and its key with it */
        _ADMIN_WHAT_MAX,
} AdminWhat;

#define ADMIN_ROLES_MAX 8U

typedef struct MsgAdminReload {
        bool dry_run; /* tell what would happen, change nothing */
} MsgAdminReload;

typedef struct MsgAdminReport {
        Span profile; /* empty: not about one profile */
        uint8_t what; /* AdminWhat */
        Span sentence;
        Span hint; /* may be empty */
} MsgAdminReport;

typedef struct MsgAdminReloaded {
        uint32_t n_failed; /* reports that are kept-old or failed */
} MsgAdminReloaded;

typedef struct AdminRole {
        Span name;    /* "signer", "verifier" */
        uint32_t pid; /* 0: does not run */
        bool ready;
        uint32_t n_restarts;
        Span text; /* what it reached when it confined itself, e.g. how the signer's memory is protected */
} AdminRole;

typedef struct MsgAdminStatus {
        uint64_t revision; /* 0: there is no snapshot yet */
        uint32_t n_connections;
        uint32_t n_profiles;
        uint32_t n_unavailable; /* of both together */
        uint32_t n_loads;
        uint32_t n_failed_loads;
        AdminRole roles[ADMIN_ROLES_MAX];
        size_t n_roles;
} MsgAdminStatus;

/* "loaded" "unchanged" "kept-old" "failed" */
const char *admin_what_to_string(AdminWhat what);

static inline bool admin_what_is_failure(uint8_t what) {
        return what == ADMIN_WHAT_KEPT_OLD || what == ADMIN_WHAT_FAILED;
}

int msg_admin_reload_decode(Span body, MsgAdminReload *ret) _must_check_;
int msg_admin_reload_encode(Buf *record, const MsgAdminReload *m) _must_check_;
int msg_admin_report_decode(Span body, MsgAdminReport *ret) _must_check_;
int msg_admin_report_encode(Buf *record, const MsgAdminReport *m) _must_check_;
int msg_admin_reloaded_decode(Span body, MsgAdminReloaded *ret) _must_check_;
int msg_admin_reloaded_encode(Buf *record, const MsgAdminReloaded *m) _must_check_;
int msg_admin_status_decode(Span body, MsgAdminStatus *ret) _must_check_;
int msg_admin_status_encode(Buf *record, const MsgAdminStatus *m) _must_check_;
