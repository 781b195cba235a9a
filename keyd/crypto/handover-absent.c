/* SPDX-License-Identifier: Apache-2.0 */

/* A build without the signer: no key is handed over. */

#include "keyd/crypto/handover.h"

void key_handover_done(KeyHandover *h) {
        h->leaf = secret_free(h->leaf);
        h->pkcs8 = secret_free(h->pkcs8);
}

int key_handover_send(int fd _unused_, const KeyHandover *h _unused_, uint64_t deadline_usec _unused_) {
        return -ENOSYS;
}
