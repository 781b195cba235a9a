/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/signer/replay.h"

bool replay_note(Replay *r, const uint8_t digest[static REPLAY_DIGEST_SIZE], uint64_t now) {
        uint64_t tag;

        memcpy(&tag, digest, sizeof(tag));

        for (size_t i = 0; i < REPLAY_ENTRIES; i++) {
                if (r->tags[i] != tag || r->noted_usec[i] == 0 || now - r->noted_usec[i] > REPLAY_USEC)
                        continue;
                if (span_equal(span_make(r->digests[i], REPLAY_DIGEST_SIZE), span_make(digest, REPLAY_DIGEST_SIZE)))
                        return false;
        }

        r->tags[r->next] = tag;
        r->noted_usec[r->next] = now;
        memcpy(r->digests[r->next], digest, REPLAY_DIGEST_SIZE);
        r->next = (r->next + 1) % REPLAY_ENTRIES;
        return true;
}
