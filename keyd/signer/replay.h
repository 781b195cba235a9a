#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What was signed a short while ago, by SHA-256; bounded, the oldest makes room */

#include "common/span.h"

#define REPLAY_ENTRIES 4096U
#define REPLAY_USEC (10 * USEC_PER_MINUTE)
#define REPLAY_DIGEST_SIZE 32U

typedef struct Replay {
        uint64_t tags[REPLAY_ENTRIES];       /* the digest's first eight bytes: what is searched */
        uint64_t noted_usec[REPLAY_ENTRIES]; /* 0: empty */
        uint8_t digests[REPLAY_ENTRIES][REPLAY_DIGEST_SIZE];
        size_t next;
} Replay;

/* Notes @digest. Return: false when it had been noted within REPLAY_USEC; then nothing changes */
bool replay_note(Replay *r, const uint8_t digest[static REPLAY_DIGEST_SIZE], uint64_t now);
