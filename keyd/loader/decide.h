#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What becomes of a profile: a new generation, the same one, the old one kept, or none
 *
 * Pure: reads no file, asks no clock.
 */

#include "common/msg-admin.h"
#include "keyd/loader/load.h"
#include "keyd/loader/request.h"

typedef struct ProfileResult {
        const ProfileConfig *config;

        /* What was found now; a part that could not be loaded is NULL. */
        LoadedKey *key;
        CaSet *ca;
        Buf crls; /* DER, one behind the other */
        bool key_failed, ca_failed, crls_failed;
        LoadFailure failure; /* of the first part that failed */
        bool left_out;       /* no part was read, which is to its failure */
        bool put_off;        /* left out, and read by a load that follows soon: it is told as it was */

        /* What it was before. */
        bool has_previous;
        bool had_crls;
        MsgProfile previous;      /* borrowed from the request */
        uint64_t last_generation; /* the highest that the profile has had */

        /* Decided */
        AdminWhat what;
        uint64_t generation;                  /* 0: no key */
        uint8_t state;                        /* ProtoState */
        bool keeps_key, keeps_ca, keeps_crls; /* as they were before */
        bool send_key;                        /* the signer does not have it */
        char reason[PROTO_TEXT_MAX + 1];
        char hint[PROTO_TEXT_MAX + 1];
} ProfileResult;

void profile_result_done(ProfileResult *r);

/* @load: what the supervisor said. */
void decide_profile(ProfileResult *r, const MsgLoad *load);

/* Whatever was decided: the profile has no key, and r->failure says why. */
void decide_fail(ProfileResult *r);

/* Bytes that a text of the protocol may not hold become '?'; cut at @size - 1. */
void decide_copy_text(char *ret, size_t size, const char *text);

/* Expiry warnings: how many of the thresholds (30, 14, 7, 1 days) @realtime has passed; 0: none, 5: expired */
unsigned decide_expiry_stage(int64_t not_after, int64_t realtime);
